//! The built-in responder: what a model says to a customer's question, and what of that may leave.
//!
//! It knows no more than any bot: it reads events as the feed shows them, and answers through the same path. What comes
//! back from the model can become words, product cards or a hand-over, and nothing else.

mod guard;
pub mod model;
mod prompt;
mod rounds;
pub mod settings;
mod tools;

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use self::model::{Model, ModelError};
use self::settings::ResponderSettings;
use super::Answering;
use crate::shared::outgoing::http::Http;
use crate::shared::store::responder::Tokens;
use crate::shared::telemetry::alerts::Cause;

pub use self::rounds::Found;

/// How many questions are tried at once, of all merchants.
const TRIES_AT_ONCE: usize = 2;

/// The alerts of the model.
const UNREACHABLE: &str = "responder:unreachable";
const REFUSED: &str = "responder:refused";

/// Asks the model. Cheap to clone.
#[derive(Clone)]
pub struct Responder(Arc<Inner>);

struct Inner {
    answering: Answering,
    settings: ResponderSettings,
    model: Model,
    /// Questions that are tried at once.
    tries: Semaphore,
}

/// What is to be answered: an event as the feed shows it.
pub struct Question<'a> {
    /// Whose customer asks.
    pub merchant: Uuid,
    /// The event.
    pub event: &'a Value,
    /// The person, by name; empty: nobody in particular.
    pub person: &'a str,
}

/// What the model's words became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// These words, with these products.
    Answer {
        /// The words.
        text: String,
        /// The products' ids.
        products: Vec<String>,
    },
    /// A human is to answer: why, a sentence for the merchant.
    HandOver(String),
}

/// What came of asking.
#[derive(Debug)]
pub struct Asked {
    /// What is to be done; `Err`: the model does not answer now.
    pub verdict: Result<Verdict, ModelError>,
    /// What it cost.
    pub tokens: Tokens,
    /// The products that it found on the way.
    pub found: Vec<Found>,
}

impl Responder {
    /// Asks the model of these settings through this client, which may ask its address.
    #[must_use]
    pub fn new(answering: Answering, settings: ResponderSettings, http: Http) -> Self {
        let model = Model::new(http, &settings.endpoint, settings.model.clone(), settings.key.clone());
        Self(Arc::new(Inner { answering, settings, model, tries: Semaphore::new(TRIES_AT_ONCE) }))
    }

    /// Answering people.
    #[must_use]
    pub fn answering(&self) -> &Answering {
        &self.0.answering
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ResponderSettings {
        &self.0.settings
    }

    /// Where texts go, as a merchant reads it: the host.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.settings.endpoint.host_str().unwrap_or_default()
    }

    /// Whether a merchant's answers cost as much today as they may.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_over_budget(&self, merchant: Uuid) -> anyhow::Result<bool> {
        let shared = &self.0.answering.shared;
        let spent = shared.journal.responder_tokens_today(merchant).await?.sum();
        let is_over = spent >= self.0.settings.daily_tokens;
        let cause = format!("responder:budget:{merchant}");
        if is_over {
            shared.alerts.raise(
                cause.as_str(),
                "The bot has used up its tokens for today. Conversations are handed over until midnight (UTC).",
            );
        } else {
            shared.alerts.heal(cause.as_str());
        }
        Ok(is_over)
    }

    /// Raises and heals the alerts of the model.
    fn note(&self, asked: &Asked) {
        let shared = &self.0.answering.shared;
        let (unreachable, refused): (Cause, Cause) = (UNREACHABLE.into(), REFUSED.into());
        match &asked.verdict {
            Ok(_) => {
                shared.alerts.heal(unreachable);
                shared.alerts.heal(refused);
            }
            Err(ModelError::Later(_)) => {
                shared.alerts.raise(
                    unreachable,
                    "The bot's model does not answer. Customers wait; it is asked again by itself.",
                );
            }
            Err(ModelError::Refused(_)) => {
                shared.alerts.raise(
                    refused,
                    "The bot's model refuses to be asked. Conversations are handed over. See BOT_ENDPOINT, BOT_MODEL and BOT_API_KEY.",
                );
            }
            Err(ModelError::Unreadable) => {}
        }
    }

    /// Keeps what a round cost.
    async fn count(&self, merchant: Uuid, tokens: Tokens) {
        let shared = &self.0.answering.shared;
        shared.metrics.bot.count_tokens(tokens.taken_in, tokens.given_out);
        if tokens.sum() > 0
            && let Err(error) = shared.journal.add_responder_tokens(merchant, tokens).await
        {
            tracing::warn!(%error, "what an answer cost could not be stored");
        }
    }

    /// A place for a question that somebody tries; `None`: as many are tried as may be at once.
    #[must_use]
    pub fn try_place(&self) -> Option<SemaphorePermit<'_>> {
        self.0.tries.try_acquire().ok()
    }
}
