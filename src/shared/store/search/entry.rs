//! A product as the index keeps it: the terms by which it is found, each with its weight, and what filters look at.

use std::collections::BTreeMap;

use super::words::{joined, words_to_index};
use crate::shared::text_fold::fold;

/// What a match in each place of a product weighs.
mod weight {
    pub(super) const TITLE: u8 = 8;
    pub(super) const VARIANT: u8 = 6;
    pub(super) const TAG: u8 = 4;
    pub(super) const KIND: u8 = 3;
    pub(super) const DESCRIPTION: u8 = 1;
}

/// The least weight of a match outside of the description.
pub const LEAST_OF_NAMES: u8 = weight::KIND;

/// Before an id or a handle that is looked for whole. Words have neither sign.
pub const WHOLE: char = '=';

/// Before an article number that is looked for whole, joined.
pub const NUMBER: char = '#';

/// How many terms a product is found by at most; a shop may have two thousand variants.
const MOST_TERMS: usize = 10_000;

/// How many words of a description count.
const MOST_OF_DESCRIPTION: usize = 1_000;

/// How many characters of a title are kept to sort by.
const LONGEST_TITLE: usize = 100;

/// A product that is to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The id of its record.
    pub id: String,
    /// Ids and handles by which it is found when one is typed whole.
    pub names: Vec<String>,
    /// Its title.
    pub title: String,
    /// The article numbers of its variants.
    pub skus: Vec<String>,
    /// Titles and options of its variants.
    pub variants: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its type and its vendor.
    pub kinds: Vec<String>,
    /// What it says about itself.
    pub description: String,
    /// Its lowest price.
    pub price: Option<Price>,
    /// Whether any variant can be bought.
    pub available: bool,
}

/// A price in ten-thousandths of its currency's unit, so that prices are compared without a rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(pub u64);

impl Price {
    /// Of a decimal number: digits, and up to four after a point. `None`: it is none, or too large.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let part = part.trim_end_matches('0');
        if whole.is_empty() || part.len() > 4 || !are_digits(whole) || !are_digits(part) || text.ends_with('.') {
            return None;
        }
        let units = whole.parse::<u64>().ok()?.checked_mul(10_000)?;
        let parts = format!("{part:0<4}").parse::<u64>().ok()?;
        units.checked_add(parts).filter(|price| *price < u64::MAX).map(Self)
    }
}

/// An entry in the form in which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub id: String,
    pub title: String,
    pub terms: BTreeMap<String, u8>,
    pub price: Option<Price>,
    pub available: bool,
}

impl From<&Entry> for Prepared {
    fn from(entry: &Entry) -> Self {
        let mut terms = Terms::default();
        for name in entry.names.iter().chain([&entry.id]).filter(|name| !name.is_empty()) {
            terms.add(whole_name(name), weight::TITLE);
        }
        for sku in &entry.skus {
            let joined = joined(sku);
            if !joined.is_empty() {
                terms.add(format!("{NUMBER}{joined}"), weight::VARIANT);
                terms.add(joined, weight::VARIANT);
            }
        }
        terms.add_words(&entry.title, weight::TITLE);
        entry.skus.iter().chain(&entry.variants).for_each(|text| terms.add_words(text, weight::VARIANT));
        entry.tags.iter().for_each(|tag| terms.add_words(tag, weight::TAG));
        entry.kinds.iter().for_each(|kind| terms.add_words(kind, weight::KIND));
        let described = words_to_index(&entry.description).into_iter().take(MOST_OF_DESCRIPTION);
        described.for_each(|word| terms.add(word, weight::DESCRIPTION));
        Self {
            id: entry.id.clone(),
            title: fold(&entry.title).chars().take(LONGEST_TITLE).collect(),
            terms: terms.0,
            price: entry.price,
            available: entry.available,
        }
    }
}

/// The term of an id or a handle that is looked for whole.
pub fn whole_name(name: &str) -> String {
    let plain: String = fold(name.trim()).chars().filter(|character| !character.is_control()).take(300).collect();
    format!("{WHOLE}{plain}")
}

#[derive(Default)]
struct Terms(BTreeMap<String, u8>);

impl Terms {
    /// The weightiest place of a term counts.
    fn add(&mut self, term: String, weight: u8) {
        if self.0.len() < MOST_TERMS {
            let kept = self.0.entry(term).or_default();
            *kept = (*kept).max(weight);
        }
    }

    fn add_words(&mut self, text: &str, weight: u8) {
        words_to_index(text).into_iter().for_each(|word| self.add(word, weight));
    }
}

/// The terms of a product as one value: each, a zero byte, its weight.
pub fn pack(terms: &BTreeMap<String, u8>) -> Vec<u8> {
    let mut packed = Vec::with_capacity(terms.keys().map(|term| term.len() + 2).sum());
    for (term, weight) in terms {
        packed.extend_from_slice(term.as_bytes());
        packed.extend_from_slice(&[0, *weight]);
    }
    packed
}

/// The way back from [`pack`]; damaged bytes give what can be read of them.
pub fn unpack(packed: &[u8]) -> impl Iterator<Item = (&str, u8)> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        let at = rest.iter().position(|byte| *byte == 0)?;
        let term = std::str::from_utf8(rest.get(..at)?).ok()?;
        let weight = *rest.get(at + 1)?;
        rest = rest.get(at + 2..)?;
        Some((term, weight))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_decimal_number_and_nothing_else() {
        for (text, expected) in [
            ("649.00", Some(6_490_000)),
            ("0", Some(0)),
            ("0.0001", Some(1)),
            ("12.50000", Some(125_000)),
            ("1.", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("1,5", None),
            ("0.00001", None),
            ("", None),
            ("99999999999999999999", None),
            ("NaN", None),
            (" 1", None),
        ] {
            assert_eq!(Price::parse(text), expected.map(Price), "{text}");
        }
    }

    #[test]
    fn a_word_weighs_what_its_weightiest_place_does() {
        let entry = Entry {
            id: "gid://shopify/Product/1".to_owned(),
            names: vec!["1".to_owned(), "Blue-Board".to_owned()],
            title: "Blue Board".to_owned(),
            skus: vec!["SB-77".to_owned()],
            tags: vec!["board".to_owned(), "Winter".to_owned()],
            description: "A winter board. Waxed.".to_owned(),
            ..Entry::default()
        };
        let prepared = Prepared::from(&entry);
        let weight = |term: &str| prepared.terms.get(term).copied();
        assert_eq!(
            ["board", "winter", "waxed", "sb77", "77", "#sb77", "=1", "=blue-board", "=gid://shopify/product/1", "x"]
                .map(weight),
            [Some(8), Some(4), Some(1), Some(6), Some(6), Some(6), Some(8), Some(8), Some(8), None]
        );
        let packed = pack(&prepared.terms);
        assert!(unpack(&packed).eq(prepared.terms.iter().map(|(term, weight)| (term.as_str(), *weight))));
        assert_eq!(unpack(&packed[..packed.len() - 1]).count(), prepared.terms.len() - 1);
        assert_eq!(unpack(&[0xff, 0, 1, b'a', 0]).count(), 0);
    }
}
