//! What can be asked to be read again here, beyond what every channel knows.

use std::borrow::Cow;

use crate::shared::channel::read_request::ReadRequest;

/// The verbs that only this channel knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnRequest {
    /// The number, and the look at it. Its text is `number`.
    Number,
    /// The templates. Its text is `templates`.
    Templates,
}

impl OwnRequest {
    const ALL: [Self; 2] = [Self::Number, Self::Templates];

    /// The request with these words.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.words() == words)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Templates => "templates",
        }
    }
}

impl From<OwnRequest> for ReadRequest {
    fn from(own: OwnRequest) -> Self {
        Self::OfChannel(Cow::Borrowed(own.words()))
    }
}
