//! What only the reader of Viber knows, and the words for it in the database.

use crate::shared::channel::read_request::ReadRequest;

const CALLED: &str = "called";

/// What only this channel knows: see [`ReadRequest::OfChannel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnRequest {
    /// Nothing is to be read: the platform called the webhook address, as it does when it is registered. Its text is
    /// `called`.
    Called,
}

impl OwnRequest {
    /// Reads the words; `None`: no such request is known here.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        (words == CALLED).then_some(Self::Called)
    }
}

impl From<OwnRequest> for ReadRequest {
    fn from(request: OwnRequest) -> Self {
        match request {
            OwnRequest::Called => Self::OfChannel(CALLED.into()),
        }
    }
}
