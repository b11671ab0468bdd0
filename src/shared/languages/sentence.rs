//! A sentence that was not read yet, and how it is said.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use fluent_bundle::types::FluentNumber;
use fluent_bundle::{FluentArgs, FluentValue};
use maud::{Markup, Render};

use super::{Language, current};

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

/// Begins and ends the number of a piece, within a sentence that is to be escaped. Both are noncharacters.
const PIECE: char = '\u{fdd0}';
const END: char = '\u{fdd1}';

impl Sentence {
    /// As text in the reader's language, for titles and attributes.
    #[must_use]
    pub fn told(&self) -> String {
        self.in_language(current())
    }

    /// As text in this language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> String {
        self.formatted(language, &mut |value| match value {
            Value::Text(text) | Value::Stranger(text) | Value::Piece(text) => text.clone().into(),
            Value::Number(number) => number_of(*number),
            Value::Sentence(sentence) => sentence.in_language(language).into(),
            Value::Moment(at) => super::moment(*at).in_language(language).into(),
        })
    }

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

    fn formatted<'a>(&'a self, language: Language, value: &mut dyn FnMut(&'a Value) -> FluentValue<'a>) -> String {
        let (name, with) = match &self.0 {
            Kind::Verbatim(words) => return words.to_string(),
            Kind::Message { name, with } => (name, with),
        };
        let mut arguments = FluentArgs::new();
        for (name, one) in with {
            arguments.set(name.as_ref(), value(one));
        }
        for language in [language, Language::English] {
            let sentences = language.sentences();
            let pattern = sentences.get_message(name).and_then(|message| message.value());
            if let Some(pattern) = pattern {
                return sentences.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned();
            }
        }
        // A sentence of a newer version, whose database this one reads.
        name.replace('-', " ")
    }
}

fn number_of<'a>(number: i64) -> FluentValue<'a> {
    // Exact up to 2^53, more than anything here counts to.
    #[allow(clippy::cast_precision_loss)]
    let number = number as f64;
    FluentValue::Number(FluentNumber::new(number, fluent_bundle::types::FluentNumberOptions::default()))
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

impl Display for Sentence {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.in_language(Language::English))
    }
}

/// In the reader's language, escaped.
impl Render for Sentence {
    fn render_to(&self, page: &mut String) {
        let language = current();
        let mut pieces: Vec<Cow<'_, str>> = Vec::new();
        let said = self.formatted(language, &mut |value| {
            let piece = match value {
                Value::Text(text) => return text.as_str().into(),
                Value::Number(number) => return number_of(*number),
                Value::Piece(piece) => Cow::from(piece),
                Value::Stranger(words) => maud::html! { bdi { (words) } }.into_string().into(),
                Value::Sentence(sentence) => sentence.render().into_string().into(),
                Value::Moment(at) => super::times::element(*at).into_string().into(),
            };
            pieces.push(piece);
            format!("{PIECE}{}{END}", pieces.len() - 1).into()
        });
        let mut rest = said.as_str();
        while let Some((before, after)) = rest.split_once(PIECE) {
            before.render_to(page);
            let found =
                after.split_once(END).and_then(|(number, behind)| Some((number.parse::<usize>().ok()?, behind)));
            rest = match found {
                Some((number, behind)) => {
                    page.push_str(pieces.get(number).map_or("", AsRef::as_ref));
                    behind
                }
                None => after,
            };
        }
        rest.render_to(page);
    }
}
