//! Prices that are told in words, and words that give something away.

use super::currencies::{CURRENCIES, begins, ends};
use super::numbers::is_spaced;

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

/// Words for hundredths.
const PERCENT_WORDS: [&str; 9] =
    ["percent", "per cent", "prozent", "pour cent", "por ciento", "por cento", "percento", "phần trăm", "процентов"];

/// All of something is no share: "one hundred percent sure".
const ALL: [&str; 8] = ["hundred", "hundert", "cien", "cent", "cem", "cento", "trăm", "сто"];

/// The prices and shares in words in a text in lower case: "twelve dollars", "twenty percent", as they stand there.
#[must_use]
pub fn in_words(lower: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let shares = PERCENT_WORDS.into_iter().map(|word| (word, true));
    for (word, is_share) in CURRENCIES.iter().map(|(word, ..)| (*word, false)).chain(shares) {
        for (at, _) in lower.match_indices(word) {
            if !ends(word, &lower[at + word.len()..]) {
                continue;
            }
            let before = lower[..at].trim_end_matches([' ', '-']);
            let start = match before.chars().next_back() {
                Some(sign) if NUMBER_SIGNS.contains(sign) && before.len() == at => before.len() - sign.len_utf8(),
                _ => match last_word(before) {
                    Some(start) if is_share && ALL.contains(&&before[start..]) => continue,
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
    let start = text
        .rfind(|sign: char| !sign.is_alphabetic())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
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
const GIFTS: [&str; 55] = [
    "free gift",
    "as a gift",
    "as a present",
    "gift from us",
    "present from us",
    "at no cost",
    "no extra cost",
    "get one free",
    "pay nothing",
    "costs nothing",
    "cost you nothing",
    "for the price of one",
    "waive",
    "third off",
    "quarter off",
    "geschenkt",
    "schenken wir",
    "kostet nichts",
    "kosten nichts",
    "kostenfrei",
    "est offert",
    "sont offert",
    "sans frais",
    "de graça",
    "sin costo",
    "sin coste",
    "sem custo",
    "được tặng",
    "for free",
    "free of charge",
    "is free",
    "are free",
    "it's free",
    "free shipping",
    "free delivery",
    "no charge",
    "on the house",
    "half price",
    "half off",
    "gratis",
    "kostenlos",
    "umsonst",
    "halber preis",
    "halben preis",
    "miễn phí",
    "nửa giá",
    "gratuit",
    "mitad de precio",
    "moitié prix",
    "grátis",
    "metade do preço",
    "무료",
    "免费",
    "無料",
    "ฟรี",
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
