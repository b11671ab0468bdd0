//! Ids and times as Meta sends them: in more than one form.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::shared::files::path::Name;

/// Times below this are seconds, above it milliseconds: 10^11 ms is in 1973, 10^11 s in the year 5138.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// The end of the year 9999 in milliseconds. What claims to be later is no time.
const LATEST: i64 = 253_402_300_799_999;

/// An id of Meta's: 1 to 32 digits. The only form in which an id becomes part of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Name);

impl Id {
    /// Reads an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if good { Name::parse(text).ok().map(Self) } else { None }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The id as a part of a path: it is its own name.
    #[must_use]
    pub fn as_name(&self) -> &Name {
        &self.0
    }
}

impl TryFrom<&str> for Id {
    type Error = &'static str;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::parse(text).ok_or("no id of Meta's")
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text that some versions send as a number.
#[derive(Default)]
pub struct LooseText(pub String);

impl<'de> Deserialize<'de> for LooseText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().trim_matches('"').to_owned()))
    }
}

/// Seconds or milliseconds, as milliseconds.
#[must_use]
pub fn milliseconds(time: i64) -> Option<i64> {
    let time = if time < SECONDS_BELOW { time.checked_mul(1000)? } else { time };
    (0..=LATEST).contains(&time).then_some(time)
}
