//! A text in every answer of a simulator, to see where it comes out again: a platform may say anything.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;

use super::MAX_BODY_BYTES;

/// What is planted in every answer.
#[derive(Debug, Clone)]
pub struct Planting {
    /// The text.
    pub text: String,
    /// Which text, number or truth of an answer it replaces; counted through the answer, and around again.
    pub leaf: usize,
    /// Members and elements that keep what they say, because it is meant to be shown: names.
    pub kept: &'static [&'static str],
    /// Headers that say it.
    pub headers: &'static [&'static str],
}

impl Planting {
    /// The answer with the text in it: in headers, and in place of one thing that it says. An object of JSON also has it in a
    /// member more.
    pub(super) async fn plant(&self, response: Response) -> Response {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (is_json, is_xml) = (kind.contains("json") || kind.contains("javascript"), kind.contains("xml"));
        let (mut parts, body) = response.into_parts();
        for name in self.headers {
            if let Ok(text) = HeaderValue::from_str(&self.text) {
                parts.headers.insert(HeaderName::from_static(name), text);
            }
        }
        if !is_json && !is_xml {
            return Response::from_parts(parts, body);
        }
        let Ok(bytes) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
            return Response::from_parts(parts, Body::empty());
        };
        let planted = if is_json { self.in_json(&bytes) } else { self.in_xml(&bytes) };
        if planted.is_some() {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        Response::from_parts(parts, planted.map_or_else(|| Body::from(bytes), Body::from))
    }

    fn in_json(&self, bytes: &[u8]) -> Option<String> {
        let mut value: Value = serde_json::from_slice(bytes).ok()?;
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
        Some(value.to_string())
    }

    /// In place of one of the texts that stand in elements without others in them.
    fn in_xml(&self, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut pieces: Vec<String> = text.split_inclusive('>').map(str::to_owned).collect();
        let is_leaf = |piece: &String| {
            let end = piece.split_once("</").map(|(said, name)| (said, name.trim_end_matches('>')));
            end.is_some_and(|(said, name)| !said.trim().is_empty() && !self.kept.contains(&name))
        };
        let leaves: Vec<usize> = (0..pieces.len()).filter(|at| is_leaf(&pieces[*at])).collect();
        let at = *leaves.get(self.leaf % leaves.len().max(1))?;
        let (_, end) = pieces[at].split_once("</")?;
        pieces[at] = format!("{}</{end}", self.text);
        Some(pieces.concat())
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
