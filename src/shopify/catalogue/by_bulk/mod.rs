//! A whole pass by bulk operations: Shopify runs a query to its end and leaves a file of JSON lines, a line for each object.
//!
//! For shops in which pages would take too long. Operations run one after the other; their ids are kept, so a kill costs
//! nothing but the download. Lines come in any order: children name their parent. What cannot be had or understood is told
//! to the caller, who goes by pages instead, and to the merchant.
//!
//! Source: <https://shopify.dev/docs/api/usage/bulk-operations/queries> (2026).

mod file;
mod list;
mod operation;
mod trouble;

use serde::{Deserialize, Serialize};

pub use self::file::fuzz;
use self::list::List;
use self::operation::Ended;
use self::trouble::Failed;
pub use self::trouble::Trouble;
use super::kinds::{COLLECTION, DISCOUNT, PRODUCT};
use super::session::{Access, DISCOUNTS_SCOPE, Reading};
use super::single_objects;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Staging;
use crate::shopify::names::NAME;
use crate::shopify::state::Shopify;

/// The cursor of a pass that is under way.
const UNDER_WAY: &str = "bulk";

/// The cursor that says until when a shop is read by pages, because its bulk operations fail (milliseconds since 1970).
const AVOIDED: &str = "bulk avoided";

/// How long a shop is read by pages after a bulk operation failed.
const AVOID_MS: i64 = 24 * 60 * 60 * 1000;

/// What has not ended by then is given up. Shopify itself ends operations after ten days.
const LONGEST_PASS_MS: i64 = 6 * 60 * 60 * 1000;

/// A pass that is under way, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pass {
    begun_ms: i64,
    kinds: Vec<String>,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Operation {
    list: List,
    /// Absent until the shop's answer is known: a kill, or a lost answer, may come between.
    id: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    #[serde(default)]
    asked_ms: i64,
}

/// How an attempt to read by bulk operations came out.
pub enum Outcome {
    /// Everything of these kinds is staged. The pass began at this time.
    Staged(Vec<&'static str>, i64),
    /// It does not go this way; the shop is to be read by pages.
    NotThisWay(Trouble),
}

/// Whether a pass is under way.
///
/// # Errors
/// When the journal cannot be read.
pub async fn is_under_way(reading: &Reading<'_>) -> Result<bool, ReadError> {
    let journal = &reading.shopify.shared.journal;
    Ok(journal.find_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY).await?.is_some())
}

/// Whether the shop is large enough to be read this way, and nothing speaks against it.
///
/// # Errors
/// When the shop cannot be asked.
pub async fn is_wanted(reading: &Reading<'_>) -> Result<bool, ReadError> {
    let Shopify { shared, config, .. } = reading.shopify;
    let avoided = shared.journal.find_account_cursor(NAME, reading.shop.as_str(), AVOIDED).await?;
    if avoided.and_then(|until| until.parse::<i64>().ok()).is_some_and(|until| until > shared.clock.now_ms()) {
        return Ok(false);
    }
    match reading.count_products().await {
        Ok(count) if count > config.bulk_above => Ok(true),
        Ok(_) => {
            // What was wrong with exports is of no importance to a shop that is small enough without.
            shared.journal.note_remark(NAME, reading.shop.as_str(), None).await?;
            Ok(false)
        }
        // Pages tell what is the matter.
        Err(ReadError::Api(ApiError::Refused { .. } | ApiError::Unreadable(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends the pass that is under way. With a trouble: for a while the shop is read by pages, and its merchant is told why.
///
/// # Errors
/// When the journal cannot be written.
pub async fn end(reading: &Reading<'_>, trouble: Option<&Trouble>) -> Result<(), ReadError> {
    let shared = &reading.shopify.shared;
    let avoided = trouble.map(|_| (shared.clock.now_ms() + AVOID_MS).to_string());
    shared.journal.note_remark(NAME, reading.shop.as_str(), trouble.map(Trouble::sentence)).await?;
    shared.journal.save_account_cursor(NAME, reading.shop.as_str(), AVOIDED, avoided).await?;
    single_objects::forget_gone(reading).await?;
    Ok(shared.journal.save_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY, None).await?)
}

/// Reads these kinds of records, or goes on with the pass that is under way.
///
/// # Errors
/// [`ReadError::NotYet`] while Shopify is at work; otherwise as any read.
pub async fn read(reading: &Reading<'_>, kinds: &[&'static str], staging: &Staging) -> Result<Outcome, ReadError> {
    match try_read(reading, kinds, staging).await {
        Ok((kinds, begun_ms)) => Ok(Outcome::Staged(kinds, begun_ms)),
        Err(Failed::Way(why)) => Ok(Outcome::NotThisWay(why)),
        Err(Failed::Read(error)) => Err(error),
    }
}

async fn try_read(
    reading: &Reading<'_>,
    wanted: &[&'static str],
    staging: &Staging,
) -> Result<(Vec<&'static str>, i64), Failed> {
    let shared = &reading.shopify.shared;
    let access = reading.access().await?;
    let kept = shared.journal.find_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY).await?;
    let mut pass = kept.and_then(|text| serde_json::from_str::<Pass>(&text).ok()).unwrap_or_else(|| Pass {
        begun_ms: shared.clock.now_ms(),
        kinds: wanted.iter().map(|&kind| kind.to_owned()).collect(),
        operations: Vec::new(),
    });
    if shared.clock.now_ms() - pass.begun_ms > LONGEST_PASS_MS {
        return Err(Failed::Way(Trouble::Endless));
    }
    let mut kinds: Vec<&'static str> =
        [PRODUCT, DISCOUNT, COLLECTION].into_iter().filter(|kind| pass.kinds.iter().any(|kept| kept == kind)).collect();
    let mut files = Vec::new();
    for list in List::of(&kinds, access) {
        let id = operation_of(reading, &mut pass, list, access).await?;
        match operation::wait(reading, list, &id, pass.begun_ms).await? {
            Ended::With(file) => files.push((list, file)),
            Ended::Denied if list == List::Discounts => {
                reading.deny([DISCOUNTS_SCOPE.to_owned()]);
                kinds.retain(|&kind| kind != DISCOUNT);
            }
            Ended::Denied => {
                let denied = Some("ACCESS_DENIED".to_owned());
                return Err(Failed::Way(Trouble::Ended(list, "FAILED".to_owned(), denied)));
            }
        }
    }
    for (list, file) in &files {
        if let Some(url) = &file.url {
            file::download(reading, *list, url, file.bytes, staging).await?;
        }
    }
    staging.index().await?;
    for (list, _) in &files {
        for (child, parent) in list.families() {
            if staging.count_orphans(*child, *parent).await? > 0 {
                return Err(Failed::Way(Trouble::Orphan(*list)));
            }
        }
    }
    Ok((kinds, pass.begun_ms))
}

/// The operation that brings this list: the one that is known, or a new one. That it is asked for is written down first:
/// it is never started a second time because an answer was lost.
async fn operation_of(reading: &Reading<'_>, pass: &mut Pass, list: List, access: Access) -> Result<String, Failed> {
    let known = pass.operations.iter().position(|operation| operation.list == list);
    let (index, lost) = match known {
        Some(index) => match &pass.operations[index] {
            Operation { id: Some(id), .. } => return Ok(id.clone()),
            asked => (index, operation::find_lost(reading, list, access, asked.asked_ms).await?),
        },
        None => {
            let asked_ms = reading.shopify.shared.clock.now_ms();
            pass.operations.push(Operation { list, id: None, asked_ms });
            keep(reading, pass).await?;
            (pass.operations.len() - 1, None)
        }
    };
    let id = match lost {
        Some(id) => id,
        None => operation::start(reading, list, access).await?,
    };
    pass.operations[index].id = Some(id.clone());
    keep(reading, pass).await?;
    Ok(id)
}

async fn keep(reading: &Reading<'_>, pass: &Pass) -> Result<(), ReadError> {
    let kept = serde_json::to_string(pass).map_err(anyhow::Error::from)?;
    let journal = &reading.shopify.shared.journal;
    Ok(journal.save_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY, Some(kept)).await?)
}
