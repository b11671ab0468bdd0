//! An account that the settings name, instead of a merchant's login.

use super::job::BoxFuture;
use super::reader::ReadError;
use crate::shared::languages::Sentence;
use crate::shared::store::Status;

/// Tells which account the settings name. It is asked at a start, every hour, and when a merchant comes or goes; the account
/// then belongs to the merchant that the settings name as the owner, or to the only one there is.
pub trait Configured: Send + Sync {
    /// The account, as the platform tells or as it was told before.
    ///
    /// # Errors
    /// When the platform has to be asked for it and cannot be. Deliveries are taken in all the same.
    fn account(&self) -> BoxFuture<'_, Result<ConfiguredAccount, ReadError>>;
}

/// An account that the settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredAccount {
    /// The account, by its name in files and URLs.
    pub account: String,
    /// What people call it.
    pub name: String,
    /// How it is doing, as far as that is known at once.
    pub status: Status,
    /// A sentence for the merchant, where something is missing.
    pub status_reason: Option<Sentence>,
}
