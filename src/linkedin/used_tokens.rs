//! The tokens that are used, as this process knows them.

use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;

/// The tokens that are used.
#[derive(Default)]
pub struct Tokens {
    /// The newest access token, where it is not the settings'. In memory, because it is needed also where no account is
    /// connected yet with which it could be stored.
    newest: Mutex<Option<SecretString>>,
    /// One at a time is made.
    pub renewing: tokio::sync::Mutex<()>,
}

impl Tokens {
    /// The newest one, where it is not the settings'.
    #[must_use]
    pub fn newest(&self) -> Option<SecretString> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A new one was made.
    pub fn set_newest(&self, token: SecretString) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }
}
