//! Promises in words, which are said again only as the shop said them: what is given away, and when something comes.

use super::currencies::{begins, ends};
use super::delivery_words::{DELIVERIES, HARMLESS, INSIDE, PAST, WHEN};
use super::gift_words::{CHARGES, GIFTS, GIVEN_BY_OTHERS, NOT_BEFORE, NOT_BEHIND, PRESENTS, SALES, WE};
use super::promise_words::{DENYING, GETTING, NO_DENIALS, VAGUE, WARRANTIES};
use super::spans::is_unit_ahead;

/// Half a day of these is noon.
const NOON: [&str; 2] = ["medio", "meio"];

fn places<'a>(lower: &'a str, words: &'a str) -> impl Iterator<Item = usize> + 'a {
    beginnings(lower, words).filter(move |at| ends(words, &lower[at + words.len()..]))
}

/// Where a word begins with this.
fn beginnings<'a>(lower: &'a str, stem: &'a str) -> impl Iterator<Item = usize> + 'a {
    lower.match_indices(stem).map(|(at, _)| at).filter(move |at| begins(stem, &lower[..*at]))
}

fn holds(lower: &str, words: &str) -> bool {
    places(lower, words).next().is_some()
}

fn sentences(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(['!', '?', '\n', '。', '！', '？']).flat_map(|part| part.split(". "))
}

/// The words of a text in lower case that give something away.
#[must_use]
pub fn gifts(lower: &str) -> Vec<&str> {
    let is_gift = |words: &&&str| {
        lower.match_indices(**words).any(|(at, _)| {
            let rest = &lower[at + words.len()..];
            // "Gratuitement" is the same; "la nostra offerta" is not.
            let goes_on = **words == "offert" && !ends(words, rest);
            begins(words, &lower[..at]) && !rest.starts_with(" to ") && !goes_on
        })
    };
    let mut found: Vec<&str> = GIFTS.iter().filter(is_gift).copied().collect();
    found.extend(given(lower, "free", is_free));
    found.extend(given(lower, "tặng", |before, _| !GIVEN_BY_OTHERS.contains(&last_word(before))));
    found.extend(given(lower, "tang", |_, behind| {
        ["ban", "kem", "them", "anh", "chi", "quy"].contains(&first_word(behind))
    }));
    for sentence in sentences(lower).filter(|sentence| !is_denied(sentence)) {
        found.extend(SALES.iter().filter(|words| beginnings(sentence, words).next().is_some()));
        if GETTING.iter().any(|words| holds(sentence, words)) {
            found.extend(PRESENTS.iter().filter(|words| holds(sentence, words)));
        }
        if WE.iter().any(|word| holds(sentence, word)) && beginnings(sentence, "schenk").next().is_some() {
            found.push("schenk");
        }
    }
    found
}

/// Where this word gives something away, each place with the word beside it: "free gloves" says more than "free".
fn given<'a>(lower: &'a str, word: &'a str, is_gift: impl Fn(&str, &str) -> bool) -> Vec<&'a str> {
    let beside = |at: usize| {
        let (before, behind) = (&lower[..at], &lower[at + word.len()..]);
        if !is_gift(before, behind) {
            return None;
        }
        let next = first_word(behind);
        match next.starts_with(char::is_alphabetic) {
            true => Some(&lower[at..at + word.len() + 1 + next.len()]),
            false => {
                Some(&lower[at - if before.ends_with(' ') { last_word(before).len() + 1 } else { 0 }..at + word.len()])
            }
        }
    };
    places(lower, word).filter_map(beside).collect()
}

/// Whether "free" between these says that something costs nothing: not "feel free", "sugar-free", "free of sugar".
fn is_free(before: &str, behind: &str) -> bool {
    let next = first_word(behind);
    let after_next = behind.trim_start().strip_prefix(next).unwrap_or_default();
    let is_of_things = match next {
        "of" => !CHARGES.contains(&first_word(after_next)),
        "from" => !first_word(after_next).starts_with(|sign: char| sign.is_ascii_digit()),
        next => NOT_BEFORE.contains(&next),
    };
    let is_compound = before.ends_with(['-', '‑', '‐']) || behind.starts_with(['-', '‑', '‐']);
    let word = last_word(before).replace('’', "'");
    !is_of_things && !is_compound && !NOT_BEHIND.contains(&word.as_str())
}

/// The word with which a text begins behind a blank, or nothing.
fn first_word(text: &str) -> &str {
    let Some(text) = text.strip_prefix(' ') else { return "" };
    text.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default()
}

/// The word with which a text ends before a blank, or nothing.
fn last_word(text: &str) -> &str {
    let Some(text) = text.strip_suffix(' ') else { return "" };
    text.rsplit(|sign: char| !sign.is_alphanumeric() && !matches!(sign, '\'' | '’')).next().unwrap_or_default()
}

fn is_denied(sentence: &str) -> bool {
    let mut sentence = sentence.replace('’', "'");
    for words in NO_DENIALS {
        sentence = sentence.replace(words, " ");
    }
    DENYING.iter().any(|words| if *words == "n't" { sentence.contains(words) } else { holds(&sentence, words) })
}

/// The words of a text in lower case that say without a number how long something takes or holds, or when it comes.
/// `in_digits`: the same text with its numbers in digits.
#[must_use]
pub fn spans<'a>(lower: &'a str, in_digits: &'a str) -> Vec<&'a str> {
    let mut found: Vec<&str> = WARRANTIES.iter().filter(|words| lower.contains(**words)).copied().collect();
    for words in VAGUE {
        found.extend(
            places(in_digits, words).filter(|at| is_vague(words, &in_digits[at + words.len()..])).map(|_| *words),
        );
    }
    for sentence in sentences(lower) {
        let sentence = sentence.strip_prefix("guten morgen").unwrap_or(sentence);
        if !is_denied(sentence) {
            found.extend(WHEN.iter().filter(|when| is_promised(sentence, when)));
        }
    }
    found
}

fn is_vague(words: &str, behind: &str) -> bool {
    let is_noon = NOON.contains(&words) && behind.trim_start_matches([' ', '-']).starts_with("d");
    is_unit_ahead(behind) && !is_noon
}

/// Whether a sentence says that something is delivered then: not where the shop is open then.
fn is_promised(sentence: &str, when: &str) -> bool {
    let deliveries: Vec<(usize, usize)> = DELIVERIES.iter().flat_map(|stem| deliveries(sentence, stem)).collect();
    let harmless = HARMLESS.iter().flat_map(|words| places(sentence, words).map(|at| (at, at + words.len())));
    let harmless: Vec<(usize, usize)> = harmless.collect();
    places(sentence, when).any(|at| {
        let nearest = |found: &[(usize, usize)]| {
            let far =
                |(start, end): &(usize, usize)| start.saturating_sub(at + when.len()).max(at.saturating_sub(*end));
            found.iter().map(far).min()
        };
        let (delivery, other) = (nearest(&deliveries), nearest(&harmless));
        delivery.is_some_and(|delivery| other.is_none_or(|other| delivery < other))
    })
}

/// Where a sentence speaks of a delivery that is to come.
fn deliveries<'a>(sentence: &'a str, stem: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let is_past = move |at: usize| {
        PAST.iter().any(|(before, word, behind)| {
            *word == stem && sentence[..at].ends_with(before) && sentence[at + stem.len()..].starts_with(behind)
        })
    };
    let places = sentence.match_indices(stem).map(|(at, _)| at);
    let begun = places.filter(move |at| INSIDE.contains(&stem) || begins(stem, &sentence[..*at]));
    begun.filter(move |at| !is_past(*at)).map(move |at| (at, at + stem.len()))
}
