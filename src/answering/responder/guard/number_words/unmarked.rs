//! Numbers in Vietnamese words without their marks: "hai ngay", "hai tram nghin dong". Without marks they are words of other
//! languages, too, and are read only before a unit that is written like that, or before thousands.

use super::{Kind, Run, Sum, Token, is_join};

/// Words without marks, and with them.
const WORDS: [(&str, &str); 18] = [
    ("mot", "một"),
    ("hai", "hai"),
    ("ba", "ba"),
    ("bon", "bốn"),
    ("nam", "năm"),
    ("lam", "lăm"),
    ("sau", "sáu"),
    ("bay", "bảy"),
    ("tam", "tám"),
    ("chin", "chín"),
    ("muoi", "mười"),
    ("chuc", "chục"),
    ("tram", "trăm"),
    ("nghin", "nghìn"),
    ("ngan", "ngàn"),
    ("trieu", "triệu"),
    ("ruoi", "rưỡi"),
    ("linh", "linh"),
];

/// What is counted, without marks.
const UNITS: [&str; 9] = ["ngay", "tuan", "thang", "nam", "tieng", "dong", "phan", "chiec", "cai"];

/// What joins the ends of a range.
const JOINS: [&str; 3] = ["den", "toi", "hoac"];

/// Where a number says by itself that it is one.
const THOUSAND: u64 = 1_000;

/// How many words stand at most between a number and its unit.
const FAR: usize = 6;

/// The word with its marks; `None`: it is no number.
pub(super) fn marked(word: &str, is_first: bool) -> Option<&'static str> {
    match word {
        "muoi" if !is_first => Some("mươi"),
        _ => WORDS.iter().find(|(plain, _)| *plain == word).map(|(_, marked)| *marked),
    }
}

/// The number that begins with the first of these words, and how many of them it takes.
pub(super) fn read_run(lower: &str, tokens: &[Token<'_>]) -> Option<(Run, usize)> {
    let first = tokens.first()?;
    if first.word == "nam" && lower[..first.start].trim_end_matches(' ').ends_with(|sign: char| sign.is_ascii_digit()) {
        // "2 nam" are years.
        return None;
    }
    let mut sum = Sum::default();
    let (mut count, mut end) = (0, first.start);
    while let Some(token) = tokens.get(count).filter(|token| count == 0 || is_join(&lower[end..token.start])) {
        let Some(word) = marked(token.word, count == 0) else { break };
        if sum.take(word, count > 0).is_none() {
            break;
        }
        count += 1;
        end = token.end;
    }
    let is_number =
        count > 0 && (is_before_unit(lower, end, &tokens[count..]) || (count > 1 && sum.value() >= THOUSAND));
    is_number.then(|| (Run { start: first.start, end, value: sum.value(), kind: Kind::Plain }, count))
}

/// Whether a unit stands behind this place, with nothing but other numbers between.
fn is_before_unit(lower: &str, mut end: usize, behind: &[Token<'_>]) -> bool {
    for token in behind.iter().take(FAR) {
        let is_near = |sign: char| sign == ' ' || sign == '-' || sign == '–' || sign.is_ascii_digit();
        if !lower[end..token.start].chars().all(is_near) {
            return false;
        }
        if UNITS.contains(&token.word) {
            return true;
        }
        if !JOINS.contains(&token.word) && marked(token.word, false).is_none() {
            return false;
        }
        end = token.end;
    }
    false
}
