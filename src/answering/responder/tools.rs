//! The three tools of the model: look for products, show them, hand over.

use serde::Deserialize;
use serde_json::{Value, json};

use super::completion::ToolCall;

/// The longest query and the longest reason, in characters.
const LONGEST: usize = 200;

/// How many products an answer shows.
const MOST_SHOWN: usize = 5;

/// What the model wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// Products that fit these words.
    Search(String),
    /// These words, with these products.
    Show(String, Vec<String>),
    /// A human is to answer, for this reason.
    HandOver(String),
    /// Something that is none of them: what is wrong, for the model.
    Unknown(&'static str),
}

#[derive(Deserialize)]
struct Query {
    query: String,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    text: String,
    ids: Vec<Id>,
}

/// An id; models write those that are numbers without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

impl Tool {
    /// Reads a call.
    #[must_use]
    pub fn read(call: &ToolCall) -> Self {
        let arguments = call.arguments.as_str();
        match call.name.as_str() {
            "search_products" => match serde_json::from_str::<Query>(arguments) {
                Ok(Query { query }) if !query.trim().is_empty() => Self::Search(shortened(&query)),
                _ => Self::Unknown("search_products needs a query"),
            },
            "show_products" => match serde_json::from_str::<Shown>(arguments) {
                Ok(Shown { text, ids }) if !ids.is_empty() => Self::Show(text, first_of(ids)),
                _ => Self::Unknown("show_products needs one to five ids"),
            },
            "hand_over" => {
                let reason = serde_json::from_str::<Reason>(arguments).map(|reason| reason.reason).unwrap_or_default();
                Self::HandOver(shortened(&reason))
            }
            _ => Self::Unknown("there is no such tool"),
        }
    }
}

/// The different ones among these, in their order: as many as an answer shows.
fn first_of(ids: Vec<Id>) -> Vec<String> {
    let mut first = Vec::new();
    for id in ids {
        let id = match id {
            Id::Text(id) => id,
            Id::Number(id) => id.to_string(),
        };
        if first.len() < MOST_SHOWN && !first.contains(&id) {
            first.push(id);
        }
    }
    first
}

fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST).collect()
}

/// The tools as the model is told of them.
#[must_use]
pub fn described() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| {
        json!({ "type": "function", "function": {
            "name": name, "description": description,
            "parameters": { "type": "object", "properties": properties, "required": required },
        }})
    };
    json!([
        tool(
            "search_products",
            "Finds products of the shop with their price and stock as they are now.",
            json!({ "query": text("Words of the catalogue: what, colour, size") }),
            &["query"],
        ),
        tool(
            "show_products",
            "Answers the customer with a sentence and product cards.",
            json!({
                "text": text("The sentence above the cards"),
                "ids": { "type": "array", "items": { "type": "string" }, "description": "Ids of one to five products" },
            }),
            &["text", "ids"],
        ),
        tool(
            "hand_over",
            "Lets a human answer this customer.",
            json!({ "reason": text("Why, one sentence for the colleague") }),
            &["reason"],
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, arguments: &str) -> Tool {
        Tool::read(&ToolCall { id: "1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() })
    }

    #[test]
    fn a_call_is_one_of_three_things_or_nothing() {
        assert_eq!(read("search_products", r#"{"query":"blue board"}"#), Tool::Search("blue board".to_owned()));
        let shown = read("show_products", r#"{"text":"Here","ids":["1",9007199254740993]}"#);
        assert_eq!(shown, Tool::Show("Here".to_owned(), vec!["1".to_owned(), "9007199254740993".to_owned()]));
        let many = read("show_products", r#"{"text":"","ids":["1",1,"1","2","1","3","4","5","6","7"]}"#);
        let first = ["1", "2", "3", "4", "5"].map(str::to_owned).to_vec();
        assert_eq!(many, Tool::Show(String::new(), first), "each once, and not more than five");
        assert_eq!(read("hand_over", "not json"), Tool::HandOver(String::new()));
        for (name, arguments) in [
            ("search_products", "{}"),
            ("search_products", r#"{"query":" "}"#),
            ("show_products", r#"{"text":"x","ids":[]}"#),
            ("show_products", r#"{"text":"x","ids":["1""#),
            ("delete_everything", "{}"),
        ] {
            assert!(matches!(read(name, arguments), Tool::Unknown(_)), "{name} {arguments}");
        }
    }
}
