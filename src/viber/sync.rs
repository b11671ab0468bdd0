//! What is read of Viber: the account. Of conversations it shows no past.

use std::sync::Arc;

use super::account::Known;
use super::names::{self, NAME};
use super::read_request::OwnRequest;
use super::state::Viber;
use super::{document, hourly_check, refusal, view};
use crate::shared::channel::configured::{Configured, ConfiguredAccount};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{Ended, ReadError, Reader};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::store::Status;

/// How many conversations are looked at for people whose names are not known.
const NAMED_AT_ONCE: i64 = 200;

/// Among how many of the newest messages of each a name is looked for.
const MESSAGES_LOOKED_AT: usize = 20;

/// Reads the bot's account.
pub struct BotReader(pub Arc<Viber>);

impl Reader for BotReader {
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let viber = &*self.0;
            match request {
                ReadRequest::OfChannel(words) if OwnRequest::parse(words) == Some(OwnRequest::Called) => Ok(()),
                ReadRequest::People => name_people(viber, account).await,
                ReadRequest::HourlyCheck | ReadRequest::Everything => {
                    hourly_check::run(viber).await?;
                    match viber.account.known().await {
                        Some(known) if !account.is_empty() && known.id.as_str() != account => {
                            Err(ApiError::TokenRejected { reason: say::viber_another_bot() }.into())
                        }
                        _ => Ok(()),
                    }
                }
                _ => Err(ReadError::UnknownRequest(request.clone())),
            }
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move { Ok(hourly_check::request(&self.0).await?) })
    }

    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
        Box::pin(async move {
            let client = &self.0.client;
            if self.0.account.known().await.is_none_or(|known| known.id.as_str() != account) {
                return Err(ApiError::TokenRejected { reason: say::viber_another_bot() }.into());
            }
            client.remove_webhook().await?;
            let left = client.fetch_account(Patience::Person).await?;
            let left = hourly_check::leads_to(&left.webhook, &self.0.config.webhook_address);
            Ok(Ended::of_left(left.then(|| "webhook".to_owned()).into_iter().collect()))
        })
    }

    fn write_documents<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let account = names::account(account).ok_or_else(|| anyhow::anyhow!("a stored account is no bot's id"))?;
            document::write(&self.0, &account).await
        })
    }

    fn explain(&self, error: &ApiError) -> Sentence {
        refusal::explain(error)
    }
}

/// Callbacks say what people are called who let it be told: those whose names are not known yet are named.
async fn name_people(viber: &Viber, account: &str) -> Result<(), ReadError> {
    let journal = &viber.shared.journal;
    let of = (NAME.to_owned(), account.to_owned());
    let threads = journal.list_threads(&of, None, NAMED_AT_ONCE).await?;
    let mut names = Vec::new();
    for thread in threads.into_iter().filter(|thread| thread.name.is_none()) {
        let page = journal.load_thread_page(&of, &thread.person, None, MESSAGES_LOOKED_AT).await?;
        let name = page.items.iter().rev().find_map(|item| view::name_of(&item.kind, &item.payload));
        names.extend(name.map(|name| (thread.person, name)));
    }
    Ok(journal.name_people(NAME, account, names).await?)
}

/// The account that the settings name, by its token.
pub struct OfSettings(pub Arc<Viber>);

impl Configured for OfSettings {
    fn account(&self) -> BoxFuture<'_, Result<ConfiguredAccount, ReadError>> {
        Box::pin(async move {
            let viber = &*self.0;
            let known: Arc<Known> = match viber.account.known().await {
                Some(known) => known,
                None => hourly_check::learn(viber, &viber.client.fetch_account(Patience::Person).await?).await?,
            };
            Ok(ConfiguredAccount {
                account: known.id.to_string(),
                name: known.name.clone(),
                status: Status::Connected,
                status_reason: None,
            })
        })
    }
}
