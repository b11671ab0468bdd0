//! Signs and words of currencies, and where a word ends in languages with and without blanks.

use super::numbers::is_spaced;

/// A currency by the codes that its sign may mean. None: the sign says only that it is money.
pub type Codes = &'static [&'static str];

/// Where a word must stand to be a currency.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
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
pub const CURRENCIES: &[(&str, Codes, Place)] = &[
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
    ("do la", DOLLARS, Behind),
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
    ("złotego", &["PLN"], Behind),
    ("euroa", &["EUR"], Behind),
    ("ยูโร", &["EUR"], Anywhere),
    ("يورو", &["EUR"], Anywhere),
    ("यूरो", &["EUR"], Anywhere),
    ("ดอลลาร์", DOLLARS, Anywhere),
    ("دولار", DOLLARS, Anywhere),
    ("डॉलर", DOLLARS, Anywhere),
    ("ريال", &["SAR", "QAR", "OMR"], Anywhere),
    ("درهم", &["AED", "MAD"], Anywhere),
    ("دينار", &["KWD", "JOD", "BHD", "IQD", "TND"], Anywhere),
    ("جنيه", &["EGP", "SDG", "GBP"], Anywhere),
    ("रुपये", &["INR", "NPR"], Anywhere),
    ("रुपए", &["INR", "NPR"], Anywhere),
    ("krona", CROWNS, Behind),
    ("krone", CROWNS, Behind),
    ("cents", MONEY, Behind),
    ("cent", MONEY, Behind),
    ("centavos", MONEY, Behind),
];

/// Codes that are words of some language in lower case: they count in capitals only.
pub const CAPITALS: [&str; 24] = [
    "TRY", "SEK", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "IDR", "MYR", "PHP", "ZAR", "AED", "SAR", "QAR", "KWD",
    "ARS", "CLP", "COP", "PEN", "BGN", "RON", "NGN", "EGP",
];

/// What may stand between a number and a country's dollars or francs.
pub const WHOSE: [&str; 7] = ["us", "u.s.", "us-", "american", "canadian", "australian", "schweizer"];

/// Whether a word ends before this text: in languages that write blanks, no letter goes on.
pub fn ends(word: &str, rest: &str) -> bool {
    let is_letter = word.chars().next_back().is_some_and(char::is_alphabetic);
    !is_letter || !is_spaced(word) || !rest.starts_with(char::is_alphanumeric)
}

/// Whether a word begins behind this text.
pub fn begins(word: &str, rest: &str) -> bool {
    let is_letter = word.chars().next().is_some_and(char::is_alphabetic);
    // "12USD" is told as often as "12 USD".
    !is_letter || !is_spaced(word) || !rest.ends_with(char::is_alphabetic)
}
