//! What stands beside a number and makes it a price, a share, a time or a limit.

use super::numbers::{Number, is_spaced};

/// A currency by the codes that its sign may mean. None: the sign says only that it is money.
pub type Codes = &'static [&'static str];

/// Where a word must stand to be a currency.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On either side of the number.
    Anywhere,
    /// Behind it: before it, it is a word like others.
    Behind,
}
use Place::{Anywhere, Behind};

const DOLLARS: Codes = &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP"];
const PESOS: Codes = &["MXN", "ARS", "CLP", "COP", "PHP", "UYU"];
const CROWNS: Codes = &["SEK", "NOK", "DKK", "ISK", "CZK"];
const MONEY: Codes = &[];

/// Signs and words of currencies, longer ones before those with which they begin.
const CURRENCIES: [(&str, Codes, Place); 118] = [
    ("us$", &["USD"], Anywhere),
    ("usd", &["USD"], Anywhere),
    ("c$", &["CAD"], Anywhere),
    ("a$", &["AUD"], Anywhere),
    ("r$", &["BRL"], Anywhere),
    ("$", DOLLARS, Anywhere),
    ("dollars", DOLLARS, Anywhere),
    ("dollar", DOLLARS, Anywhere),
    ("dólares", DOLLARS, Anywhere),
    ("dólar", DOLLARS, Anywhere),
    ("dolares", DOLLARS, Anywhere),
    ("dollari", DOLLARS, Anywhere),
    ("đô la", DOLLARS, Anywhere),
    ("đô", DOLLARS, Behind),
    ("bucks", DOLLARS, Behind),
    ("美元", &["USD"], Anywhere),
    ("美金", &["USD"], Anywhere),
    ("ドル", DOLLARS, Anywhere),
    ("달러", DOLLARS, Anywhere),
    ("долларов", DOLLARS, Anywhere),
    ("доллара", DOLLARS, Anywhere),
    ("доллар", DOLLARS, Anywhere),
    ("€", &["EUR"], Anywhere),
    ("eur", &["EUR"], Anywhere),
    ("euros", &["EUR"], Anywhere),
    ("euro", &["EUR"], Anywhere),
    ("欧元", &["EUR"], Anywhere),
    ("ユーロ", &["EUR"], Anywhere),
    ("유로", &["EUR"], Anywhere),
    ("евро", &["EUR"], Anywhere),
    ("£", &["GBP", "EGP"], Anywhere),
    ("gbp", &["GBP"], Anywhere),
    ("pounds", &["GBP"], Behind),
    ("pound", &["GBP"], Behind),
    ("quid", &["GBP"], Behind),
    ("pfund", &["GBP"], Behind),
    ("libras", &["GBP"], Behind),
    ("¥", &["JPY", "CNY"], Anywhere),
    ("円", &["JPY"], Anywhere),
    ("yen", &["JPY"], Anywhere),
    ("jpy", &["JPY"], Anywhere),
    ("엔", &["JPY"], Behind),
    ("人民币", &["CNY"], Anywhere),
    ("元", &["CNY", "TWD", "HKD", "USD"], Anywhere),
    ("块", &["CNY", "TWD"], Behind),
    ("塊", &["TWD"], Behind),
    ("yuan", &["CNY"], Anywhere),
    ("rmb", &["CNY"], Anywhere),
    ("cny", &["CNY"], Anywhere),
    ("₫", &["VND"], Anywhere),
    ("vnđ", &["VND"], Anywhere),
    ("vnd", &["VND"], Anywhere),
    ("đồng", &["VND"], Behind),
    ("dong", &["VND"], Behind),
    ("đ", &["VND"], Behind),
    ("₩", &["KRW"], Anywhere),
    ("krw", &["KRW"], Anywhere),
    ("원", &["KRW"], Behind),
    ("won", &["KRW"], Behind),
    ("฿", &["THB"], Anywhere),
    ("บาท", &["THB"], Anywhere),
    ("baht", &["THB"], Anywhere),
    ("thb", &["THB"], Anywhere),
    ("₹", &["INR"], Anywhere),
    ("inr", &["INR"], Anywhere),
    ("rupees", &["INR", "PKR", "LKR"], Anywhere),
    ("rupien", &["INR", "PKR", "LKR"], Anywhere),
    ("rs.", &["INR", "PKR", "LKR"], Anywhere),
    ("rs", &["INR", "PKR", "LKR"], Anywhere),
    ("₽", &["RUB"], Anywhere),
    ("рублей", &["RUB"], Anywhere),
    ("рубля", &["RUB"], Anywhere),
    ("рубль", &["RUB"], Anywhere),
    ("руб", &["RUB"], Anywhere),
    ("rub", &["RUB"], Behind),
    ("₴", &["UAH"], Anywhere),
    ("гривень", &["UAH"], Anywhere),
    ("грн", &["UAH"], Anywhere),
    ("uah", &["UAH"], Anywhere),
    ("₺", &["TRY"], Anywhere),
    ("lira", &["TRY"], Behind),
    ("tl", &["TRY"], Behind),
    ("₪", &["ILS"], Anywhere),
    ("shekels", &["ILS"], Anywhere),
    ("ils", &["ILS"], Behind),
    ("złotych", &["PLN"], Anywhere),
    ("złote", &["PLN"], Anywhere),
    ("zloty", &["PLN"], Anywhere),
    ("złoty", &["PLN"], Anywhere),
    ("zł", &["PLN"], Anywhere),
    ("pln", &["PLN"], Anywhere),
    ("kč", &["CZK"], Anywhere),
    ("czk", &["CZK"], Anywhere),
    ("korun", CROWNS, Behind),
    ("kronor", CROWNS, Behind),
    ("kroner", CROWNS, Behind),
    ("kronen", CROWNS, Behind),
    ("kr", CROWNS, Anywhere),
    ("nok", &["NOK"], Anywhere),
    ("dkk", &["DKK"], Anywhere),
    ("forint", &["HUF"], Behind),
    ("ft", &["HUF"], Behind),
    ("huf", &["HUF"], Anywhere),
    ("lei", &["RON", "MDL"], Behind),
    ("leu", &["RON", "MDL"], Behind),
    ("ron", &["RON"], Behind),
    ("лв", &["BGN"], Behind),
    ("chf", &["CHF"], Anywhere),
    ("franken", &["CHF"], Anywhere),
    ("francs", &["CHF", "XOF", "XAF"], Anywhere),
    ("sfr", &["CHF"], Anywhere),
    ("reais", &["BRL"], Behind),
    ("brl", &["BRL"], Anywhere),
    ("pesos", PESOS, Behind),
    ("mxn", &["MXN"], Anywhere),
    ("cents", MONEY, Behind),
    ("cent", MONEY, Behind),
    ("centavos", MONEY, Behind),
];

/// Codes that are words of some language in lower case: they count in capitals only.
const CAPITALS: [&str; 24] = [
    "TRY", "SEK", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "IDR", "MYR", "PHP", "ZAR", "AED", "SAR", "QAR", "KWD",
    "ARS", "CLP", "COP", "PEN", "BGN", "RON", "NGN", "EGP",
];

/// What may stand between a number and a country's dollars or francs.
const WHOSE: [&str; 7] = ["us", "u.s.", "us-", "american", "canadian", "australian", "schweizer"];

/// Words before a number that make it a price, whatever comes behind it.
const SALES: [&str; 24] = [
    "yours for", "it for", "them for", "costs", "costs only", "costs just", "pay", "pay only", "pay just", "sells for",
    "sold for", "kostet", "kosten", "kostet nur", "cuesta", "cuestan", "coûte", "coûtent", "custa", "custam", "costa",
    "giá", "chỉ", "價格",
];

/// Words before a number that make it a price where no word comes behind it.
const PRICES: [&str; 22] = [
    "price", "price is", "price of", "for only", "for just", "only", "just", "preis", "preis ist", "nur", "precio",
    "precio es", "sólo", "solo", "prix", "prix est", "preço", "preço é", "価格", "値段", "가격", "ราคา",
];

/// Words before a number that make it a limit.
const LIMITS: [&str; 28] = [
    "under", "below", "up to", "less than", "within", "budget of", "budget is", "over", "above", "more than", "around",
    "unter", "bis", "bis zu", "über", "höchstens", "dưới", "trên", "tối đa", "menos de", "más de", "hasta", "moins de",
    "jusqu'à", "plus de", "até", "abaixo de", "maximum",
];

/// The same behind the number and its currency.
const LIMITS_BEHIND: [&str; 6] = ["以下", "以内", "未満", "이하", "미만", "以上"];

/// Words of a sale: a limit beside them is a price.
const DEALS: [&str; 14] = [
    "yours", "sold", "sell it", "get it", "take it", "have it", "deal", "gehört ihnen", "gehört dir", "verkaufe",
    "es tuyo", "es suyo", "é seu", "của bạn",
];

/// Words of a share beside the sign.
const SHARES: [&str; 12] = [
    "%", "percent", "per cent", "prozent", "phần trăm", "por ciento", "pour cent", "por cento", "퍼센트", "パーセント",
    "процентов", "折",
];

/// Words behind an hour.
const HOURS: [&str; 16] = [
    "uhr", "h", "am", "pm", "a.m", "p.m", "o'clock", "giờ", "heures", "horas", "点", "點", "時", "时", "시", "น.",
];

/// Words before a number that a customer may have named: what they call a thing, not what it costs.
const NAMED: [&str; 20] = [
    "size", "sizes", "größe", "groesse", "gr.", "taille", "talla", "tamanho", "taglia", "cỡ", "size số", "サイズ", "사이즈",
    "尺码", "order", "order number", "bestellung", "pedido", "commande", "đơn hàng",
];

/// What stands beside a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// A currency.
    Currency(Codes),
    /// The number is a share.
    Share,
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
        if SHARES.iter().any(|word| after.trim_start_matches(' ').strip_prefix(word).is_some_and(|rest| ends(word, rest))) {
            return Beside::Share;
        }
        if let Some(codes) = self.currency_behind(number).or_else(|| self.currency_before(number)) {
            return Beside::Currency(codes);
        }
        if self.is_time(number) { Beside::Time } else { Beside::Nothing }
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
            let rest = before.strip_suffix(word).filter(|rest| *place == Anywhere && begins(word, rest))?;
            Some((rest, *codes))
        });
        let found = found.or_else(|| {
            let plain = &self.plain[..before.len()];
            let code = CAPITALS.iter().find(|code| plain.strip_suffix(**code).is_some_and(|rest| begins(code, rest)))?;
            Some((&before[..before.len() - code.len()], std::slice::from_ref(code)))
        });
        let (rest, codes) = found?;
        // "649 USD, 3 left": it belongs to what stands before it.
        let is_apart = before.len() < number.start;
        let has_own = rest.trim_end_matches(' ').ends_with(|last: char| last.is_ascii_digit());
        (!(is_apart && has_own)).then_some(codes)
    }

    /// Whether words before the number say that it is a price.
    #[must_use]
    pub fn is_in_price(self, number: &Number) -> bool {
        let before = self.lower[..number.start].trim_end_matches(|sign: char| is_noise(sign) || matches!(sign, '-' | '–'));
        let ends_with = |words: &[&str]| {
            words.iter().any(|word| before.strip_suffix(word).is_some_and(|rest| begins(word, rest)))
        };
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
        let is_called_hour =
            HOURS.iter().any(|word| after.trim_start_matches(' ').strip_prefix(word).is_some_and(|rest| ends(word, rest)));
        (below(24) && (is_hour || is_called_hour)) || (is_minute && below(59)) || (is_called_hour && is_clock(digits))
    }
}

/// "9.30" before "Uhr".
fn is_clock(digits: &str) -> bool {
    digits.split_once('.').is_some_and(|(hour, minute)| {
        minute.len() == 2 && hour.parse::<u32>().is_ok_and(|hour| hour <= 24) && minute.parse::<u32>().is_ok_and(|minute| minute <= 59)
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

/// Whether a word ends before this text: in languages that write blanks, no letter goes on.
fn ends(word: &str, rest: &str) -> bool {
    let is_letter = word.chars().next_back().is_some_and(char::is_alphabetic);
    !is_letter || !is_spaced(word) || !rest.starts_with(char::is_alphanumeric)
}

/// Whether a word begins behind this text.
fn begins(word: &str, rest: &str) -> bool {
    let is_letter = word.chars().next().is_some_and(char::is_alphabetic);
    // "12USD" is told as often as "12 USD".
    !is_letter || !is_spaced(word) || !rest.ends_with(char::is_alphabetic)
}

fn sentence_around<'a>(text: &'a str, number: &Number) -> &'a str {
    let is_end = |sign: char| matches!(sign, '!' | '?' | '\n' | '。');
    let start = text[..number.start].rfind(is_end).map_or(0, |at| at + 1);
    let start = (start..=number.start).find(|at| text.is_char_boundary(*at)).unwrap_or(number.start);
    let end = text[number.end..].find(is_end).map_or(text.len(), |at| number.end + at);
    &text[start..end]
}

/// Words for numbers beside which a currency makes a price.
const NUMBER_WORDS: &str = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty \
    thirty forty fifty sixty seventy eighty ninety hundred thousand million ein eine einen zwei drei vier fünf sechs sieben \
    acht neun zehn elf zwölf zwanzig dreißig vierzig fünfzig hundert tausend một hai ba bốn năm sáu bảy tám chín mười trăm \
    nghìn ngàn triệu un uno una dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cincuenta cien mil \
    deux trois quatre cinq sept huit neuf dix onze douze vingt trente cinquante cent mille um dois três quatro sete oito nove \
    dez doze vinte trinta cinquenta cem due tre quattro cinque sei otto dieci venti cento один два три четыре пять шесть \
    семь восемь девять десять двадцать сто тысяч";

/// Signs for numbers right before a sign of a currency.
const NUMBER_SIGNS: &str = "一二三四五六七八九十百千万萬億两兩백천만십";

/// Words for twice to ten times.
const FACTORS: [(u64, &str); 9] = [
    (2, "two both pair double zwei beide hai dos ambos deux dois due два 二 两 兩 두 둘"),
    (3, "three drei ba tres trois três tre три 三 세"),
    (4, "four vier bốn cuatro quatre quatro quattro четыре 四 네"),
    (5, "five fünf năm cinco cinq cinque пять 五 다섯"),
    (6, "six sechs sáu seis sei шесть 六 여섯"),
    (7, "seven sieben bảy siete sept sete sette семь 七 일곱"),
    (8, "eight acht tám ocho huit oito otto восемь 八 여덟"),
    (9, "nine neun chín nueve neuf nove девять 九 아홉"),
    (10, "ten zehn mười diez dix dez dieci десять 十 열"),
];

/// The prices in words in a text in lower case: "twelve dollars", as they stand there.
#[must_use]
pub fn in_words(lower: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (word, _, _) in CURRENCIES {
        for (at, _) in lower.match_indices(word) {
            if !ends(word, &lower[at + word.len()..]) {
                continue;
            }
            let before = lower[..at].trim_end_matches([' ', '-']);
            let start = match before.chars().next_back() {
                Some(sign) if NUMBER_SIGNS.contains(sign) && before.len() == at => before.len() - sign.len_utf8(),
                _ => match last_word(before) {
                    Some(start) if is_number_word(&before[start..]) => start,
                    _ => continue,
                },
            };
            // Behind digits it only multiplies them.
            if !lower[..start].trim_end().ends_with(|last: char| last.is_ascii_digit()) {
                found.push(&lower[start..at + word.len()]);
            }
        }
    }
    found
}

fn is_number_word(word: &str) -> bool {
    NUMBER_WORDS.split_whitespace().any(|one| one == word)
}

fn last_word(text: &str) -> Option<usize> {
    let start = text.rfind(|sign: char| !sign.is_alphabetic()).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    (start < text.len()).then_some(start)
}

/// How many pieces a text speaks of in words.
pub fn factors_in_words(lower: &str) -> impl Iterator<Item = u64> + '_ {
    let words: Vec<&str> = lower.split(|sign: char| !sign.is_alphanumeric()).collect();
    FACTORS.into_iter().filter_map(move |(factor, names)| {
        let is_there = |name: &str| if is_spaced(name) { words.contains(&name) } else { lower.contains(name) };
        names.split(' ').any(is_there).then_some(factor)
    })
}

/// Words that give something away, or half of it.
const GIFTS: [&str; 27] = [
    "for free", "free of charge", "is free", "are free", "it's free", "free shipping", "free delivery", "no charge",
    "on the house", "half price", "half off", "gratis", "kostenlos", "umsonst", "halber preis", "halben preis", "miễn phí",
    "nửa giá", "gratuit", "mitad de precio", "moitié prix", "grátis", "metade do preço", "무료", "免费", "無料", "ฟรี",
];

/// The words of a text in lower case that give something away.
pub fn gifts(lower: &str) -> impl Iterator<Item = &'static str> + '_ {
    GIFTS.into_iter().filter(move |words| {
        lower.match_indices(words).any(|(at, _)| {
            let rest = &lower[at + words.len()..];
            // "Gratuitement" is the same; "is free to choose" is not.
            begins(words, &lower[..at]) && !rest.starts_with(" to ")
        })
    })
}
