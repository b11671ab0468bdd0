//! What a delivery or a poll causes: a Page's metadata is read here, its conversations in `history`.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::value::RawValue;

use super::document::metadata_path;
use super::history::{self, Inbox};
use super::payload::Id;
use super::{FIELDS, Facebook, METADATA, NAME, refusal};
use crate::shared::api::{ApiError, Budget, Patience};
use crate::shared::journal::Record;
use crate::shared::raw_json::Object;
use crate::shared::store::TokenKind;
use crate::shared::{BoxFuture, ReadError, Reader, WATCH};

/// The kind of a Page's record.
const PAGE: &str = "page";

/// Reads Pages.
pub struct PageReader(pub Arc<Facebook>);

impl Reader for PageReader {
    fn read_again<'a>(&'a self, account: &'a str, object: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let page = parse(account)?;
            let token = self.token(&page).await?;
            if object == WATCH {
                return self.watch(&page, &token).await;
            }
            self.0.shared.progress.report(NAME, account, "the Page's metadata", 0, None);
            let metadata = self.0.client.fetch_page(Patience::Background, &page, &token).await?;
            store_metadata(&self.0, &page, &metadata).await?;
            if object != METADATA {
                history::read(&self.0, &Inbox::of_page(&page), &token).await?;
            }
            Ok(())
        })
    }

    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let page = parse(account)?;
            let token = self.token(&page).await?;
            Ok(self.0.client.delete_page_subscription(&page, &token).await?)
        })
    }

    fn write_documents<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move { write_metadata(&self.0, &parse(account)?).await })
    }

    fn explain(&self, error: &ApiError) -> String {
        refusal::explain(error)
    }

    fn budgets(&self) -> Vec<Budget> {
        self.0.client.budgets().snapshot()
    }
}

impl PageReader {
    /// Compares the Page's webhook subscription with what is wanted, and repairs it. What was missed meanwhile is read.
    async fn watch(&self, page: &Id, token: &SecretString) -> Result<(), ReadError> {
        let journal = &self.0.shared.journal;
        let repaired = self.0.client.ensure_page_subscription(page, token).await?;
        journal.note_subscriptions(NAME, page.as_str(), &FIELDS, &[], repaired).await?;
        if repaired {
            tracing::warn!(page = page.as_str(), "a Page's webhook subscription was missing and was put back");
            journal.want_reread(NAME, page.as_str(), "", journal.clock().now_ms()).await?;
        }
        Ok(())
    }

    async fn token(&self, page: &Id) -> Result<SecretString, ReadError> {
        let token = self.0.shared.connections.find_token(NAME, page.as_str(), TokenKind::Access).await?;
        let token = token
            .ok_or(ApiError::TokenRejected { reason: "The stored login is gone. Please connect the Page again." })?;
        Ok(token.secret)
    }
}

/// Stores a Page's object and writes its file if it changed.
///
/// # Errors
/// [`ReadError`].
pub async fn store_metadata(facebook: &Facebook, page: &Id, metadata: &RawValue) -> Result<(), ReadError> {
    let object = Object::parse(metadata.get()).ok_or(ApiError::Unreadable("a Page that is no object"))?;
    if object.text("id").as_deref() != Some(page.as_str()) {
        return Err(ApiError::Unreadable("another Page than the one asked for").into());
    }
    let mut value: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(metadata.get()).map_err(|_| ApiError::Unreadable("a Page that cannot be read"))?;
    // Not asked for, and never to be written.
    value.remove("access_token");
    let payload = serde_json::to_string_pretty(&value).map_err(anyhow::Error::from)?;
    let record = Record { id: page.as_str().to_owned(), payload };
    facebook.shared.journal.replace_records(NAME, page.as_str(), PAGE, vec![record]).await?;
    write_metadata(facebook, page).await
}

async fn write_metadata(facebook: &Facebook, page: &Id) -> Result<(), ReadError> {
    let records = facebook.shared.journal.list_records(NAME, page.as_str(), PAGE).await?;
    let Some(record) = records.into_iter().next() else { return Ok(()) };
    let path = metadata_path(page)?;
    facebook.shared.output.write_in_background(path, record.payload + "\n").await?;
    Ok(())
}

fn parse(account: &str) -> Result<Id, ReadError> {
    Id::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no Page id").into())
}
