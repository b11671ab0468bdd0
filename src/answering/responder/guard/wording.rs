//! Prices and shares in words that no reader makes digits of.

use super::currencies::{CURRENCIES, ends};
use super::numbers::is_spaced;
use super::spans::unit_words;
use crate::shared::text_fold::is_mark;

/// Words for numbers beside which a currency makes a price, and of which longer ones are put together. Those that
/// [`in_digits`](super::number_words::in_digits) reads are there, too: beside what it leaves as words.
const NUMBER_WORDS: &str = "hundred thousand million hundert tausend trăm nghìn ngàn triệu cien cent mille cem mil \
    uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette \
    diciotto diciannove venti vent trenta trent quaranta quarant cinquanta cinquant sessanta sessant settanta settant \
    ottanta ottant novanta novant cento duecento mila \
    een één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien \
    negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig honderd duizend en ën \
    ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo trettio \
    fyrtio femtio sextio sjuttio åttio nittio hundra tusen to fire syv otte ni ti tyve tredive tjue tretti førti femti seksti \
    sytti åtti nitti hundre \
    jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście piętnaście dwadzieścia trzydzieści \
    czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt sto dwieście trzysta pięćset \
    tysiąc tysiące \
    bir iki üç dört beş altı yedi sekiz dokuz on yirmi otuz kırk elli altmış yetmiş seksen doksan yüz bin \
    один одна два две три четыре пять шесть семь восемь девять десять одиннадцать двенадцать пятнадцать двадцать тридцать \
    сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто сто двести триста пятьсот тысяча тысячи тысяч \
    و واحد اثنان اثنين ثلاثة ثلاث أربعة أربع خمسة خمس ستة ست سبعة سبع ثمانية ثماني تسعة تسع عشرة عشر عشرون عشرين ثلاثون \
    ثلاثين أربعون أربعين خمسون خمسين ستون ستين سبعون سبعين ثمانون ثمانين تسعون تسعين مائة مئة ألف \
    एक दो तीन चार पांच पाँच छह सात आठ नौ दस पंद्रह बीस पच्चीस तीस चालीस पचास साठ सत्तर अस्सी नब्बे निन्यानवे सौ हज़ार हजार \
    하나 한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 스무 스물 서른 마흔 쉰 예순 일흔 여든 아흔";

/// Endings of words for numbers in Thai, which writes no blanks.
const THAI: [&str; 16] =
    ["หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า", "สิบ", "เอ็ด", "ร้อย", "พัน", "หมื่น", "แสน", "ล้าน"];

/// Of how many parts a word for a number is put together at most.
const MOST_PARTS: usize = 5;

/// How long a word for a number is at least, in bytes, that is written together with what it counts.
const SHORTEST_JOINED: usize = 3;

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
const PERCENT_WORDS: [&str; 16] = [
    "percento",
    "per cento",
    "procent",
    "yüzde",
    "퍼센트",
    "เปอร์เซ็นต์",
    "प्रतिशत",
    "percent",
    "per cent",
    "prozent",
    "pour cent",
    "por ciento",
    "por cento",
    "phần trăm",
    "phan tram",
    "процентов",
];

/// All of something is no share: "one hundred percent sure".
const ALL: [&str; 8] = ["hundred", "hundert", "cien", "cent", "cem", "cento", "trăm", "сто"];

/// The prices and shares in words in a text in lower case: "twelve dollars", "twenty percent", as they stand there.
#[must_use]
pub fn in_words(lower: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let shares = PERCENT_WORDS.into_iter().map(|word| (word, true));
    let units = unit_words().map(|word| (word, false));
    for (word, is_share) in CURRENCIES.iter().map(|(word, ..)| (*word, false)).chain(shares).chain(units) {
        for (at, _) in lower.match_indices(word) {
            if !ends(word, &lower[at + word.len()..]) {
                continue;
            }
            let before = lower[..at].trim_end_matches([' ', '-']);
            let thai = THAI.into_iter().find_map(|number| before.strip_suffix(number)).map(str::len);
            let start = match before.chars().next_back() {
                _ if thai.is_some() => thai.unwrap_or(at),
                Some(sign) if NUMBER_SIGNS.contains(sign) && before.len() == at => before.len() - sign.len_utf8(),
                _ => match last_word(before) {
                    // "Today" is no number of days, and "times" are no months.
                    Some(start) if before.len() == at && at - start < SHORTEST_JOINED => continue,
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

/// Whether a word is a number, or put together of some: "negenennegentig".
fn is_number_word(word: &str) -> bool {
    is_joined(word, 0)
}

fn is_joined(word: &str, parts: usize) -> bool {
    let mut rest = NUMBER_WORDS.split_whitespace().filter_map(|one| word.strip_prefix(one));
    parts < MOST_PARTS && rest.any(|rest| rest.is_empty() || is_joined(rest, parts + 1))
}

fn last_word(text: &str) -> Option<usize> {
    let start = text
        .rfind(|sign: char| !sign.is_alphabetic() && !is_mark(sign))
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
