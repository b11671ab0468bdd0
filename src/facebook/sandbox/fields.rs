//! The `fields` parameter of the Graph API: `a,b{c,d},e.limit(5){f}`.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/guides/field-expansion> (November 2026).

use std::fmt;

use serde_json::{Map, Value};

/// How deep one field may nest another. Far beyond what the real platform allows.
const MAX_DEPTH: usize = 8;

/// One requested field, with its arguments (`.limit(5)`) and the fields requested below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    pub arguments: Vec<(String, String)>,
    pub fields: Vec<Field>,
}

impl Field {
    pub(super) fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        for (name, value) in &self.arguments {
            write!(out, ".{name}({value})")?;
        }
        if self.fields.is_empty() { Ok(()) } else { write!(out, "{{{}}}", text_of(&self.fields)) }
    }
}

/// The list as one would write it in a URL.
pub(super) fn text_of(fields: &[Field]) -> String {
    fields.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Parses a field list. Blanks around names are ignored, as is an empty list.
///
/// # Errors
/// The rest of the text from where it could not be understood.
pub(super) fn parse_fields(text: &str) -> Result<Vec<Field>, String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.is_empty() {
        return Ok(Vec::new());
    }
    let (fields, rest) = parse_list(&compact, 0)?;
    if rest.is_empty() { Ok(fields) } else { Err(rest.to_owned()) }
}

fn parse_list(text: &str, depth: usize) -> Result<(Vec<Field>, &str), String> {
    if depth > MAX_DEPTH {
        return Err(text.to_owned());
    }
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = parse_field(rest, depth)?;
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((fields, after)),
        }
    }
}

fn parse_field(text: &str, depth: usize) -> Result<(Field, &str), String> {
    let (name, mut rest) = parse_name(text)?;
    let mut field = Field { name: name.to_owned(), arguments: Vec::new(), fields: Vec::new() };
    loop {
        if let Some(after) = rest.strip_prefix('.') {
            let (argument, after) = parse_name(after)?;
            let value = after.strip_prefix('(').ok_or(after)?;
            let (value, after) = value.split_once(')').ok_or(after)?;
            field.arguments.push((argument.to_owned(), value.to_owned()));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let (fields, after) = parse_list(inner, depth + 1)?;
            field.fields = fields;
            rest = after.strip_prefix('}').ok_or(after)?;
        } else {
            return Ok((field, rest));
        }
    }
}

fn parse_name(text: &str) -> Result<(&str, &str), String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if end == 0 { Err(text.to_owned()) } else { Ok(text.split_at(end)) }
}

/// Keeps of a stored value only what was asked for below it, and `id`. Lists are wrapped in `data`, as in the API.
pub(super) fn narrow(value: &Value, wanted: &[Field]) -> Value {
    match value {
        _ if wanted.is_empty() => value.clone(),
        Value::Array(items) => items.iter().map(|item| narrow(item, wanted)).collect(),
        Value::Object(map) => match map.get("data") {
            Some(data) => Value::Object(Map::from_iter([("data".to_owned(), narrow(data, wanted))])),
            None => map
                .iter()
                .filter_map(|(key, value)| {
                    let field = wanted.iter().find(|field| &field.name == key);
                    let below = field.map_or(&[][..], |field| &field.fields);
                    (field.is_some() || key == "id").then(|| (key.clone(), narrow(value, below)))
                })
                .collect::<Map<_, _>>()
                .into(),
        },
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_fields_and_their_arguments_are_understood_and_written_back() {
        let text = "id,messages.limit(20).after(QVFI-a){id,from{name}},participants";
        let fields = parse_fields(text).unwrap();
        assert_eq!(fields.len(), 3);
        assert_eq!(fields[1].argument("limit"), Some("20"));
        assert_eq!(fields[1].fields[1].fields[0].name, "name");
        assert_eq!(text_of(&fields), text);
        assert_eq!(parse_fields("a{b}.limit(1)").unwrap()[0].argument("limit"), Some("1"));
        assert_eq!(parse_fields(" ").unwrap(), []);
    }

    #[test]
    fn broken_field_lists_are_refused() {
        for text in ["a,", "a{b", "a}", "{a}", "a.limit(5", "a.limit", "a,,b"] {
            assert!(parse_fields(text).is_err(), "{text}");
        }
        assert!(parse_fields(&"a{".repeat(40)).is_err());
    }

    #[test]
    fn a_stored_value_is_cut_down_to_what_was_asked_for() {
        let value = json!({"data": [{"id": "1", "name": "x", "size": 3}]});
        assert_eq!(narrow(&value, &parse_fields("name").unwrap()), json!({"data": [{"id": "1", "name": "x"}]}));
    }
}
