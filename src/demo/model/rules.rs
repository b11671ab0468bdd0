//! The rules by which the simulated model answers.
//!
//! 1. Who wants a person, complains, or sends what is no text, is handed over.
//! 2. Who greets or thanks gets a sentence.
//! 3. Everything else is a question about products: the words that may stand in a catalogue are looked for, once more with the
//!    longest of them alone, and what is found is shown with price and stock as the search gave them.

use serde_json::{Value, json};

/// Beginnings of words by which a person is wanted, in the languages that the demo's customers speak.
const WANT_A_PERSON: [&str; 22] = [
    "human",
    "person",
    "colleague",
    "agent",
    "complain",
    "refund",
    "broken",
    "angry",
    "mensch",
    "mitarbeiter",
    "kaputt",
    "reklam",
    "persona",
    "humano",
    "reembolso",
    "roto",
    "humain",
    "rembours",
    "atendente",
    "nhân",
    "khiếu",
    "人工",
];

/// Words that greet or thank and ask nothing.
const POLITE: [&str; 16] = [
    "hi", "hello", "hey", "thanks", "thank", "great", "ok", "bye", "hallo", "danke", "hola", "gracias", "merci",
    "bonjour", "obrigado", "謝謝",
];

/// Words that stand in questions and in no catalogue.
const ASKING: [&str; 75] = [
    "a",
    "an",
    "and",
    "are",
    "as",
    "available",
    "blue",
    "can",
    "cost",
    "costs",
    "do",
    "does",
    "for",
    "get",
    "has",
    "have",
    "how",
    "i",
    "i'll",
    "in",
    "is",
    "it",
    "left",
    "many",
    "me",
    "much",
    "my",
    "need",
    "of",
    "on",
    "one",
    "please",
    "price",
    "show",
    "size",
    "some",
    "still",
    "stock",
    "take",
    "that",
    "the",
    "there",
    "these",
    "this",
    "to",
    "want",
    "what",
    "which",
    "with",
    "you",
    "your",
    "at",
    "buy",
    "now",
    "today",
    "then",
    "looking",
    "any",
    "about",
    "tell",
    "was",
    "were",
    "would",
    "like",
    "und",
    "ist",
    "der",
    "die",
    "das",
    "noch",
    "cuánto",
    "cuesta",
    "el",
    "la",
    "tienen",
];

/// The model's message; `None`: nobody asks anything.
pub fn answer(request: &Value) -> Option<Value> {
    let messages = request["messages"].as_array()?;
    let asked_at = messages.iter().rposition(|message| message["role"] == "user")?;
    let asked = words_of(&messages[asked_at]);
    let since = &messages[asked_at + 1..];
    if since.is_empty() {
        return Some(first_answer(&asked, &messages[..asked_at]));
    }
    let results: Vec<Value> = since
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| serde_json::from_str(message["content"].as_str().unwrap_or_default()).unwrap_or_default())
        .collect();
    Some(after_tools(&asked, &results))
}

/// The answer to what was just asked.
fn first_answer(asked: &str, before: &[Value]) -> Value {
    let lower = asked.to_lowercase();
    let is_no_text = asked.starts_with('[') && asked.ends_with(']');
    if is_no_text || words(&lower).any(|word| WANT_A_PERSON.iter().any(|start| word.starts_with(start))) {
        let reason =
            if is_no_text { "The customer sent something that is no text." } else { "The customer wants a person." };
        return call("hand_over", &json!({ "reason": reason }));
    }
    if words(&lower).all(|word| POLITE.contains(&word) || ASKING.contains(&word))
        && words(&lower).any(|word| POLITE.contains(&word))
    {
        return said("You are welcome. Ask me about anything that the shop sells.");
    }
    let own = catalogue_words(&lower);
    // “Do you have it in blue?” is about what was spoken of before.
    let query = if own.is_empty() { spoken_of(before) } else { own };
    if query.is_empty() {
        return said("What are you looking for? I know everything that the shop sells.");
    }
    call("search_products", &json!({ "query": query.join(" ") }))
}

/// What is said once tools have answered.
fn after_tools(asked: &str, results: &[Value]) -> Value {
    let last = results.last().cloned().unwrap_or_default();
    let Some(found) = last.as_array() else {
        return call("hand_over", &json!({ "reason": "A tool did not do what it was asked." }));
    };
    let Some(product) = found.first() else {
        let longest = catalogue_words(&asked.to_lowercase()).into_iter().max_by_key(|word| word.chars().count());
        return match longest.filter(|_| results.len() == 1) {
            Some(word) => call("search_products", &json!({ "query": word })),
            None => said("I do not find that in our catalogue. Shall I ask a colleague?"),
        };
    };
    let ids: Vec<&Value> = found.iter().take(3).map(|product| &product["id"]).collect();
    call("show_products", &json!({ "text": sentence(product), "ids": ids }))
}

/// What it costs and whether there is any.
fn sentence(product: &Value) -> String {
    let title = product["title"].as_str().unwrap_or("It");
    let price = match (product["price"].as_str(), product["currency"].as_str()) {
        (Some(price), Some(currency)) => format!("{title} costs {price} {currency}"),
        _ => format!("We have {title}"),
    };
    match (product["available"].as_bool(), product["stock"].as_i64()) {
        (Some(false), _) => format!("{price}, and is sold out at the moment."),
        (_, Some(stock)) if stock > 0 => format!("{price}, {stock} in stock."),
        _ => format!("{price}."),
    }
}

/// The words of a message: text, or parts of which one is text.
fn words_of(message: &Value) -> String {
    match &message["content"] {
        Value::Array(parts) => parts.iter().find_map(|part| part["text"].as_str()).unwrap_or_default().to_owned(),
        content => content.as_str().unwrap_or_default().to_owned(),
    }
}

fn words(lower: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '\'' | '-');
    lower.split(move |character| !is_part(character)).filter(|word| !word.is_empty())
}

/// The words that may stand in a catalogue.
fn catalogue_words(lower: &str) -> Vec<String> {
    words(lower)
        .filter(|word| word.chars().any(char::is_alphabetic) && !ASKING.contains(word) && !POLITE.contains(word))
        .map(str::to_owned)
        .collect()
}

/// The catalogue's words of the newest message before that has any.
fn spoken_of(before: &[Value]) -> Vec<String> {
    let said = before.iter().rev().filter(|message| message["role"] == "user");
    said.map(|message| catalogue_words(&words_of(message).to_lowercase()))
        .find(|words| !words.is_empty())
        .unwrap_or_default()
}

fn said(text: &str) -> Value {
    json!({ "role": "assistant", "content": text, "refusal": null })
}

/// Calls a tool. Its arguments are JSON, as text.
fn call(name: &str, arguments: &Value) -> Value {
    json!({
        "role": "assistant", "content": null, "refusal": null,
        "tool_calls": [{ "id": format!("call_{name}"), "type": "function",
            "function": { "name": name, "arguments": arguments.to_string() } }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(message: &Value) -> (String, Value) {
        let function = &message["tool_calls"][0]["function"];
        let arguments = serde_json::from_str(function["arguments"].as_str().unwrap_or("null")).unwrap();
        (function["name"].as_str().unwrap_or_default().to_owned(), arguments)
    }

    fn after(conversation: &[(&str, &str)]) -> Value {
        let messages: Vec<Value> =
            conversation.iter().map(|(role, content)| json!({ "role": role, "content": content })).collect();
        answer(&json!({ "messages": messages })).unwrap()
    }

    #[test]
    fn questions_are_searched_in_the_words_of_a_catalogue() {
        for (question, query) in [
            ("Hi! Is the Snowboard Classic still available?", "snowboard classic"),
            ("How much are the gloves?", "gloves"),
            ("¿Cuánto cuesta el Snowboard?", "snowboard"),
        ] {
            assert_eq!(
                called(&after(&[("user", question)])),
                ("search_products".to_owned(), json!({ "query": query }))
            );
        }
        let again =
            after(&[("user", "Boots?"), ("assistant", "Boots cost 1 EUR."), ("user", "Do you have it in blue?")]);
        assert_eq!(called(&again).1["query"], "boots");
    }

    #[test]
    fn what_is_found_is_shown_with_price_and_stock_as_they_are() {
        let found = r#"[{"id":"7","title":"Snowboard Classic","price":"649.00","currency":"EUR","available":true,"stock":3},{"id":"8"}]"#;
        let (name, arguments) = called(&after(&[("user", "snowboard?"), ("assistant", ""), ("tool", found)]));
        assert_eq!(name, "show_products");
        assert_eq!(arguments, json!({ "text": "Snowboard Classic costs 649.00 EUR, 3 in stock.", "ids": ["7", "8"] }));
        let sold_out = found.replace("true", "false");
        let message = after(&[("user", "snowboard?"), ("assistant", ""), ("tool", &sold_out)]);
        assert_eq!(called(&message).1["text"], "Snowboard Classic costs 649.00 EUR, and is sold out at the moment.");
        let once = after(&[("user", "blue snowshoes"), ("assistant", ""), ("tool", "[]")]);
        assert_eq!(called(&once).1["query"], "snowshoes");
        let twice =
            after(&[("user", "snowshoes"), ("assistant", ""), ("tool", "[]"), ("assistant", ""), ("tool", "[]")]);
        assert!(twice["content"].as_str().unwrap().contains("do not find"));
    }

    #[test]
    fn people_and_what_cannot_be_read_are_for_people() {
        for text in ["I want to talk to a human!", "Ich will einen Mitarbeiter", "Quiero un reembolso", "[image]"] {
            assert_eq!(called(&after(&[("user", text)])).0, "hand_over", "{text}");
        }
        assert_eq!(called(&after(&[("user", "x"), ("assistant", ""), ("tool", r#"{"error":"no"}"#)])).0, "hand_over");
        assert!(after(&[("user", "Thanks!")])["content"].is_string());
        assert_eq!(answer(&json!({ "messages": [{ "role": "system", "content": "x" }] })), None);
        assert_eq!(answer(&json!({})), None);
    }
}
