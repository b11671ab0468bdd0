//! What a delivery or a poll causes: a Page's metadata is read here, its conversations in `history`.

use std::sync::Arc;

use secrecy::SecretString;

use super::inbox::{INSTAGRAM, Inbox, NAME};
use super::read_request::OwnRequest;
use super::state::Facebook;
use super::{history, hourly_check, instagram, metadata, refusal, tokens};
use crate::meta::id::Id;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{Ended, ReadError, Reader};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Budget, Patience};

/// Reads Pages.
pub struct PageReader(pub Arc<Facebook>);

impl Reader for PageReader {
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let own = match request {
                ReadRequest::OfChannel(words) => OwnRequest::parse(words),
                _ => None,
            };
            if account.is_empty() {
                return match (request, own) {
                    (_, Some(OwnRequest::PagesOf(person))) => hourly_check::run_person(&self.0, &person).await,
                    (ReadRequest::HourlyCheck, _) => hourly_check::run_app(&self.0).await,
                    _ => Err(ReadError::UnknownRequest(request.clone())),
                };
            }
            let page = parse(account)?;
            let wanted = match (request, own) {
                (_, Some(OwnRequest::Policy(action))) => {
                    return hourly_check::note_policy(&self.0, &page, &action).await;
                }
                (_, Some(OwnRequest::Metadata)) => Wanted::Metadata,
                (ReadRequest::Everything, _) => Wanted::Everything,
                (ReadRequest::HourlyCheck, _) => Wanted::HourlyCheck,
                (ReadRequest::People, _) => Wanted::People,
                _ => return Err(ReadError::UnknownRequest(request.clone())),
            };
            let token = tokens::load(&self.0, &page).await?;
            match self.read(&page, wanted, &token).await {
                Err(ReadError::Api(ApiError::TokenRejected { reason })) => {
                    // Before anybody is bothered: the person's token may give a new one.
                    let renewed = tokens::renew(&self.0, &page, Some(&token)).await?;
                    let token = renewed.ok_or(ApiError::TokenRejected { reason })?;
                    self.read(&page, wanted, &token).await
                }
                outcome => outcome,
            }
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move { Ok(hourly_check::request_app_check(&self.0).await?) })
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

    fn explain(&self, error: &ApiError) -> Sentence {
        refusal::explain(error)
    }

    fn budgets(&self) -> Vec<Budget> {
        self.0.client.budgets().snapshot()
    }
}

/// What is read of a Page with its token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Everything,
    Metadata,
    People,
    HourlyCheck,
}

impl PageReader {
    async fn read(&self, page: &Id, wanted: Wanted, token: &SecretString) -> Result<(), ReadError> {
        match wanted {
            Wanted::HourlyCheck => return hourly_check::run(&self.0, page, token).await,
            Wanted::People => return history::name_people(&self.0, &Inbox::of_page(page), token).await,
            Wanted::Everything | Wanted::Metadata => {}
        }
        self.0.shared.progress.report(NAME, page.as_str(), say::what_page_metadata(), 0, None);
        let object_of_page = self.0.client.fetch_page(Patience::Background, page, token).await?;
        metadata::store(&self.0, page, &object_of_page).await?;
        if wanted == Wanted::Everything {
            if (INSTAGRAM.is_on)(&self.0.config) {
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
