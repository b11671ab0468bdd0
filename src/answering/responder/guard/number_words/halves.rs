//! Numbers with a half: "2 and a half days", "1 jour et demi", "día y medio", "1 ngày rưỡi".

use super::super::currencies::{CURRENCIES, begins, ends};
use super::super::numbers::{Number, is_spaced, numbers};
use super::super::plain::lower;
use super::super::spans::{behind_unit, unit_words};
use super::german::AND_A_HALF;
use super::is_measured;

/// Words for a half more, behind a number or behind what it counts.
const HALVES: [&str; 14] = [
    "and a half",
    "and-a-half",
    "and one half",
    "y medio",
    "y media",
    "et demie",
    "et demi",
    "e meio",
    "e meia",
    "rưỡi",
    "ruoi",
    "1/2",
    "半",
    "반",
];

/// Behind 半 they are half a price, not half of what stands before.
const PRICES: [char; 4] = ['額', '价', '價', '値'];

/// One and a half in one word.
const ONE_AND_A_HALF: &str = "anderthalb";

/// What one and a half is in digits.
const IN_DIGITS: &str = "1.5";

/// A piece of a text and what stands in its place.
type Edit = (usize, usize, String);

/// What stands behind the words for a half with which a text begins; `None`: it begins with none.
pub(super) fn behind_half(rest: &str) -> Option<&str> {
    if let Some(behind) = rest.strip_prefix(AND_A_HALF) {
        return Some(behind);
    }
    let words = rest.trim_start_matches([' ', '-']);
    HALVES.into_iter().find_map(|half| {
        let behind = words.strip_prefix(half)?;
        let is_apart = words.len() < rest.len() || half == "半";
        let goes_on = match half {
            "半" => behind.starts_with(PRICES),
            "반" => behind.starts_with(char::is_alphanumeric),
            _ => !ends(half, behind) || behind.starts_with('-') && !is_measured(behind),
        };
        (is_apart && !goes_on).then_some(behind)
    })
}

/// A plain text with one number in place of a number and a half.
pub(super) fn with_halves(plain: String) -> String {
    let lower = lower(&plain);
    let mut edits: Vec<Edit> =
        numbers(&lower).iter().filter_map(|number| of_number(&lower, number)).flatten().collect();
    edits.extend(in_one_word(&lower));
    edits.extend(unit_words().flat_map(|unit| of_unit(&lower, unit)).flatten());
    edits.sort_unstable();
    let mut text = String::with_capacity(plain.len());
    let mut end_before = 0;
    for (start, end, piece) in edits {
        // A unit is also the end of a longer one.
        if start >= end_before {
            text.push_str(&plain[end_before..start]);
            text.push_str(&piece);
            end_before = end;
        }
    }
    text.push_str(&plain[end_before..]);
    text
}

/// The half behind a number, or behind what it counts.
fn of_number(lower: &str, number: &Number) -> Option<Vec<Edit>> {
    let rest = &lower[number.end..];
    let place = |rest: &str| lower.len() - rest.len();
    if let Some(behind) = behind_half(rest) {
        let counts = number.is_scaled() || is_measured(behind);
        return counts.then(|| Some(vec![(number.start, place(behind), number.and_a_half()?)]))?;
    }
    let counted = behind_unit(rest).or_else(|| behind_currency(rest))?;
    let behind = behind_half(counted)?;
    Some(vec![(number.start, number.end, number.and_a_half()?), (place(counted), place(behind), String::new())])
}

fn behind_currency(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(' ');
    CURRENCIES.iter().find_map(|(word, ..)| rest.strip_prefix(*word).filter(|rest| ends(word, rest)))
}

/// "Día y medio": a unit without a number is one.
fn of_unit<'a>(lower: &'a str, unit: &'a str) -> impl Iterator<Item = [Edit; 2]> + 'a {
    lower.match_indices(unit).filter_map(move |(at, _)| {
        let (before, rest) = (&lower[..at], &lower[at + unit.len()..]);
        let behind = behind_half(rest).filter(|_| is_spaced(unit) && begins(unit, before) && ends(unit, rest))?;
        let is_counted = before.trim_end_matches([' ', '-']).ends_with(|sign: char| sign.is_ascii_digit());
        (!is_counted).then(|| {
            let half = (at + unit.len(), lower.len() - behind.len(), String::new());
            [(at, at, format!("{IN_DIGITS} ")), half]
        })
    })
}

fn in_one_word(lower: &str) -> impl Iterator<Item = Edit> + '_ {
    lower.match_indices(ONE_AND_A_HALF).filter_map(|(at, word)| {
        let behind = &lower[at + word.len()..];
        let is_number = begins(word, &lower[..at]) && is_measured(behind);
        is_number.then(|| (at, at + word.len(), IN_DIGITS.to_owned()))
    })
}
