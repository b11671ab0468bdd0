//! One happening: what it is, how a repeat of it is recognised, and what it is a reason for.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::shared::channel::read_request::ReadRequest;

/// The road by which an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A webhook delivery.
    Webhook,
    /// A webhook delivery about a thread that another app owns.
    Standby,
    /// A scheduled read of the platform's API.
    Poll,
    /// The first read of the platform's API, which brings what was there before.
    Import,
    /// This service: the copy of what it sent, where the platform shows none.
    Local,
}

impl Source {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Standby => "standby",
            Self::Poll => "poll",
            Self::Import => "import",
            Self::Local => "local",
        }
    }
}

/// How many different bodies that are no JSON objects are kept of a channel in all. Platforms sign other things than deliveries
/// with the same secret, and some of them for whoever asks.
const KEPT_NO_OBJECTS: u16 = 1024;

/// How much is kept of such a body, in bytes.
const KEPT_BYTES: usize = 4096;

/// The beginning of a body that is no JSON object, as much of it as is kept.
#[must_use]
pub fn kept_of_no_object(body: &[u8]) -> &[u8] {
    &body[..body.len().min(KEPT_BYTES)]
}

/// Names an event within its channel and account. Two sightings of one happening have the same key, by whatever road.
///
/// The key is a hash, so that it has one length whatever the platform's ids look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupeKey([u8; 16]);

impl DedupeKey {
    /// The key made of these parts. Each part goes in with its length, so that `("ab", "c")` is not `("a", "bc")`.
    #[must_use]
    pub fn new(channel: &str, account: &str, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in [channel.as_bytes(), account.as_bytes()].iter().chain(parts) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&digest.finalize()[..16]);
        Self(key)
    }

    /// The key of what is set aside: its account, its kind and its bytes.
    #[must_use]
    pub fn of_set_aside(channel: &str, account: &str, kind: &str, raw: &[u8]) -> Self {
        Self::new(channel, account, &[b"apart", kind.as_bytes(), &Sha256::digest(raw)])
    }

    /// The key of a body that is no JSON object: one of so many in all, whatever it says.
    #[must_use]
    pub fn of_no_object(channel: &str, body: &[u8]) -> Self {
        let hash = Sha256::digest(body);
        let place = u16::from_be_bytes([hash[0], hash[1]]) % KEPT_NO_OBJECTS;
        Self::new(channel, "", &[b"no object", &place.to_be_bytes()])
    }

    /// The first 64 bits.
    #[must_use]
    pub(super) fn as_number(&self) -> i64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        i64::from_be_bytes(bytes)
    }

    /// The name that all events have which tell what became of something that went out.
    #[must_use]
    pub fn of_reports(channel: &str, account: &str, platform_id: &str) -> Self {
        Self::new(channel, account, &[b"reports of", platform_id.as_bytes()])
    }

    /// The name of our own copy of something that went out.
    #[must_use]
    pub fn of_own_copy(channel: &str, account: &str, platform_id: &str) -> Self {
        Self::new(channel, account, &[b"copy of", platform_id.as_bytes()])
    }

    /// The name of something that a person said, where the platform's receipts may be about that, too.
    #[must_use]
    pub fn of_said(channel: &str, account: &str, platform_id: &str) -> Self {
        Self::new(channel, account, &[b"said", platform_id.as_bytes()])
    }

    /// The bytes in the database.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What an event is a reason for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It belongs to the conversation with this person. `opens`: it is reason enough for a conversation to exist.
    Conversation {
        /// The person, by the name that files and URLs have for the id ([`Name`](crate::shared::files::path::Name)).
        person: String,
        /// Whether a conversation file may begin with it.
        opens: bool,
    },
    /// It is about the conversation with this person and no entry of its file: a status, a receipt, a subscription.
    Report {
        /// The person, by name.
        person: String,
    },
    /// It tells what became of something that went out, and is no entry of a file. It is about the conversation to which that
    /// went, whomever the platform names: people have several numbers and ids, and some reports name nobody.
    Receipt {
        /// Whoever is named; counts where nothing is known of what went out.
        person: Option<String>,
        /// What went out.
        of: SentPart,
    },
    /// It belongs to the conversation with this person and takes content back: of the messages with these keys a tombstone
    /// is left.
    Unsend {
        /// The person, by name.
        person: String,
        /// The keys of the message and of its edits, or names of theirs.
        keys: Vec<DedupeKey>,
    },
    /// This must be read again.
    Reread(ReadRequest),
    /// None that we know of: it is kept, counted and shown, with the reason.
    SetAside(Cow<'static, str>),
}

/// By what a report says of which message it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPart {
    /// The platform's id of it.
    pub platform_id: String,
    /// Our mark, where the report repeats it.
    pub mark: Option<String>,
}

/// Why a report is set aside that names nobody, of something that went out and is not known, or not yet.
const OF_NOBODY: &str = "an item that names no person";

/// How an effect stands in the table of events.
pub(in crate::shared) struct EffectColumns<'a> {
    /// Whose conversation it belongs to or is about.
    pub conversation: Option<&'a str>,
    /// Whether a conversation file may begin with it.
    pub opens: bool,
    /// What must be read again.
    pub reread: Option<Cow<'a, str>>,
    /// Why it is set aside for what it is.
    pub set_aside: Option<&'a str>,
    /// Whether it is an entry of its conversation's file.
    pub is_entry: bool,
}

impl Effect {
    /// How it stands in the table of events.
    pub(in crate::shared) fn columns(&self) -> EffectColumns<'_> {
        let (conversation, opens, reread, set_aside) = match self {
            Self::Conversation { person, opens } => (Some(person.as_str()), *opens, None, None),
            Self::Report { person } | Self::Unsend { person, .. } => (Some(person.as_str()), false, None, None),
            Self::Receipt { person: Some(person), .. } => (Some(person.as_str()), false, None, None),
            Self::Receipt { person: None, .. } => (None, false, None, Some(OF_NOBODY)),
            Self::Reread(request) => (None, false, Some(request.to_text()), None),
            Self::SetAside(reason) => (None, false, None, Some(reason.as_ref())),
        };
        let is_entry = !matches!(self, Self::Report { .. } | Self::Receipt { .. });
        EffectColumns { conversation, opens, reread, set_aside, is_entry }
    }
}

/// One happening, ready for the journal.
#[derive(Debug, Clone)]
pub struct Event {
    /// The channel: `facebook`, `shopify`.
    pub channel: &'static str,
    /// The account, by its name in files and URLs; empty where none could be read.
    pub account: String,
    /// How a repeat is recognised.
    pub key: DedupeKey,
    /// Another name: by it an operator finds an event whose key is not made of the id that people know, and an
    /// [`Effect::Unsend`] finds what shows the content of a message and has an id of its own.
    pub name: Option<DedupeKey>,
    /// The platform's own word for what happened.
    pub kind: Cow<'static, str>,
    /// What it is a reason for.
    pub effect: Effect,
    /// The platform's time in milliseconds since 1970; `None`: it gave none, the time of arrival counts.
    pub occurred_at: Option<i64>,
    /// The road by which it came.
    pub source: Source,
    /// The bytes as they came.
    pub payload: Vec<u8>,
}

impl Event {
    /// Something of this account (empty: nobody knows of which) that no worker is handed: kept as it came, once, and shown to the
    /// operator with the reason.
    #[must_use]
    pub fn set_aside(
        channel: &'static str,
        account: &str,
        kind: impl Into<Cow<'static, str>>,
        reason: &'static str,
        raw: &[u8],
    ) -> Self {
        let kind = kind.into();
        Self {
            channel,
            account: account.to_owned(),
            key: DedupeKey::of_set_aside(channel, account, &kind, raw),
            name: None,
            kind,
            effect: Effect::SetAside(reason.into()),
            occurred_at: None,
            source: Source::Webhook,
            payload: raw.to_vec(),
        }
    }

    /// A body that is rightly signed and no JSON object: kept as one of so many in all, with its first bytes.
    #[must_use]
    pub fn of_no_object(channel: &'static str, raw: &[u8]) -> Self {
        let event = Self::set_aside(channel, "", "delivery", "not a JSON object", kept_of_no_object(raw));
        Self { key: DedupeKey::of_no_object(channel, raw), ..event }
    }
}

/// A platform's word, short enough for a column and a log line.
#[must_use]
pub fn short_word(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn of_bodies_that_are_no_objects_only_so_many_are_kept() {
        let bodies = (0..20_000).map(|number| format!("{number} {}", "x".repeat(9000)));
        let keys = bodies.map(|body| {
            assert_eq!(kept_of_no_object(body.as_bytes()).len(), KEPT_BYTES);
            *DedupeKey::of_no_object("facebook", body.as_bytes()).as_bytes()
        });
        assert_eq!(keys.collect::<BTreeSet<_>>().len(), usize::from(KEPT_NO_OBJECTS));
    }
}
