//! Times as people write and read them in commands, forms and queries. Everything is UTC.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// What people are told where a time is not understood.
const FORMS: &str = "a time is written as 2026-11-21T12:00:00Z, as milliseconds since 1970, or as 90m, 12h or 7d ago";

/// Reads a time: in RFC 3339, as a form sends it (`2026-11-21T12:00`), a day, milliseconds since 1970, or how long ago it is
/// (`90m`, `12h`, `7d`). Gives milliseconds since 1970.
///
/// # Errors
/// The sentence that says how times are written.
pub fn parse(text: &str, now_ms: i64) -> Result<i64, String> {
    let text = text.trim();
    let as_written = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let as_number = || text.parse::<i64>().ok();
    as_number()
        .or_else(as_written)
        .or_else(|| of_form(text))
        .or_else(|| ago(text, now_ms))
        .ok_or_else(|| FORMS.to_owned())
}

fn of_form(text: &str) -> Option<i64> {
    let time = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    time.or_else(day).map(|time| time.and_utc().timestamp_millis())
}

fn ago(text: &str, now_ms: i64) -> Option<i64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(now_ms.saturating_sub(i64::from(count) * seconds * 1000))
}

/// A time for people: `2026-11-21 12:00:00`.
#[must_use]
pub fn utc_text(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read_and_nonsense_is_not() {
        let noon = 1_795_262_400_000;
        for text in ["2026-11-21T12:00:00Z", "2026-11-21T13:00:00+01:00", "2026-11-21T12:00", " 1795262400000 "] {
            assert_eq!(parse(text, 0), Ok(noon), "{text}");
        }
        assert_eq!(parse("2026-11-21", 0), Ok(noon - 12 * 3_600_000));
        assert_eq!((parse("90m", noon), parse("2d", noon)), (Ok(noon - 5_400_000), Ok(noon - 172_800_000)));
        for text in ["", "m", "-5m", "yesterday", "2026-13-01", "99999999999d", "é"] {
            assert!(parse(text, 0).is_err(), "{text}");
        }
        assert_eq!(utc_text(noon), "2026-11-21 12:00:00");
    }
}
