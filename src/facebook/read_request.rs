//! What only the readers of Facebook and Instagram know to read, and the words for it in the database.

use std::fmt;

use crate::shared::channel::read_request::ReadRequest;

const METADATA: &str = "metadata";
const PERSON: &str = "person ";
const POLICY: &str = "policy ";

/// What only this channel knows: see [`ReadRequest::OfChannel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnRequest {
    /// A Page's own object, without its conversations. Its text is `metadata`.
    Metadata,
    /// Of the app itself: all Pages that the person with this id connected are looked at. Its text is `person ` and the
    /// id.
    PagesOf(String),
    /// Meta's policy enforcement did something to the Page: this is its word for it. Its text is `policy ` and the word.
    Policy(String),
}

impl OwnRequest {
    /// Reads the words; `None`: no such request is known here.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        match words {
            METADATA => Some(Self::Metadata),
            _ => (words.strip_prefix(PERSON).map(|person| Self::PagesOf(person.to_owned())))
                .or_else(|| words.strip_prefix(POLICY).map(|action| Self::Policy(action.to_owned()))),
        }
    }
}

impl fmt::Display for OwnRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata => formatter.write_str(METADATA),
            Self::PagesOf(person) => write!(formatter, "{PERSON}{person}"),
            Self::Policy(action) => write!(formatter, "{POLICY}{action}"),
        }
    }
}

impl From<OwnRequest> for ReadRequest {
    fn from(request: OwnRequest) -> Self {
        Self::OfChannel(request.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_this_channel_comes_out_as_it_went_in() {
        for (text, request) in [
            ("metadata", OwnRequest::Metadata),
            ("person 122100000000001", OwnRequest::PagesOf("122100000000001".to_owned())),
            ("policy block", OwnRequest::Policy("block".to_owned())),
        ] {
            assert_eq!(OwnRequest::parse(text), Some(request.clone()), "{text}");
            let general = ReadRequest::from(request);
            assert_eq!((general.to_text().as_ref(), &ReadRequest::from_text(text)), (text, &general));
        }
        for text in ["", "watch", "people", "poll", "person", "Metadata", "gid://shopify/Product/1"] {
            assert_eq!(OwnRequest::parse(text), None, "{text}");
        }
    }
}
