//! What a delivery or a poll causes: a Page's metadata and the newest messages of its conversations are read.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::client::ConversationPage;
use super::document::{message_event, metadata_path, parse_time};
use super::payload::Id;
use super::{FIELDS, Facebook, METADATA, NAME};
use crate::shared::api::{ApiError, Patience};
use crate::shared::journal::{Event, Record};
use crate::shared::raw_json::Object;
use crate::shared::store::TokenKind;
use crate::shared::{BoxFuture, ReadError, Reader, WATCH};

/// The kind of a Page's record.
const PAGE: &str = "page";

/// A poll reads again what changed shortly before the last one ended: the platform's lists are not exact to the second.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// No Page has more lists of conversations than this; a server that says otherwise is broken.
const MAX_LISTS: usize = 100_000;

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
                self.read_conversations(&page, &token).await?;
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

    /// Reads every conversation in which something happened since the last complete read, newest first, and moves the
    /// mark only after everything is in the journal.
    async fn read_conversations(&self, page: &Id, token: &SecretString) -> Result<(), ReadError> {
        let journal = &self.0.shared.journal;
        let mark_name = format!("{NAME}:{page}:updated_time");
        let mark = journal.find_cursor(&mark_name).await?.and_then(|text| parse_time(&text));
        let until = mark.map(|mark| mark - OVERLAP);
        let mut newest = mark;
        let mut after: Option<String> = None;
        let mut done = 0;
        for _ in 0..MAX_LISTS {
            let list = self.0.client.fetch_conversations(page, after.as_deref(), token).await?;
            let next = list.after();
            let mut reached = false;
            for conversation in &list.data {
                let updated = updated_time(conversation);
                if updated.is_some_and(|updated| until.is_some_and(|until| updated < until)) {
                    reached = true;
                    continue;
                }
                newest = newest.max(updated);
                self.store_conversation(page, conversation).await?;
                done += 1;
                self.0.shared.progress.report(NAME, page.as_str(), "conversations", done, None);
            }
            match next {
                Some(next) if !reached && after.as_ref() != Some(&next) => after = Some(next),
                _ => {
                    if let Some(newest) = newest {
                        journal.save_cursor(&mark_name, newest.to_rfc3339()).await?;
                    }
                    return Ok(());
                }
            }
        }
        Err(ApiError::Unreadable("a list without end").into())
    }

    async fn store_conversation(&self, page: &Id, conversation: &ConversationPage) -> Result<(), ReadError> {
        let Some(person) = person(page, conversation) else {
            tracing::warn!(conversation = conversation.id, "a conversation whose person is not told was left out");
            return Ok(());
        };
        let messages = conversation.messages.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
        // Oldest first: times are told in whole seconds, and within a second the order of arrival decides.
        let mut events: Vec<_> =
            messages.iter().rev().filter_map(|message| message_event(page, &person, message)).collect();
        let known = self.0.shared.journal.find_times(events.iter().map(|event| event.key).collect()).await?;
        keep_order(&mut events, &known);
        if !events.is_empty() {
            let appended = self.0.shared.journal.append_patiently(events).await?;
            if appended.new > 0 {
                tracing::info!(new = appended.new, "messages came by poll");
            }
        }
        Ok(())
    }
}

/// Webhooks tell milliseconds, the API whole seconds. So that a message found by a poll does not slip before an earlier
/// one of its second, it is dated like its predecessor. `events` are in the order in which they were said; `known` are
/// the times of those that the journal has already.
fn keep_order(events: &mut [Event], known: &[Option<i64>]) {
    let mut latest: Option<i64> = None;
    for (event, known) in events.iter_mut().zip(known) {
        let Some(told) = event.occurred_at else { continue };
        let at = latest.filter(|latest| latest / 1000 == told / 1000).map_or(told, |latest| latest.max(told));
        event.occurred_at = Some(at);
        latest = Some(known.unwrap_or(at));
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

fn updated_time(conversation: &ConversationPage) -> Option<DateTime<Utc>> {
    conversation.updated_time.as_ref().and_then(|raw| parse_time(raw.get().trim_matches('"')))
}

/// The person of a conversation: the participant who is not the Page. Accounts that were deleted are missing among the
/// participants; then the messages tell.
fn person(page: &Id, conversation: &ConversationPage) -> Option<Id> {
    let not_the_page = |text: &str| Id::parse(text).filter(|id| id != page);
    let participants = conversation.participants.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
    let messages = conversation.messages.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
    let id_of = |raw: &RawValue| {
        Object::parse(raw.get()).and_then(|object| object.text("id").map(std::borrow::Cow::into_owned))
    };
    participants.iter().find_map(|raw| not_the_page(&id_of(raw)?)).or_else(|| {
        messages.iter().find_map(|raw| {
            let message = Object::parse(raw.get())?;
            let from = message.object("from").and_then(|from| not_the_page(&from.text("id")?));
            from.or_else(|| {
                let to = crate::shared::raw_json::elements(message.object("to")?.get("data")?)?;
                to.into_iter().find_map(|to| not_the_page(&Object::parse(to)?.text("id")?))
            })
        })
    })
}
