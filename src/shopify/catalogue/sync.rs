//! What a delivery or a poll causes: which part of a shop is read again, by which road, and what follows.
//!
//! A whole pass goes by pages (`by_pages.rs`) or by bulk operations (`by_bulk/`), a single object by its id
//! (`single_objects.rs`). Records are replaced by `records.rs`, the file by `file.rs`. A pass that did not read everything
//! replaces nothing, and one that brought another number of products than the shop counts deletes nothing.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::kinds::{COLLECTION, DISCOUNT, GONE, PRODUCT};
use super::poll;
use super::poll::Mark;
use super::records;
use super::records::{Found, Trust};
use super::session::Reading;
use super::{by_bulk, by_pages, file, shop_data, single_objects};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{Ended, ReadError, Reader};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Budget};
use crate::shared::store::{PollReport, Staging};
use crate::shopify::names::{NAME, PRODUCT_GID};
use crate::shopify::payload::ShopDomain;
use crate::shopify::read_request::{OwnRequest, Single};
use crate::shopify::state::Shopify;
use crate::shopify::subscriptions;
use crate::shopify::subscriptions::Asker;
use crate::shopify::{compliance, hourly_check, refusal, uninstalled};

/// When more single products than this are to be read, all are: by then a pass is cheaper.
const MANY: usize = 50;

/// The time between two of the looks that are made at every shop when the service begins.
const BETWEEN_LOOKS_MS: i64 = 100;

/// Reads shops.
pub struct ShopReader(pub Arc<Shopify>);

impl Reader for ShopReader {
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let shop = parse(account)?;
            let own = match request {
                ReadRequest::HourlyCheck => return hourly_check::run(&self.0, &shop).await,
                ReadRequest::Uninstalled { at } => return uninstalled::look_into(&self.0, &shop, *at).await,
                ReadRequest::Redacted { at } => return compliance::look_into(&self.0, &shop, *at).await,
                ReadRequest::Everything => return self.read_everything(&shop).await,
                ReadRequest::OfChannel(words) => OwnRequest::parse(words),
                // A shop's customers do not write here.
                ReadRequest::People => None,
            };
            match own {
                // What a shop says of itself may be that it is open again.
                Some(own @ (OwnRequest::Changes | OwnRequest::Shop)) => self.read(&shop, own).await,
                Some(own) => {
                    hourly_check::ensure_open(&self.0, &shop).await?;
                    self.read(&shop, own).await
                }
                None => Err(ReadError::UnknownRequest(request.clone())),
            }
        })
    }

    fn read_several<'a>(
        &'a self,
        account: &'a str,
        requests: &'a [ReadRequest],
    ) -> BoxFuture<'a, Vec<Result<(), ReadError>>> {
        Box::pin(async move {
            let singles: Vec<Single> = requests.iter().map_while(as_single).collect();
            match (requests.first(), singles.is_empty()) {
                (None, _) => return Vec::new(),
                (Some(first), true) => return vec![self.read_again(account, first).await],
                (Some(_), false) => {}
            }
            match parse(account) {
                Ok(shop) => match hourly_check::ensure_open(&self.0, &shop).await {
                    Ok(()) => self.read_singles(&shop, &singles).await,
                    Err(error) => singles.iter().map(|_| Err(error.again())).collect(),
                },
                Err(error) => vec![Err(error)],
            }
        })
    }

    /// Shops go on delivering to the address that was configured before, so every one is looked at, a few each second.
    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move {
            let Shared { connections, journal, clock, .. } = &self.0.shared;
            let shops = connections.list().await?.into_iter().filter(|connection| connection.channel == NAME);
            for (number, connection) in (0..).zip(shops) {
                let due_at = clock.now_ms() + number * BETWEEN_LOOKS_MS;
                journal.request_read(NAME, &connection.account, ReadRequest::HourlyCheck, due_at).await?;
            }
            Ok(())
        })
    }

    fn is_whole(&self, request: &ReadRequest) -> bool {
        *request == ReadRequest::Everything || *request == OwnRequest::Changes.into()
    }

    fn explain(&self, error: &ApiError) -> Sentence {
        refusal::explain(error)
    }

    fn budgets(&self) -> Vec<Budget> {
        self.0.client.budgets().snapshot()
    }

    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
        Box::pin(async move {
            let shop = parse(account)?;
            let asker = Asker::of_stored(&self.0, &shop).for_a_person();
            Ok(Ended::of_left(subscriptions::delete_ours(&asker).await?))
        })
    }

    fn write_documents<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let shop = parse(account)?;
            shop_data::write(&self.0, &shop).await?;
            file::rewrite(&self.0, &shop).await
        })
    }
}

impl ShopReader {
    async fn read(&self, shop: &ShopDomain, request: OwnRequest) -> Result<(), ReadError> {
        let reading = Reading::new(&self.0, shop);
        match request {
            OwnRequest::Changes => self.poll(&reading).await,
            // The work under way is looked at by whoever waits for it.
            OwnRequest::BulkEnd => Ok(self.0.shared.journal.hasten_reads(NAME, shop.as_str()).await?),
            OwnRequest::Shop => self.read_shop(&reading).await,
            OwnRequest::Products => self.read_some_lists(&reading, &[PRODUCT]).await,
            OwnRequest::Discounts => self.read_some_lists(&reading, &[DISCOUNT]).await,
            OwnRequest::Collections => self.read_some_lists(&reading, &[COLLECTION]).await,
            OwnRequest::Single(single) => self.read_singles(shop, &[single]).await.pop().unwrap_or(Ok(())),
        }
    }

    async fn read_everything(&self, shop: &ShopDomain) -> Result<(), ReadError> {
        let reading = Reading::new(&self.0, shop);
        self.read_shop(&reading).await?;
        self.read_whole(&reading).await
    }

    async fn read_shop(&self, reading: &Reading<'_>) -> Result<(), ReadError> {
        reading.report(say::what_shop(), 0, None);
        let info = reading.ask_shop().await?;
        shop_data::store(&self.0, reading.shop, info.shop).await?;
        shop_data::write(&self.0, reading.shop).await
    }

    /// Reads everything.
    async fn read_whole(&self, reading: &Reading<'_>) -> Result<(), ReadError> {
        let begun_ms = self.0.shared.clock.now_ms();
        self.read_lists(reading, &[PRODUCT, DISCOUNT, COLLECTION]).await?;
        self.read_doubted(reading).await?;
        poll::save_mark(reading, Mark { whole_at: begun_ms, until: begun_ms }).await?;
        {
            // Where this was the first time, the file waited for it.
            let _alone = self.0.locks.of(reading.shop).await;
            file::show(&self.0, reading.shop).await?;
        }
        single_objects::ask_for_unserved(reading, true).await?;
        reading.denied()
    }

    /// The daily look: what changed is read, and once a week everything.
    async fn poll(&self, reading: &Reading<'_>) -> Result<(), ReadError> {
        self.read_shop(reading).await?;
        let mark = poll::find_mark(reading).await?.filter(|mark| !mark.is_old(self.0.shared.clock.now_ms()));
        let is_under_way = by_bulk::is_under_way(reading).await?;
        if !is_under_way {
            single_objects::forget_gone(reading).await?;
        }
        if let Some(mark) = mark
            && !is_under_way
        {
            let told = self.told(reading).await?;
            if let Some(found) = poll::read_changes(reading, mark, &told).await? {
                self.report(reading, found).await?;
                // What could not be shown before has a request of its own until it can be.
                single_objects::ask_for_unserved(reading, told.is_empty()).await?;
                return reading.denied();
            }
        }
        self.read_whole(reading).await
    }

    /// Reads these lists, and asks later for what the shop could not show of them.
    async fn read_some_lists(&self, reading: &Reading<'_>, wanted: &[&'static str]) -> Result<(), ReadError> {
        self.read_lists(reading, wanted).await?;
        self.read_doubted(reading).await?;
        single_objects::ask_for_unserved(reading, false).await
    }

    /// Reads once more, alone, what lists brought less of than there seems to be. Before the first pass is over, no file
    /// shows any of it.
    async fn read_doubted(&self, reading: &Reading<'_>) -> Result<(), ReadError> {
        let edits = single_objects::read_doubted(reading).await?;
        file::change(&self.0, reading.shop, edits).await?;
        Ok(())
    }

    /// Reads whole lists, and replaces what is stored of them once all were read. Large shops are read by bulk operations,
    /// and by pages where that fails.
    async fn read_lists(&self, reading: &Reading<'_>, wanted: &[&'static str]) -> Result<(), ReadError> {
        let mut wanted = wanted.to_vec();
        if wanted.contains(&PRODUCT) && (by_bulk::is_under_way(reading).await? || by_bulk::is_wanted(reading).await?) {
            let staging = self.0.shared.journal.stage().await?;
            match by_bulk::read(reading, &wanted, &staging).await? {
                by_bulk::Outcome::Staged(mut kinds, begun_ms) => {
                    if poll::find_mark(reading).await?.is_none() {
                        // A file without a line looks like one that was not to be had: of a shop that was never read, pages
                        // say whether there is nothing.
                        kinds = records::list_brought(&staging, &kinds).await?;
                    }
                    let trust = self.weigh(reading, &staging, &kinds, begun_ms).await?;
                    self.replace(reading, &staging, &kinds, begun_ms, &trust).await?;
                    by_bulk::end(reading, None).await?;
                    ensure_whole(&trust)?;
                    wanted.retain(|kind| !kinds.contains(kind));
                }
                by_bulk::Outcome::NotThisWay(why) => {
                    tracing::warn!(shop = reading.shop.as_str(), %why, "a shop is read by pages instead of in bulk");
                    by_bulk::end(reading, Some(&why)).await?;
                    reading.report(say::what_products_by_page(), 0, None);
                }
            }
            if wanted.is_empty() {
                return Ok(());
            }
        }
        let begun_ms = self.0.shared.clock.now_ms();
        let staging = self.0.shared.journal.stage().await?;
        let mut kinds = Vec::new();
        for kind in wanted {
            let may_be_read = match kind {
                PRODUCT => by_pages::read_products(reading, &staging).await.map(|()| true)?,
                DISCOUNT => by_pages::read_discounts(reading, &staging).await?,
                _ => by_pages::read_collections(reading, &staging).await.map(|()| true)?,
            };
            kinds.extend(may_be_read.then_some(kind));
        }
        staging.index().await?;
        let trust = self.weigh(reading, &staging, &kinds, begun_ms).await?;
        self.replace(reading, &staging, &kinds, begun_ms, &trust).await?;
        ensure_whole(&trust)
    }

    /// Whether a pass that began at this time brought as many products as the shop says that it has: a list that was cut
    /// short looks like a whole one. What came or went while it was read is found by name, and is read alone.
    async fn weigh(
        &self,
        reading: &Reading<'_>,
        staging: &Staging,
        kinds: &[&'static str],
        begun_ms: i64,
    ) -> Result<Trust, ReadError> {
        if !kinds.contains(&PRODUCT) {
            return Ok(Trust { is_whole: true, ..Trust::default() });
        }
        let mut read: HashSet<String> = records::list_staged(staging, PRODUCT).await?.into_iter().collect();
        read.extend(reading.unserved().into_iter().filter(|id| id.starts_with(PRODUCT_GID)));
        let Some(count) = reading.count_products().await? else {
            // Every list came to its end, and what it lacks is asked for one by one before it is deleted.
            return Ok(Trust { is_whole: true, ..Trust::default() });
        };
        if count.agrees(read.len()) {
            return Ok(Trust { is_whole: true, ..Trust::default() });
        }
        let journal = &self.0.shared.journal;
        let gone = journal.list_record_ids(NAME, reading.shop.as_str(), GONE).await?;
        let gone: HashSet<String> = gone.into_iter().map(|(id, _)| id).collect();
        let mut all: HashSet<String> = poll::list_new(reading, begun_ms).await?;
        all.extend(read.iter().filter(|id| !gone.contains(*id)).cloned());
        if !count.agrees(all.len()) {
            match poll::list_all(reading).await? {
                Some(ids) => all = ids,
                None => all.clear(),
            }
        }
        let differing: Vec<&String> = all.symmetric_difference(&read).filter(|id| !gone.contains(*id)).collect();
        if all.is_empty() && count.count > 0 || differing.len() > MANY {
            let (read, counted) = (read.len(), count.count);
            tracing::warn!(
                shop = reading.shop.as_str(),
                read,
                counted,
                "a shop lists another number of products than it counts"
            );
            return Ok(Trust::default());
        }
        for id in differing {
            reading.doubt(id.clone());
        }
        Ok(Trust { is_whole: true, alive: all })
    }

    async fn replace(
        &self,
        reading: &Reading<'_>,
        staging: &Staging,
        kinds: &[&'static str],
        begun_ms: i64,
        trust: &Trust,
    ) -> Result<(), ReadError> {
        let told = self.told(reading).await?;
        let (mut found, missing) = {
            let _alone = self.0.locks.of(reading.shop).await;
            records::replace(reading, staging, kinds, begun_ms, &told, trust).await?
        };
        // A list may lack what is there, and so may the number that it is compared with. To ask for each may take long:
        // single products are read meanwhile.
        let mut all_gone = Vec::new();
        for (kind, missing) in missing {
            all_gone.push((kind, single_objects::find_gone(reading, kind, missing).await?));
        }
        {
            let _alone = self.0.locks.of(reading.shop).await;
            for (kind, gone) in all_gone {
                records::delete(reading, kind, gone, begun_ms, &told, &mut found).await?;
            }
            file::show(&self.0, reading.shop).await?;
        }
        // What the first pass finds was not missed by anybody.
        if poll::find_mark(reading).await?.is_some() {
            self.report(reading, found).await?;
        }
        Ok(())
    }

    /// The objects of which a webhook has told, and that are still to be read.
    async fn told(&self, reading: &Reading<'_>) -> Result<HashSet<String>, ReadError> {
        Ok(self.waiting(reading).await?.into_iter().map(|single| single.id).collect())
    }

    /// The single objects that are still to be read.
    async fn waiting(&self, reading: &Reading<'_>) -> Result<Vec<Single>, ReadError> {
        let account = (NAME.to_owned(), reading.shop.to_string());
        let requests = self.0.shared.journal.list_read_requests(&account).await?;
        let waiting = requests.iter().filter(|one| !one.is_given_up);
        Ok(waiting.filter_map(|one| as_single(&one.request)).collect())
    }

    async fn report(&self, reading: &Reading<'_>, found: Found) -> Result<(), ReadError> {
        let report = PollReport {
            seen_by_both: found.unchanged + found.told,
            only_poll: found.recovered,
            ..PollReport::default()
        };
        if found.recovered > 0 {
            tracing::info!(
                shop = reading.shop.as_str(),
                objects = found.recovered,
                "a read found what no webhook told"
            );
        }
        Ok(self.0.shared.journal.note_poll(NAME, reading.shop.as_str(), report).await?)
    }

    /// Reads single objects and writes the file once. Where there are many products, or a single query does not help, the
    /// whole list is read instead.
    async fn read_singles(&self, shop: &ShopDomain, singles: &[Single]) -> Vec<Result<(), ReadError>> {
        let reading = Reading::new(&self.0, shop);
        let many = singles.iter().filter(|single| single_objects::is_of_products(&single.id)).count() > MANY;
        let in_list = |id: &str| many && single_objects::is_of_products(id);
        let asked: Vec<Single> = singles.iter().filter(|single| !in_list(&single.id)).cloned().collect();
        let ids: Vec<String> = asked.iter().map(|single| single.id.clone()).collect();
        let single_objects::Read { edits, mut outcomes, unchanged } =
            match single_objects::read_all(&reading, &ids).await {
                Ok(read) => read,
                Err(error) => return vec![Err(error)],
            };
        for (id, outcome) in ids.iter().zip(&outcomes) {
            if let Err(error) = outcome
                && single_objects::is_short(error)
            {
                // Its request comes again by itself; where there are many, one name more or less tells nothing.
                let _ = reading.pass_over(id.clone(), error.again());
            }
        }
        single_objects::tell_of_unserved(&reading, false);
        let stored = async {
            if !unchanged.is_empty() {
                let waiting = self.waiting(&reading).await?;
                single_objects::ask_once_more(&reading, &asked, unchanged, &waiting).await?;
            }
            file::change(&self.0, shop, edits).await
        };
        if let Err(error) = stored.await {
            outcomes.iter_mut().filter(|outcome| outcome.is_ok()).for_each(|outcome| *outcome = Err(error.again()));
        }
        // What a single query cannot give, the whole list can. Anything else that fails is the same again later: a list is
        // dearer than what was asked for, and no remedy for a shop that says "later" in a way of its own.
        let needs_list = |outcome: &Result<(), ReadError>| match outcome {
            Err(ReadError::Api(ApiError::Refused { code })) => refusal::is_of_the_query(code),
            Err(ReadError::Api(error)) => single_objects::is_unknown(error),
            _ => false,
        };
        let failed = ids.iter().zip(&outcomes).filter(|(_, outcome)| needs_list(outcome)).map(|(id, _)| id);
        let mut kinds: BTreeSet<&'static str> = failed.map(|id| single_objects::kind_of(id)).collect();
        kinds.extend(many.then_some(PRODUCT));
        if kinds.is_empty() {
            return outcomes;
        }
        let kinds: Vec<&'static str> = kinds.into_iter().collect();
        let listed = self.read_some_lists(&reading, &kinds).await;
        let listed = || match &listed {
            Ok(()) => Ok(()),
            Err(error) => Err(error.again()),
        };
        let mut outcomes = outcomes.into_iter();
        // A single read that was not made ends the answer: its request comes again, with those behind it.
        singles
            .iter()
            .map_while(|single| {
                if in_list(&single.id) {
                    return Some(listed());
                }
                let outcome = outcomes.next()?;
                Some(if needs_list(&outcome) { listed() } else { outcome })
            })
            .collect()
    }
}

/// What a pass that is in doubt ends with: it is made again later, and until then nothing counts as deleted.
fn ensure_whole(trust: &Trust) -> Result<(), ReadError> {
    if trust.is_whole {
        return Ok(());
    }
    Err(ApiError::Unavailable("the shop lists another number of products than it counts".to_owned()).into())
}

/// The single object that is requested, if it is one.
fn as_single(request: &ReadRequest) -> Option<Single> {
    match request {
        ReadRequest::OfChannel(words) => match OwnRequest::parse(words) {
            Some(OwnRequest::Single(single)) => Some(single),
            _ => None,
        },
        _ => None,
    }
}

fn parse(account: &str) -> Result<ShopDomain, ReadError> {
    Ok(ShopDomain::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no shop"))?)
}
