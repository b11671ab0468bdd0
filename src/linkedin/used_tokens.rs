//! The tokens that are used, as this process knows them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

/// The tokens that are used.
#[derive(Default)]
pub struct Tokens {
    /// The newest access token, where it is not the settings'. In memory, because it is needed also where no account is
    /// connected yet with which it could be stored.
    newest: Mutex<Option<SecretString>>,
    /// The one that was made because the one before was refused, until the platform has taken it: another one is not made then.
    unproven: Mutex<Option<SecretString>>,
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

    /// This one takes the place of one that was refused.
    pub fn set_unproven(&self, token: SecretString) {
        *self.unproven() = Some(token);
    }

    /// The platform takes this one.
    pub fn prove(&self, token: &SecretString) {
        let mut unproven = self.unproven();
        if is_same(&unproven, token) {
            *unproven = None;
        }
    }

    /// Whether this one took the place of one that was refused, and was not taken since.
    #[must_use]
    pub fn is_unproven(&self, token: &SecretString) -> bool {
        is_same(&self.unproven(), token)
    }

    fn unproven(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.unproven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &Option<SecretString>, other: &SecretString) -> bool {
    one.as_ref().is_some_and(|one| one.expose_secret() == other.expose_secret())
}
