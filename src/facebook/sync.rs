//! What a delivery or a poll causes: a Page's metadata is read here, its conversations in `history`.

use std::sync::Arc;

use secrecy::SecretString;

use super::history::{self, Inbox};
use super::payload::Id;
use super::{Facebook, METADATA, NAME, hourly_check, instagram, metadata, refusal, tokens};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::reader::{Ended, PEOPLE, ReadError, Reader, WATCH};
use crate::shared::outgoing::http::{ApiError, Budget, Patience};

/// Reads Pages.
pub struct PageReader(pub Arc<Facebook>);

impl Reader for PageReader {
    fn read_again<'a>(&'a self, account: &'a str, object: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            if account.is_empty() {
                return match object.strip_prefix(hourly_check::PERSON) {
                    Some(person) => hourly_check::run_person(&self.0, person).await,
                    None => hourly_check::run_app(&self.0).await,
                };
            }
            let page = parse(account)?;
            if let Some(action) = object.strip_prefix(hourly_check::POLICY) {
                return hourly_check::note_policy(&self.0, &page, action).await;
            }
            let token = tokens::load(&self.0, &page).await?;
            match self.read(&page, object, &token).await {
                Err(ReadError::Api(ApiError::TokenRejected { reason })) => {
                    // Before anybody is bothered: the person's token may give a new one.
                    let renewed = tokens::renew(&self.0, &page, Some(&token)).await?;
                    let token = renewed.ok_or(ApiError::TokenRejected { reason })?;
                    self.read(&page, object, &token).await
                }
                outcome => outcome,
            }
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move { Ok(hourly_check::want_app(&self.0).await?) })
    }

    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
        Box::pin(async move {
            let (page, client) = (parse(account)?, &self.0.client);
            let token = tokens::load(&self.0, &page).await?;
            client.delete_page_subscription(&page, &token).await?;
            Ok(Ended::of_left(client.fetch_page_subscription(Patience::Person, &page, &token).await?))
        })
    }

    fn write_documents<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move { metadata::write(&self.0, &parse(account)?).await })
    }

    fn explain(&self, error: &ApiError) -> String {
        refusal::explain(error)
    }

    fn budgets(&self) -> Vec<Budget> {
        self.0.client.budgets().snapshot()
    }
}

impl PageReader {
    async fn read(&self, page: &Id, object: &str, token: &SecretString) -> Result<(), ReadError> {
        if object == WATCH {
            return hourly_check::run(&self.0, page, token).await;
        }
        if object == PEOPLE {
            return history::name_people(&self.0, &Inbox::of_page(page), token).await;
        }
        self.0.shared.progress.report(NAME, page.as_str(), "the Page's metadata", 0, None);
        let object_of_page = self.0.client.fetch_page(Patience::Background, page, token).await?;
        metadata::store(&self.0, page, &object_of_page).await?;
        if object != METADATA {
            if self.0.config.instagram {
                instagram::discover(&self.0, page, token).await?;
            }
            history::read(&self.0, &Inbox::of_page(page), token).await?;
        }
        Ok(())
    }
}

fn parse(account: &str) -> Result<Id, ReadError> {
    Id::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no Page id").into())
}
