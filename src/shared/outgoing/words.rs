//! What of a platform's answers may be written down: words of a list, and versions by their pattern. Everything else may quote
//! what was sent, a token or a code among it, and is written down as nothing but that it was there.

/// What stands for a word that is not on the list.
pub const ANOTHER: &str = "another code";

/// The word of the list that this is, in its own case.
#[must_use]
pub fn known(word: &str, list: &[&'static str]) -> Option<&'static str> {
    list.iter().copied().find(|known| *known == word)
}

/// A version as platforms write them: `2026-10`, `v26.0`, `unstable`.
#[must_use]
pub fn version(text: &str) -> Option<&str> {
    let are_digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let by_month = |(year, month): (&str, &str)| {
        year.len() == 4 && are_digits(year, 4) && month.len() == 2 && are_digits(month, 2)
    };
    let by_number = |(major, minor): (&str, &str)| are_digits(major, 3) && are_digits(minor, 2);
    let is_one = text == "unstable"
        || text.split_once('-').is_some_and(by_month)
        || text.strip_prefix('v').and_then(|text| text.split_once('.')).is_some_and(by_number);
    is_one.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_a_list_or_fits_a_pattern_is_written_down() {
        assert_eq!(known("invalid_grant", &["invalid_client", "invalid_grant"]), Some("invalid_grant"));
        assert_eq!(known("shpat_0123", &["invalid_client"]), None);
        for good in ["2026-10", "v26.0", "unstable", "v9.0"] {
            assert_eq!(version(good), Some(good));
        }
        for bad in
            ["", "2026", "2026-1", "2026-100", "v26", "26.0", "v1234.0", "shpat_0123-45", "2026-10 shpat", "v1.x"]
        {
            assert_eq!(version(bad), None, "{bad}");
        }
    }
}
