//! Sentences in the database: which one it was and what its variables stood for, so that it can be read in any language.

use serde_json::{Map, Value as Json, json};

use super::sentence::Kind;
use super::{Sentence, Value};

impl Sentence {
    /// As a column keeps it: words as they are; a message as JSON, with its English for whoever looks into the table.
    #[must_use]
    pub fn stored(&self) -> String {
        match &self.0 {
            Kind::Verbatim(words) if words.starts_with('{') => json!({ "words": words }).to_string(),
            Kind::Verbatim(words) => words.to_string(),
            Kind::Message { .. } => as_json(self).to_string(),
        }
    }

    /// What a column holds. Words that an older version wrote stand for themselves.
    #[must_use]
    pub fn of_stored(text: String) -> Self {
        match text.strip_prefix('{').and_then(|_| of_json(&serde_json::from_str(&text).ok()?)) {
            Some(sentence) => sentence,
            None => text.into(),
        }
    }
}

fn as_json(sentence: &Sentence) -> Json {
    match &sentence.0 {
        Kind::Verbatim(words) => Json::String(words.to_string()),
        Kind::Message { name, with } => {
            let with: Map<String, Json> =
                with.iter().map(|(name, value)| (name.to_string(), value_as_json(value))).collect();
            json!({ "say": name, "with": with, "english": sentence.to_string() })
        }
    }
}

fn value_as_json(value: &Value) -> Json {
    match value {
        Value::Text(text) | Value::Stranger(text) | Value::Piece(text) => json!(text),
        Value::Number(number) => json!(number),
        Value::Sentence(sentence) => json!({ "sentence": as_json(sentence) }),
        Value::Moment(at) => json!({ "moment": at }),
    }
}

fn of_json(json: &Json) -> Option<Sentence> {
    if let Json::String(words) = json {
        return Some(words.clone().into());
    }
    if let Some(words) = json.get("words").and_then(Json::as_str) {
        return Some(words.to_owned().into());
    }
    let name = json.get("say")?.as_str()?;
    if !Sentence::is_known(name) {
        // A newer version wrote it.
        return json.get("english")?.as_str().map(|words| words.to_owned().into());
    }
    let with = json.get("with")?.as_object()?;
    let with = with.iter().map(|(name, value)| Some((name.clone().into(), value_of(value)?))).collect::<Option<_>>()?;
    Some(Sentence(Kind::Message { name: name.to_owned().into(), with }))
}

fn value_of(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => number.as_i64().map(Value::Number),
        Json::Object(object) => match (object.get("sentence"), object.get("moment")) {
            (Some(sentence), _) => of_json(sentence).map(Value::Sentence),
            (None, Some(at)) => at.as_i64().map(Value::Moment),
            (None, None) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::say;
    use super::*;

    #[test]
    fn a_sentence_comes_back_as_it_was() {
        let sentence = say::to_come(say::to_come_lasting(), say::platform_refuses("Shopify", "<x>"));
        assert_eq!(Sentence::of_stored(sentence.stored()), sentence);
        for words in ["{ not ours", r#"{"say":"yes","with":{}}"#, r#"{"words":"yes"}"#, "plain", ""] {
            let words = Sentence::from(words);
            assert_eq!(Sentence::of_stored(words.stored()), words);
        }
        let newer = r#"{"say":"not-here","with":{"a":[]},"english":"Something new."}"#;
        assert_eq!(Sentence::of_stored(newer.to_owned()).to_string(), "Something new.");
    }
}
