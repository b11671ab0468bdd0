//! Texts as the guard compares them: one spelling for everything that looks alike, and nothing that is not seen.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::GeneralCategory;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();

/// A text by compatibility (NFKC, which makes all widths one), without characters that nobody sees, and with European digits.
#[must_use]
pub fn plain(text: &str) -> String {
    // Before and behind: what is not seen may stand between a letter and its mark.
    let seen = with_parts(text.chars().filter(|character| !is_unseen(*character)));
    COMPOSED.normalize_iter(seen.chars()).filter(|character| !is_unseen(*character)).map(european).collect()
}

/// The signs of a text, with a point and digits in place of a fraction of one sign: 2½ would become 21/2.
fn with_parts(signs: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for sign in signs {
        let part = match sign {
            '¼' => ".25",
            '½' => ".5",
            '¾' => ".75",
            _ => {
                text.push(sign);
                continue;
            }
        };
        let is_digit = |sign: char| sign.is_ascii_digit();
        match text.strip_suffix(' ').filter(|before| before.ends_with(is_digit)).map(str::len) {
            Some(length) => text.truncate(length),
            None if !text.ends_with(is_digit) => text.push('0'),
            None => {}
        }
        text.push_str(part);
    }
    text
}

/// The same in lower case, with each character where it was: one that becomes longer or shorter stays as it is.
#[must_use]
pub fn lower(plain: &str) -> String {
    plain
        .chars()
        .map(|character| {
            let mut lower = character.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) if one.len_utf8() == character.len_utf8() => one,
                _ => character,
            }
        })
        .collect()
}

/// Formats, selectors and fillers: they take no room, or look like a blank.
fn is_unseen(character: char) -> bool {
    CATEGORIES.get(character) == GeneralCategory::Format
        || matches!(
            character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
                | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
        )
}

/// A decimal digit of any script as one of `0` to `9`. Unicode keeps the ten digits of a script together, zero first.
/// Source: <https://www.unicode.org/versions/stability_policy.html> (property values, 2026).
fn european(character: char) -> char {
    let is_digit =
        |code: u32| char::from_u32(code).is_some_and(|one| CATEGORIES.get(one) == GeneralCategory::DecimalNumber);
    if character.is_ascii() || !is_digit(character.into()) {
        return character;
    }
    let before = (1..10).take_while(|back| is_digit(u32::from(character) - back)).count();
    char::from_digit(u32::try_from(before).unwrap_or(0), 10).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_spelled_alike() {
        for (written, spelled) in [
            ("１２ USD ＄", "12 USD $"),
            ("$\u{200b}12", "$12"),
            ("٥ و ٩ ०१ ๙", "5 و 9 01 9"),
            ("evil\u{2069}．com", "evil.com"),
            ("e\u{301}", "é"),
            ("\u{1d7d8}\u{1d7e1}", "09"),
            ("2½ days, 1 ¾ kg, ½ price", "2.5 days, 1.75 kg, 0.5 price"),
        ] {
            assert_eq!(plain(written), spelled);
        }
        assert_eq!(lower("İÄ Ab"), "İä ab");
    }
}
