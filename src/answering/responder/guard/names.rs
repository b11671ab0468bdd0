//! What in an answer may be the name of a person.

use crate::shared::text_fold::fold_name;

/// How many words a name has that is looked for.
const SHORTEST: usize = 2;
const LONGEST: usize = 4;

/// What joins words that may be a first and a last name.
const HYPHENS: [char; 3] = ['-', '‐', '‑'];

/// Words that people also have as names on a platform: a name of these alone is no name in an answer.
const COMMON: &str = "a an the this that is are it you your we our my for with and or not no yes in on at of to in stock \
    thank thanks hello hi hey dear good morning afternoon evening night day best kind regards customer service support team \
    snowboard shop store sale new price guten tag morgen abend hallo vielen lieben dank mit freundlichen gruessen grussen \
    liebe grusse hola buenos dias buenas tardes noches muchas gracias bonjour bonsoir merci beaucoup ola bom dia boa tarde \
    noite muito obrigado obrigada ciao buongiorno grazie mille cam on xin chao chao ban anh chi em shop oi";

/// The runs of words in an answer that may be somebody's name, as names are kept to be found: without case, marks and
/// more than one blank. A name is written in capitals, or in a script that has none.
#[must_use]
pub fn candidates(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    add_runs(text, &mut found);
    if text.contains(HYPHENS) {
        add_runs(&text.replace(HYPHENS, " "), &mut found);
    }
    found.retain(|name| !is_common(name));
    found.sort_unstable();
    found.dedup();
    found
}

fn add_runs(text: &str, found: &mut Vec<String>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for start in 0..words.len() {
        let mut name = Vec::new();
        for word in words[start..].iter().take(LONGEST) {
            let bare = word.trim_matches(|sign: char| !sign.is_alphanumeric());
            if bare.is_empty() || bare.starts_with(char::is_lowercase) || bare.starts_with(char::is_numeric) {
                break;
            }
            name.push(bare);
            if name.len() >= SHORTEST {
                found.push(fold_name(&name.join(" ")));
            }
            // "Gladly, Sam" and "Sam. Doe" are no names.
            if word.ends_with([',', '.', '!', '?', ';', ':']) {
                break;
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
    fn names_are_words_in_capitals_one_after_the_other() {
        assert!(candidates("As I told Ann  Example, it is blue.").contains(&"ann example".to_owned()));
        assert_eq!(candidates("Thank you! It is in stock. Guten Tag, gern."), [""; 0]);
        assert!(candidates("Chị Nguyễn Văn An hỏi").contains(&"nguyen van an".to_owned()));
        assert!(candidates("ANN EXAMPLE wrote").contains(&"ann example".to_owned()));
        assert!(candidates("Ann-Example wrote").contains(&"ann example".to_owned()));
        assert!(candidates("Eva-Maria Example wrote").contains(&"eva-maria example".to_owned()));
    }
}
