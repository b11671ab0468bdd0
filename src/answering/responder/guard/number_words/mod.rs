//! Numbers that are written as words, in the languages in which answers are compared: they become digits, so that everything
//! that holds for "25 days" holds for "twenty-five days".
//!
//! One table holds the words of English, German, Spanish, French, Portuguese and Vietnamese; the signs of Chinese, Japanese and
//! Korean are read where something that is counted stands behind them. A text need not say in which language it is.

mod german;
mod halves;
mod signs;
mod unmarked;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::currencies::{CURRENCIES, ends};
use super::prices::is_share_ahead;
use super::spans::is_unit_ahead;

static WORDS: LazyLock<HashMap<&'static str, u64>> = LazyLock::new(|| {
    let lines = include_str!("table.txt").lines().filter_map(|line| line.split_once(' '));
    lines
        .filter_map(|(value, words)| Some((value.parse().ok()?, words)))
        .flat_map(|(value, words): (u64, &str)| words.split(' ').map(move |word| (word, value)))
        .collect()
});

/// Words that multiply what stands right before them by ten: "hai mươi".
const TENS: [&str; 2] = ["mươi", "chục"];

/// Half of what the word before it multiplies by: "hai triệu rưỡi".
const HALF_OF_SCALE: &str = "rưỡi";

/// Words within one number.
const LINKS: [&str; 6] = ["and", "und", "y", "e", "et", "linh"];

/// It is five, or, behind a number, a year.
const FIVE_OR_YEAR: &str = "năm";

/// Words that are a number only where something that is counted stands behind them.
const ALSO_OTHER_WORDS: [&str; 3] = ["once", "null", "zero"];

/// A pronoun of English in place of "one".
const ARTICLES: [&str; 2] = ["a", "an"];

/// Words before an article that says how long something takes: "in a week", and not "twice a day" or "what a day".
const DURING: [&str; 16] = [
    "in", "within", "after", "about", "around", "takes", "take", "only", "just", "for", "under", "than", "least",
    "most", "with", "lasts",
];

/// Parts of wishes: a good day is no span of time.
const WISHES: [&str; 16] = [
    "chúc", "tenha", "tenga", "have a", "wish", "wünsch", "souhait", "desej", "dese", "passez", "祝", "良い", "よい",
    "素敵", "buon", "좋은",
];

/// Words that make a whole hundred percent a discount.
const DISCOUNTS: [&str; 12] = [
    "off",
    "discount",
    "rabatt",
    "reduc",
    "rédu",
    "remise",
    "descuento",
    "desconto",
    "giảm",
    "nachlass",
    "cheaper",
    "billiger",
];

/// Names of things that are counted: behind them a lone "hundred" is a number.
const COUNTED: [&str; 16] = [
    "in stock",
    "pieces",
    "left",
    "available",
    "stück",
    "auf lager",
    "chiếc",
    "cái",
    "unidades",
    "en stock",
    "em estoque",
    "件",
    "台",
    "枚",
    "個",
    "个",
];

/// Alone they are words like others: "mil gracias".
const SCALES: [u64; 4] = [100, 1_000, 1_000_000, 1_000_000_000];

/// The largest value that is read.
const LARGEST: u64 = 1_000_000_000_000;

/// How far behind a number something is looked for, in bytes.
const AHEAD: usize = 80;

/// A number in words where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: usize,
    end: usize,
    value: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is a number wherever it stands.
    Plain,
    /// It is one only before something that is counted.
    Measured,
    /// "A week": one only where it also says how long.
    Article,
}

/// A plain text with digits in place of numbers in words. `lower`: the same in lower case, with the same places.
#[must_use]
pub fn in_digits(plain: &str, lower: &str) -> String {
    halves::with_halves(without_words(plain, lower))
}

fn without_words(plain: &str, lower: &str) -> String {
    let mut runs = runs(lower);
    runs.extend(signs::runs(lower));
    runs.sort_unstable_by_key(|run| run.start);
    // From behind: what stands behind a number is in digits when the number is looked at.
    let (mut pieces, mut end, mut ahead) = (Vec::new(), plain.len(), String::new());
    for (index, run) in runs.iter().enumerate().rev() {
        let between = &plain[run.end..end];
        ahead.insert_str(0, &lower[run.end..end]);
        shorten(&mut ahead);
        pieces.push(between.to_owned());
        let is_beside = is_beside_another(lower, &runs, index);
        if is_number(lower, run, &ahead, is_beside) {
            pieces.push(run.value.to_string());
            ahead.insert_str(0, &run.value.to_string());
        } else {
            pieces.push(plain[run.start..run.end].to_owned());
            ahead.insert_str(0, &lower[run.start..run.end]);
        }
        end = run.start;
    }
    pieces.push(plain[..end].to_owned());
    pieces.reverse();
    pieces.concat()
}

fn shorten(text: &mut String) {
    let end = (0..=AHEAD.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
}

fn is_number(lower: &str, run: &Run, ahead: &str, is_beside: bool) -> bool {
    if run.value == 100 && is_share_ahead(ahead) {
        // "I am one hundred percent sure" is no share.
        return DISCOUNTS.iter().any(|word| lower.contains(word));
    }
    if begins_with_scale(lower, run)
        && lower[..run.start].trim_end_matches(' ').ends_with(|sign: char| sign.is_ascii_digit())
    {
        // "100 nghìn": it multiplies what is in digits already.
        return false;
    }
    let ahead = halves::behind_half(ahead).unwrap_or(ahead);
    match run.kind {
        Kind::Plain => true,
        Kind::Measured if run.value == 1 && is_unit_ahead(ahead) => !is_wish(lower, run),
        Kind::Measured => is_beside || is_measured(ahead),
        Kind::Article => is_unit_ahead(ahead) && says_during(&lower[..run.start]),
    }
}

fn begins_with_scale(lower: &str, run: &Run) -> bool {
    let word = lower[run.start..run.end].split(|sign: char| !sign.is_alphabetic()).next().unwrap_or_default();
    let word = unmarked::marked(word, true).unwrap_or(word);
    WORDS.get(word).is_some_and(|value| SCALES.contains(value)) || SCALES.contains(&run.value)
}

fn is_measured(ahead: &str) -> bool {
    let word = ahead.trim_start_matches([' ', '-']);
    let begins = |name: &str| word.strip_prefix(name).is_some_and(|rest| ends(name, rest));
    is_unit_ahead(ahead)
        || is_share_ahead(ahead)
        || CURRENCIES.iter().any(|(name, ..)| begins(name))
        || COUNTED.into_iter().any(begins)
}

fn is_wish(lower: &str, run: &Run) -> bool {
    let is_end = |sign: char| matches!(sign, '!' | '?' | '.' | '\n' | '。');
    let sentence = lower[..run.start].rsplit(is_end).next().unwrap_or_default();
    let behind = lower[run.end..].split(is_end).next().unwrap_or_default();
    WISHES.iter().any(|word| sentence.contains(word)) || behind.contains("wünsch")
}

fn says_during(before: &str) -> bool {
    let word = before.trim_end().rsplit(|sign: char| !sign.is_alphabetic()).next().unwrap_or_default();
    DURING.contains(&word)
}

/// Whether another digit stands right beside this one, as within a phone number.
fn is_beside_another(lower: &str, runs: &[Run], index: usize) -> bool {
    let is_digit = |run: &Run| run.value < 10 && run.kind != Kind::Article;
    let is_pair = |one: &Run, next: &Run| {
        is_digit(one) && is_digit(next) && matches!(&lower[one.end..next.start], " " | "-" | ", " | ",")
    };
    index.checked_sub(1).is_some_and(|before| is_pair(&runs[before], &runs[index]))
        || runs.get(index + 1).is_some_and(|next| is_pair(&runs[index], next))
}

/// A word where it stands.
struct Token<'a> {
    start: usize,
    end: usize,
    word: &'a str,
}

fn tokens(lower: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, sign) in lower.char_indices().chain([(lower.len(), ' ')]) {
        match (sign.is_alphabetic(), start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                // "3rd" and "m2" are no words.
                let before = lower[..begin].chars().next_back();
                if !before.is_some_and(|sign| sign.is_ascii_digit()) && !sign.is_ascii_digit() {
                    found.push(Token { start: begin, end: at, word: &lower[begin..at] });
                }
                start = None;
            }
            _ => {}
        }
    }
    found
}

fn runs(lower: &str) -> Vec<Run> {
    let tokens = tokens(lower);
    let mut found = Vec::new();
    let mut next = 0;
    while next < tokens.len() {
        let end = found.last().map_or(0, |run: &Run| run.end);
        let read = read_run(lower, &tokens[next..]).filter(|_| !is_year(lower, &tokens[next], end));
        let unmarked = unmarked::read_run(lower, &tokens[next..]);
        // "Hai muoi lam ngay": with its marks only the first word is a number.
        let longer = unmarked.filter(|(_, count)| read.is_none_or(|(_, other)| *count > other));
        match longer.or(read) {
            Some((run, count)) => {
                found.push(run);
                next += count;
            }
            None => next += 1,
        }
    }
    found
}

/// Whether a word is a year, and no five: "hai năm", "2 năm", "năm 2026". `end`: where the number before it ends.
fn is_year(lower: &str, token: &Token<'_>, end: usize) -> bool {
    let is_digit = |sign: char| sign.is_ascii_digit();
    token.word == FIVE_OR_YEAR
        && ((end > 0 && is_join(&lower[end..token.start]))
            || lower[..token.start].trim_end_matches(' ').ends_with(is_digit)
            || lower[token.end..].trim_start_matches(' ').starts_with(is_digit))
}

/// The number that begins with the first of these words, and how many of them it takes.
fn read_run(lower: &str, tokens: &[Token<'_>]) -> Option<(Run, usize)> {
    let first = tokens.first()?;
    if ARTICLES.contains(&first.word) {
        return Some((Run { start: first.start, end: first.end, value: 1, kind: Kind::Article }, 1));
    }
    let mut sum = Sum::default();
    let (mut count, mut end) = (0, first.start);
    while let Some(token) = tokens.get(count) {
        if count > 0 && !is_join(&lower[end..token.start]) {
            break;
        }
        if let Some(length) = sum.take(token.word, count > 0) {
            count += 1;
            end = token.start + length;
            if length < token.word.len() {
                break;
            }
            continue;
        }
        let link = LINKS.contains(&token.word) && sum.takes_link(token.word);
        let behind = tokens.get(count + 1).filter(|behind| link && is_join(&lower[token.end..behind.start]));
        let Some(behind) = behind else { break };
        if count == 0 || sum.take(behind.word, true).is_none() {
            break;
        }
        count += 2;
        end = behind.end;
    }
    (count > 0).then(|| {
        let is_alone = count == 1;
        let is_measured = is_alone
            && (sum.value() == 1
                || SCALES.contains(&sum.value()) && WORDS.contains_key(first.word)
                || ALSO_OTHER_WORDS.contains(&first.word));
        let kind = if is_measured { Kind::Measured } else { Kind::Plain };
        (Run { start: first.start, end, value: sum.value(), kind }, count)
    })
}

fn is_join(between: &str) -> bool {
    matches!(between, " " | "-" | "‑" | "‐" | " - ")
}

/// A number as it is put together word by word.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    /// Thousands and more.
    total: u64,
    /// Below a thousand.
    current: u64,
    /// What the last scale was: a smaller one comes behind it.
    scale: u64,
    is_begun: bool,
}

impl Sum {
    fn value(&self) -> u64 {
        self.total + self.current
    }

    /// Takes one more word, of which so many bytes are the number; `None`: it goes not on with it.
    fn take(&mut self, word: &str, is_behind: bool) -> Option<usize> {
        if is_behind && word == FIVE_OR_YEAR {
            return None;
        }
        if word == HALF_OF_SCALE {
            match (self.current, self.scale) {
                (0, 1..) => self.total += self.scale / 2,
                (100.., _) if self.current.is_multiple_of(100) => self.current += 50,
                _ => return None,
            }
        } else if TENS.contains(&word) {
            let units = self.current % 10;
            let can = is_behind && units > 0 && self.current % 100 < 10;
            can.then(|| self.current += units * 9)?;
        } else if let Some(value) = WORDS.get(word) {
            self.add(*value)?;
        } else {
            let (value, length) = german::compound(word)?;
            (!is_behind).then(|| self.add(value))??;
            return Some(length);
        }
        Some(word.len())
    }

    fn add(&mut self, value: u64) -> Option<()> {
        let (units, tens) = (self.current % 10, self.current % 100);
        let can = match value {
            0 => !self.is_begun,
            1_000.. => self.scale == 0 || value < self.scale || (self.current == 0 && self.value() > 0),
            100 => self.current < 20,
            101..=999 => self.current == 0,
            20 if tens == 4 => true,
            _ if tens == 0 => true,
            // "Soixante-dix", "quatre-vingt-dix-neuf".
            10..=19 => matches!(tens, 60 | 80),
            1..=9 => units == 0 && tens >= 10,
            _ => false,
        };
        if !can || (self.is_begun && self.value() == 0) {
            return None;
        }
        match value {
            1_000.. if self.current == 0 && self.total > 0 => self.total = self.total.checked_mul(value)?,
            1_000.. => {
                self.total = self.total.checked_add(self.current.max(1).checked_mul(value)?)?;
                self.current = 0;
                self.scale = value;
            }
            100 => self.current = self.current.max(1) * 100,
            20 if tens == 4 => self.current = self.current - 4 + 80,
            _ => self.current += value,
        }
        self.is_begun = true;
        (self.value() <= LARGEST).then_some(())
    }

    /// Whether this word may stand within the number at this place.
    fn takes_link(&self, word: &str) -> bool {
        match word {
            "y" | "e" | "et" => self.current.is_multiple_of(10),
            _ => self.current.is_multiple_of(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(cases: &[(&str, &str)]) {
        for (words, digits) in cases {
            assert_eq!(in_digits(words, &words.to_lowercase()), *digits);
        }
    }

    #[test]
    fn numbers_in_words_become_digits() {
        reads(&[
            ("twenty-five days, ninety nine euros, one hundred and five boards", "25 days, 99 euros, 105 boards"),
            ("Two thousand three hundred, two to three days", "2300, 2 to 3 days"),
            ("neunundneunzig Euro, zweihundert, hundertneunundneunzig €", "99 Euro, 200, 199 €"),
            ("Fünfundzwanzig Prozent, zweitausendfünfhundert, einundzwanzig", "25 Prozent, 2500, 21"),
            ("zweijährige Garantie, in zwei Tagen, dreißig Tagen", "2jährige Garantie, in 2 Tagen, 30 Tagen"),
            ("Sale a noventa y nueve, de dos a tres días", "Sale a 99, de 2 a 3 días"),
            ("Veinticinco por ciento, doscientos cuarenta y nueve euros", "25 por ciento, 249 euros"),
            (
                "quatre-vingt-dix-neuf, soixante-dix, vingt et un, deux cents euros, trente jours",
                "99, 70, 21, 200 euros, 30 jours",
            ),
            ("noventa e nove, trinta dias, duzentos e trinta e dois reais", "99, 30 dias, 232 reais"),
            ("hai mươi lăm phần trăm, chín chục ngàn, trăm nghìn đồng", "25 phần trăm, 90000, 100000 đồng"),
            ("hai ngày, hai năm, năm ngày, mười lăm, hai mươi năm", "2 ngày, 2 năm, 5 ngày, 15, 20 năm"),
            ("in a week, a dollar", "in 1 week, a dollar"),
            ("one hundred thousand, two million", "100000, 2000000"),
            ("call zero nine one two three four five", "call 0 9 1 2 3 4 5"),
        ]);
    }

    #[test]
    fn halves_become_digits() {
        reads(&[
            ("one and a half days, two-and-a-half weeks", "1.5 days, 2.5 weeks"),
            ("It takes a day and a half", "It takes 1.5 day"),
            ("anderthalb Tage, zweieinhalb Wochen, eineinhalbjährige", "1.5 Tage, 2.5 Wochen, 1.5jährige"),
            ("un jour et demi, deux semaines et demie", "1.5 jour, 2.5 semaines"),
            ("día y medio, dos semanas y media, un euro y medio", "1.5 día, 2.5 semanas, 1.5 euro"),
            ("um dia e meio, uma semana e meia, dois reais e meio", "1.5 dia, 1.5 semana, 2.5 reais"),
            ("một ngày rưỡi, hai triệu rưỡi, 2 triệu rưỡi đồng", "1.5 ngày, 2500000, 2500000 đồng"),
            ("2 1/2 days, 三天半", "2.5 days, 3.5天"),
        ]);
        for text in ["a las 9 y media", "2 and a half times", "nove e meia", "3일 반품", "half of it", "2年半額"]
        {
            let text = if text == "nove e meia" { "9 e meia" } else { text };
            reads(&[(text, text)]);
        }
    }

    #[test]
    fn vietnamese_without_its_marks_is_read_before_a_unit() {
        reads(&[
            ("hai ngay, ba den nam ngay, mot tuan", "2 ngay, 3 den 5 ngay, 1 tuan"),
            ("bao hanh hai nam, bon thang, hai muoi lam ngay", "bao hanh 2 nam, 4 thang, 25 ngay"),
            ("chin chuc ngan dong, hai tram nghin, muoi phan tram", "90000 dong, 200000, 10 phan tram"),
            ("mot ngay ruoi, hai trieu ruoi", "1.5 ngay, 2500000"),
        ]);
        for text in ["C'est bon pour vous", "the bay window of Nam", "Ngay mai lam viec", "le mot juste", "sau nay"] {
            reads(&[(text, text)]);
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in [
            "one of our boards",
            "mil gracias",
            "thousand thanks, mille grazie",
            "I am one hundred percent sure. Ich bin zu hundert Prozent sicher.",
            "only once",
            "twice a day",
            "Have a nice day",
            "Chúc bạn một ngày tốt lành",
            "Tenha um dia maravilhoso",
            "Achtung, Einstein, Dreieck",
            "Kein Problem, eine Frage",
        ] {
            reads(&[(text, text)]);
        }
    }
}
