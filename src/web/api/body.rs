//! What a request says in its path, query and body, read strictly: an unknown member, a member that is given twice and a
//! value of another type are [`ApiProblem::Invalid`] with a pointer to it.
//!
//! Handlers call these functions themselves, because the contract fixes the order of checks: the account is looked for
//! before a body is read.
//!
//! Texts arrive as they are. One thing cannot be kept: half of a surrogate pair (`"\ud800"`) is no character, and no
//! platform takes one; it is refused with a pointer like anything else that does not fit.

mod strict;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use self::strict::Node;
use super::problem::ApiProblem;
use crate::answering::content::Misfit;

/// The parts of a path. What is no text of that form is not found, as anything else that is not there.
pub struct InPath<T>(pub T);

impl<T, S> FromRequestParts<S> for InPath<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(parts)| Self(parts)).map_err(|_| ApiProblem::NotFound)
    }
}

/// Reads a body of JSON. One that is empty says as much as `{}`. `T` has `deny_unknown_fields`; what its own `TryFrom`
/// says stands in the answer, so it does not repeat what stands there.
///
/// # Errors
/// [`ApiProblem::Invalid`] with a pointer into the body.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiProblem> {
    let value = match body.trim_ascii() {
        [] => Value::Object(Map::new()),
        body => strict::parse(body).map_err(|error| ApiProblem::Invalid(vec![error]))?,
    };
    T::deserialize(Node::body(value)).map_err(|fault| ApiProblem::Invalid(vec![fault.into()]))
}

/// Reads the parameters of a query. `T` has `deny_unknown_fields`; numbers and truth values are read from their texts.
///
/// # Errors
/// [`ApiProblem::Invalid`] with a pointer like `/limit`.
pub fn read_query<T: DeserializeOwned>(query: Option<&str>) -> Result<T, ApiProblem> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let pointer = strict::pointer_to("", &name);
        if members.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return Err(ApiProblem::Invalid(vec![Misfit::new(pointer, strict::TWICE)]));
        }
    }
    T::deserialize(Node::query(Value::Object(members))).map_err(|fault| ApiProblem::Invalid(vec![fault.into()]))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Lets a request go on whose route knows no parameters.
///
/// # Errors
/// [`ApiProblem::Invalid`] for any parameter.
pub fn refuse_query(query: Option<&str>) -> Result<(), ApiProblem> {
    read_query(query).map(|Nothing {}| ())
}

/// Lets a request go on whose route knows no members of a body.
///
/// # Errors
/// [`ApiProblem::Invalid`] for any member, and for what is no JSON object.
pub fn refuse_members(body: &[u8]) -> Result<(), ApiProblem> {
    read_json(body).map(|Nothing {}| ())
}

/// A whole number of this range, which is the contract's and no type's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Within<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Within<LEAST, MOST> {
    pub(super) fn get(self) -> u32 {
        self.0
    }

    /// As a number of things.
    pub(super) fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Within<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer).ok().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| (LEAST..=MOST).contains(number)).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format_args!("This must be a whole number from {LEAST} to {MOST}."))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Wish {
        text: Option<String>,
        choices: Vec<Choice>,
        minutes: Option<u32>,
        handover: bool,
        after: Option<i64>,
        kind: Option<Kind>,
        more: Option<Map<String, Value>>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Choice {
        id: String,
        title: String,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Sent,
        NotSent,
    }

    fn refused(read: Result<Wish, ApiProblem>) -> (String, String) {
        match read {
            Err(ApiProblem::Invalid(mut errors)) if errors.len() == 1 => {
                let error = errors.remove(0);
                (error.pointer, error.message.into_owned())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_that_fits_is_read_with_its_texts_as_they_are() {
        let hostile = "<b>\u{202e}\u{200b}\u{1F600}e\u{301}\u{0}\u{fffd}";
        let body = json!({
            "text": hostile, "choices": [{ "id": "A", "title": "B" }], "minutes": 60, "handover": true, "after": -1,
            "kind": "not_sent", "more": { "a": [1.5, null] },
        });
        let wish: Wish = read_json(body.to_string().as_bytes()).unwrap();
        assert_eq!(wish.text.as_deref(), Some(hostile));
        assert_eq!(wish.choices, [Choice { id: "A".into(), title: "B".into() }]);
        assert_eq!(
            (wish.minutes, wish.handover, wish.after, wish.kind),
            (Some(60), true, Some(-1), Some(Kind::NotSent))
        );
        assert_eq!(wish.more.unwrap()["a"], json!([1.5, null]));
        let pair: Wish = read_json(br#"{"text":"\ud83d\ude00","minutes":null}"#).unwrap();
        assert_eq!((pair.text.as_deref(), pair.minutes), (Some("\u{1F600}"), None));
        assert_eq!(read_json::<Wish>(b"").unwrap(), Wish::default());
        assert_eq!(read_json::<Wish>(b" {} ").unwrap(), Wish::default());
    }

    #[test]
    fn a_body_that_does_not_fit_is_refused_with_a_pointer_and_without_what_stands_there() {
        let deep = format!("{{\"more\":{{\"a\":{}{}}}}}", "[".repeat(200), "]".repeat(200));
        let cases: [(&[u8], &str, &str); 20] = [
            (br#"{"secret words":1}"#, "/secret words", "no such member"),
            (br#"{"a/b~c":1}"#, "/a~1b~0c", "no such member"),
            (br#"{"choices":[{"id":"A","title":"B","x":1}]}"#, "/choices/0/x", "no such member"),
            (br#"{"choices":[{"id":"A","title":"B"},{"id":"A"}]}"#, "/choices/1/title", "missing"),
            (br#"{"text":"secret","text":"secret"}"#, "/text", "twice"),
            (br#"{"more":{"b":{"c":1,"c":2}}}"#, "/more/b/c", "twice"),
            (br#"{"text":7}"#, "/text", "a text"),
            (br#"{"minutes":"secret"}"#, "/minutes", "whole number from 0"),
            (br#"{"minutes":-1}"#, "/minutes", "whole number from 0"),
            (br#"{"minutes":1.5}"#, "/minutes", "whole number from 0"),
            (br#"{"minutes":4294967296}"#, "/minutes", "4294967295"),
            (br#"{"handover":"true"}"#, "/handover", "true or false"),
            (br#"{"choices":"secret"}"#, "/choices", "a list"),
            (br#"{"choices":["secret"]}"#, "/choices/0", "an object"),
            (br#"{"kind":"secret"}"#, "/kind", "sent, not_sent"),
            (br#"{"text":"\ud800 secret"}"#, "/text", "surrogate"),
            (b"{\"text\":\"\xff secret\"}", "/text", "surrogate"),
            (br#"{"text":"secret"} secret"#, "", "JSON"),
            (br#"["secret"]"#, "", "an object"),
            (deep.as_bytes(), "", "JSON"),
        ];
        for (body, pointer, words) in cases {
            let (at, message) = refused(read_json(body));
            if body != deep.as_bytes() {
                assert_eq!(at, pointer, "{}", String::from_utf8_lossy(body));
            }
            assert!(message.contains(words), "{}: {message}", String::from_utf8_lossy(body));
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn a_query_is_read_as_strictly() {
        let wish: Wish = read_query(Some("text=a%20b%2B&minutes=5&handover=true&after=-3&kind=sent")).unwrap();
        assert_eq!((wish.text.as_deref(), wish.minutes, wish.handover), (Some("a b+"), Some(5), true));
        assert_eq!((wish.after, wish.kind), (Some(-3), Some(Kind::Sent)));
        assert_eq!(read_query::<Wish>(None).unwrap(), Wish::default());
        assert_eq!(read_query::<Wish>(Some("text=7")).unwrap().text.as_deref(), Some("7"));
        for (query, pointer) in [
            ("limit=5", "/limit"),
            ("minutes=5&minutes=6", "/minutes"),
            ("minutes=secret", "/minutes"),
            ("minutes=", "/minutes"),
            ("minutes=%2B5", "/minutes"),
            ("handover=yes", "/handover"),
            ("choices=secret", "/choices"),
        ] {
            let (at, message) = refused(read_query(Some(query)));
            assert_eq!(at, pointer, "{query}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
