//! The products of all accounts, as answers need them: found by words, or told by id. What is found comes from the search
//! index, what is told of it from the records, so an answer is never older than the catalogue's file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::{Mutex, MutexGuard};

use super::channel::product::{Discount, Metafield, Product, ProductRecord, ProductSource};
use super::journal::{Account, Journal, JournalError, JournalReader};
use super::store::search::{Hit, Level, Price, Query, SearchError, SearchIndex};
use super::telemetry::metrics::Timing;

/// How many variants a product of a list shows.
const LISTED_VARIANTS: usize = 20;

/// How many products are found beyond those that are wanted: some may have changed since they were indexed.
const SPARE: usize = 16;

/// How many discounts a product shows, and how long they are looked for.
const MOST_DISCOUNTS: usize = 20;
const LOOK_FOR_DISCOUNTS: Duration = Duration::from_millis(200);

/// Why products cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ProductsError {
    /// The search index cannot be used; it is made again within seconds.
    #[error(transparent)]
    Index(#[from] SearchError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A product that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundProduct {
    /// The product, with its first variants.
    #[serde(flatten)]
    pub product: Product,
    /// How it matches; `None`: nothing was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Level>,
}

/// A product with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WholeProduct {
    /// The product, with all variants.
    #[serde(flatten)]
    pub product: Product,
    /// What it says about itself.
    pub description: String,
    /// What the shop keeps beside it.
    pub metafields: Vec<Metafield>,
    /// The shop's discounts that everybody may use now; the platform does not tell us to which products they apply.
    pub discounts: Vec<Discount>,
}

/// A shop as answers tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShopFacts {
    /// The account.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Option<String>,
    /// Where customers see it.
    pub url: Option<String>,
}

/// The channels that have products.
type Sources = Vec<(&'static str, &'static ProductSource)>;

/// Finds and tells products. Cheap to clone.
#[derive(Clone)]
pub struct Products(Arc<Inner>);

struct Inner {
    index: SearchIndex,
    journal: Journal,
    sources: Sources,
    time: Timing,
    /// Held by whoever writes into the index something that was read before.
    turn: Mutex<()>,
}

impl Products {
    /// Opens the index at this path. One that does not follow this journal, or missed some of its changes, begins anew.
    ///
    /// # Errors
    /// When no index can be made there, or the journal cannot be used.
    pub async fn open(path: &Path, journal: Journal, sources: Sources, time: Timing) -> anyhow::Result<Self> {
        let path = path.to_owned();
        let index = tokio::task::spawn_blocking(move || SearchIndex::open(&path)).await??;
        let products = Self(Arc::new(Inner { index, journal, sources, time, turn: Mutex::default() }));
        if !products.follows().await? {
            products.start_over().await?;
        }
        Ok(products)
    }

    /// Whether the index holds what the journal does not tell any more, and nothing that it does not tell yet.
    async fn follows(&self) -> anyhow::Result<bool> {
        let index = self.0.index.clone();
        let Ok(state) = tokio::task::spawn_blocking(move || index.state()).await? else { return Ok(false) };
        let newest = self.0.journal.newest_record_change().await?;
        let followed = self.0.journal.find_search_index().await?;
        Ok(followed.is_some_and(|(identity, until)| {
            identity == state.identity && until <= state.position && state.position <= newest
        }))
    }

    /// Empties the index; it is to be filled from all records.
    ///
    /// # Errors
    /// When its file cannot be replaced, or the journal cannot be used.
    pub async fn start_over(&self) -> anyhow::Result<()> {
        // What changes from here on is told after the walk through all records.
        let newest = self.0.journal.newest_record_change().await?;
        let index = self.0.index.clone();
        let identity = tokio::task::spawn_blocking(move || index.start_over(newest, "")).await??;
        tracing::info!("the search index is made from the records");
        Ok(self.0.journal.forget_record_changes(&identity, newest).await?)
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &SearchIndex {
        &self.0.index
    }

    /// The channels that have products.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }

    /// How the records of a channel say what is sold. `None`: it has no products.
    #[must_use]
    pub fn source_of(&self, channel: &str) -> Option<&'static ProductSource> {
        self.0.sources.iter().find(|(name, _)| *name == channel).map(|(_, source)| *source)
    }

    /// The turn of whoever brings into the index what was read of the records before. While somebody has it, nobody else's
    /// reading grows old.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    /// Finds products of these accounts, as [`SearchIndex::find`] does; accounts of channels without products have none.
    ///
    /// # Errors
    /// When the index or the journal cannot be read.
    pub async fn find(&self, accounts: &[Account], query: &Query) -> Result<Vec<FoundProduct>, ProductsError> {
        let begun = Instant::now();
        let found = self.find_untimed(accounts, query).await;
        self.0.time.observe(begun.elapsed());
        found
    }

    async fn find_untimed(&self, accounts: &[Account], query: &Query) -> Result<Vec<FoundProduct>, ProductsError> {
        let accounts: Vec<Account> =
            accounts.iter().filter(|(channel, _)| self.source_of(channel).is_some()).cloned().collect();
        if accounts.is_empty() || query.limit == 0 {
            return Ok(Vec::new());
        }
        let this = self.clone();
        let query = query.clone();
        let found = self.0.journal.look(move |journal| {
            let mut wider = query.clone();
            wider.limit = query.limit.saturating_add(SPARE);
            match this.0.index.find(&accounts, &wider) {
                Ok(hits) => this.tell(journal, &accounts, &query, hits).map(Ok),
                Err(error) => Ok(Err(error)),
            }
        });
        Ok(found.await??)
    }

    /// What is known of these hits, as far as they still are what was looked for.
    fn tell(
        &self,
        journal: &JournalReader<'_>,
        accounts: &[Account],
        query: &Query,
        hits: Vec<Hit>,
    ) -> Result<Vec<FoundProduct>, JournalError> {
        let mut currencies: HashMap<usize, Option<String>> = HashMap::new();
        let mut products = Vec::new();
        for hit in hits {
            if products.len() == query.limit {
                break;
            }
            let Some(account) = accounts.get(hit.account) else { continue };
            let Some(record) = self.read(journal, account, &hit.id)? else { continue };
            let mut product = record.product;
            if !passes(query, &product) {
                continue;
            }
            let currency = match currencies.entry(hit.account) {
                std::collections::hash_map::Entry::Occupied(known) => known.get().clone(),
                std::collections::hash_map::Entry::Vacant(unknown) => {
                    let shop = self.read_shop(journal, account)?;
                    unknown.insert(shop.and_then(|shop| shop.currency)).clone()
                }
            };
            product.currency = currency;
            product.variants.truncate(LISTED_VARIANTS);
            products.push(FoundProduct { product, matched: hit.level });
        }
        Ok(products)
    }

    /// A product of one of these accounts, by its short or long id, if customers may be told of it. The first account that
    /// has it counts.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn product(&self, accounts: &[Account], id: &str) -> Result<Option<WholeProduct>, ProductsError> {
        let (this, accounts, id) = (self.clone(), accounts.to_vec(), id.to_owned());
        let found = self.0.journal.look(move |journal| {
            for account in &accounts {
                let Some(source) = this.source_of(&account.0) else { continue };
                if let Some(mut record) = this.read(journal, account, &(source.record_id)(&id))? {
                    record.product.currency = this.read_shop(journal, account)?.and_then(|shop| shop.currency);
                    return Ok(Some((account.clone(), source, record)));
                }
            }
            Ok(None)
        });
        let Some((account, source, record)) = found.await? else { return Ok(None) };
        let now = self.0.journal.clock().now();
        let discount = source.discount;
        let wanted = move |text: &str| discount(text).is_some_and(|discount| is_on(&discount, now));
        let until = Instant::now() + LOOK_FOR_DISCOUNTS;
        let page =
            self.0.journal.page_records(&account, source.discount_kind, None, MOST_DISCOUNTS, until, wanted).await?;
        Ok(Some(WholeProduct {
            product: record.product,
            description: record.description,
            metafields: record.metafields,
            discounts: page.records.iter().filter_map(|record| discount(&record.payload)).collect(),
        }))
    }

    /// What is known of an account that sells something.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn shop(&self, account: &Account) -> Result<Option<ShopFacts>, ProductsError> {
        let (this, account) = (self.clone(), account.clone());
        let shop = self.0.journal.look(move |journal| {
            let shop = this.read_shop(journal, &account)?;
            Ok(shop.map(|shop| ShopFacts { id: account.1, name: shop.name, currency: shop.currency, url: shop.url }))
        });
        Ok(shop.await?)
    }

    /// An account's product, if customers may be told of it.
    fn read(
        &self,
        journal: &JournalReader<'_>,
        (channel, account): &Account,
        id: &str,
    ) -> Result<Option<ProductRecord>, JournalError> {
        let Some(source) = self.source_of(channel) else { return Ok(None) };
        let payload = journal.find_record(channel, account, source.kind, id)?;
        let record = payload.and_then(|payload| (source.product)(&payload)).filter(|record| record.is_active);
        Ok(record.map(|mut record| {
            record.product.shop.clone_from(account);
            record
        }))
    }

    fn read_shop(
        &self,
        journal: &JournalReader<'_>,
        (channel, account): &Account,
    ) -> Result<Option<super::channel::product::ShopRecord>, JournalError> {
        let Some(source) = self.source_of(channel) else { return Ok(None) };
        let payload = journal.find_record(channel, account, source.account_kind, account)?;
        Ok(payload.and_then(|payload| (source.shop)(&payload)))
    }

    /// Forgets an account that is erased, after its records are. Traces are left until [`Products::scrub`].
    ///
    /// # Errors
    /// When the index cannot be written.
    pub async fn forget_account(&self, channel: &str, account: &str) -> anyhow::Result<()> {
        let _turn = self.turn().await;
        let (index, channel, account) = (self.0.index.clone(), channel.to_owned(), account.to_owned());
        Ok(tokio::task::spawn_blocking(move || index.forget_account(&channel, &account)).await??)
    }

    /// Removes the traces of what was forgotten. A damaged index is emptied instead.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub async fn scrub(&self) -> anyhow::Result<()> {
        let _turn = self.turn().await;
        let index = self.0.index.clone();
        let scrubbed = tokio::task::spawn_blocking(move || index.scrub()).await?;
        match scrubbed {
            Err(_) if self.0.index.is_damaged() => self.start_over().await,
            scrubbed => Ok(scrubbed?),
        }
    }
}

fn passes(query: &Query, product: &Product) -> bool {
    let price = || product.price.as_deref().and_then(Price::parse);
    query.available.is_none_or(|wanted| wanted == product.available)
        && query.max_price.is_none_or(|most| price().is_some_and(|price| price <= most))
}

/// Whether a discount has begun and is not over.
fn is_on(discount: &Discount, now: DateTime<Utc>) -> bool {
    let time = |text: &Option<String>| text.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    time(&discount.starts_at).is_none_or(|start| start <= now) && time(&discount.ends_at).is_none_or(|end| now < end)
}
