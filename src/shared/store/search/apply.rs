//! Writes changes of products into the index: only what differs from before is touched.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::entry::{Entry, NUMBER, Prepared, WHOLE, pack, unpack};
use super::postings::{BLOCK, Facts, merge, number, place, set_facts, slot_of};
use super::{SearchError, SearchIndex, find_shop};

/// Words with fewer letters are near to none that is long enough to be mistyped.
const LEAST_LETTERS: usize = 3;

/// What became of a product.
#[derive(Debug, Clone)]
pub enum IndexChange {
    /// It is found by this from now on.
    Put(Box<Prepared>),
    /// It is not found any more.
    Remove(String),
}

impl IndexChange {
    /// Of a product that is to be found.
    #[must_use]
    pub fn put(entry: &Entry) -> Self {
        Self::Put(Box::new(entry.into()))
    }
}

/// The changes of terms, each with its block: the slots, and their weights now.
type Edits = BTreeMap<(String, u32), Vec<(u16, u8)>>;

impl SearchIndex {
    /// Makes these changes of an account's products, and says with them, in one transaction, how far the index has come
    /// then: to this change of a record, and to this place of the walk through all records.
    ///
    /// # Errors
    /// When the index cannot be written; then nothing is changed.
    pub fn apply(
        &self,
        changes: Vec<((String, String), Vec<IndexChange>)>,
        position: i64,
        walked: Option<&str>,
    ) -> Result<(), SearchError> {
        let new = self.write(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let mut new = Vec::new();
            for ((channel, account), changes) in changes {
                if let Some(words) = apply(&transaction, &channel, &account, changes)? {
                    new.push(words);
                }
            }
            transaction.execute("UPDATE state SET position = ?1, walked = ?2", params![position, walked])?;
            transaction.commit()?;
            Ok(new)
        })?;
        let mut vocabularies = self.0.vocabularies.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (shop, words) in new {
            if let Some(vocabulary) = vocabularies.get_mut(&shop) {
                words.iter().for_each(|word| vocabulary.add(word));
            }
        }
        Ok(())
    }

    /// Forgets an account. Its bytes are gone after [`SearchIndex::scrub`].
    ///
    /// # Errors
    /// When the index cannot be written; then nothing is forgotten.
    pub fn forget_account(&self, channel: &str, account: &str) -> Result<(), SearchError> {
        self.write(|connection| {
            let transaction = connection.unchecked_transaction()?;
            if let Some((shop, _)) = find_shop(&transaction, channel, account)? {
                for table in ["products", "postings", "words", "facts", "shops"] {
                    transaction.execute(&format!("DELETE FROM {table} WHERE shop = ?1"), [shop])?;
                }
                self.0.vocabularies.write().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&shop);
            }
            // Also what was deleted there one by one before.
            transaction.execute("UPDATE state SET traces = 1", [])?;
            transaction.commit()
        })
    }
}

/// Makes the changes of one shop. Gives its number and the words that are new to it.
fn apply(
    connection: &Connection,
    channel: &str,
    account: &str,
    changes: Vec<IndexChange>,
) -> rusqlite::Result<Option<(i64, Vec<String>)>> {
    let is_removal = |change: &IndexChange| matches!(change, IndexChange::Remove(_));
    let (shop, mut slots) = match find_shop(connection, channel, account)? {
        Some(shop) => shop,
        None if changes.iter().all(is_removal) => return Ok(None),
        None => {
            connection.execute("INSERT INTO shops (channel, account, slots) VALUES (?1, ?2, 0)", [channel, account])?;
            (connection.last_insert_rowid(), 0)
        }
    };
    let known_slots = slots;
    let mut edits = Edits::new();
    let mut facts: BTreeMap<u32, Vec<(u16, Option<Facts>)>> = BTreeMap::new();
    for (id, new) in last_of_each(changes) {
        let old: Option<(i64, String, Vec<u8>)> = connection
            .prepare_cached("SELECT number, title, terms FROM products WHERE shop = ?1 AND id = ?2")?
            .query_row(params![shop, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let (at, old) = match (old, &new) {
            (None, None) => continue,
            (Some((at, title, terms)), _) => (at, Some((title, terms))),
            (None, Some(_)) => {
                slots += 1;
                (number(shop, slots - 1), None)
            }
        };
        let (block, within) = place(slot_of(at));
        let old_terms = old.as_ref().map(|(_, terms)| terms.as_slice()).unwrap_or_default();
        note_edits(&mut edits, (block, within), old_terms, new.as_deref());
        let fact = new.as_deref().map(|new| Facts { price: new.price, available: new.available });
        facts.entry(block).or_default().push((within, fact));
        match new {
            Some(new) => {
                let terms = pack(&new.terms);
                if old.is_none_or(|old| old != (new.title.clone(), terms.clone())) {
                    connection
                        .prepare_cached(
                            "INSERT OR REPLACE INTO products (number, shop, id, title, terms) VALUES (?1, ?2, ?3, ?4, ?5)",
                        )?
                        .execute(params![at, shop, new.id, new.title, terms])?;
                }
            }
            None => {
                connection.prepare_cached("DELETE FROM products WHERE number = ?1")?.execute([at])?;
            }
        }
    }
    if slots != known_slots {
        connection.execute("UPDATE shops SET slots = ?2 WHERE shop = ?1", params![shop, slots])?;
    }
    let new_words = write_terms(connection, shop, edits)?;
    write_facts(connection, shop, facts)?;
    Ok(Some((shop, new_words)))
}

/// What is left of changes: of two of one product the later one.
fn last_of_each(changes: Vec<IndexChange>) -> BTreeMap<String, Option<Box<Prepared>>> {
    let by_id = changes.into_iter().map(|change| match change {
        IndexChange::Put(new) => (new.id.clone(), Some(new)),
        IndexChange::Remove(id) => (id, None),
    });
    by_id.collect()
}

/// Notes the terms of a product whose weight is another now.
fn note_edits(edits: &mut Edits, (block, within): (u32, u16), old: &[u8], new: Option<&Prepared>) {
    let old: BTreeMap<&str, u8> = unpack(old).collect();
    let none = BTreeMap::new();
    let new = new.map_or(&none, |new| &new.terms);
    let gone = old.keys().filter(|term| !new.contains_key(**term)).map(|term| (*term, 0));
    let changed = new.iter().map(|(term, weight)| (term.as_str(), *weight));
    let changed = changed.filter(|(term, weight)| old.get(term) != Some(weight));
    for (term, weight) in gone.chain(changed) {
        edits.entry((term.to_owned(), block)).or_default().push((within, weight));
    }
}

/// Gives the words that are new to the shop.
fn write_terms(connection: &Connection, shop: i64, edits: Edits) -> rusqlite::Result<Vec<String>> {
    let mut find =
        connection.prepare_cached("SELECT slots FROM postings WHERE shop = ?1 AND term = ?2 AND block = ?3")?;
    let mut put = connection
        .prepare_cached("INSERT OR REPLACE INTO postings (shop, term, block, slots) VALUES (?1, ?2, ?3, ?4)")?;
    let mut delete = connection.prepare_cached("DELETE FROM postings WHERE shop = ?1 AND term = ?2 AND block = ?3")?;
    let mut has_any = connection.prepare_cached("SELECT 1 FROM postings WHERE shop = ?1 AND term = ?2 LIMIT 1")?;
    let mut add_word = connection.prepare_cached("INSERT OR IGNORE INTO words (shop, word) VALUES (?1, ?2)")?;
    let mut delete_word = connection.prepare_cached("DELETE FROM words WHERE shop = ?1 AND word = ?2")?;
    let mut new_words = Vec::new();
    for ((term, block), mut slots) in edits {
        slots.sort_unstable();
        let old: Option<Vec<u8>> = find.query_row(params![shop, term, block], |row| row.get(0)).optional()?;
        let merged = merge(old.as_deref().unwrap_or_default(), &slots);
        let may_be_mistyped = is_word(&term);
        if merged.is_empty() {
            delete.execute(params![shop, term, block])?;
            if may_be_mistyped && !has_any.exists(params![shop, term])? {
                delete_word.execute(params![shop, term])?;
            }
        } else {
            put.execute(params![shop, term, block, merged])?;
            if old.is_none() && may_be_mistyped && add_word.execute(params![shop, term])? == 1 {
                new_words.push(term);
            }
        }
    }
    Ok(new_words)
}

fn is_word(term: &str) -> bool {
    !term.starts_with([WHOLE, NUMBER])
        && term.chars().filter(|character| character.is_alphabetic()).nth(LEAST_LETTERS - 1).is_some()
}

fn write_facts(
    connection: &Connection,
    shop: i64,
    facts: BTreeMap<u32, Vec<(u16, Option<Facts>)>>,
) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached("SELECT slots FROM facts WHERE shop = ?1 AND block = ?2")?;
    let mut put = connection.prepare_cached("INSERT OR REPLACE INTO facts (shop, block, slots) VALUES (?1, ?2, ?3)")?;
    for (block, slots) in facts {
        let old: Option<Vec<u8>> = find.query_row(params![shop, block], |row| row.get(0)).optional()?;
        let mut packed = old.clone().unwrap_or_default();
        for (within, fact) in slots {
            debug_assert!(u32::from(within) < BLOCK);
            set_facts(&mut packed, within, fact);
        }
        if old.is_none_or(|old| old != packed) {
            put.execute(params![shop, block, packed])?;
        }
    }
    Ok(())
}
