//! Finds products: levels of matching from exact to mistyped, and an order within each.

use std::cmp::Reverse;
use std::sync::PoisonError;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::entry::{LEAST_OF_NAMES, NUMBER, Price, unpack, whole_name};
use super::postings::{BLOCK, Facts, facts_of, number, slots_of};
use super::slips::Vocabulary;
use super::words::{asked_words, joined, may_begin};
use super::{SearchError, SearchIndex, find_shop};

/// How many different words are looked for, the first ones: each has a bit.
const MOST_WORDS: usize = 32;

/// How many rows of words that begin in the same way are read for one word that somebody began. With "2" and "0" a hundred
/// thousand article numbers may begin; who types so little gets some of them, except where other words have narrowed it down.
const MOST_BEGINNINGS: usize = 10_000;

/// Up to how many products that the other words have found are looked into for a beginning whose rows were too many.
const MOST_LOOKED_INTO: usize = 2_000;

/// In a shop with fewer products no word is too common to tell something.
const FEW: usize = 10;

/// How many near words one mistyped word is taken for.
const MOST_NEAR: usize = 50;

/// How many shops' words are kept in memory for mistyped words.
const MOST_VOCABULARIES: usize = 4;

/// How often a word's weight counts: where it stands whole, where another word begins with it, with one slip and with two.
const WHOLE: Fit = Fit { times: 6, tells: true };
const BEGINNING: Fit = Fit { times: 4, tells: true };
const SLIPS_TIMES: [u8; 2] = [3, 2];

/// From so many letters a word with slips tells what is meant. Shorter ones of a question are near too many others: "have"
/// is no "wave".
const TELLING_WITH_SLIPS: usize = 5;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// What somebody typed or wrote. Empty or white: all products by title. Something in which is no word finds nothing.
    pub q: String,
    /// `true`: only what can be bought. `false`: only what cannot.
    pub available: Option<bool>,
    /// Only what costs at most this much in its shop's currency; what has no price is left out then.
    pub max_price: Option<Price>,
    /// How many at most.
    pub limit: usize,
}

/// How well a product matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Its id, handle or an article number is what was typed.
    Exact,
    /// It has all words.
    Words,
    /// It has some of them: most, or, where no product has all even with slips, any in its title, variants, tags or kind,
    /// with slips or without.
    Some,
    /// It has all words, with slips.
    Similar,
}

/// A product that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which of the accounts that were searched, from 0.
    pub account: usize,
    /// The id of its record.
    pub id: String,
    /// How it matches; `None`: nothing was looked for.
    pub level: Option<Level>,
}

/// A product in the order of a result; the smallest comes first.
type Rank = (Level, Reverse<u32>, Reverse<bool>, Reverse<u32>, u32, usize);

impl SearchIndex {
    /// Finds products of these accounts, best first: exact ones, then those with all words; only where none has them, those
    /// with most words; only where there are none either, those with slips. Within a level what can be bought comes first,
    /// then what weighs more.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn find(&self, accounts: &[(String, String)], query: &Query) -> Result<Vec<Hit>, SearchError> {
        self.read(|connection| {
            let mut shops = Vec::new();
            for (account, (channel, name)) in accounts.iter().enumerate() {
                if let Some((shop, slots)) = find_shop(connection, channel, name)? {
                    shops.push(Shop { connection, shop, slots: slots as usize, account });
                }
            }
            if query.q.trim().is_empty() {
                return by_title(&shops, query);
            }
            self.by_words(&shops, query)
        })
    }

    fn by_words(&self, shops: &[Shop<'_>], query: &Query) -> rusqlite::Result<Vec<Hit>> {
        let words = asked_words(&query.q, MOST_WORDS);
        let mut ranks: Vec<Rank> = Vec::new();
        let mut matched = Vec::new();
        for shop in shops {
            let facts = shop.facts(query)?;
            shop.exact(&query.q, &facts, &mut ranks)?;
            let exact: Vec<u32> = ranks.iter().filter(|rank| rank.5 == shop.account).map(|rank| rank.4).collect();
            let mut found = shop.matches(&words)?;
            exact.iter().for_each(|slot| found.leave_out(*slot));
            matched.push((facts, found));
        }
        // Further levels only where the one before gave nothing in any shop.
        let all = u32::try_from(words.len()).unwrap_or(u32::MAX);
        for (shop, (facts, found)) in shops.iter().zip(&matched) {
            shop.rank(Level::Words, facts, |slot| found.count(slot) == all && all > 0, found, &mut ranks);
        }
        if ranks.is_empty() {
            for (shop, (facts, found)) in shops.iter().zip(&matched) {
                shop.rank(Level::Some, facts, |slot| found.count(slot) * 2 > all, found, &mut ranks);
            }
        }
        if ranks.is_empty() {
            for (shop, (facts, found)) in shops.iter().zip(&mut matched) {
                self.add_near(shop, &words, found)?;
                shop.rank(Level::Similar, facts, |slot| found.count(slot) == all && all > 0, found, &mut ranks);
            }
        }
        if ranks.is_empty() {
            // Of a question most words are in no product.
            for (shop, (facts, found)) in shops.iter().zip(&matched) {
                shop.rank(Level::Some, facts, |slot| found.is_told(slot), found, &mut ranks);
            }
        }
        if ranks.len() > query.limit {
            ranks.select_nth_unstable(query.limit);
            ranks.truncate(query.limit);
        }
        ranks.sort_unstable();
        let mut hits = Vec::with_capacity(ranks.len());
        for (level, _, _, _, slot, account) in ranks {
            let shop = shops.iter().find(|shop| shop.account == account);
            if let Some(id) = shop.map(|shop| shop.id_of(slot)).transpose()?.flatten() {
                hits.push(Hit { account, id, level: Some(level) });
            }
        }
        Ok(hits)
    }

    /// Adds what has a word that is near one of these, for each word that a product has not.
    fn add_near(&self, shop: &Shop<'_>, words: &[String], found: &mut Matches) -> rusqlite::Result<()> {
        self.load_vocabulary(shop)?;
        for (bit, word) in words.iter().enumerate() {
            let near = {
                let vocabularies = self.0.vocabularies.read().unwrap_or_else(PoisonError::into_inner);
                vocabularies.get(&shop.shop).map(|words| words.near(word, MOST_NEAR)).unwrap_or_default()
            };
            let mut best = found.begin();
            for (near, slips) in near {
                let times = SLIPS_TIMES[(slips - 1).min(SLIPS_TIMES.len() - 1)];
                let fit = Fit { times, tells: tells_with_slips(word, &near) };
                shop.each_posting(&near, |slot, weight| best.note(slot, weight, fit))?;
            }
            found.add(bit, word, &best);
        }
        Ok(())
    }

    fn load_vocabulary(&self, shop: &Shop<'_>) -> rusqlite::Result<()> {
        if self.0.vocabularies.read().unwrap_or_else(PoisonError::into_inner).contains_key(&shop.shop) {
            return Ok(());
        }
        // Nobody writes meanwhile, so no word is missed between reading and keeping. The words are read on a connection of
        // their own time: the snapshot of this search may be older than what was added since.
        let _writer = self.writer();
        let connection = self.open_reader()?;
        let mut vocabulary = Vocabulary::default();
        let mut select = connection.prepare("SELECT word FROM words WHERE shop = ?1")?;
        let mut rows = select.query([shop.shop])?;
        while let Some(row) = rows.next()? {
            vocabulary.add(row.get_ref(0)?.as_str()?);
        }
        let mut kept = self.0.vocabularies.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_VOCABULARIES {
            kept.clear();
        }
        kept.insert(shop.shop, vocabulary);
        Ok(())
    }
}

/// An account that is searched.
struct Shop<'a> {
    connection: &'a Connection,
    shop: i64,
    slots: usize,
    account: usize,
}

/// The facts of the slots that pass the filters.
type Passing = Vec<Option<Facts>>;

impl Shop<'_> {
    fn facts(&self, query: &Query) -> rusqlite::Result<Passing> {
        let mut all: Passing = vec![None; self.slots];
        let mut select = self.connection.prepare_cached("SELECT block, slots FROM facts WHERE shop = ?1")?;
        let mut rows = select.query([self.shop])?;
        while let Some(row) = rows.next()? {
            let begin = row.get::<_, u32>(0)?.saturating_mul(BLOCK) as usize;
            let facts = facts_of(row.get_ref(1)?.as_blob()?);
            for (kept, facts) in all.iter_mut().skip(begin).zip(facts) {
                *kept = facts.filter(|facts| passes(query, facts));
            }
        }
        Ok(all)
    }

    fn exact(&self, typed: &str, facts: &Passing, ranks: &mut Vec<Rank>) -> rusqlite::Result<()> {
        let mut terms = vec![whole_name(typed)];
        let number = joined(typed);
        if !number.is_empty() {
            terms.push(format!("{NUMBER}{number}"));
        }
        let mut slots = Vec::new();
        for term in terms {
            self.each_posting(&term, |slot, weight| slots.push((slot, u32::from(weight))))?;
        }
        slots.sort_unstable_by_key(|(slot, weight)| (*slot, Reverse(*weight)));
        slots.dedup_by_key(|(slot, _)| *slot);
        for (slot, weight) in slots {
            if let Some(facts) = facts.get(slot as usize).copied().flatten() {
                ranks.push((Level::Exact, Reverse(0), Reverse(facts.available), Reverse(weight), slot, self.account));
            }
        }
        Ok(())
    }

    /// Which products have which of these words, whole or as the beginning of one.
    fn matches(&self, words: &[String]) -> rusqlite::Result<Matches> {
        let mut found = Matches::new(self.slots);
        let mut unfinished = Vec::new();
        for (bit, word) in words.iter().enumerate() {
            let mut best = found.begin();
            self.each_posting(word, |slot, weight| best.note(slot, weight, WHOLE))?;
            if may_begin(word) && !self.each_beginning(word, |slot, weight| best.note(slot, weight, BEGINNING))? {
                unfinished.push(bit);
            }
            found.add(bit, word, &best);
        }
        for bit in unfinished {
            self.look_into(words, bit, &mut found)?;
        }
        Ok(found)
    }

    /// Looks for a beginning in the products that have all other words.
    fn look_into(&self, words: &[String], bit: usize, found: &mut Matches) -> rusqlite::Result<()> {
        let others = words.len() - 1;
        let candidates: Vec<u32> = found.slots().filter(|slot| found.has_all_but(*slot, bit, others)).collect();
        if others == 0 || candidates.len() > MOST_LOOKED_INTO {
            return Ok(());
        }
        let mut select = self.connection.prepare_cached("SELECT terms FROM products WHERE number = ?1")?;
        let mut best = found.begin();
        for slot in candidates {
            let mut rows = select.query([number(self.shop, slot)])?;
            if let Some(row) = rows.next()? {
                let terms = unpack(row.get_ref(0)?.as_blob()?);
                let beginning = terms.filter(|(term, _)| term.starts_with(&words[bit])).map(|(_, weight)| weight).max();
                if let Some(weight) = beginning {
                    best.note(slot, weight, BEGINNING);
                }
            }
        }
        found.add(bit, &words[bit], &best);
        Ok(())
    }

    fn each_posting(&self, term: &str, note: impl FnMut(u32, u8)) -> rusqlite::Result<()> {
        let mut select =
            self.connection.prepare_cached("SELECT block, slots FROM postings WHERE shop = ?1 AND term = ?2")?;
        each_of(select.query(params![self.shop, term])?, usize::MAX, note).map(drop)
    }

    /// The slots of longer words that begin with this one. Gives whether these were all.
    fn each_beginning(&self, word: &str, note: impl FnMut(u32, u8)) -> rusqlite::Result<bool> {
        let mut select = self
            .connection
            .prepare_cached("SELECT block, slots FROM postings WHERE shop = ?1 AND term > ?2 AND term < ?3")?;
        let end = format!("{word}{}", char::MAX);
        each_of(select.query(params![self.shop, word, end])?, MOST_BEGINNINGS, note)
    }

    /// Puts the wanted products into the result. Where some words are enough, those with more of them come first.
    fn rank(
        &self,
        level: Level,
        facts: &Passing,
        is_wanted: impl Fn(u32) -> bool,
        found: &Matches,
        ranks: &mut Vec<Rank>,
    ) {
        for slot in found.slots().filter(|slot| is_wanted(*slot)) {
            let Some(facts) = facts.get(slot as usize).copied().flatten() else { continue };
            let count = if level == Level::Some { found.count(slot) } else { 0 };
            let weight = Reverse(found.weight(slot));
            ranks.push((level, Reverse(count), Reverse(facts.available), weight, slot, self.account));
        }
    }

    fn id_of(&self, slot: u32) -> rusqlite::Result<Option<String>> {
        let mut select = self.connection.prepare_cached("SELECT id FROM products WHERE number = ?1")?;
        let mut rows = select.query([number(self.shop, slot)])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }
}

/// Shows the slots in these rows, at most `limit` rows. Gives whether these were all.
fn each_of(mut rows: rusqlite::Rows<'_>, limit: usize, mut note: impl FnMut(u32, u8)) -> rusqlite::Result<bool> {
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if count == limit {
            return Ok(false);
        }
        count += 1;
        let begin = row.get::<_, u32>(0)?.saturating_mul(BLOCK);
        slots_of(row.get_ref(1)?.as_blob()?).for_each(|(slot, weight)| note(begin.saturating_add(slot.into()), weight));
    }
    Ok(true)
}

/// Whether a word that stands for another one tells what is meant: a longer one, or one with an ending ("hats" for "hat").
fn tells_with_slips(word: &str, near: &str) -> bool {
    word.chars().count() >= TELLING_WITH_SLIPS || word.starts_with(near)
}

fn passes(query: &Query, facts: &Facts) -> bool {
    query.available.is_none_or(|wanted| wanted == facts.available)
        && query.max_price.is_none_or(|most| facts.price.is_some_and(|price| price <= most))
}

/// All products of all shops by title.
fn by_title(shops: &[Shop<'_>], query: &Query) -> rusqlite::Result<Vec<Hit>> {
    let mut all = Vec::new();
    for shop in shops {
        let facts = shop.facts(query)?;
        let mut select = shop
            .connection
            .prepare_cached("SELECT title, number, id FROM products WHERE shop = ?1 ORDER BY title, number")?;
        let mut rows = select.query([shop.shop])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            if count == query.limit {
                break;
            }
            let slot = super::postings::slot_of(row.get(1)?) as usize;
            if facts.get(slot).copied().flatten().is_some() {
                count += 1;
                all.push((row.get::<_, String>(0)?, Hit { account: shop.account, id: row.get(2)?, level: None }));
            }
        }
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all.truncate(query.limit);
    Ok(all.into_iter().map(|(_, hit)| hit).collect())
}

/// Which products of a shop have which words: an array with a place for each slot.
#[derive(Debug)]
struct Matches {
    /// A bit for each word.
    bits: Vec<u32>,
    /// What its words weigh together, each where it weighs most.
    weights: Vec<u32>,
    /// Whether a word that tells something stands outside of the description.
    told: Vec<bool>,
}

/// How a word of a product fits one that is looked for.
#[derive(Debug, Clone, Copy)]
struct Fit {
    /// How often the word's weight counts.
    times: u8,
    /// Whether it tells what is meant.
    tells: bool,
}

/// The best match of one word in each product: what it weighs, and whether it stands outside of the description and tells
/// what is meant.
struct Best(Vec<(u8, bool)>);

impl Best {
    fn note(&mut self, slot: u32, weight: u8, fit: Fit) {
        if let Some((best, tells)) = self.0.get_mut(slot as usize) {
            *best = (*best).max(weight.saturating_mul(fit.times));
            *tells |= fit.tells && weight >= LEAST_OF_NAMES;
        }
    }
}

impl Matches {
    fn new(slots: usize) -> Self {
        Self { bits: vec![0; slots], weights: vec![0; slots], told: vec![false; slots] }
    }

    fn begin(&self) -> Best {
        Best(vec![(0, false); self.bits.len()])
    }

    /// Adds the matches of a word to the products that did not have it.
    fn add(&mut self, bit: usize, word: &str, best: &Best) {
        let bit = 1 << bit;
        let has_it = |(_, (best, _)): &(usize, &(u8, bool))| *best > 0;
        let count = best.0.iter().enumerate().filter(has_it).count();
        // A short word, or one that most products have, tells nothing about what is meant.
        let may_tell = may_begin(word) && word.len() > 2 && (count * 2 <= self.bits.len() || self.bits.len() < FEW);
        for (slot, (best, tells)) in best.0.iter().enumerate().filter(has_it) {
            if self.bits[slot] & bit == 0 {
                self.bits[slot] |= bit;
                self.weights[slot] += u32::from(*best);
                self.told[slot] |= may_tell && *tells;
            }
        }
    }

    fn leave_out(&mut self, slot: u32) {
        if let Some(bits) = self.bits.get_mut(slot as usize) {
            *bits = 0;
        }
        if let Some(told) = self.told.get_mut(slot as usize) {
            *told = false;
        }
    }

    fn slots(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.bits).filter(|(_, bits)| **bits != 0).map(|(slot, _)| slot)
    }

    fn bits(&self, slot: u32) -> u32 {
        self.bits.get(slot as usize).copied().unwrap_or(0)
    }

    fn count(&self, slot: u32) -> u32 {
        self.bits(slot).count_ones()
    }

    fn has_all_but(&self, slot: u32, bit: usize, others: usize) -> bool {
        let bits = self.bits(slot);
        bits & (1 << bit) == 0 && bits.count_ones() as usize == others
    }

    fn weight(&self, slot: u32) -> u32 {
        self.weights.get(slot as usize).copied().unwrap_or(0)
    }

    fn is_told(&self, slot: u32) -> bool {
        self.told.get(slot as usize).copied().unwrap_or(false)
    }
}
