//! Which API versions the simulated platform serves at a given time.
//! Source: <https://shopify.dev/docs/api/usage/versioning>.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use serde_json::{Value, json};

/// What became of the version in a request's path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// This version answers: the one asked for, or the oldest accessible one.
    By(String),
    /// There is no such version yet, or it is not a version at all.
    Unknown,
}

/// Accessible versions, oldest first; the last is the release candidate. A version is released on the first day of a
/// quarter and stays accessible until the sixteenth of that month one year later.
fn accessible(now: DateTime<Utc>) -> Vec<NaiveDate> {
    let today = now.date_naive();
    let quarter = NaiveDate::from_ymd_opt(today.year(), today.month0() / 3 * 3 + 1, 1).unwrap_or(today);
    let candidate = quarter + Months::new(3);
    let mut versions: Vec<_> = (0..=4).filter_map(|back| quarter.checked_sub_months(Months::new(3 * back))).collect();
    versions.retain(|released| {
        let end = *released + Months::new(12) + chrono::Days::new(15);
        today < end
    });
    versions.reverse();
    versions.push(candidate);
    versions
}

fn handle(released: NaiveDate) -> String {
    released.format("%Y-%m").to_string()
}

/// The newest stable version.
pub(super) fn latest(now: DateTime<Utc>) -> String {
    let versions = accessible(now);
    versions.iter().rev().nth(1).copied().map_or_else(|| "unstable".to_owned(), handle)
}

/// Which version answers a request for `wanted`. One that has run out is answered by the oldest accessible one.
pub(super) fn served(wanted: &str, now: DateTime<Utc>) -> Served {
    if wanted == "unstable" {
        return Served::By(wanted.to_owned());
    }
    let versions = accessible(now);
    let released = NaiveDate::parse_from_str(&format!("{wanted}-01"), "%Y-%m-%d");
    match (released, versions.first(), versions.last()) {
        (Ok(released), Some(first), Some(last)) if released.month0() % 3 == 0 && released <= *last => {
            Served::By(handle(released.max(*first)))
        }
        _ => Served::Unknown,
    }
}

/// `publicApiVersions`.
pub(super) fn public(now: DateTime<Utc>) -> Value {
    let versions = accessible(now);
    let candidate = versions.last().copied();
    let mut list: Vec<_> = versions
        .iter()
        .map(|released| {
            let name = handle(*released);
            json!({"handle": name, "displayName": name, "supported": Some(*released) != candidate})
        })
        .collect();
    list.push(json!({"handle": "unstable", "displayName": "unstable", "supported": false}));
    Value::Array(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_has_run_out_falls_forward() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(served("2025-04", now), Served::By("2026-01".to_owned()));
        assert_eq!(served("2025-10", now), Served::By("2026-01".to_owned()));
        assert_eq!(served("2026-10", now), Served::By("2026-10".to_owned()));
        assert_eq!(served("2027-01", now), Served::By("2027-01".to_owned()));
        assert_eq!(served("2027-04", now), Served::Unknown);
        assert_eq!(served("2026-11", now), Served::Unknown);
        assert_eq!(latest(now), "2026-10");
    }
}
