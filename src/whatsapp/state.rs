//! What the channel's code is given.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::client::Client;
use super::config::Config;
use super::grants::Grants;
use super::names::NAME;
use super::template::Known;
use crate::shared::channel::context::Shared;
use crate::shared::server::webhook_intake::Intake;

/// What the channel's code is given.
pub struct Whatsapp {
    /// What every channel is given.
    pub shared: Shared,
    /// The settings.
    pub config: Arc<Config>,
    /// The Graph API.
    pub client: Client,
    /// Where deliveries go.
    pub intake: Intake,
    /// The digits of the number, as far as they are known.
    number: Mutex<Option<String>>,
    /// The templates as they were last read.
    templates: Mutex<Option<Known>>,
    /// What the platform last said about the token.
    grants: Mutex<Option<Grants>>,
    /// How many messages came in since the outbox last asked.
    came_in: AtomicU32,
}

impl Whatsapp {
    /// Opens the channel with these settings.
    #[must_use]
    pub fn new(shared: &Shared, config: Config) -> Arc<Self> {
        let config = Arc::new(config);
        Arc::new(Self {
            shared: shared.clone(),
            intake: Intake::new(shared, NAME),
            number: Mutex::new(config.number.clone()),
            templates: Mutex::default(),
            grants: Mutex::default(),
            came_in: AtomicU32::new(0),
            client: Client::new(shared, Arc::clone(&config)),
            config,
        })
    }

    /// The digits of the number: those of the settings, else those that the platform told.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The platform tells the number. What the settings say stays.
    pub fn learn_number(&self, digits: String) {
        self.number.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(digits);
    }

    /// The templates as they were last read.
    #[must_use]
    pub fn templates(&self) -> Option<Known> {
        self.templates.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The templates were read.
    pub fn set_templates(&self, known: Known) {
        *self.templates.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// What the platform last said about the token.
    #[must_use]
    pub fn grants(&self) -> Option<Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// So many messages to the number came in.
    pub fn note_came_in(&self, count: usize) {
        self.came_in.fetch_add(u32::try_from(count).unwrap_or(u32::MAX / 2), Ordering::Relaxed);
    }

    /// How many messages came in since this was last asked.
    pub fn take_came_in(&self) -> u32 {
        self.came_in.swap(0, Ordering::Relaxed)
    }

    /// The platform was asked about the token.
    pub fn set_grants(&self, grants: Option<Grants>) {
        *self.grants.lock().unwrap_or_else(PoisonError::into_inner) = grants;
    }
}
