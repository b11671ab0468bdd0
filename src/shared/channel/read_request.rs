//! What can be asked to be read again: the verbs that every channel knows, and room for a channel's own.

use std::borrow::Cow;
use std::fmt;

/// How the text of [`ReadRequest::Uninstalled`] begins; the time follows.
const UNINSTALLED: &str = "farewell:";

/// How the text of [`ReadRequest::Redacted`] begins; the time follows.
const REDACTED: &str = "redact:";

/// What is to be read again of an account, or looked into.
///
/// It is text in two columns only: `object` of the table `rereads` and `reread` of the table `events`. Every text is a
/// request, and comes out as it went in: what no version of this program knows is kept, refused by the channel that is
/// asked for it, and shown to the operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReadRequest {
    /// The whole account. Its text is empty.
    Everything,
    /// No data: the account's tokens and webhook subscriptions are looked at, renewed and repaired, every hour. It is
    /// requested like a read, so it has the same retries and never runs beside a read. Of the empty account: the app
    /// itself is looked at. Its text is `watch`.
    HourlyCheck,
    /// What people are called: somebody wrote who has no name yet. Its text is `people`.
    People,
    /// No data: whether the account was given up at its platform, as a message says. It is looked into also where the
    /// token is refused. Its text is `farewell:` and the time.
    Uninstalled {
        /// The time of the message, in milliseconds since 1970.
        at: i64,
    },
    /// No data: whether everything about an account is to be erased, as a message says. It is looked into also where the
    /// token is refused, or the account is not connected any more. Its text is `redact:` and the time.
    Redacted {
        /// The login of the account when the message came, in milliseconds since 1970: a newer one is not concerned.
        at: i64,
    },
    /// A verb that only the channel knows, in the channel's own words: each channel that has any keeps an enum of them in
    /// its `read_request.rs`, with the way to and from these words.
    OfChannel(Cow<'static, str>),
}

impl ReadRequest {
    /// The request that stands in a column.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        match text {
            "" => Self::Everything,
            "watch" => Self::HourlyCheck,
            "people" => Self::People,
            _ => Self::with_time(text)
                // A number that is written in another way than ours would come out as another text.
                .filter(|request| request.to_text() == text)
                .unwrap_or_else(|| Self::OfChannel(Cow::Owned(text.to_owned()))),
        }
    }

    fn with_time(text: &str) -> Option<Self> {
        let at = |start| text.strip_prefix(start).and_then(|at: &str| at.parse().ok());
        let uninstalled = at(UNINSTALLED).map(|at| Self::Uninstalled { at });
        uninstalled.or_else(|| at(REDACTED).map(|at| Self::Redacted { at }))
    }

    /// The text for a column.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Everything => Cow::Borrowed(""),
            Self::HourlyCheck => Cow::Borrowed("watch"),
            Self::People => Cow::Borrowed("people"),
            Self::Uninstalled { at } => Cow::Owned(format!("{UNINSTALLED}{at}")),
            Self::Redacted { at } => Cow::Owned(format!("{REDACTED}{at}")),
            Self::OfChannel(words) => Cow::Borrowed(words),
        }
    }

    /// Whether this asks what became of a connection: it is looked into also where the token is refused.
    #[must_use]
    pub fn is_farewell(&self) -> bool {
        matches!(self, Self::Uninstalled { .. } | Self::Redacted { .. })
    }

    /// Whether this is no business of the merchant's: it reads nothing of what an account holds.
    #[must_use]
    pub fn is_housekeeping(&self) -> bool {
        matches!(self, Self::HourlyCheck | Self::People)
    }
}

impl fmt::Display for ReadRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_request_and_comes_out_as_it_went_in() {
        let known = [
            ("", ReadRequest::Everything),
            ("watch", ReadRequest::HourlyCheck),
            ("people", ReadRequest::People),
            ("farewell:1790000000000", ReadRequest::Uninstalled { at: 1_790_000_000_000 }),
            ("farewell:-1", ReadRequest::Uninstalled { at: -1 }),
            ("redact:1790000000000", ReadRequest::Redacted { at: 1_790_000_000_000 }),
        ];
        for (text, request) in known {
            assert_eq!(ReadRequest::from_text(text), request, "{text}");
            assert_eq!(request.to_text(), text);
        }
        for text in [
            "metadata",
            "poll",
            "again:gid://shopify/Product/1",
            "farewell:",
            "farewell:soon",
            "farewell:007",
            "farewell:+1",
            "farewell:99999999999999999999",
            "Watch",
            " ",
            "ü\n\0",
        ] {
            let request = ReadRequest::from_text(text);
            assert_eq!(request, ReadRequest::OfChannel(text.to_owned().into()), "{text:?}");
            assert_eq!(request.to_text(), text);
        }
    }

    #[test]
    fn only_what_reads_no_data_is_housekeeping() {
        let of = |text| ReadRequest::from_text(text).is_housekeeping();
        assert!(of("watch") && of("people"));
        assert!(!of("") && !of("farewell:1") && !of("metadata") && !of("a newer version's word"));
    }
}
