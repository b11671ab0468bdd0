//! What stands beside a number and makes it a price, a share, a time or a limit.

use super::currencies::{CAPITALS, CURRENCIES, Codes, Place, WHOSE, begins, ends};
use super::numbers::Number;
use super::spans::{Span, span_at};

/// Words before a number that make it a price, whatever comes behind it.
const SALES: [&str; 23] = [
    "yours for",
    "it for",
    "them for",
    "costs",
    "costs only",
    "costs just",
    "pay",
    "pay only",
    "pay just",
    "sells for",
    "sold for",
    "kostet",
    "kosten",
    "kostet nur",
    "cuesta",
    "cuestan",
    "coûte",
    "coûtent",
    "custa",
    "custam",
    "costa",
    "giá",
    "價格",
];

/// Words before a number that make it a price where no word comes behind it.
const PRICES: [&str; 15] = [
    "price",
    "price is",
    "price of",
    "preis",
    "preis ist",
    "precio",
    "precio es",
    "prix",
    "prix est",
    "preço",
    "preço é",
    "価格",
    "値段",
    "가격",
    "ราคา",
];

/// Words before a number that make it a price or what is left of something.
const ONLY: [&str; 9] = ["only", "for only", "just", "for just", "nur", "sólo", "solo", "seulement", "chỉ"];

/// Words before a number that make it a limit.
const LIMITS: [&str; 28] = [
    "under",
    "below",
    "up to",
    "less than",
    "within",
    "budget of",
    "budget is",
    "over",
    "above",
    "more than",
    "around",
    "unter",
    "bis",
    "bis zu",
    "über",
    "höchstens",
    "dưới",
    "trên",
    "tối đa",
    "menos de",
    "más de",
    "hasta",
    "moins de",
    "jusqu'à",
    "plus de",
    "até",
    "abaixo de",
    "maximum",
];

/// The same behind the number and its currency.
const LIMITS_BEHIND: [&str; 6] = ["以下", "以内", "未満", "이하", "미만", "以上"];

/// Words of a sale: a limit beside them is a price.
const DEALS: [&str; 14] = [
    "yours",
    "sold",
    "sell it",
    "get it",
    "take it",
    "have it",
    "deal",
    "gehört ihnen",
    "gehört dir",
    "verkaufe",
    "es tuyo",
    "es suyo",
    "é seu",
    "của bạn",
];

/// Words of a share beside the sign.
const SHARES: [&str; 22] = [
    "%",
    "percent",
    "per cent",
    "prozent",
    "phần trăm",
    "phan tram",
    "por ciento",
    "pour cent",
    "por cento",
    "퍼센트",
    "パーセント",
    "процентов",
    "折",
    "割",
    "percento",
    "per cento",
    "procent",
    "yüzde",
    "เปอร์เซ็นต์",
    "प्रतिशत",
    "بالمئة",
    "في المئة",
];

/// Whether the text begins with a word of a share.
#[must_use]
pub fn is_share_ahead(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '-']);
    SHARES.iter().any(|word| rest.strip_prefix(word).is_some_and(|rest| ends(word, rest)))
}

/// Words behind an hour.
const HOURS: [&str; 16] =
    ["uhr", "h", "am", "pm", "a.m", "p.m", "o'clock", "giờ", "heures", "horas", "点", "點", "時", "时", "시", "น."];

/// Words before a number that a customer may have named: what they call a thing, not what it costs.
const NAMED: [&str; 20] = [
    "size",
    "sizes",
    "größe",
    "groesse",
    "gr.",
    "taille",
    "talla",
    "tamanho",
    "taglia",
    "cỡ",
    "size số",
    "サイズ",
    "사이즈",
    "尺码",
    "order",
    "order number",
    "bestellung",
    "pedido",
    "commande",
    "đơn hàng",
];

/// What stands beside a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// A currency.
    Currency(Codes),
    /// The number is a share.
    Share,
    /// The number says how long.
    Span(Span),
    /// A time of the day.
    Time,
    /// Nothing of the kind.
    Nothing,
}

/// A text in which numbers are looked at: as it was written, and in lower case with the same places.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// Plain.
    pub plain: &'a str,
    /// Plain and in lower case.
    pub lower: &'a str,
}

impl Text<'_> {
    /// What stands beside this number.
    #[must_use]
    pub fn beside(self, number: &Number) -> Beside {
        let after = &self.lower[number.end..];
        if is_share_ahead(after) {
            return Beside::Share;
        }
        if let Some(codes) = self.currency_behind(number).or_else(|| self.currency_before(number)) {
            return Beside::Currency(codes);
        }
        match span_at(self.lower, number) {
            Some(span) => Beside::Span(span),
            None if self.is_time(number) => Beside::Time,
            None => Beside::Nothing,
        }
    }

    fn currency_behind(self, number: &Number) -> Option<Codes> {
        let after = &self.lower[number.end..];
        let noise = after.len() - without_noise(after).len();
        let mut at = number.end + noise;
        for whose in WHOSE {
            if let Some(rest) = self.lower[at..].strip_prefix(whose)
                && rest.starts_with(' ')
            {
                at += whose.len() + 1;
                break;
            }
        }
        let (word_length, codes) = self.currency_at(at)?;
        // "5 (USD 649 each)", "12 $649": it belongs to what comes behind it.
        let behind = &self.lower[at + word_length..];
        let is_apart = noise > 0;
        let is_opened = after[..noise].contains('(');
        let belongs_to_next = behind.starts_with(|next: char| next.is_ascii_digit()) && is_apart
            || is_opened && behind.trim_start().starts_with(|next: char| next.is_ascii_digit());
        (!belongs_to_next).then_some(codes)
    }

    /// The currency that begins at this place, and its length.
    fn currency_at(self, at: usize) -> Option<(usize, Codes)> {
        let lower = &self.lower[at..];
        let word = CURRENCIES
            .iter()
            .find(|(word, _, _)| lower.strip_prefix(word).is_some_and(|rest| ends(word, rest)))
            .map(|(word, codes, _)| (word.len(), *codes));
        word.or_else(|| {
            let plain = &self.plain[at..];
            let code = CAPITALS.iter().find(|code| plain.strip_prefix(**code).is_some_and(|rest| ends(code, rest)))?;
            Some((code.len(), std::slice::from_ref(code)))
        })
    }

    fn currency_before(self, number: &Number) -> Option<Codes> {
        let before = self.lower[..number.start].trim_end_matches(is_noise);
        let found = CURRENCIES.iter().find_map(|(word, codes, place)| {
            let rest = before.strip_suffix(word).filter(|rest| *place == Place::Anywhere && begins(word, rest))?;
            Some((rest, *codes))
        });
        let found = found.or_else(|| {
            let plain = &self.plain[..before.len()];
            let code =
                CAPITALS.iter().find(|code| plain.strip_suffix(**code).is_some_and(|rest| begins(code, rest)))?;
            Some((&before[..before.len() - code.len()], std::slice::from_ref(code)))
        });
        let (rest, codes) = found?;
        // "649 USD, 3 left": it belongs to what stands before it.
        let is_apart = before.len() < number.start;
        let has_own = rest.trim_end_matches(' ').ends_with(|last: char| last.is_ascii_digit());
        (!(is_apart && has_own)).then_some(codes)
    }

    /// Whether words before the number say that it is a price, or what is left of something, where no word comes behind it.
    #[must_use]
    pub fn is_only(self, number: &Number) -> bool {
        let before = self.lower[..number.start].trim_end_matches(is_noise);
        let word_behind = self.lower[number.end..].trim_start_matches(' ').starts_with(char::is_alphabetic);
        !word_behind && ONLY.iter().any(|word| before.strip_suffix(word).is_some_and(|rest| begins(word, rest)))
    }

    /// Whether words before the number say that it is a price.
    #[must_use]
    pub fn is_in_price(self, number: &Number) -> bool {
        let before =
            self.lower[..number.start].trim_end_matches(|sign: char| is_noise(sign) || matches!(sign, '-' | '–'));
        let ends_with =
            |words: &[&str]| words.iter().any(|word| before.strip_suffix(word).is_some_and(|rest| begins(word, rest)));
        let word_behind = self.lower[number.end..].trim_start_matches(' ').starts_with(char::is_alphabetic);
        ends_with(&SALES) || (ends_with(&PRICES) && !word_behind)
    }

    /// Whether the number stands in a sentence of a sale: then it is no limit, whatever stands before it.
    #[must_use]
    pub fn is_deal(self, number: &Number) -> bool {
        let sentence = sentence_around(self.lower, number);
        DEALS.iter().any(|word| sentence.contains(word))
    }

    /// Whether the number is told as a limit.
    #[must_use]
    pub fn is_limit(self, number: &Number) -> bool {
        let before = self.lower[..number.start].trim_end_matches(|sign: char| !sign.is_alphanumeric());
        // The currency may stand between.
        let before = CURRENCIES.iter().find_map(|(word, _, _)| before.strip_suffix(word)).map_or(before, str::trim_end);
        let after = self.lower[number.end..].trim_start_matches(|sign: char| !sign.is_alphanumeric());
        let after = CURRENCIES.iter().find_map(|(word, _, _)| after.strip_prefix(word)).map_or(after, str::trim_start);
        LIMITS.iter().any(|word| before.strip_suffix(word).is_some_and(|rest| begins(word, rest)))
            || LIMITS_BEHIND.iter().any(|word| after.starts_with(word))
    }

    /// Whether a word before the number says that it is what somebody calls a thing: a size, an order.
    #[must_use]
    pub fn is_named(self, number: &Number) -> bool {
        let before = self.lower[..number.start].trim_end_matches([' ', ':', '#', '"', '“', '„', '«']);
        NAMED.iter().any(|word| before.strip_suffix(word).is_some_and(|rest| begins(word, rest)))
    }

    fn is_time(self, number: &Number) -> bool {
        let (before, after) = (&self.lower[..number.start], &self.lower[number.end..]);
        let digits = &self.lower[number.start..number.end];
        let below = |most: u32| digits.parse::<u32>().is_ok_and(|value| value <= most);
        let has_digit = |text: &str| text.starts_with(|next: char| next.is_ascii_digit());
        let is_hour = after.strip_prefix([':', 'h']).is_some_and(has_digit);
        let is_minute = digits.len() == 2
            && before.strip_suffix([':', 'h']).is_some_and(|rest| rest.ends_with(|last: char| last.is_ascii_digit()));
        let is_called_hour = HOURS
            .iter()
            .any(|word| after.trim_start_matches(' ').strip_prefix(word).is_some_and(|rest| ends(word, rest)));
        (below(24) && (is_hour || is_called_hour)) || (is_minute && below(59)) || (is_called_hour && is_clock(digits))
    }
}

/// "9.30" before "Uhr".
fn is_clock(digits: &str) -> bool {
    digits.split_once('.').is_some_and(|(hour, minute)| {
        minute.len() == 2
            && hour.parse::<u32>().is_ok_and(|hour| hour <= 24)
            && minute.parse::<u32>().is_ok_and(|minute| minute <= 59)
    })
}

/// What is written between a number and its currency.
fn is_noise(sign: char) -> bool {
    matches!(sign, ' ' | '*' | '_' | '(' | ')' | '[' | ']' | '~' | ':' | '=' | '≈' | '`' | '"')
}

/// The text behind a number without that: also "12.-" and "12,--".
fn without_noise(after: &str) -> &str {
    let dashed = after.strip_prefix(['.', ',']).unwrap_or(after);
    let dashes = dashed.trim_start_matches(['-', '–', '—']);
    let after = if dashes.len() < dashed.len() { dashes } else { after };
    after.trim_start_matches(is_noise)
}

fn sentence_around<'a>(text: &'a str, number: &Number) -> &'a str {
    let is_end = |sign: char| matches!(sign, '!' | '?' | '\n' | '。');
    let start = text[..number.start].rfind(is_end).map_or(0, |at| at + 1);
    let start = (start..=number.start).find(|at| text.is_char_boundary(*at)).unwrap_or(number.start);
    let end = text[number.end..].find(is_end).map_or(text.len(), |at| number.end + at);
    &text[start..end]
}
