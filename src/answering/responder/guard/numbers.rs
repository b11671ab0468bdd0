//! The numbers in a text.

/// A number where it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// In one spelling: `1299.5`.
    pub value: String,
    /// Where it begins.
    pub start: usize,
    /// Where it ends, with the word that multiplies it.
    pub end: usize,
    /// By how much a word multiplies it: `100k`. One where none does.
    pub scale: u64,
}

impl Number {
    /// Whether a word multiplies it.
    #[must_use]
    pub fn is_scaled(&self) -> bool {
        self.scale > 1
    }

    /// The number and a half of what it counts: 2 as "two and a half", 2 million as 2.5. `None`: it is too large, or has a
    /// part already.
    #[must_use]
    pub fn and_a_half(&self) -> Option<String> {
        let value = hundredths(&self.value)?;
        value.is_multiple_of(100).then(|| value.checked_add(self.scale.checked_mul(50)?).map(written))?
    }
}

/// Words that multiply the number before them, how many zeros they are, and whether they may stand behind a blank.
const SCALES: [(&str, u32, bool); 25] = [
    ("k", 3, false),
    ("tr", 6, false),
    ("tsd", 3, true),
    ("tausend", 3, true),
    ("thousand", 3, true),
    ("million", 6, true),
    ("millionen", 6, true),
    ("millones", 6, true),
    ("mil", 3, true),
    ("mille", 3, true),
    ("nghìn", 3, true),
    ("ngàn", 3, true),
    ("triệu", 6, true),
    ("nghin", 3, true),
    ("ngan", 3, true),
    ("trieu", 6, true),
    ("тыс", 3, true),
    ("тысяч", 3, true),
    ("千", 3, false),
    ("万", 4, false),
    ("萬", 4, false),
    ("천", 3, false),
    ("만", 4, false),
    ("พัน", 3, true),
    ("หมื่น", 4, true),
];

/// The numbers of a plain text in lower case.
#[must_use]
pub fn numbers(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let mut begin = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_part = character.is_ascii_digit()
            || (begin.is_some()
                && matches!(character, '.' | ',' | '\'' | '’')
                && text[at + character.len_utf8()..].starts_with(|next: char| next.is_ascii_digit()));
        match (is_part, begin) {
            (true, None) => begin = Some(at),
            (false, Some(start)) => {
                found.push(with_scale(text, start, at));
                begin = None;
            }
            _ => {}
        }
    }
    found
}

/// Numbers that blanks group by thousands, `1 299,00`, each with how many of [`numbers`] it takes and the place of the first.
#[must_use]
pub fn grouped(text: &str, numbers: &[Number]) -> Vec<(usize, usize, Number)> {
    let mut found = Vec::new();
    for first in 0..numbers.len() {
        let lead = &text[numbers[first].start..numbers[first].end];
        if lead.len() > 3 || !lead.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let mut last = first;
        while let Some(next) = numbers.get(last + 1)
            && &text[numbers[last].end..next.start] == " "
            && text[next.start..next.end].split(['.', ',']).next().is_some_and(|group| group.len() == 3)
        {
            last += 1;
        }
        if last > first {
            let (start, end) = (numbers[first].start, numbers[last].end);
            let digits: String = text[start..end].chars().filter(|character| *character != ' ').collect();
            let value = one_spelling(&digits);
            found.push((first, last - first + 1, Number { value, start, end, scale: 1 }));
        }
    }
    found
}

fn with_scale(text: &str, start: usize, end: usize) -> Number {
    let value = one_spelling(&text[start..end]);
    let after = &text[end..];
    let (blank, word) = match after.strip_prefix(' ') {
        Some(word) => (1, word),
        None => (0, after),
    };
    for (scale, zeros, may_be_apart) in SCALES {
        if (blank == 0 || may_be_apart)
            && let Some(rest) = word.strip_prefix(scale)
            && (!is_spaced(scale) || !rest.starts_with(char::is_alphanumeric))
        {
            let end = end + blank + scale.len();
            return Number { value: shifted(&value, zeros as usize), start, end, scale: 10_u64.pow(zeros) };
        }
    }
    Number { value, start, end, scale: 1 }
}

/// Whether words of this script are written with blanks between them.
#[must_use]
pub fn is_spaced(word: &str) -> bool {
    word.chars().all(|letter| letter < '\u{e00}')
}

/// A number without separators of thousands and without zeros behind the point: `1,299.00` is `1299`.
#[must_use]
pub fn one_spelling(number: &str) -> String {
    let (whole, part) = match number.rfind(['.', ',', '\'', '’']) {
        Some(at) => {
            let part = number[at..].trim_start_matches(|sign: char| !sign.is_ascii_digit());
            if part.len() == 3 { (number, "") } else { (&number[..at], part) }
        }
        None => (number, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = digits.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match part.trim_end_matches('0') {
        "" => whole.to_owned(),
        part => format!("{whole}.{part}"),
    }
}

/// A number with its point so many places further: `1.5` and six are `1500000`.
fn shifted(number: &str, zeros: usize) -> String {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = format!("{part:0<zeros$}");
    let (more, rest) = part.split_at(zeros);
    let whole = format!("{whole}{more}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

/// The number in hundredths; `None`: it is too large.
#[must_use]
pub fn hundredths(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part: u64 = format!("{part:0<2}").get(..2)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// A number of hundredths as [`one_spelling`].
#[must_use]
pub fn written(hundredths: u64) -> String {
    one_spelling(&format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for (one, other) in [
            ("649.00", "649"),
            ("1,299.50", "1299.5"),
            ("1.299", "1299"),
            ("007", "7"),
            ("0,5", "0.5"),
            ("1’299", "1299"),
        ] {
            assert_eq!(one_spelling(one), other);
        }
        let values = |text: &str| numbers(text).into_iter().map(|one| one.value).collect::<Vec<_>>();
        assert_eq!(values("100k, 1.5 triệu, 2tr, 3 thousand, 2 kg"), ["100000", "1500000", "2000000", "3000", "2"]);
        let text = "1 299,00 zł, 3 100 cm, 5 12";
        let groups: Vec<String> = grouped(text, &numbers(text)).into_iter().map(|(_, _, one)| one.value).collect();
        assert_eq!(groups, ["1299", "3100"]);
    }
}
