//! How a sentence is said: with what its variables stand for, in the language of whoever reads it.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use fluent_bundle::{FluentArgs, FluentValue};
use maud::Render;

use super::sentence::Kind;
use super::{Language, Sentence, Value, current, times};

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
            Value::Number(number) => (*number).into(),
            Value::Sentence(sentence) => sentence.in_language(language).into(),
            Value::Moment(at) => times::moment(*at).in_language(language).into(),
        })
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
                Value::Number(number) => return (*number).into(),
                Value::Piece(piece) => Cow::from(piece),
                Value::Stranger(words) => maud::html! { bdi { (words) } }.into_string().into(),
                Value::Sentence(sentence) => sentence.render().into_string().into(),
                Value::Moment(at) => times::element(*at).into_string().into(),
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
