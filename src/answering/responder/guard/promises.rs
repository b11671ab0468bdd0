//! Promises in words, which are said again only as the shop said them: what is given away, and when something comes.

use super::currencies::{begins, ends};
use super::delivery_words::{DELIVERIES, WHEN};
use super::promise_words::{DENYING, GETTING, GIFTS, PRESENTS, SALES, VAGUE, WARRANTIES};
use super::spans::is_unit_ahead;

fn places<'a>(lower: &'a str, words: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_whole = move |at: &usize| begins(words, &lower[..*at]) && ends(words, &lower[at + words.len()..]);
    lower.match_indices(words).map(|(at, _)| at).filter(is_whole)
}

fn holds(lower: &str, words: &str) -> bool {
    places(lower, words).next().is_some()
}

fn sentences(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(['!', '?', '\n', '。', '！', '？']).flat_map(|part| part.split(". "))
}

/// The words of a text in lower case that give something away.
#[must_use]
pub fn gifts(lower: &str) -> Vec<&'static str> {
    let is_gift = |words: &&&str| {
        lower.match_indices(**words).any(|(at, _)| {
            let rest = &lower[at + words.len()..];
            // "Gratuitement" is the same; "is free to choose" and "la nostra offerta" are not.
            let goes_on = **words == "offert" && !ends(words, rest);
            begins(words, &lower[..at]) && !rest.starts_with(" to ") && !goes_on
        })
    };
    let mut found: Vec<&str> = GIFTS.iter().filter(is_gift).copied().collect();
    for sentence in sentences(lower).filter(|sentence| !is_denied(sentence)) {
        found.extend(SALES.iter().filter(|words| sentence.contains(**words)));
        if GETTING.iter().any(|words| holds(sentence, words)) {
            found.extend(PRESENTS.iter().filter(|words| holds(sentence, words)));
        }
    }
    found
}

fn is_denied(sentence: &str) -> bool {
    DENYING.iter().any(|words| if *words == "n't" { sentence.contains(words) } else { holds(sentence, words) })
}

/// The words of a text in lower case that say without a number how long something takes or holds, or when it comes.
#[must_use]
pub fn spans(lower: &str) -> Vec<&str> {
    let mut found: Vec<&str> = WARRANTIES.iter().filter(|words| lower.contains(**words)).copied().collect();
    for words in VAGUE {
        let units = places(lower, words).filter(|at| is_unit_ahead(&lower[at + words.len()..]));
        found.extend(units.map(|at| &lower[at..at + words.len()]));
    }
    for sentence in sentences(lower) {
        let sentence = sentence.strip_prefix("guten morgen").unwrap_or(sentence);
        if DELIVERIES.iter().any(|words| sentence.contains(words)) && !is_denied(sentence) {
            found.extend(WHEN.iter().filter(|words| holds(sentence, words)).copied());
        }
    }
    found
}
