//! What in an answer may be the name of a person.

use icu_properties::props::Script;

use super::currencies::{begins, ends};
use crate::shared::text_fold::{fold_name, script_of};

/// How many words a name has that is looked for.
const SHORTEST: usize = 2;
const LONGEST: usize = 4;

/// How many letters a part of a name has that is looked for.
const SHORTEST_PART: usize = 2;

/// What joins words that may be a first and a last name.
const HYPHENS: [char; 3] = ['-', '‐', '‑'];

/// Words that people also have as names on a platform: a name of these alone is no name in an answer.
const COMMON: &str = "a an the this that is are it you your we our my for with and or not no yes in on at of to in stock \
    thank thanks hello hi hey dear good morning afternoon evening night day best kind regards customer service support team \
    snowboard shop store sale new price guten tag morgen abend hallo vielen lieben dank mit freundlichen gruessen grussen \
    liebe grusse hola buenos dias buenas tardes noches muchas gracias bonjour bonsoir merci beaucoup ola bom dia boa tarde \
    noite muito obrigado obrigada ciao buongiorno grazie mille cam on xin chao chao ban anh chi em shop oi";

/// Words before a name, however it is written: behind them one word is a name, too.
const NAMING: [&str; 43] = [
    "mr", "mrs", "ms", "miss", "mister", "customer", "named", "called", "told", "buyer", "herr", "herrn", "frau",
    "kunde", "kundin", "kunden", "señor", "señora", "sr", "sra", "clienta", "cliente", "monsieur", "madame", "mme",
    "client", "senhor", "senhora", "dona", "anh", "chị", "ông", "bà", "khách", "hàng", "bạn", "tên", "signor",
    "signora", "pan", "pani", "meneer", "mevrouw",
];

/// How long a name is that is written without blanks, in signs, and how many signs of an answer are looked at for one.
const SHORTEST_SIGNS: usize = 3;
const LONGEST_SIGNS: usize = 6;
const MOST_SIGNS: usize = 1_000;

/// How many signs the first part of such a name has at most: it may be kept with a blank behind that.
const LONGEST_FIRST: usize = 3;

/// The runs of words in an answer that may be somebody's name, as names are kept to be found: without case, marks and
/// more than one blank. A name is written in capitals, or in a script that has none.
#[must_use]
pub fn candidates(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    add_runs(text, &mut found);
    add_named(text, &mut found);
    add_signs(text, &mut found);
    if text.contains(HYPHENS) {
        add_runs(&text.replace(HYPHENS, " "), &mut found);
    }
    found.retain(|name| !is_common(name));
    found.sort_unstable();
    found.dedup();
    found
}

/// What in an answer may be one part of somebody's name, folded as names are: words in capitals behind a word before which a
/// name stands ("told Jane", "anh Minh Tuấn"), and somebody to whom something belongs ("Jane's order").
#[must_use]
pub fn parts(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_name = |word: &&&str| bare(word).starts_with(char::is_uppercase);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if NAMING.contains(&bare(word).to_lowercase().as_str()) && bare(word).len() == word.len() {
            let mut name = Vec::new();
            for word in words[at + 1..].iter().take(LONGEST).take_while(is_name) {
                name.push(without_s(bare(word)));
                if !word.ends_with(char::is_alphanumeric) {
                    break;
                }
            }
            found.push(fold_name(&name.join(" ")));
        }
        let owner = without_s(bare(word));
        if owner.len() < bare(word).len() && owner.starts_with(char::is_uppercase) {
            found.push(fold_name(owner));
        }
    }
    found.retain(|name| name.chars().count() >= SHORTEST_PART && !is_common(name));
    found.sort_unstable();
    found.dedup();
    found
}

/// A word without the ending of whom something belongs to.
fn without_s(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word)
}

/// Whether a folded text holds this name, and not as a part of longer words: "Jane Roebuck" tells of no Jane Roe.
#[must_use]
pub fn holds_name(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| begins(name, &text[..at]) && ends(name, &text[at + name.len()..]))
}

fn add_runs(text: &str, found: &mut Vec<String>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for start in 0..words.len() {
        let mut name = Vec::new();
        for word in words[start..].iter().take(LONGEST) {
            let plain = bare(word);
            if plain.is_empty() || plain.starts_with(char::is_lowercase) || plain.starts_with(char::is_numeric) {
                break;
            }
            name.push(plain);
            if name.len() >= SHORTEST {
                found.push(fold_name(&name.join(" ")));
            }
            // "Roe, Jane"; "Gladly, Sam" and "Sam. Doe" are no names.
            if let [last] = name[..]
                && word.ends_with(',')
                && let Some(first) = words.get(start + 1).map(|next| bare(next))
                && first.starts_with(char::is_uppercase)
            {
                found.push(fold_name(&format!("{first} {last}")));
            }
            if word.ends_with([',', '.', '!', '?', ';', ':']) {
                break;
            }
        }
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|sign: char| !sign.is_alphanumeric())
}

/// What stands behind a word before which a name stands, in whatever case.
fn add_named(text: &str, found: &mut Vec<String>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| NAMING.contains(&bare(word).to_lowercase().as_str())) {
        let mut name = Vec::new();
        for word in words[at + 1..].iter().take(LONGEST).take_while(|word| !bare(word).is_empty()) {
            name.push(bare(word));
            found.push(fold_name(&name.join(" ")));
        }
    }
}

/// Names of languages that write no blanks, with and without one between their parts.
fn add_signs(text: &str, found: &mut Vec<String>) {
    let is_sign = |sign: &char| matches!(script_of(*sign), Script::Han | Script::Katakana | Script::Hangul);
    let signs: Vec<char> = text.chars().take(MOST_SIGNS).collect();
    for run in signs.chunk_by(|one, next| is_sign(one) && is_sign(next)) {
        for length in SHORTEST_SIGNS..=LONGEST_SIGNS.min(run.len()) {
            for name in run.windows(length) {
                found.push(fold_name(&name.iter().collect::<String>()));
                for first in 1..=LONGEST_FIRST.min(length - 1) {
                    let (first, last) = name.split_at(first);
                    let (first, last): (String, String) = (first.iter().collect(), last.iter().collect());
                    found.push(fold_name(&format!("{first} {last}")));
                }
            }
        }
    }
}

fn is_common(name: &str) -> bool {
    name.split(' ').all(|word| COMMON.split_whitespace().any(|common| common == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for (answer, name) in [
            ("As I told jane roe, it is blue.", "jane roe"),
            ("Roe, Jane wrote", "jane roe"),
            ("Frau Meier fragte das auch", "meier"),
            ("昨日佐藤花子様にもお伝えしました", "佐藤花子"),
            ("昨日佐藤花子様にもお伝えしました", "佐藤 花子"),
            ("김민수 고객님", "김민수"),
            ("khách nguyen van an hỏi", "nguyen van an"),
        ] {
            assert!(candidates(answer).contains(&name.to_owned()), "{answer}");
        }
    }

    #[test]
    fn one_part_of_a_name_is_looked_for_where_it_is_said_to_be_one() {
        for (answer, name) in [
            ("As I told Jane, it is blue.", "jane"),
            ("Jane's order is on its way", "jane"),
            ("Mr. Roe bought the same", ""),
            ("Mr Roe bought the same", "roe"),
            ("Chị Lan cũng mua rồi", "lan"),
            ("anh Minh Tuấn cũng mua", "minh tuan"),
        ] {
            let expected: &[&str] = if name.is_empty() { &[] } else { &[name] };
            assert_eq!(parts(answer), expected, "{answer}");
        }
        for answer in
            ["bạn an tâm nhé", "I was told that it is blue", "Customer Service helps", "It's Thursday, that's fine"]
        {
            assert_eq!(parts(answer), [""; 0], "{answer}");
        }
    }

    #[test]
    fn a_longer_name_tells_of_no_shorter_one() {
        assert!(holds_name("the jane roe board, blue", "jane roe"));
        for text in ["jane roebuck board", "mary-jane roe"] {
            assert_eq!(holds_name(text, "jane roe"), text.starts_with("mary"), "{text}");
        }
        assert!(holds_name("昨日佐藤花子様", "佐藤花子"));
    }

    #[test]
    fn names_are_words_in_capitals_one_after_the_other() {
        assert!(candidates("As I told Ann  Example, it is blue.").contains(&"ann example".to_owned()));
        assert_eq!(candidates("Thank you! It is in stock. Guten Tag, gern."), [""; 0]);
        assert!(candidates("Chị Nguyễn Văn An hỏi").contains(&"nguyen van an".to_owned()));
        assert!(candidates("ANN EXAMPLE wrote").contains(&"ann example".to_owned()));
        assert!(candidates("Ann-Example wrote").contains(&"ann example".to_owned()));
        assert!(candidates("Eva-Maria Example wrote").contains(&"eva-maria example".to_owned()));
    }
}
