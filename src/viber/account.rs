//! Whose token the settings hold: the bot's account, which callbacks do not name.
//!
//! The platform tells it, once for each token; from then on it stands in the journal, so that intake never waits for an
//! answer. What is delivered before it was ever told is stored without an account and named afterwards.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::config::Config;
use super::names::NAME;
use super::payload;
use crate::shared::files::path::Name;
use crate::shared::journal::{Journal, JournalError};
use crate::shared::secrets::signature::to_hex;

/// Under which name the journal keeps it.
const KEPT: &str = "account";

/// An account as the platform told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The digits of its id.
    pub id: Name,
    /// What it is called.
    pub name: String,
}

/// As it stands in the journal: with the hash of the token for which it was told.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    name: String,
    token: String,
}

/// The account of the bot.
pub struct Account {
    journal: Journal,
    /// The hashes of the token, and of the one before it: while a token is replaced, both are of one bot.
    tokens: Vec<String>,
    loaded: OnceCell<()>,
    known: RwLock<Option<Arc<Known>>>,
}

impl Account {
    /// Of the bot of these settings.
    #[must_use]
    pub fn new(journal: Journal, config: &Config) -> Self {
        let tokens = config.token.all().map(hash).collect();
        Self { journal, tokens, loaded: OnceCell::new(), known: RwLock::default() }
    }

    /// The account, as it was told; `None`: it was not yet, or the journal cannot be read.
    pub async fn known(&self) -> Option<Arc<Known>> {
        if let Err(error) = self.loaded.get_or_try_init(|| self.load()).await {
            tracing::warn!(%error, "the bot's account cannot be read; callbacks are named later");
        }
        self.known_now()
    }

    /// The account, as far as it is in memory.
    #[must_use]
    fn known_now(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn load(&self) -> Result<(), JournalError> {
        let kept = self.journal.find_account_cursor(NAME, "", KEPT).await?;
        let kept: Option<Kept> = kept.and_then(|text| serde_json::from_str(&text).ok());
        let kept = kept.filter(|kept| self.tokens.contains(&kept.token));
        let known = kept.and_then(|kept| Some(Known { id: Name::parse(&kept.id).ok()?, name: kept.name }));
        let mut place = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            *place = known.map(Arc::new);
        }
        Ok(())
    }

    /// The platform told whose the token is. It is kept before anything is done because of it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn learn(&self, told: Known) -> Result<Arc<Known>, JournalError> {
        let told = Arc::new(told);
        let token = self.tokens.first().cloned().unwrap_or_default();
        let kept = Kept { id: told.id.to_string(), name: told.name.clone(), token };
        let text = serde_json::to_string(&kept).unwrap_or_default();
        if self.journal.find_account_cursor(NAME, "", KEPT).await?.as_ref() != Some(&text) {
            self.journal.save_account_cursor(NAME, "", KEPT, Some(text)).await?;
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&told));
        Ok(told)
    }

    /// Names what was delivered before the account was known, and lets it flow if the account is connected. Gives back how
    /// much there was.
    ///
    /// # Errors
    /// When the journal cannot be used; the next call names the rest.
    pub async fn name_events(&self) -> Result<usize, JournalError> {
        let Some(known) = self.known().await else { return Ok(0) };
        let id = known.id.clone();
        let anew = move |body: &[u8]| payload::event(Some(&id), body);
        let named = self.journal.name_set_aside(NAME, payload::UNNAMED, anew).await?;
        if named > 0 {
            tracing::info!(
                account = known.id.as_str(),
                named,
                "callbacks from before the bot's account was known have it now"
            );
            if self.journal.is_connected(NAME, known.id.as_str()) {
                self.journal.connect_account(NAME, known.id.as_str()).await?;
            }
        }
        Ok(named)
    }
}

fn hash(token: &SecretString) -> String {
    to_hex(&Sha256::digest(token.expose_secret().as_bytes()))
}
