//! What a model may say to a person: words in which nothing stands that it was not told.
//!
//! Every number of an answer must have been told by the shop, its catalogue or its instructions, a price with its currency;
//! small counts and times of the day are free where nothing says that they are a price. How long something takes must have
//! been told as such: "3 days" is no "3 boards". Every address must have been told by the shop. What a customer says makes no
//! price, no span of time and no address true.

mod addresses;
mod currencies;
mod delivery_words;
mod gift_words;
mod names;
mod number_words;
mod numbers;
mod plain;
mod prices;
mod promise_words;
mod promises;
mod spans;
mod unfinished;
mod wording;

use std::collections::BTreeSet;

use serde_json::Value;

use self::addresses::{addresses, digits_of, phones};
use self::currencies::Codes;
use self::numbers::{Number, grouped, hundredths, numbers, one_spelling, written};
use self::plain::{lower, plain};
use self::prices::{Beside, Text};
use self::spans::Span;

pub use self::names::{candidates, holds_name, parts};
use crate::shared::languages::{Sentence, say};

/// The longest answer, in characters: a message's limit.
const LONGEST: usize = 4_000;

/// The most pieces that may be counted, or of which a total may be told.
const MOST_PIECES: u64 = 20;

/// Why an answer does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// There are no words.
    Empty,
    /// It is too long.
    TooLong,
    /// It is markup.
    Markup,
    /// It holds an address that the model was not told.
    Address,
    /// It holds a price that the model was not told.
    Price,
    /// It says how long something takes or holds, which the model was not told.
    Span,
    /// It holds a number that the model was not told and that is no price.
    Number,
    /// It is no answer but something of the machine: a call of a tool, the instructions.
    Unfinished,
    /// It names another customer.
    Person,
}

impl Objection {
    /// Why a human is to answer, a sentence for the merchant.
    #[must_use]
    pub fn sentence(self) -> Sentence {
        match self {
            Self::Empty => say::bot_hand_no_answer(),
            Self::TooLong => say::bot_hand_too_long(),
            Self::Markup => say::bot_hand_markup(),
            Self::Address => say::bot_hand_address(),
            Self::Price => say::bot_hand_price(),
            Self::Span => say::bot_hand_span(),
            Self::Number => say::bot_hand_number(),
            Self::Unfinished => say::bot_hand_unfinished(),
            Self::Person => say::bot_hand_another_customer(),
        }
    }
}

/// How many prices of an answer are added up at most.
const MOST_PRICES: usize = 20;

/// What a model was told: what it may say again.
#[derive(Debug, Default)]
pub struct Told {
    /// All numbers.
    numbers: BTreeSet<String>,
    /// Prices with the currency; without one: money of any.
    prices: BTreeSet<(String, String)>,
    /// In percent.
    shares: BTreeSet<String>,
    /// How long something takes or holds.
    spans: BTreeSet<Span>,
    /// What customers named as money or as a limit; said again only as a limit: "under 50 USD".
    limits: BTreeSet<String>,
    /// The numbers that customers named; said again only as what they call a thing: "size 42".
    named: BTreeSet<String>,
    /// What the shop says, plain and in lower case.
    by_shop: Vec<String>,
    by_person: Vec<String>,
    /// Lines of the instructions that are nobody's to read.
    secrets: Vec<String>,
}

/// A text as it is looked at.
struct Said {
    /// In lower case, with its numbers in words.
    words: String,
    /// With digits in their place.
    plain: String,
    /// That in lower case.
    lower: String,
}

impl Said {
    fn new(text: &str) -> Self {
        let written = plain(text);
        let words = lower(&written);
        let plain = number_words::in_digits(&written, &words);
        let lower = lower(&plain);
        Self { words, plain, lower }
    }

    fn text(&self) -> Text<'_> {
        Text { plain: &self.plain, lower: &self.lower }
    }
}

impl Told {
    /// The shop said this: its instructions, its answers.
    pub fn add(&mut self, text: &str) {
        let said = Said::new(text);
        let text = said.text();
        for number in all_numbers(text.lower) {
            match text.beside(&number) {
                Beside::Share => drop(self.shares.insert(number.value)),
                Beside::Span(span) => {
                    self.spans.insert(span);
                    self.numbers.insert(number.value);
                }
                Beside::Currency(codes) => self.add_price(&number.value, codes),
                _ if text.is_in_price(&number) => self.add_price(&number.value, &[]),
                _ => drop(self.numbers.insert(number.value)),
            }
        }
        self.by_shop.push(said.words);
    }

    fn add_price(&mut self, value: &str, codes: Codes) {
        self.numbers.insert(value.to_owned());
        if codes.is_empty() {
            self.prices.insert((value.to_owned(), String::new()));
        }
        self.prices.extend(codes.iter().map(|code| (value.to_owned(), (*code).to_owned())));
    }

    /// The customer said this.
    pub fn add_of_person(&mut self, text: &str) {
        let said = Said::new(text);
        let text = said.text();
        for number in all_numbers(text.lower) {
            if matches!(text.beside(&number), Beside::Currency(_)) || text.is_limit(&number) {
                self.limits.insert(number.value.clone());
            }
            self.named.insert(number.value);
        }
        self.by_person.push(said.words);
    }

    /// Products of the catalogue.
    pub fn add_products(&mut self, products: &Value) {
        for product in products.as_array().into_iter().flatten() {
            if let Some(price) = product["price"].as_str().map(one_spelling) {
                let currency = product["currency"].as_str().unwrap_or_default().to_uppercase();
                self.numbers.insert(price.clone());
                self.prices.insert((price, currency));
            }
            if let Some(stock) = product["stock"].as_i64() {
                self.numbers.insert(stock.to_string());
            }
            for text in ["title", "url", "image"].iter().filter_map(|name| product[*name].as_str()) {
                let said = Said::new(text);
                for number in all_numbers(&said.lower) {
                    self.spans.extend(spans::span_at(&said.lower, &number));
                    self.numbers.insert(number.value);
                }
                self.by_shop.push(said.words);
            }
        }
    }

    /// All of it, plain and in lower case.
    #[must_use]
    pub fn all(&self) -> String {
        [self.by_shop.join("\n"), self.by_person.join("\n")].join("\n")
    }

    /// Why these words do not leave; `None`: nothing stands against them.
    #[must_use]
    pub fn objection(&self, text: &str) -> Option<Objection> {
        if text.chars().count() > LONGEST {
            return Some(Objection::TooLong);
        }
        let said = Said::new(text);
        let (words, text) = (said.words.as_str(), said.text());
        let found = numbers(text.lower);
        if said.plain.trim().is_empty() {
            Some(Objection::Empty)
        } else if is_markup(&said.plain) {
            Some(Objection::Markup)
        } else if unfinished::is_unfinished(words) || self.is_secret(words) {
            Some(Objection::Unfinished)
        } else if !self.knows_addresses(words, text.lower, &found) {
            Some(Objection::Address)
        } else if !self.knows_spans(words, text.lower, &found) {
            Some(Objection::Span)
        } else if !self.knows_words(words, text.lower) {
            Some(Objection::Price)
        } else {
            self.unknown_number(text, &found)
        }
    }

    /// The model's instructions, which it does not repeat.
    pub fn add_instructions(&mut self, instructions: &str) {
        self.secrets = unfinished::secrets(instructions);
    }

    fn is_secret(&self, words: &str) -> bool {
        let words = unfinished::words_of(words);
        self.secrets.iter().any(|secret| words.contains(secret))
    }

    fn says(&self, words: &str) -> bool {
        self.by_shop.iter().any(|told| told.contains(words))
    }

    fn knows_addresses(&self, words: &str, lower: &str, found: &[Number]) -> bool {
        addresses(words).iter().all(|address| self.by_shop.iter().any(|told| addresses::holds(told, address)))
            && phones(lower, found, |number| self.numbers.contains(&number.value))
                .iter()
                .all(|phone| self.by_shop.iter().any(|told| digits_of(told).contains(phone)))
    }

    /// Whether every span of time was told.
    fn knows_spans(&self, words: &str, lower: &str, found: &[Number]) -> bool {
        promises::spans(words, lower).into_iter().all(|words| self.says(words))
            && found.iter().filter_map(|number| spans::span_at(lower, number)).all(|span| self.spans.contains(&span))
    }

    /// What stands against the first number that was not told, also where blanks group it by thousands.
    fn unknown_number(&self, text: Text<'_>, found: &[Number]) -> Option<Objection> {
        let grouped = grouped(text.lower, found);
        let mut next = 0;
        while let Some(number) = found.get(next) {
            let group = grouped.iter().find(|(first, _, group)| *first == next && self.knows(text, group));
            match group {
                Some((_, count, _)) => next += count,
                None if self.knows(text, number) => next += 1,
                None => return Some(self.objection_to(text, number)),
            }
        }
        None
    }

    fn objection_to(&self, text: Text<'_>, number: &Number) -> Objection {
        let is_price = !matches!(text.beside(number), Beside::Nothing | Beside::Time)
            || number.is_scaled()
            || self.limits.contains(&number.value)
            || text.is_in_price(number)
            || text.is_only(number);
        if is_price { Objection::Price } else { Objection::Number }
    }

    fn knows(&self, text: Text<'_>, number: &Number) -> bool {
        let value = number.value.as_str();
        match text.beside(number) {
            Beside::Share => self.shares.contains(value),
            // Looked at apart.
            Beside::Span(_) => true,
            Beside::Currency(codes) => {
                self.knows_price(value, codes) || self.knows_total(text, value, codes) || self.knows_limit(text, number)
            }
            _ if text.is_in_price(number) => self.knows_price(value, &[]) || self.knows_total(text, value, &[]),
            _ if self.numbers.contains(value) => true,
            _ if text.is_only(number) => self.knows_total(text, value, &[]),
            Beside::Time => true,
            Beside::Nothing => {
                (!number.is_scaled() && value.parse::<u64>().is_ok_and(|count| count <= MOST_PIECES))
                    || (self.named.contains(value) && text.is_named(number))
                    || self.knows_limit(text, number)
            }
        }
    }

    fn knows_limit(&self, text: Text<'_>, number: &Number) -> bool {
        self.limits.contains(&number.value) && text.is_limit(number) && !text.is_deal(number)
    }

    fn knows_price(&self, value: &str, codes: Codes) -> bool {
        let is_it = |(price, currency): &(String, String)| {
            price == value && (codes.is_empty() || currency.is_empty() || codes.contains(&currency.as_str()))
        };
        self.prices.iter().any(is_it)
    }

    /// A total is known: so many times a price that was told, where the text says how many, or two prices that stand in the
    /// text, too.
    fn knows_total(&self, text: Text<'_>, value: &str, codes: Codes) -> bool {
        let Some(cents) = hundredths(value) else { return false };
        let found = numbers(text.lower);
        let in_digits = found.iter().filter_map(|number| number.value.parse().ok());
        let is_multiple = in_digits
            .chain(wording::factors_in_words(text.lower))
            .filter(|pieces| (2..=MOST_PIECES).contains(pieces) && cents % pieces == 0)
            .any(|pieces| self.knows_price(&written(cents / pieces), codes));
        let prices: Vec<u64> = found
            .iter()
            .filter(|number| self.knows_price(&number.value, codes))
            .filter_map(|number| hundredths(&number.value))
            .take(MOST_PRICES)
            .collect();
        is_multiple || prices.iter().any(|one| cents.checked_sub(*one).is_some_and(|other| prices.contains(&other)))
    }

    /// Prices in words and gifts are said again only as the shop said them.
    fn knows_words(&self, words: &str, lower: &str) -> bool {
        wording::in_words(lower).into_iter().all(|words| self.says(words))
            && promises::gifts(words).into_iter().all(|words| self.says(words))
    }
}

/// The numbers of a text, those that blanks group beside their parts.
fn all_numbers(lower: &str) -> Vec<Number> {
    let mut found = numbers(lower);
    let groups: Vec<Number> = grouped(lower, &found).into_iter().map(|(_, _, number)| number).collect();
    found.extend(groups);
    found
}

fn is_markup(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let rest = &text[at + 1..];
        let begins = rest.chars().next().is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!'));
        begins && rest.contains('>')
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_promises;
#[cfg(test)]
mod tests_of_words;
