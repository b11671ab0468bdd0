//! Variables that look like settings and are none: most often a slip of the finger, which would be swallowed otherwise.

use std::collections::BTreeSet;
use std::fmt;

/// A first word that so many settings have in common is ours: `FACEBOOK_`.
const OURS: usize = 5;

/// In the environment, shorter names that only resemble a setting are somebody else's.
const SHORTEST: usize = 8;

/// A variable that is no setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its name.
    pub name: String,
    /// The setting whose name is nearest, where one is near.
    pub nearest: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is no setting of shoptalk", self.name)?;
        self.nearest.iter().try_for_each(|nearest| write!(formatter, "; did you mean {nearest}?"))
    }
}

impl Unknown {
    /// The unknown ones among the variables of the settings file and of the environment. The file is ours alone; the
    /// environment is everybody's, so only what resembles a setting is looked at there.
    pub fn among(
        known: &[String],
        in_file: impl Iterator<Item = String>,
        in_environment: impl Iterator<Item = String>,
    ) -> Vec<Self> {
        let first = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
        let is_ours = |name: &str| known.iter().filter(|known| first(known) == first(name)).count() >= OURS;
        let unknown = |name: String| Self { nearest: nearest(&name, known), name };
        let in_environment = in_environment
            .map(unknown)
            .filter(|unknown| is_ours(&unknown.name) || (unknown.name.len() >= SHORTEST && unknown.nearest.is_some()));
        let mut seen = BTreeSet::new();
        in_file
            .map(unknown)
            .chain(in_environment)
            .filter(|unknown| !known.contains(&unknown.name) && seen.insert(unknown.name.clone()))
            .collect()
    }
}

fn nearest(name: &str, known: &[String]) -> Option<String> {
    let name = name.to_ascii_uppercase();
    let (distance, nearest) = known.iter().map(|known| (distance(&name, known), known)).min()?;
    (distance <= (name.len() / 5).max(1)).then(|| nearest.clone())
}

/// How many characters have to be put in, taken out or changed to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, character) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, theirs) in other.iter().enumerate() {
            let changed = diagonal + usize::from(character != *theirs);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_no_setting_is_named_with_the_nearest_one() {
        let known = [
            "FACEBOOK_APP_ID",
            "FACEBOOK_APP_SECRET",
            "FACEBOOK_GRAPH_URL",
            "FACEBOOK_MEDIA",
            "FACEBOOK_VERIFY_TOKEN",
            "HOST",
            "OPERATOR_TOKEN",
            "OUTPUT_DIR",
            "PORT",
            "RUST_LOG",
        ]
        .map(str::to_owned);
        let found = |in_file: &[&str], in_environment: &[&str]| -> Vec<(String, Option<String>)> {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into_iter();
            let unknown = Unknown::among(&known, owned(in_file), owned(in_environment));
            unknown.into_iter().map(|one| (one.name, one.nearest)).collect()
        };
        let one = |name: &str, nearest: Option<&str>| (name.to_owned(), nearest.map(str::to_owned));
        for (name, nearest) in [
            ("FACEBOOK_APPID", Some("FACEBOOK_APP_ID")),
            ("OUTPUTDIR", Some("OUTPUT_DIR")),
            ("OPERATOR_TOKN", Some("OPERATOR_TOKEN")),
            ("operator_token", Some("OPERATOR_TOKEN")),
            ("FACEBOOK_SCOPES", None),
        ] {
            assert_eq!(found(&[name], &[]), [one(name, nearest)]);
            assert_eq!(found(&[name], &[name]), [one(name, nearest)], "once");
            assert_eq!(found(&[], &[name]), [one(name, nearest)]);
        }
        // In the file everything is meant for us, in the environment almost nothing is.
        assert_eq!(found(&["PORTS", "LANG"], &[]), [one("PORTS", Some("PORT")), one("LANG", None)]);
        assert_eq!(found(&["PORT", "HOST"], &["PATH", "HOSTS", "POST", "RUST_BACKTRACE", "HOSTNAME", "HOME"]), []);
    }
}
