//! Texts as searches compare them: without case and without marks, so that "jorg" finds "Jörg" and "da nang" finds "Đà Nẵng".
//! The searches of the pages and of products fold in this one way.

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed};

const DECOMPOSED: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const CLASSES: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMapBorrowed::new();
const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();
const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::<Script>::new();
const WITHOUT_WIDTH: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// Whether nobody sees anything of a text: it is empty, or holds only white space and characters that have no width.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|one| one.is_whitespace() || WITHOUT_WIDTH.contains(one))
}

/// The script of a character.
#[must_use]
pub fn script_of(character: char) -> Script {
    SCRIPTS.get(character)
}

/// Whether a character is a mark on the one before it, whatever its width.
#[must_use]
pub fn is_mark(character: char) -> bool {
    matches!(
        CATEGORIES.get(character),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
    )
}

/// A text that was folded, with the way back into the text as it was written.
struct Folded {
    text: String,
    /// For each byte of `text`: where the sign that it comes from begins and ends in the written text.
    origins: Vec<(usize, usize)>,
}

impl Folded {
    /// Folds a text.
    #[must_use]
    pub fn new(written: &str) -> Self {
        let mut folded =
            Self { text: String::with_capacity(written.len()), origins: Vec::with_capacity(written.len()) };
        let mut plain = String::new();
        each_sign(written, |start, sign| {
            fold_into(sign, &mut plain, &mut folded.text);
            folded.origins.resize(folded.text.len(), (start, start + sign.len()));
        });
        folded
    }

    /// Where a folded word stands in the written text, as byte ranges on character boundaries, in order.
    #[must_use]
    fn find_all(&self, word: &str) -> Vec<(usize, usize)> {
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

/// A text without case and without marks: decomposed by compatibility (NFKD, which also makes all widths one), in lower case,
/// without marks, composed again (NFC). Folding what was folded changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut plain = String::new();
    each_sign(text, |_, sign| fold_into(sign, &mut plain, &mut folded));
    folded
}

/// A person's name as it is kept to be found: folded, with one blank between its words.
#[must_use]
pub fn fold_name(name: &str) -> String {
    fold(name).split_whitespace().collect::<Vec<_>>().join(" ")
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

/// Whether two texts are the same as platforms show them: they take away what is empty at both ends, write the ends of lines in their
/// own way, and compose marks with their letters.
#[must_use]
pub fn is_same_text(one: &str, other: &str) -> bool {
    fn shown(text: &str) -> String {
        COMPOSED.normalize(&text.trim().replace("\r\n", "\n")).into_owned()
    }
    one == other || shown(one) == shown(other)
}

/// Shows each sign of a text and where it begins: a character with all that may melt into it when it is composed. What is
/// within a sign has nothing to do with what is outside of it.
fn each_sign(text: &str, mut show: impl FnMut(usize, &str)) {
    let mut begin = 0;
    for (at, character) in text.char_indices() {
        if at > begin && !joins_the_one_before(character) {
            show(begin, &text[begin..at]);
            begin = at;
        }
    }
    if begin < text.len() {
        show(begin, &text[begin..]);
    }
}

/// Whether a character is, or becomes, a mark, or the vowel or the end of a Hangul syllable.
fn joins_the_one_before(character: char) -> bool {
    if character.is_ascii() {
        return false;
    }
    let first = DECOMPOSED.normalize_iter(std::iter::once(character)).next().unwrap_or(character);
    is_mark(first) || CLASSES.get_u8(first) != 0 || matches!(first, '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7ff}')
}

/// Folds a sign behind what is folded. `plain` is room to work in, so that none has to be found for each sign.
fn fold_into(sign: &str, plain: &mut String, folded: &mut String) {
    if let [byte] = sign.as_bytes() {
        folded.push(byte.to_ascii_lowercase().into());
        return;
    }
    let mut script = Script::Common;
    let lower = DECOMPOSED.normalize_iter(sign.chars()).flat_map(char::to_lowercase);
    plain.clear();
    for part in lower {
        if !is_mark(part) {
            script = script_of(part);
            push_plain(part, plain);
        } else if !is_left_out(part, script) {
            plain.push(part);
        }
    }
    folded.extend(COMPOSED.normalize_iter(plain.chars()));
}

/// Whether readers leave this mark out when they type in a hurry: accents and tones on Latin, Greek and Cyrillic letters, the
/// points and signs of Hebrew and Arabic. In all other scripts a word is another word without them.
/// Source: <https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values> (2026).
fn is_left_out(mark: char, script: Script) -> bool {
    match script {
        Script::Latin | Script::Greek | Script::Cyrillic => true,
        Script::Hebrew | Script::Arabic | Script::Syriac => {
            matches!(CLASSES.get_u8(mark), 10..=36 | 200..=240)
        }
        _ => false,
    }
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
    fn a_text_is_the_same_however_a_platform_shows_it() {
        for (sent, shown) in [
            ("Yes.", "Yes."),
            (" Yes. \n", "Yes."),
            ("One\r\ntwo", "One\ntwo"),
            ("Da Na\u{306}\u{303}ng", "Da Nẵng"),
            ("\u{a0}Yes.", "Yes."),
        ] {
            assert!(is_same_text(sent, shown), "{sent:?} {shown:?}");
        }
        for (sent, shown) in [("Yes.", "yes."), ("Yes.", "Yes"), ("a b", "a  b"), ("Da Nang", "Đà Nẵng"), ("½", "1⁄2")]
        {
            assert!(!is_same_text(sent, shown), "{sent:?} {shown:?}");
        }
    }

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
            ("ежик", "Ёжик"),
            ("пои", "пой"),
            ("ｓｎｏｗ １２", "Snow 12"),
            ("ガ", "ｶﾞ"),
            ("ガ", "カ\u{3099}"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("ao khoac", "A\u{301}o khoa\u{301}c"),
            ("שלום", "שָׁלוֹם"),
            ("", "anything"),
        ] {
            assert!(Words::new(typed).are_in(written), "{typed} in {written}");
        }
        for (typed, written) in [("jorg anna", "Jörg Müller"), ("का", "कि"), ("カ", "ガ"), ("ผา", "ผ้า"), ("x", "")]
        {
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
        // A sign is found whole, however many characters it was written with.
        assert_eq!(Words::new("ガ").find_in("xカ\u{3099}y"), [(1, 7)]);
    }

    proptest::proptest! {
        #[test]
        fn folding_never_fails_and_folding_again_changes_nothing(text in "\\PC*", odd: Vec<char>) {
            for text in [text, odd.iter().collect()] {
                let once = fold(&text);
                proptest::prop_assert_eq!(fold(&once), once.clone());
                proptest::prop_assert_eq!(Folded::new(&text).text, once.clone());
                for (start, end) in Folded::new(&text).find_all(once.get(..1).unwrap_or_default()) {
                    proptest::prop_assert!(text.get(start..end).is_some());
                }
            }
        }
    }
}
