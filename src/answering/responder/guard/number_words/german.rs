//! Numbers that German writes as one word.

use super::super::spans::is_stem;
use super::WORDS;

/// What makes a number a half more: "zweieinhalb".
pub(super) const AND_A_HALF: &str = "einhalb";

/// The German number at the beginning of a word, and its length: "neunundneunzig", "zweihundert", "zweijährig".
pub(super) fn compound(word: &str) -> Option<(u64, usize)> {
    let (value, length) = compound_number(word)?;
    let rest = &word[length..];
    (rest.is_empty() || (value > 0 && (is_stem(rest) || rest.starts_with(AND_A_HALF)))).then_some((value, length))
}

fn compound_number(word: &str) -> Option<(u64, usize)> {
    if let Some(at) = word.find("tausend") {
        let before = if at == 0 { 1 } else { below_thousand(&word[..at]).filter(|(_, length)| *length == at)?.0 };
        let at = at + "tausend".len();
        let (rest, length) = below_thousand(word[at..].trim_start_matches("und")).unwrap_or((0, 0));
        let und = if length > 0 && word[at..].starts_with("und") { 3 } else { 0 };
        return Some((before * 1_000 + rest, at + und + length));
    }
    below_thousand(word)
}

fn below_thousand(word: &str) -> Option<(u64, usize)> {
    let Some(at) = word.find("hundert") else { return below_hundred(word) };
    let before = if at == 0 { 1 } else { unit(word).filter(|(_, length)| *length == at)?.0 };
    let at = at + "hundert".len();
    let und = if word[at..].starts_with("und") { 3 } else { 0 };
    match below_hundred(&word[at + und..]) {
        Some((rest, length)) => Some((before * 100 + rest, at + und + length)),
        None => Some((before * 100, at)),
    }
}

fn below_hundred(word: &str) -> Option<(u64, usize)> {
    if let Some((units, length)) = unit(word)
        && let Some(rest) = word[length..].strip_prefix("und")
        && let Some((tens, more)) = longest(rest, |value| (20..100).contains(&value))
    {
        return Some((units + tens, length + 3 + more));
    }
    longest(word, |value| (1..100).contains(&value))
}

fn unit(word: &str) -> Option<(u64, usize)> {
    longest(word, |value| (1..10).contains(&value))
}

/// German words for numbers: other languages do not put them together.
const GERMAN: [&str; 31] = [
    "eins",
    "ein",
    "zwei",
    "zwo",
    "drei",
    "vier",
    "fünf",
    "fuenf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "zwoelf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
    "zwanzig",
    "dreißig",
    "vierzig",
    "fünfzig",
    "sechzig",
    "siebzig",
    "achtzig",
    "neunzig",
];

fn longest(word: &str, fits: impl Fn(u64) -> bool) -> Option<(u64, usize)> {
    let found = GERMAN.iter().filter(|name| word.starts_with(**name)).filter_map(|name| {
        let value = *WORDS.get(name)?;
        fits(value).then_some((value, name.len()))
    });
    found.max_by_key(|(_, length)| *length)
}
