//! The number that the settings name.

use std::sync::Arc;

use super::metadata;
use super::state::Whatsapp;
use crate::shared::channel::configured::{Configured, ConfiguredAccount};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::reader::ReadError;
use crate::shared::store::Status;

/// The number that the settings name.
pub struct Number(pub Arc<Whatsapp>);

impl Configured for Number {
    fn account(&self) -> BoxFuture<'_, Result<ConfiguredAccount, ReadError>> {
        Box::pin(async move {
            // Which one it is stands in the settings, so nothing has to be asked; what is wrong with it is found by the
            // first look.
            let name = metadata::name(&self.0).await?;
            Ok(ConfiguredAccount {
                account: self.0.config.account.as_str().to_owned(),
                name,
                status: Status::Connected,
                status_reason: None,
            })
        })
    }
}
