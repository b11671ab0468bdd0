//! What a delivery or a look causes: the number and its templates are read. The platform shows no conversation of the past.

use std::sync::Arc;

use super::names::NAME;
use super::read_request::OwnRequest;
use super::state::Whatsapp;
use super::{hourly_check, metadata, refusal, templates};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{Ended, ReadError, Reader};
use crate::shared::languages::Sentence;
use crate::shared::outgoing::http::{ApiError, Budget};

/// Reads the number.
pub struct NumberReader(pub Arc<Whatsapp>);

impl Reader for NumberReader {
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let own = match request {
                ReadRequest::OfChannel(words) => OwnRequest::parse(words),
                _ => None,
            };
            match (request, own) {
                (ReadRequest::HourlyCheck, _) if account.is_empty() => hourly_check::revive(&self.0).await,
                // What is told of the business account is told of the number.
                (_, Some(own)) if account.is_empty() => self.hand_on(own).await,
                (ReadRequest::HourlyCheck, _) => hourly_check::run(&self.0).await,
                (ReadRequest::Everything, _) if !account.is_empty() => self.read_all().await,
                (_, Some(OwnRequest::Templates)) => templates::read(&self.0).await.map(drop),
                (_, Some(OwnRequest::Number)) => {
                    metadata::read(&self.0).await?;
                    hourly_check::run(&self.0).await
                }
                // Names come with the messages.
                (ReadRequest::People, _) => Ok(()),
                _ => Err(ReadError::UnknownRequest(request.clone())),
            }
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(hourly_check::request(&self.0))
    }

    fn unsubscribe<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
        Box::pin(async move {
            let (client, config) = (&self.0.client, &self.0.config);
            let Some(business) = &config.business_account else { return Ok(Ended::Wholly) };
            client.unsubscribe(business).await?;
            let left = client.fetch_subscribed_apps(business).await?;
            let is_ours = |app: &String| config.app_id.get().is_none_or(|own| own == app);
            Ok(Ended::of_left(left.into_iter().filter(is_ours).collect()))
        })
    }

    fn write_documents<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            metadata::write(&self.0).await?;
            templates::write(&self.0).await
        })
    }

    fn explain(&self, error: &ApiError) -> Sentence {
        refusal::explain(error)
    }

    fn budgets(&self) -> Vec<Budget> {
        self.0.client.budgets().snapshot()
    }
}

impl NumberReader {
    async fn read_all(&self) -> Result<(), ReadError> {
        metadata::read(&self.0).await?;
        templates::read(&self.0).await.map(drop)
    }

    async fn hand_on(&self, own: OwnRequest) -> Result<(), ReadError> {
        let shared = &self.0.shared;
        let Some(connection) = hourly_check::connection(&self.0).await? else { return Ok(()) };
        let (account, now_ms) = (&connection.account, shared.clock.now_ms());
        Ok(shared.journal.request_read(NAME, account, ReadRequest::from(own), now_ms).await?)
    }
}
