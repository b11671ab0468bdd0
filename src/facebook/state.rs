//! What the channel's code is given.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRef;

use super::client::Client;
use super::config::Config;
use super::inbox::NAME;
use crate::shared::channel::context::Shared;
use crate::shared::server::webhook_intake::Intake;

/// What the channel's code is given.
pub struct Facebook {
    /// What every channel is given.
    pub shared: Shared,
    /// The settings.
    pub config: Arc<Config>,
    /// The Graph API.
    pub client: Client,
    /// Where deliveries go.
    pub intake: Intake,
    /// Why Facebook would not subscribe the app, as its code, where that is so.
    app_refused: Mutex<Option<String>>,
}

impl Facebook {
    /// Opens the channel with these settings.
    #[must_use]
    pub fn new(shared: &Shared, config: Config) -> Arc<Self> {
        let config = Arc::new(config);
        Arc::new(Self {
            shared: shared.clone(),
            intake: Intake::new(shared, NAME),
            client: Client::new(shared, Arc::clone(&config)),
            config,
            app_refused: Mutex::default(),
        })
    }

    /// Why Facebook would not subscribe the app, as its code, where that is so.
    pub fn app_refused(&self) -> Option<String> {
        self.app_refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives back whether that is news.
    pub fn set_app_refused(&self, code: Option<String>) -> bool {
        let mut known = self.app_refused.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, code.clone()) != code
    }
}

impl FromRef<Arc<Facebook>> for Shared {
    fn from_ref(facebook: &Arc<Facebook>) -> Self {
        facebook.shared.clone()
    }
}
