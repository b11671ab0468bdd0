//! Texts as searches compare them: without case and without marks, so that "jorg" finds "Jörg" and "da nang" finds "Đà Nẵng".

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

const DECOMPOSED: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
const CLASSES: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMapBorrowed::new();

/// A text that was folded, with the way back into the text as it was written.
pub struct Folded {
    text: String,
    /// For each byte of `text`: where the character that it comes from begins and ends in the written text.
    origins: Vec<(usize, usize)>,
}

impl Folded {
    /// Folds a text.
    #[must_use]
    pub fn new(written: &str) -> Self {
        let mut folded =
            Self { text: String::with_capacity(written.len()), origins: Vec::with_capacity(written.len()) };
        for (start, character) in written.char_indices() {
            fold_into(character, &mut folded.text);
            folded.origins.resize(folded.text.len(), (start, start + character.len_utf8()));
        }
        folded
    }

    /// Where a folded word stands in the written text, as byte ranges on character boundaries, in order.
    #[must_use]
    pub fn find_all(&self, word: &str) -> Vec<(usize, usize)> {
        if word.is_empty() {
            return Vec::new();
        }
        let ranges = self.text.match_indices(word).filter_map(|(at, found)| {
            let (start, _) = self.origins.get(at)?;
            let (_, end) = self.origins.get(at + found.len() - 1)?;
            Some((*start, *end))
        });
        ranges.collect()
    }
}

/// A text without case and without marks.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        fold_into(character, &mut folded);
    }
    folded
}

/// The words that somebody looks for, folded. In a text that is found each of them occurs, in any order.
#[derive(Debug, Clone)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of what somebody typed.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self(fold(typed).split_whitespace().map(str::to_owned).collect())
    }

    /// Whether each of the words occurs in this text. No words occur in every text.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        let folded = fold(text);
        self.0.iter().all(|word| folded.contains(word))
    }

    /// Where any of the words stands in this text: byte ranges in order, without overlap.
    #[must_use]
    pub fn find_in(&self, text: &str) -> Vec<(usize, usize)> {
        let folded = Folded::new(text);
        let mut found: Vec<(usize, usize)> = self.0.iter().flat_map(|word| folded.find_all(word)).collect();
        found.sort_unstable();
        found.dedup_by(|next, before| {
            let overlaps = next.0 < before.1;
            if overlaps {
                before.1 = before.1.max(next.1);
            }
            overlaps
        });
        found
    }
}

fn fold_into(character: char, folded: &mut String) {
    if character.is_ascii() {
        folded.push(character.to_ascii_lowercase());
        return;
    }
    for part in DECOMPOSED.normalize_iter(std::iter::once(character)) {
        if !is_mark(part) {
            part.to_lowercase().filter(|part| !is_mark(*part)).for_each(|part| push_plain(part, folded));
        }
    }
}

/// Whether this is a mark on another character that readers leave out when they type in a hurry: accents, tones, the points of
/// Hebrew and Arabic. Vowel signs of Indic scripts have class 0 and stay, because without them a word is another word.
/// Source: <https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values> (2026).
fn is_mark(character: char) -> bool {
    matches!(CLASSES.get_u8(character), 10..=36 | 107 | 122 | 200..=240)
}

/// Letters that are written with a stroke or joined have no decomposition, and are typed without it all the same.
fn push_plain(character: char, folded: &mut String) {
    match character {
        'đ' | 'ð' => folded.push('d'),
        'ø' => folded.push('o'),
        'ł' => folded.push('l'),
        'ħ' => folded.push('h'),
        'ı' => folded.push('i'),
        'ß' => folded.push_str("ss"),
        'æ' => folded.push_str("ae"),
        'œ' => folded.push_str("oe"),
        'þ' => folded.push_str("th"),
        'ς' => folded.push('σ'),
        other => folded.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_knows_no_case_and_no_marks() {
        for (typed, written) in [
            ("jorg", "Jörg Müller"),
            ("JÖRG", "jorg"),
            ("muller jorg", "Jörg Müller"),
            ("da nang", "Đà Nẵng"),
            ("strasse", "Hauptstraße 5"),
            ("istanbul", "İstanbul"),
            ("oresund", "Øresund"),
            ("σοφος", "ΣΟΦΌΣ"),
            ("ﬁnd", "find"),
            ("шторы", "Шторы"),
            ("", "anything"),
        ] {
            assert!(Words::new(typed).are_in(written), "{typed} in {written}");
        }
        for (typed, written) in [("jorg anna", "Jörg Müller"), ("का", "कि"), ("x", "")] {
            assert!(!Words::new(typed).are_in(written), "{typed} in {written}");
        }
    }

    #[test]
    fn what_was_found_is_marked_in_the_text_as_it_was_written() {
        let written = "A Straße in İZMİR, straße";
        let found = Words::new("strasse izmir").find_in(written);
        let words: Vec<&str> = found.iter().map(|(start, end)| &written[*start..*end]).collect();
        assert_eq!(words, ["Straße", "İZMİR", "straße"]);
        assert_eq!(Words::new("ana nan").find_in("banana"), [(1, 5)]);
        assert_eq!(Words::new("").find_in("banana"), []);
    }
}
