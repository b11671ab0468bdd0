//! What a text is found by: words, and pairs of signs where a script writes no spaces.

use std::collections::HashSet;

use icu_properties::props::Script;

use crate::shared::text_fold::{fold, is_mark, script_of};

/// Longer words are cut, in characters: nobody types them, and each takes room.
const LONGEST_WORD: usize = 64;

/// The words of a text, folded, in their order, repeats included: split at everything but letters, digits and their marks.
/// Runs of Han, kana, Hangul, Thai, Lao, Khmer and Myanmar become overlapping pairs of signs; one sign alone stays one.
#[must_use]
pub fn words_of(text: &str) -> Vec<String> {
    split(&fold(text), false)
}

/// As [`words_of`], for a text that is to be found: also by the last sign of a run of pairs, which begins none of them.
#[must_use]
pub fn words_to_index(text: &str) -> Vec<String> {
    split(&fold(text), true)
}

/// The different words that somebody looks for, in their order, the first `limit` of them.
#[must_use]
pub fn asked_words(typed: &str, limit: usize) -> Vec<String> {
    let mut seen = HashSet::new();
    words_of(typed).into_iter().filter(|word| seen.insert(word.clone())).take(limit).collect()
}

/// A number of an article without what people leave out or put in between: "SKU-77" and "sku 77" are the same. Empty where
/// there is neither letter nor digit.
#[must_use]
pub fn joined(number: &str) -> String {
    fold(number).chars().filter(|character| is_of_word(*character)).collect()
}

/// Whether a word may be the beginning of another one: of two letters, or of one sign of a script without spaces.
#[must_use]
pub fn may_begin(word: &str) -> bool {
    word.chars().filter(|character| !is_mark(*character)).take(2).count() == 2 || word.chars().any(is_paired)
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || is_mark(character)
}

/// Whether the script of a letter puts no spaces between words.
fn is_paired(character: char) -> bool {
    // The long sound of kana belongs to two scripts, so it has none of its own.
    character == 'ー'
        || matches!(
            script_of(character),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        )
}

fn split(folded: &str, with_last: bool) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut signs) = (String::new(), Vec::<String>::new());
    let mut length = 0;
    for character in folded.chars() {
        let is_mark = is_mark(character);
        if is_mark && (!word.is_empty() || !signs.is_empty()) {
            // A mark belongs to what it stands on.
            let on = if word.is_empty() { signs.last_mut() } else { Some(&mut word) };
            if let Some(on) = on.filter(|on| on.len() < LONGEST_WORD * 4) {
                on.push(character);
            }
        } else if !is_mark && character.is_alphanumeric() && is_paired(character) {
            end_word(&mut word, &mut words);
            signs.push(character.into());
        } else if !is_mark && character.is_alphanumeric() {
            end_signs(&mut signs, &mut words, with_last);
            length = if word.is_empty() { 1 } else { length + 1 };
            if length <= LONGEST_WORD {
                word.push(character);
            }
        } else {
            end_word(&mut word, &mut words);
            end_signs(&mut signs, &mut words, with_last);
        }
    }
    end_word(&mut word, &mut words);
    end_signs(&mut signs, &mut words, with_last);
    words
}

fn end_word(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn end_signs(signs: &mut Vec<String>, words: &mut Vec<String>, with_last: bool) {
    words.extend(signs.windows(2).map(<[String]>::concat));
    match signs.pop() {
        Some(last) if with_last || signs.is_empty() => words.push(last),
        _ => {}
    }
    signs.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_everything_but_letters_digits_and_marks() {
        for (text, expected) in [
            ("Áo khoác màu đỏ", &["ao", "khoac", "mau", "do"][..]),
            ("  SKU-77/b_c  ", &["sku", "77", "b", "c"]),
            ("蓝色滑雪板", &["蓝色", "色滑", "滑雪", "雪板"]),
            ("スノーボード 板", &["スノ", "ノー", "ーボ", "ボー", "ード", "板"]),
            ("iPhone15ケース", &["iphone15", "ケー", "ース"]),
            ("스노보드", &["스노", "노보", "보드"]),
            ("ผ้าใบ", &["ผ้า", "าใ", "ใบ"]),
            ("हिन्दी", &["हिन्दी"]),
            ("\"*-NEAR(\u{301}", &["near"]),
            ("½ Ⅷ ①", &["1", "2", "viii", "1"]),
            ("", &[]),
        ] {
            assert_eq!(words_of(text), expected, "{text}");
        }
        assert_eq!(words_to_index("蓝色板"), ["蓝色", "色板", "板"]);
        assert_eq!(asked_words("b a b a c d", 3), ["b", "a", "c"]);
        assert_eq!(joined(" SKU-77 / ß "), "sku77ss");
    }

    #[test]
    fn two_letters_or_one_sign_may_begin_a_word() {
        for word in ["ab", "a1", "板", "ผ้"] {
            assert!(may_begin(word), "{word}");
        }
        for word in ["a", "1", "क्", ""] {
            assert!(!may_begin(word), "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_word_is_its_own_word(text in "\\PC*") {
            for word in words_of(&text) {
                proptest::prop_assert!(!word.is_empty() && word.chars().count() <= 4 * LONGEST_WORD);
                proptest::prop_assert!(word.chars().all(is_of_word), "{word:?}");
                proptest::prop_assert!(words_to_index(&text).contains(&word));
            }
        }
    }
}
