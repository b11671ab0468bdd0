//! Why a catalogue could not be had by bulk operations, in words for its merchant. They call it an export: who keeps a shop
//! knows that word.

use std::fmt;

use super::list::List;
use crate::shared::channel::reader::ReadError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;
use crate::shopify::refusal;

/// The longest code of the platform's that is repeated, in characters.
const LONGEST_CODE: usize = 40;

/// Why it does not go this way.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Shopify refused to start the operation, with this code.
    NotStarted(List, String),
    /// Something that was asked about the operations was refused with this code.
    Refused(String),
    /// The shop's answers are not as documented.
    Unreadable(&'static str),
    /// The operation ended otherwise than well: its status, and its error code where it has one.
    Ended(List, String, Option<String>),
    /// There is no such operation (any more).
    Gone(List),
    /// It has not even begun by the time when it is given up.
    NotBegun(List),
    /// It has not ended by the time when it is given up.
    Endless,
    /// The file lies where none should.
    Elsewhere(List),
    /// The file is not given out: the code.
    NotGivenOut(List, String),
    /// The file ends before its end.
    BreaksOff(List),
    /// A line of the file, or the file as a whole, is not as documented.
    Spoilt(List, &'static str),
    /// A line names a parent that is in none.
    Orphan(List),
}

impl fmt::Display for Trouble {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().fmt(to)
    }
}

impl Trouble {
    /// Cause and consequence, for the merchant.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        say::export_consequence(self.cause())
    }

    fn cause(&self) -> Sentence {
        match self {
            Self::NotStarted(list, code) => say::export_refused(list.what(), tame(code)),
            Self::Refused(code) => say::export_not_told(tame(code)),
            Self::Unreadable(why) => say::export_answers_unreadable(*why),
            Self::Ended(list, status, code) => match (status.as_str(), code.as_deref()) {
                ("FAILED", Some("ACCESS_DENIED")) => say::export_denied(list.what()),
                ("FAILED", Some("INTERNAL_SERVER_ERROR")) => say::export_fault(list.what()),
                ("FAILED", Some("TIMEOUT")) => say::export_timeout(list.what()),
                ("FAILED", code) => say::export_failed(list.what(), tame(code.unwrap_or("no code"))),
                ("EXPIRED", _) => say::export_expired(list.what()),
                ("CANCELED", _) => say::export_canceled(list.what()),
                (status, _) => say::export_unknown_end(list.what(), tame(status)),
            },
            Self::Gone(list) => say::export_gone(list.what()),
            Self::NotBegun(list) => say::export_not_begun(list.what()),
            Self::Endless => say::export_endless(),
            Self::Elsewhere(list) => say::export_elsewhere(list.what()),
            Self::NotGivenOut(list, code) => say::export_not_given_out(list.what(), tame(code)),
            Self::BreaksOff(list) => say::export_breaks_off(list.what()),
            Self::Spoilt(list, why) => say::export_unreadable(list.what(), *why),
            Self::Orphan(list) => say::export_orphan(list.what()),
        }
    }
}

/// Why an operation brought nothing.
pub enum Failed {
    /// It does not go this way.
    Way(Trouble),
    /// Something that will pass, or concerns more than this operation.
    Read(ReadError),
}

impl<E: Into<ReadError>> From<E> for Failed {
    fn from(error: E) -> Self {
        match error.into() {
            ReadError::Api(ApiError::Unreadable(what)) => Self::Way(Trouble::Unreadable(what)),
            ReadError::Api(ApiError::Refused { code }) if refusal::is_of_the_query(&code) => {
                Self::Way(Trouble::Refused(code))
            }
            // An answer that is not known: the same is asked again later. Pages would be dearer.
            ReadError::Api(ApiError::Refused { code }) => Self::Read(ApiError::Unavailable(code).into()),
            error => Self::Read(error),
        }
    }
}

/// A code as it may be shown: the platform's words are only repeated where they are words.
fn tame(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ')).take(LONGEST_CODE).collect()
}
