//! What the channel's code is given.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::FromRef;

use super::client::Client;
use super::config::Config;
use super::names::NAME;
use super::used_tokens::Tokens;
use crate::shared::channel::context::Shared;
use crate::shared::server::rates::{Rate, Rates};
use crate::shared::server::webhook_intake::Intake;

/// How often one address may ask for the answer to a challenge. LinkedIn asks every two hours.
const CHALLENGES: Rate = Rate { burst: 10, per_minute: 10 };

/// What the channel's code is given.
pub struct Linkedin {
    /// What every channel is given.
    pub shared: Shared,
    /// The settings.
    pub config: Arc<Config>,
    /// The API.
    pub client: Client,
    /// The tokens that are used.
    pub tokens: Tokens,
    /// Where deliveries go.
    pub intake: Intake,
    /// Who asks for answers to challenges.
    pub challenges: Rates,
    /// Whether this process has asked about the token already.
    pub has_asked: AtomicBool,
}

impl Linkedin {
    /// Opens the channel with these settings.
    #[must_use]
    pub fn new(shared: &Shared, config: Config) -> Arc<Self> {
        let config = Arc::new(config);
        Arc::new(Self {
            intake: Intake::new(shared, NAME),
            client: Client::new(shared, Arc::clone(&config)),
            tokens: Tokens::default(),
            challenges: Rates::new(CHALLENGES),
            has_asked: AtomicBool::new(false),
            shared: shared.clone(),
            config,
        })
    }

    /// The account: the organization of the settings.
    #[must_use]
    pub fn account(&self) -> &str {
        self.config.organization.as_str()
    }
}

impl FromRef<Arc<Linkedin>> for Shared {
    fn from_ref(linkedin: &Arc<Linkedin>) -> Self {
        linkedin.shared.clone()
    }
}
