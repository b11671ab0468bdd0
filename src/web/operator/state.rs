//! What the operator's routes are given.

use std::sync::Arc;

use url::Url;

use super::sessions::Sessions;
use super::token::Token;
use crate::shared::channel::context::Shared;
use crate::shared::journal::DedupeKey;
use crate::web::live::OpenPages;

/// What the operator's routes are given.
#[derive(Clone)]
pub(super) struct Operator {
    pub(super) shared: Shared,
    pub(super) token: Token,
    pub(super) sessions: Sessions,
    /// Where our pages are reached, if that is configured.
    pub(super) own: Option<Arc<Url>>,
    pub(super) event_key: EventKey,
    /// The pages that are told of news.
    pub(super) open_pages: OpenPages<[u8; 32]>,
}

/// The key of the event that an operator knows by an id of its platform: a message's, or a delivery's. Of a channel, an
/// account and that id. `None`: nothing there has such ids.
pub type EventKey = fn(&str, &str, &str) -> Option<DedupeKey>;
