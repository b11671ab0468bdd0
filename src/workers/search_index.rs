//! Changes of records → `search.db`: a product that changed is found by its new words, one that is gone no more.
//!
//! The index says in its own transaction up to which change it has come; only then the changes are forgotten. Killed in
//! between, the worker finds them again and makes them again, which changes nothing. An index that was made anew is filled by
//! a walk through all records first, in steps, and by what changed meanwhile after that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Worker;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::product::ProductRecord;
use crate::shared::journal::{Account, Journal};
use crate::shared::low_priority::LowPriorityThread;
use crate::shared::products::Products;
use crate::shared::store::RecordPlace;
use crate::shared::store::search::{Entry, IndexChange, Price, State};

/// How many changes or records one step takes: what they say is held in memory.
const STEP: u32 = 1_000;

/// The consumer.
pub struct SearchIndexer {
    journal: Journal,
    products: Products,
    thread: LowPriorityThread,
}

/// How far the walk through all records has come.
#[derive(Serialize, Deserialize)]
struct Walk {
    channel: String,
    place: RecordPlace,
}

/// The changes of the products of each account.
type Changes = BTreeMap<Account, Vec<IndexChange>>;

impl SearchIndexer {
    /// Follows the records of this journal.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(journal: Journal, products: Products) -> std::io::Result<Self> {
        Ok(Self { journal, products, thread: LowPriorityThread::start("search")? })
    }

    async fn take_step(&self) -> anyhow::Result<bool> {
        // While this reads and writes, no account is forgotten.
        let _turn = self.products.turn().await;
        if self.products.index().is_damaged() {
            tracing::warn!("the search index is damaged; it is made again");
            self.products.start_over().await?;
        }
        let index = self.products.index().clone();
        let state = tokio::task::spawn_blocking(move || index.state()).await??;
        match state.walked {
            Some(ref walked) => self.walk(&state, walked).await.map(|()| true),
            None => self.follow(state).await,
        }
    }

    /// Takes the next records of all.
    async fn walk(&self, state: &State, walked: &str) -> anyhow::Result<()> {
        let sources = self.products.sources();
        let walk = serde_json::from_str::<Walk>(walked).ok();
        let at = walk.as_ref().and_then(|walk| sources.iter().position(|(channel, _)| *channel == walk.channel));
        let at = at.unwrap_or(0);
        let Some((channel, source)) = sources.get(at).copied() else {
            return self.write(Changes::new(), state.position, None).await;
        };
        let place = walk.map(|walk| walk.place).unwrap_or_default();
        let read = self.journal.look_in_background(&self.thread, move |journal| {
            let mut changes = Changes::new();
            let next = journal.next_records(channel, source.kind, &place, STEP, |account, id, payload| {
                if let Some(product) = (source.product)(payload).filter(|product| product.is_active) {
                    let change = IndexChange::put(&entry(id, &product));
                    changes.entry((channel.to_owned(), account.to_owned())).or_default().push(change);
                }
            })?;
            Ok((changes, next))
        });
        let (changes, next) = read.await?;
        let next = match next {
            Some(place) => Some((channel, place)),
            None => sources.get(at + 1).map(|(channel, _)| (*channel, RecordPlace::default())),
        };
        let walked = next.map(|(channel, place)| serde_json::to_string(&Walk { channel: channel.to_owned(), place }));
        if walked.is_none() {
            tracing::info!("the search index is complete");
        }
        self.write(changes, state.position, walked.transpose()?).await
    }

    /// Takes the next changes. Gives whether there were any.
    async fn follow(&self, state: State) -> anyhow::Result<bool> {
        let told = self.journal.list_record_changes(state.position, STEP).await?;
        let Some(last) = told.last().map(|change| change.seq) else { return Ok(false) };
        let products = self.products.clone();
        let read = self.journal.look_in_background(&self.thread, move |journal| {
            let mut changes = Changes::new();
            for change in told {
                let source = products.source_of(&change.channel).filter(|source| source.kind == change.kind);
                let Some(source) = source else { continue };
                let payload = journal.find_record(&change.channel, &change.account, &change.kind, &change.id)?;
                let product = payload.and_then(|payload| (source.product)(&payload));
                let change_now = match product.filter(|product| product.is_active) {
                    Some(product) => IndexChange::put(&entry(&change.id, &product)),
                    None => IndexChange::Remove(change.id),
                };
                changes.entry((change.channel, change.account)).or_default().push(change_now);
            }
            Ok(changes)
        });
        let changes = read.await?;
        self.write(changes, last, None).await?;
        self.journal.forget_record_changes(&state.identity, last).await?;
        Ok(true)
    }

    async fn write(&self, changes: Changes, position: i64, walked: Option<String>) -> anyhow::Result<()> {
        let index = self.products.index().clone();
        let changes = changes.into_iter().collect();
        Ok(self.thread.run(move || index.apply(changes, position, walked.as_deref())).await??)
    }
}

/// A product as the index keeps it.
fn entry(id: &str, record: &ProductRecord) -> Entry {
    let product = &record.product;
    let options = product.options.iter().flat_map(|option| &option.values);
    // A product without a choice has one variant, whose title says nothing.
    let titles = product.variants.iter().filter(|_| !product.options.is_empty()).map(|variant| &variant.title);
    Entry {
        id: id.to_owned(),
        names: vec![product.id.clone(), product.gid.clone(), product.handle.clone()],
        title: product.title.clone(),
        skus: product.variants.iter().filter_map(|variant| variant.sku.clone()).collect(),
        variants: options.chain(titles).cloned().collect(),
        tags: product.tags.clone(),
        kinds: vec![product.kind.clone(), product.vendor.clone()],
        description: record.description.clone(),
        price: product.price.as_deref().and_then(Price::parse),
        available: product.available,
    }
}

impl Worker for SearchIndexer {
    fn name(&self) -> &'static str {
        "search_index"
    }

    fn when_failing(&self) -> &'static str {
        "Products are found as they were some time ago, or not at all: the search index cannot be written. Nothing is lost, \
         and the catalogue's files are right; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(self.take_step())
    }
}
