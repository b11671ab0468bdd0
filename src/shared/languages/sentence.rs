//! A sentence that was not read yet.

use std::borrow::Cow;

use maud::Markup;

/// Something that a merchant reads: a message of `en.ftl` with what its variables stand for. As text it is English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(pub(super) Kind);

/// A sentence without variables, where a table or a constant holds it.
pub type Fixed = fn() -> Sentence;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message, by its name, and its variables.
    Message { name: Cow<'static, str>, with: Vec<(Cow<'static, str>, Value)> },
    /// Words that stand for themselves: of a platform, of an operator, of an older version of this program.
    Verbatim(Cow<'static, str>),
}

/// What a variable of a sentence stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word of a platform or of ours that is the same in all languages; also one that a message distinguishes by.
    Text(String),
    /// A number: it decides between one and several.
    Number(i64),
    /// A stranger's words, isolated where a page shows them.
    Stranger(String),
    /// A piece of a page, such as a link.
    Piece(String),
    /// Another sentence.
    Sentence(Sentence),
    /// A time, in milliseconds since 1970: its day and hour, UTC.
    Moment(i64),
}

/// A stranger's words within a sentence.
#[must_use]
pub fn bdi(words: impl Into<String>) -> Value {
    Value::Stranger(words.into())
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Sentence> for Value {
    fn from(sentence: Sentence) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<Markup> for Value {
    fn from(piece: Markup) -> Self {
        Self::Piece(piece.into_string())
    }
}

impl From<&'static str> for Sentence {
    fn from(words: &'static str) -> Self {
        Self(Kind::Verbatim(words.into()))
    }
}

impl From<String> for Sentence {
    fn from(words: String) -> Self {
        Self(Kind::Verbatim(words.into()))
    }
}

impl From<Cow<'static, str>> for Sentence {
    fn from(words: Cow<'static, str>) -> Self {
        Self(Kind::Verbatim(words))
    }
}

/// For [`super::say`]: a message of this name.
pub(super) fn message(name: &'static str, with: Vec<(&'static str, Value)>) -> Sentence {
    let with = with.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Sentence(Kind::Message { name: name.into(), with })
}

impl Sentence {
    /// A word for what this is, for counting: it does not change with what the variables stand for.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Kind::Message { name: Cow::Borrowed(name), .. } => name,
            Kind::Verbatim(Cow::Borrowed(words)) => words,
            _ => "a sentence",
        }
    }

    /// Whether these are somebody's words and no message of ours: they may quote a person.
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        matches!(self.0, Kind::Verbatim(_))
    }
}

/// Programs get English.
impl serde::Serialize for Sentence {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// What a program got stands for itself.
impl<'de> serde::Deserialize<'de> for Sentence {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}
