//! Why a catalogue could not be had by bulk operations, in words for its merchant. They call it an export: who keeps a shop
//! knows that word.

use std::fmt;

use super::list::List;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::ApiError;
use crate::shopify::refusal;

/// What follows, whatever the cause.
const CONSEQUENCE: &str = "The catalogue is read page by page instead, which takes longer and brings the same. The export is \
                           tried again with the next whole read, after a day at the earliest.";

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
        let what = |list: &List| format!("Shopify's export of the {}", list.what());
        match self {
            Self::NotStarted(list, code) => write!(to, "{} was refused ({}).", what(list), tame(code)),
            Self::Refused(code) => write!(to, "Shopify refuses to tell about its export ({}).", tame(code)),
            Self::Unreadable(why) => write!(to, "Shopify's answers about its export cannot be read ({why})."),
            Self::Ended(list, status, code) => {
                let what = what(list);
                match (status.as_str(), code.as_deref()) {
                    ("FAILED", Some("ACCESS_DENIED")) => {
                        write!(to, "{what} was denied a permission (ACCESS_DENIED).")
                    }
                    ("FAILED", Some("INTERNAL_SERVER_ERROR")) => {
                        write!(to, "{what} failed by a fault at Shopify (INTERNAL_SERVER_ERROR).")
                    }
                    ("FAILED", Some("TIMEOUT")) => write!(to, "{what} took Shopify too long (TIMEOUT)."),
                    ("FAILED", code) => write!(to, "{what} failed ({}).", tame(code.unwrap_or("no code"))),
                    ("EXPIRED", _) => write!(to, "{what} expired before it could be fetched (EXPIRED)."),
                    ("CANCELED", _) => write!(to, "{what} was canceled at Shopify (CANCELED)."),
                    (status, _) => write!(to, "{what} ended in a way that is not known here ({}).", tame(status)),
                }
            }
            Self::Gone(list) => write!(to, "{} is not known at Shopify any more.", what(list)),
            Self::NotBegun(list) => write!(to, "{} has not begun after half an hour.", what(list)),
            Self::Endless => to.write_str("Shopify's export of the catalogue has not ended after six hours."),
            Self::Elsewhere(list) => {
                write!(to, "{} lies at an address that is not known as Shopify's; it was not fetched.", what(list))
            }
            Self::NotGivenOut(list, code) => write!(to, "{} is not given out ({}).", what(list), tame(code)),
            Self::BreaksOff(list) => write!(to, "{} breaks off before its end.", what(list)),
            Self::Spoilt(list, why) => write!(to, "{} cannot be read ({why}).", what(list)),
            Self::Orphan(list) => write!(to, "{} is incomplete: an object in it lacks its parent.", what(list)),
        }
    }
}

impl Trouble {
    /// Cause and consequence, for the merchant.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{self} {CONSEQUENCE}")
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
