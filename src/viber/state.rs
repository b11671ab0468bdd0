//! What the channel's code is given.

use std::sync::Arc;

use axum::extract::FromRef;

use super::account::Account;
use super::client::Client;
use super::config::Config;
use super::names::NAME;
use crate::shared::channel::context::Shared;
use crate::shared::server::webhook_intake::Intake;

/// What the channel's code is given.
pub struct Viber {
    /// What every channel is given.
    pub shared: Shared,
    /// The settings.
    pub config: Arc<Config>,
    /// The REST API.
    pub client: Client,
    /// Where deliveries go.
    pub intake: Intake,
    /// Whose token the settings hold.
    pub account: Account,
}

impl Viber {
    /// Opens the channel with these settings.
    #[must_use]
    pub fn new(shared: &Shared, config: Config) -> Arc<Self> {
        let config = Arc::new(config);
        Arc::new(Self {
            intake: Intake::new(shared, NAME),
            client: Client::new(shared, Arc::clone(&config)),
            account: Account::new(shared.journal.clone(), &config),
            shared: shared.clone(),
            config,
        })
    }
}

impl FromRef<Arc<Viber>> for Shared {
    fn from_ref(viber: &Arc<Viber>) -> Self {
        viber.shared.clone()
    }
}
