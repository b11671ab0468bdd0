//! The built-in responder: what a model says to a customer's question, and what of that may leave.
//!
//! It knows no more than any bot: it reads events as the feed shows them, and answers through the same path. What comes
//! back from the model can become words, product cards or a hand-over, and nothing else.

mod completion;
mod guard;
mod health;
pub mod model;
mod pictures;
mod prompt;
mod rounds;
mod sentences;
pub mod settings;
mod tools;
mod trying;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use uuid::Uuid;

use self::model::{Model, ModelError};
use self::settings::ResponderSettings;
use super::Answering;
use super::products::Offer;
use crate::shared::languages::Sentence;
use crate::shared::outgoing::http::Http;
use crate::shared::store::responder::Tokens;

pub use self::health::{REFUSED as MODEL_REFUSED, UNREACHABLE as MODEL_UNREACHABLE};
pub use self::trying::TryPlace;

/// How many products come with a question, and how many a search gives.
pub const PRODUCTS: usize = 5;

/// Asks the model. Cheap to clone.
#[derive(Clone)]
pub struct Responder(Arc<Inner>);

struct Inner {
    answering: Answering,
    settings: ResponderSettings,
    model: Model,
    /// How often in a row the model did not answer.
    silent: AtomicU32,
    /// Merchants who try a question at the moment.
    trying: Mutex<HashSet<Uuid>>,
    /// Merchants whose answers cost as much as they may, and on which day (days since 1970).
    over_budget: Mutex<HashMap<Uuid, i64>>,
}

/// What is to be answered: an event as the feed shows it.
pub struct Question<'a> {
    /// Whose customer asks.
    pub merchant: Uuid,
    /// The event.
    pub event: &'a Value,
    /// The person, by name; empty: nobody in particular.
    pub person: &'a str,
    /// For whom the answer's cost counts.
    pub payer: Payer,
}

/// For whom an answer's cost counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payer {
    /// The merchant's tokens of today.
    Merchant,
    /// The operator, who sees what it is.
    Operator,
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
    /// A human is to answer.
    HandOver {
        /// Why, a sentence for the merchant.
        why: Sentence,
        /// Who wants it.
        because: Because,
    },
}

/// Who wants a human to answer, or why nobody else can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The model.
    Model,
    /// This program: something stands against what the model said.
    Objection,
    /// The model, its settings or the account do not work as they should.
    Trouble,
    /// Nobody: the merchant's answers cost as much today as they may.
    Budget,
}

/// A product that the model was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// What came of asking.
#[derive(Debug)]
pub struct Asked {
    /// What is to be done; `Err`: the model does not answer now, or refuses to be asked.
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
        Self(Arc::new(Inner {
            answering,
            settings,
            model,
            silent: AtomicU32::new(0),
            trying: Mutex::default(),
            over_budget: Mutex::default(),
        }))
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

    fn model(&self) -> &Model {
        &self.0.model
    }

    /// Where texts go, as a merchant reads it: the host.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.settings.endpoint.host_str().unwrap_or_default()
    }

    /// Messages that nobody sent, as the feed would show the last of them.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn event_of(&self, merchant: Uuid, texts: &[&str]) -> anyhow::Result<Value> {
        let last = texts.last().copied().unwrap_or_default();
        let Offer { products, shop } = self.answering().products.find(merchant, last, PRODUCTS).await?;
        let messages: Vec<Value> =
            texts.iter().map(|text| json!({ "by": "person", "kind": "text", "text": text })).collect();
        Ok(json!({
            "type": "message", "kind": "text", "text": last, "media": [], "messages": messages, "products": products,
            "shop": shop,
        }))
    }

    /// What a person reads who sent something that no program understands, in their language where that can be told from
    /// what they wrote before. `event`: as bots read it.
    #[must_use]
    pub fn not_understood(&self, event: &Value) -> &'static str {
        sentences::not_understood(event)
    }

    /// What stands before the first answer to a person; `None`: nothing. `event`: as bots read it.
    #[must_use]
    pub fn disclosure(&self, event: &Value, answer: &str) -> Option<&str> {
        match &self.settings().disclosure {
            None => Some(sentences::disclosure(event, answer)),
            Some(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        }
    }
}
