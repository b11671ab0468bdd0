//! A text in every answer of a simulator, to see where it comes out again: a platform may say anything.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;

use super::MAX_BODY_BYTES;

/// What is planted in every JSON answer.
#[derive(Debug, Clone)]
pub struct Planting {
    /// The text.
    pub text: String,
    /// Which text, number or truth of an answer it replaces; counted through the answer, and around again.
    pub leaf: usize,
    /// Members that keep what they say, because it is meant to be shown: names.
    pub kept: &'static [&'static str],
}

impl Planting {
    /// The answer with the text in it: in a member more of each object, in two headers, and in place of one thing that it says.
    pub(super) async fn plant(&self, response: Response) -> Response {
        let is_json =
            |value: &HeaderValue| value.to_str().is_ok_and(|kind| kind.contains("json") || kind.contains("javascript"));
        if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_json) {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let Ok(bytes) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
            return Response::from_parts(parts, Body::empty());
        };
        let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
            return Response::from_parts(parts, Body::from(bytes));
        };
        let mut count = 0;
        self.visit(&mut value, &mut |_| count += 1);
        if count > 0 {
            let (mut at, wanted) = (0, self.leaf % count);
            self.visit(&mut value, &mut |leaf| {
                if at == wanted {
                    *leaf = Value::String(self.text.clone());
                }
                at += 1;
            });
        }
        self.add_members(&mut value);
        parts.headers.remove(header::CONTENT_LENGTH);
        for name in ["x-planted", "warning"] {
            if let Ok(text) = HeaderValue::from_str(&self.text) {
                parts.headers.insert(HeaderName::from_static(name), text);
            }
        }
        Response::from_parts(parts, Body::from(value.to_string()))
    }

    fn visit(&self, value: &mut Value, see: &mut dyn FnMut(&mut Value)) {
        match value {
            Value::Object(members) => members
                .iter_mut()
                .filter(|(name, _)| !self.kept.contains(&name.as_str()))
                .for_each(|(_, member)| self.visit(member, see)),
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.visit(element, see)),
            Value::Null => {}
            leaf => see(leaf),
        }
    }

    fn add_members(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.add_members(member));
                members.insert("planted".to_owned(), Value::String(self.text.clone()));
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.add_members(element)),
            _ => {}
        }
    }
}
