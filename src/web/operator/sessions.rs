//! The operators' sessions. They live in memory: they end with the process, and a copied database holds none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use maud::{Markup, html};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::shared::logins::random_hex;
use crate::web::form::TOKEN;

/// A session ends this long after it was last used, in milliseconds.
const SLIDING_MS: i64 = 30 * 60 * 1000;

/// A session ends this long after it began, in milliseconds.
pub(super) const ABSOLUTE_MS: i64 = 8 * 60 * 60 * 1000;

/// So many sessions at once; one more ends the one that was used longest ago.
const MOST: usize = 64;

/// All living sessions, by the SHA-256 of their ids. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<[u8; 32], Session>>>);

/// A session of an operator.
#[derive(Clone)]
pub(super) struct Session {
    id_hash: [u8; 32],
    began_at: i64,
    used_at: i64,
    form_token: Arc<str>,
}

impl Session {
    fn is_living(&self, now_ms: i64) -> bool {
        now_ms - self.used_at < SLIDING_MS && now_ms - self.began_at < ABSOLUTE_MS
    }

    /// What tells it from others; nobody can sign in with it.
    pub(super) fn id(&self) -> [u8; 32] {
        self.id_hash
    }

    /// Whether this is what a form of this session carries, compared in constant time.
    pub(super) fn has_form_token(&self, shown: &str) -> bool {
        self.form_token.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// The hidden field that every form of this session carries.
    pub(super) fn form_token(&self) -> Markup {
        html! { input type="hidden" name=(TOKEN) value=(self.form_token); }
    }
}

impl Sessions {
    /// Starts a session and gives its id.
    pub(super) fn start(&self, now_ms: i64) -> anyhow::Result<String> {
        let (id, form_token) = (random_hex()?, random_hex()?.into());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_living(now_ms));
        let oldest = sessions.values().min_by_key(|session| session.used_at).map(|session| session.id_hash);
        if let (Some(oldest), true) = (oldest, sessions.len() >= MOST) {
            sessions.remove(&oldest);
        }
        let id_hash = hash(&id);
        sessions.insert(id_hash, Session { id_hash, began_at: now_ms, used_at: now_ms, form_token });
        Ok(id)
    }

    /// The living session of this id, as it is.
    pub(super) fn look_up(&self, id: &str, now_ms: i64) -> Option<Session> {
        self.lock().get(&hash(id)).filter(|session| session.is_living(now_ms)).cloned()
    }

    /// The living session of this id, and prolongs it.
    pub(super) fn find(&self, id: &str, now_ms: i64) -> Option<Session> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&hash(id)).filter(|session| session.is_living(now_ms))?;
        session.used_at = session.used_at.max(now_ms);
        Some(session.clone())
    }

    /// Ends a session at once.
    pub(super) fn end(&self, session: &Session) {
        self.lock().remove(&session.id_hash);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}
