//! What a part of a message looks like to WhatsApp: its type, and the object of that type.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> and its pages of
//! message types (2026).

use serde_json::{Value, json};

use crate::shared::channel::dialogue::{Choice, MediaKind, Misfit, Part, PartContent, ProductCard};
use crate::shared::channel::view::shorten;

/// How many choices are buttons; more are a list.
const MOST_BUTTONS: usize = 3;

/// The longest text above buttons, a list or a carousel, and under a medium, in characters.
pub const LONGEST_BODY: usize = 1_024;

/// The longest text of a card in a carousel, in characters.
const LONGEST_CARD: usize = 160;

/// The words on the button that opens a list, and on the one that opens a product.
const OPEN_LIST: &str = "Choose";
const OPEN_PRODUCT: &str = "View";

const MIB: u64 = 1024 * 1024;

/// The type of a message, and the object that stands under the name of the type. `named`: the names of a template's
/// parameters, where it has names for them.
#[must_use]
pub fn body(part: &Part, named: &[String]) -> (&'static str, Value) {
    match &part.content {
        PartContent::Text { text } if part.choices.is_empty() => ("text", json!({ "body": text })),
        PartContent::Text { text } => interactive(None, text, &part.choices),
        PartContent::Media { url, media, name, caption, .. } => {
            let word = word_of(*media);
            let text = caption.as_deref().unwrap_or_default();
            let file = file(url, *media, name.as_deref());
            if !part.choices.is_empty() {
                return interactive(Some(json!({ "type": word, word: file })), text, &part.choices);
            }
            let mut object = file;
            if !text.is_empty() && *media != MediaKind::Audio {
                object["caption"] = json!(text);
            }
            (word, object)
        }
        PartContent::Products { cards, caption, .. } => products(cards, caption.as_deref(), &part.choices),
        PartContent::Template { template: wanted } => ("template", template(wanted, named)),
    }
}

/// What of a part WhatsApp does not take.
#[must_use]
pub fn misfit(part: &Part) -> Option<Misfit> {
    let choices = &part.choices;
    let invalid = |pointer: String, message: &str| Some(Misfit::Invalid { pointer, message: message.to_owned() });
    let repeated =
        choices.iter().enumerate().find(|(at, one)| choices[..*at].iter().any(|other| other.title == one.title));
    if let Some((at, _)) = repeated {
        return invalid(format!("/choices/{at}/title"), "Another choice has this title.");
    }
    let is_too_long = |text: &str| text.chars().count() > LONGEST_BODY;
    match &part.content {
        PartContent::Text { text } if !choices.is_empty() && is_too_long(text) => {
            invalid("/text".to_owned(), "Above choices at most 1024 characters fit on WhatsApp.")
        }
        PartContent::Media { media, caption, bytes, .. } => {
            if bytes.is_some_and(|bytes| bytes > largest(*media)) {
                return Some(Misfit::Media { why: "size" });
            }
            if !choices.is_empty() && (*media == MediaKind::Audio || choices.len() > MOST_BUTTONS) {
                return Some(Misfit::Unsupported);
            }
            match caption.as_deref().unwrap_or_default() {
                "" if !choices.is_empty() => {
                    invalid("/text".to_owned(), "Choices under a medium need a text on WhatsApp.")
                }
                text if is_too_long(text) => {
                    invalid("/text".to_owned(), "Under a medium at most 1024 characters fit on WhatsApp.")
                }
                _ => None,
            }
        }
        PartContent::Products { ids, .. } if !choices.is_empty() => {
            (ids.len() > 1 || choices.len() > MOST_BUTTONS).then_some(Misfit::Unsupported)
        }
        PartContent::Template { template } => misfit_of_template(template),
        _ => None,
    }
}

/// A header is a picture, a video or a file, and a parameter is one line of words.
fn misfit_of_template(template: &Value) -> Option<Misfit> {
    let header = &template["header"];
    let kind: Option<MediaKind> = serde_json::from_value(header["type"].clone()).ok();
    if kind == Some(MediaKind::Audio) {
        let (pointer, message) = ("/template/header".to_owned(), "A template's header is no audio.".to_owned());
        return Some(Misfit::Invalid { pointer, message });
    }
    let size = header["bytes"].as_u64();
    if kind.zip(size).is_some_and(|(kind, size)| size > largest(kind)) {
        return Some(Misfit::Media { why: "size" });
    }
    let is_no_line = |text: &str| text.contains(['\n', '\t']) || text.contains("     ");
    let params = template["params"].as_array().map(Vec::as_slice).unwrap_or_default();
    let at = params.iter().position(|text| text.as_str().is_some_and(is_no_line))?;
    let message = "A parameter has no line breaks, no tabs, and no five blanks in a row on WhatsApp.".to_owned();
    Some(Misfit::Invalid { pointer: format!("/template/params/{at}"), message })
}

/// The largest medium of each kind, in bytes.
fn largest(media: MediaKind) -> u64 {
    match media {
        MediaKind::Image => 5 * MIB,
        MediaKind::Audio | MediaKind::Video => 16 * MIB,
        MediaKind::File => 100 * MIB,
    }
}

fn word_of(media: MediaKind) -> &'static str {
    match media {
        MediaKind::Image => "image",
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
        MediaKind::File => "document",
    }
}

fn file(url: &str, media: MediaKind, name: Option<&str>) -> Value {
    let mut file = json!({ "link": url });
    if let Some(name) = name.filter(|_| media == MediaKind::File) {
        file["filename"] = json!(name);
    }
    file
}

/// A text with buttons, or with a list where there are too many.
fn interactive(header: Option<Value>, text: &str, choices: &[Choice]) -> (&'static str, Value) {
    let mut object = if choices.len() <= MOST_BUTTONS {
        let button = |choice: &Choice| json!({ "type": "reply", "reply": { "id": choice.id, "title": choice.title } });
        let buttons: Vec<Value> = choices.iter().map(button).collect();
        json!({ "type": "button", "action": { "buttons": buttons } })
    } else {
        let rows: Vec<Value> = choices.iter().map(|choice| json!({ "id": choice.id, "title": choice.title })).collect();
        json!({ "type": "list", "action": { "button": OPEN_LIST, "sections": [{ "rows": rows }] } })
    };
    object["body"] = json!({ "text": text });
    if let Some(header) = header {
        object["header"] = header;
    }
    ("interactive", object)
}

/// One product is a picture with a link; several are cards side by side. Cards need a picture and a link each: where one
/// has none, all are told in words.
fn products(cards: &[ProductCard], caption: Option<&str>, choices: &[Choice]) -> (&'static str, Value) {
    match cards {
        [card] => product(card, caption, choices),
        [_, _, ..] if cards.iter().all(|card| card.image.is_some() && card.url.is_some()) => {
            let titles: Vec<&str> = cards.iter().map(|card| card.title.as_str()).collect();
            let text = caption.map_or_else(|| titles.join(", "), str::to_owned);
            let shown: Vec<Value> = cards.iter().enumerate().map(|(index, card)| carousel_card(index, card)).collect();
            let body = json!({ "text": cut(&text, LONGEST_BODY) });
            ("interactive", json!({ "type": "carousel", "body": body, "action": { "cards": shown } }))
        }
        _ => {
            let told: Vec<String> = caption.map(str::to_owned).into_iter().chain(cards.iter().map(in_words)).collect();
            ("text", json!({ "body": told.join("\n\n") }))
        }
    }
}

fn product(card: &ProductCard, caption: Option<&str>, choices: &[Choice]) -> (&'static str, Value) {
    let header = card.image.as_ref().map(|image| json!({ "type": "image", "image": { "link": image } }));
    let with_caption = |words: String| caption.map_or(words.clone(), |caption| format!("{caption}\n\n{words}"));
    if !choices.is_empty() {
        return interactive(header, &cut(&with_caption(in_words(card)), LONGEST_BODY), choices);
    }
    let Some(url) = &card.url else {
        let text = with_caption(in_words(card));
        return match &card.image {
            Some(image) => ("image", json!({ "link": image, "caption": cut(&text, LONGEST_BODY) })),
            None => ("text", json!({ "body": text })),
        };
    };
    let text = cut(&with_caption(title_and_price(card)), LONGEST_BODY);
    let parameters = json!({ "display_text": OPEN_PRODUCT, "url": url });
    let mut object = json!({ "type": "cta_url", "body": { "text": text },
                             "action": { "name": "cta_url", "parameters": parameters } });
    if let Some(header) = header {
        object["header"] = header;
    }
    ("interactive", object)
}

fn carousel_card(index: usize, card: &ProductCard) -> Value {
    json!({
        "card_index": index,
        "type": "cta_url",
        "header": { "type": "image", "image": { "link": card.image } },
        "body": { "text": cut(&title_and_price(card), LONGEST_CARD) },
        "action": { "name": "cta_url", "parameters": { "display_text": OPEN_PRODUCT, "url": card.url } },
    })
}

fn title_and_price(card: &ProductCard) -> String {
    [card.title.as_str(), card.price.as_str()]
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn in_words(card: &ProductCard) -> String {
    let url = card.url.as_deref().into_iter();
    std::iter::once(title_and_price(card)).chain(url.map(str::to_owned)).collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, limit: usize) -> String {
    shorten(text, limit).unwrap_or(text).to_owned()
}

/// A message that the platform approved before, with what fills its places.
fn template(wanted: &Value, named: &[String]) -> Value {
    let mut components = Vec::new();
    if let (Some(url), Some(kind)) = (wanted["header"]["url"].as_str(), wanted["header"]["type"].as_str()) {
        let word = if kind == "file" { "document" } else { kind };
        let mut file = json!({ "link": url });
        if let Some(name) = wanted["header"]["name"].as_str().filter(|_| word == "document") {
            file["filename"] = json!(name);
        }
        components.push(json!({ "type": "header", "parameters": [{ "type": word, word: file }] }));
    }
    let params = wanted["params"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !params.is_empty() {
        let parameter = |(index, text): (usize, &Value)| match named.get(index) {
            Some(name) => json!({ "type": "text", "parameter_name": name, "text": text }),
            None => json!({ "type": "text", "text": text }),
        };
        let parameters: Vec<Value> = params.iter().enumerate().map(parameter).collect();
        components.push(json!({ "type": "body", "parameters": parameters }));
    }
    let mut object = json!({ "name": wanted["name"], "language": { "code": wanted["language"] } });
    if !components.is_empty() {
        object["components"] = json!(components);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(content: PartContent, choices: usize) -> Part {
        let choice = |number| Choice { id: format!("C{number}"), title: format!("Choice {number}") };
        Part { content, choices: (1..=choices).map(choice).collect(), reply_to: None, is_human: false }
    }

    fn text(words: &str) -> PartContent {
        PartContent::Text { text: words.to_owned() }
    }

    fn medium(media: MediaKind, caption: Option<&str>, bytes: Option<u64>) -> PartContent {
        let (url, name) = ("https://shop.example/1".to_owned(), Some("a.pdf".to_owned()));
        PartContent::Media { url, media, name, caption: caption.map(str::to_owned), bytes }
    }

    fn cards(count: usize) -> PartContent {
        let card = |number| ProductCard {
            title: format!("Board {number}"),
            price: "649.00 USD".to_owned(),
            image: Some(format!("https://shop.example/{number}.jpg")),
            url: Some(format!("https://shop.example/p/{number}")),
        };
        let cards: Vec<ProductCard> = (1..=count).map(card).collect();
        PartContent::Products { shop: String::new(), ids: vec![String::new(); count], cards, caption: None }
    }

    #[test]
    fn choices_are_buttons_and_from_four_on_a_list() {
        assert_eq!(body(&part(text("Hi"), 0), &[]), ("text", json!({"body": "Hi"})));
        let (kind, three) = body(&part(text("Which?"), 3), &[]);
        assert_eq!((kind, three["type"].as_str()), ("interactive", Some("button")));
        assert_eq!(three["action"]["buttons"][2], json!({"type":"reply","reply":{"id":"C3","title":"Choice 3"}}));
        let (_, four) = body(&part(text("Which?"), 4), &[]);
        assert_eq!((four["type"].as_str(), four["body"]["text"].as_str()), (Some("list"), Some("Which?")));
        assert_eq!(four["action"]["sections"][0]["rows"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn a_medium_goes_by_its_address_with_its_text() {
        assert_eq!(
            body(&part(medium(MediaKind::File, Some("Our list"), None), 0), &[]),
            ("document", json!({"link":"https://shop.example/1","filename":"a.pdf","caption":"Our list"}))
        );
        assert_eq!(
            body(&part(medium(MediaKind::Audio, None, None), 0), &[]),
            ("audio", json!({"link":"https://shop.example/1"}))
        );
        let (_, under) = body(&part(medium(MediaKind::Image, Some("This one?"), None), 2), &[]);
        assert_eq!(under["header"], json!({"type":"image","image":{"link":"https://shop.example/1"}}));
        assert_eq!(under["body"]["text"], "This one?");
    }

    #[test]
    fn one_product_is_a_picture_with_a_link_and_several_are_a_carousel() {
        let (_, one) = body(&part(cards(1), 0), &[]);
        assert_eq!(
            (one["type"].as_str(), one["body"]["text"].as_str()),
            (Some("cta_url"), Some("Board 1\n649.00 USD"))
        );
        assert_eq!(one["action"]["parameters"]["url"], "https://shop.example/p/1");
        let (_, ten) = body(&part(cards(10), 0), &[]);
        let shown = ten["action"]["cards"].as_array().unwrap();
        assert_eq!((ten["type"].as_str(), shown.len()), (Some("carousel"), 10));
        assert_eq!((shown[9]["card_index"].as_u64(), shown[9]["type"].as_str()), (Some(9), Some("cta_url")));
        let PartContent::Products { mut cards, .. } = cards(2) else { panic!() };
        cards[1].image = None;
        let (kind, told) = products(&cards, None, &[]);
        assert_eq!(kind, "text");
        assert!(told["body"].as_str().unwrap().contains("https://shop.example/p/2"));
    }

    #[test]
    fn a_template_gets_what_fills_its_places() {
        let wanted = json!({"name":"shipping_note","language":"en_US","params":["PX-42"],
                            "header":{"url":"https://shop.example/1","type":"image"}});
        let part = part(PartContent::Template { template: wanted }, 0);
        assert_eq!(
            body(&part, &[]),
            (
                "template",
                json!({"name":"shipping_note","language":{"code":"en_US"},"components":[
                    {"type":"header","parameters":[{"type":"image","image":{"link":"https://shop.example/1"}}]},
                    {"type":"body","parameters":[{"type":"text","text":"PX-42"}]}]})
            )
        );
        let (_, named) = body(&part, &["order".to_owned()]);
        assert_eq!(named["components"][1]["parameters"][0]["parameter_name"], "order");
    }

    #[test]
    fn what_does_not_fit_is_told_before_it_is_sent() {
        let invalid = |content, choices, expected: &str| match misfit(&part(content, choices)) {
            Some(Misfit::Invalid { pointer, .. }) => assert_eq!(pointer, expected),
            other => panic!("{expected}: {other:?}"),
        };
        let mut twins = part(text("a"), 3);
        twins.choices[2].title = "Choice 1".to_owned();
        assert!(matches!(misfit(&twins), Some(Misfit::Invalid { pointer, .. }) if pointer == "/choices/2/title"));
        invalid(text(&"x".repeat(1025)), 1, "/text");
        assert_eq!(misfit(&part(text(&"x".repeat(4096)), 0)), None);
        invalid(medium(MediaKind::Image, None, None), 1, "/text");
        invalid(medium(MediaKind::Image, Some(&"x".repeat(1025)), None), 0, "/text");
        assert_eq!(
            misfit(&part(medium(MediaKind::Image, None, Some(5 * MIB + 1)), 0)),
            Some(Misfit::Media { why: "size" })
        );
        assert_eq!(misfit(&part(medium(MediaKind::Video, None, Some(16 * MIB)), 0)), None);
        assert_eq!(misfit(&part(medium(MediaKind::Audio, Some("a"), None), 1)), Some(Misfit::Unsupported));
        assert_eq!(misfit(&part(cards(2), 1)), Some(Misfit::Unsupported));
        assert_eq!(misfit(&part(cards(1), 3)), None);
    }
}
