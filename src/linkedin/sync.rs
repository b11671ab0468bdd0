//! What is read of LinkedIn: the page, and what happened on its posts while nothing was posted to us.

use std::sync::Arc;

use super::hourly_check::{self, is_ours};
use super::names::NAME;
use super::state::Linkedin;
use super::{document, refusal, tokens};
use crate::shared::channel::configured::{Configured, ConfiguredAccount};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{Ended, ReadError, Reader};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Status;

/// Reads the page.
pub struct PageReader(pub Arc<Linkedin>);

impl Reader for PageReader {
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let linkedin = &*self.0;
            if !is_ours(linkedin, account) {
                return Err(ApiError::TokenRejected { reason: say::linkedin_another_page() }.into());
            }
            match request {
                // LinkedIn does not tell names of members.
                ReadRequest::People => Ok(()),
                ReadRequest::HourlyCheck => hourly_check::run(linkedin).await,
                ReadRequest::Everything => hourly_check::read_back(linkedin).await,
                _ => Err(ReadError::UnknownRequest(request.clone())),
            }
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move { Ok(hourly_check::request(&self.0).await?) })
    }

    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
        Box::pin(async move {
            let linkedin = &*self.0;
            if !is_ours(linkedin, account) {
                return Err(ApiError::TokenRejected { reason: say::linkedin_another_page() }.into());
            }
            let find = || {
                tokens::with_token(linkedin, |token| async move { linkedin.client.fetch_subscription(&token).await })
            };
            if let Some(found) = find().await? {
                let ended = tokens::with_token(linkedin, |token| {
                    let found = found.clone();
                    async move { linkedin.client.delete_subscription(&found, &token).await }
                });
                ended.await?;
            }
            let left = find().await?.map(|_| hourly_check::WANTED[0].to_owned());
            Ok(Ended::of_left(left.into_iter().collect()))
        })
    }

    fn write_documents<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move { document::write(&self.0).await })
    }

    fn explain(&self, error: &ApiError) -> Sentence {
        refusal::explain(error)
    }
}

/// The account that the settings name.
pub struct OfSettings(pub Arc<Linkedin>);

impl Configured for OfSettings {
    fn account(&self) -> BoxFuture<'_, Result<ConfiguredAccount, ReadError>> {
        Box::pin(async move {
            let account = self.0.account().to_owned();
            let known = self.0.shared.connections.find(NAME, &account).await?;
            Ok(ConfiguredAccount {
                // The look at the page learns what it is called.
                name: known.map_or_else(|| format!("LinkedIn page {account}"), |known| known.name),
                account,
                status: Status::Connected,
                status_reason: None,
            })
        })
    }
}
