//! Changes the master key while the service runs: a new key beside the old one, every sealed value sealed anew in small
//! transactions, and the old key gone when no value needs it.
//!
//! Every step leaves a state from which the next start reads everything and goes on: the key file holds the new key
//! before anything is sealed with it, and the old one until nothing is. Where the key comes from the environment, only
//! the middle is done here; the operator writes the new key and the old one into their variables and later takes the old
//! one out.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::shared::store::Keys;
use crate::shared::store::keys::{Position, Resealed};
use crate::shared::telemetry::alerts::Alerts;

/// From this many seals on, the key should be changed: half of what is safe with random nonces (NIST SP 800-38D, 8.3).
pub const MANY_SEALS: u64 = 1 << 31;

/// The cause of the alert that the key should be changed.
const ALERT: &str = "master key";

/// The master key and its change. Cheap to clone.
#[derive(Clone)]
pub struct Rotation {
    keys: Keys,
    /// The key file; `None`: the key comes from the environment.
    file: Option<PathBuf>,
    alerts: Alerts,
    under_way: Arc<Mutex<()>>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What was sealed anew, and what could not be.
    pub resealed: Resealed,
    /// Whether the old key is gone. It stays while something still needs it, and where it comes from the environment.
    pub dropped: bool,
}

impl Rotation {
    /// The keys in this file, or in the environment.
    #[must_use]
    pub fn new(keys: Keys, file: Option<PathBuf>, alerts: Alerts) -> Self {
        Self { keys, file, alerts, under_way: Arc::default() }
    }

    /// Changes the master key. A change that was cut off is finished instead.
    ///
    /// # Errors
    /// When the key comes from the environment and there is no older one beside it, or when a file or database fails:
    /// then nothing is lost, and the next start or the next call goes on.
    pub async fn rotate(&self) -> anyhow::Result<Outcome> {
        let _alone = self.under_way.lock().await;
        self.begin().await?;
        self.go_on().await
    }

    /// Finishes a change that was cut off; `None` if none was.
    ///
    /// # Errors
    /// When a file or database fails.
    pub async fn resume(&self) -> anyhow::Result<Option<Outcome>> {
        let _alone = self.under_way.lock().await;
        if !self.keys.vault().has_older() {
            return Ok(None);
        }
        self.go_on().await.map(Some)
    }

    /// Writes down how often the key has sealed, and says so when that is often.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_seals(&self) -> anyhow::Result<()> {
        if self.keys.count_seals().await? >= MANY_SEALS {
            self.alerts.raise(ALERT, "The master key has sealed very many values; run `shoptalk keys rotate`.");
        } else {
            self.alerts.heal(ALERT);
        }
        Ok(())
    }

    /// The new key is in the file, and seals.
    async fn begin(&self) -> anyhow::Result<()> {
        let vault = self.keys.vault().clone();
        if vault.has_older() {
            return Ok(());
        }
        let Some(file) = self.file.clone() else {
            anyhow::bail!(
                "the master key comes from TOKEN_ENCRYPTION_KEY: put its value into TOKEN_ENCRYPTION_KEY_PREVIOUS and a new \
                 one (`openssl rand -base64 32`) into TOKEN_ENCRYPTION_KEY, and restart. Everything is sealed anew then"
            );
        };
        self.count_seals().await?;
        tokio::task::spawn_blocking(move || vault.add_key(&file)).await??;
        tracing::info!("a new master key was made; what the old one sealed is sealed anew");
        Ok(())
    }

    async fn go_on(&self) -> anyhow::Result<Outcome> {
        let mut resealed = Resealed::default();
        let mut position = Position::beginning();
        while position != Position::End {
            let (next, step) = self.keys.reseal(position).await?;
            position = next;
            resealed.done += step.done;
            resealed.unreadable += step.unreadable;
        }
        let still = self.keys.count_older().await?;
        let dropped = match &self.file {
            // What no key opens needs no key.
            Some(file) if still <= resealed.unreadable => {
                let (vault, file) = (self.keys.vault().clone(), file.clone());
                tokio::task::spawn_blocking(move || vault.drop_older(&file)).await??;
                true
            }
            _ => false,
        };
        self.count_seals().await?;
        tracing::info!(
            resealed = resealed.done,
            unreadable = resealed.unreadable,
            dropped,
            "the master key was rotated"
        );
        if still > resealed.unreadable {
            tracing::warn!(still, "some values are still sealed with an old master key, so it is kept");
        } else if self.file.is_none() && self.keys.vault().has_older() {
            tracing::info!("nothing needs TOKEN_ENCRYPTION_KEY_PREVIOUS any more; it can be taken out");
        }
        Ok(Outcome { resealed, dropped })
    }
}
