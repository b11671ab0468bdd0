//! Which of our languages a browser prefers.

use super::Language;

/// So many languages of a browser are looked at, and so much of what it says.
const MOST: usize = 30;
const LONGEST: usize = 1_000;

/// The language of ours that stands first in an `Accept-Language` header, by its quality values. A regional one means its
/// language: `de-AT` is German. `None`: none of ours is accepted.
/// Source: RFC 9110, 12.5.4, and RFC 4647, 3.4.
#[must_use]
pub fn preferred(accepted: &str) -> Option<Language> {
    let end = accepted.char_indices().nth(LONGEST).map_or(accepted.len(), |(at, _)| at);
    let mut best: Option<(u16, Language)> = None;
    for range in accepted[..end].split(',').take(MOST) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let Some(language) = of_range(tag) else { continue };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1_000), thousandths);
        let Some(quality) = quality.filter(|quality| *quality > 0) else { continue };
        if best.is_none_or(|(best, _)| quality > best) {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A tag, or its language alone.
fn of_range(tag: &str) -> Option<Language> {
    if tag.eq_ignore_ascii_case(Language::Mirrored.tag()) {
        return Some(Language::Mirrored);
    }
    let primary = tag.split('-').next().unwrap_or_default();
    Language::OFFERED.into_iter().find(|one| primary.eq_ignore_ascii_case(one.tag()))
}

/// A quality value in thousandths: `0.8` is 800. `None`: it is none.
fn thousandths(quality: &str) -> Option<u16> {
    let (whole, rest) = quality.split_once('.').unwrap_or((quality, ""));
    let is_good = matches!(whole, "0" | "1") && rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{rest:0<3}").parse::<u16>().ok().filter(|_| is_good)?;
    Some(if whole == "1" { 1_000 } else { thousandths })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_a_browser_prefers_is_found_among_ours() {
        for (accepted, found) in [
            ("de-AT", Some(Language::German)),
            ("pt-BR,pt;q=0.9", Some(Language::Portuguese)),
            ("fr;q=0.1, vi", Some(Language::Vietnamese)),
            ("ja, ko;q=0.9, es-419;q=0.8, en;q=0.7", Some(Language::Spanish)),
            ("DE", Some(Language::German)),
            ("de;q=0, en", Some(Language::English)),
            ("en;q=0.5, de;q=0.501", Some(Language::German)),
            ("de;q=2, fr;q=0.1", Some(Language::French)),
            ("de;q=, fr;q=x", None),
            ("ar-XB", Some(Language::Mirrored)),
            ("ar, he", None),
            ("*", None),
            ("", None),
            (";;;,,,q=1;q=", None),
            ("dexx, d", None),
        ] {
            assert_eq!(preferred(accepted), found, "{accepted}");
        }
        assert_eq!(preferred(&"x".repeat(10_000)), None);
        assert_eq!(preferred(&format!("vi,{}", "ä,".repeat(10_000))), Some(Language::Vietnamese));
        assert_eq!(preferred(&format!("{}vi", "x,".repeat(10_000))), None);
    }
}
