//! What the handlers of the API are given.

use std::sync::Arc;

use super::limits::ApiLimits;
use crate::answering::Answering;
use crate::shared::channel::Channel;
use crate::shared::channel::context::Shared;
use crate::shared::channel::view::View;
use crate::shared::store::ApiKeys;

/// What the handlers are given. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// What the service is.
    pub shared: Shared,
    /// Answering people.
    pub answering: Answering,
    /// The keys.
    pub keys: ApiKeys,
    /// What a key and an address may ask for.
    pub limits: Arc<ApiLimits>,
    /// The channels that are configured.
    pub channels: Arc<[ApiChannel]>,
}

/// What the API knows of a channel.
#[derive(Clone)]
pub struct ApiChannel {
    /// Its name, as in paths.
    pub name: &'static str,
    /// Which kinds of data it has, and how they are read.
    pub view: View,
}

impl ApiChannel {
    /// What the API is to know of this channel.
    #[must_use]
    pub fn of(channel: &Channel) -> Self {
        Self { name: channel.about.name, view: channel.view }
    }
}

impl Api {
    /// What is known of a channel; `None`: there is none of this name, or it is not configured.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&ApiChannel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}
