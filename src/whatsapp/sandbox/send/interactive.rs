//! Messages with something to tap: reply buttons, lists, a link button, a carousel of cards.
//!
//! Sources: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages>
//! and, beside it, `interactive-list-messages`, `interactive-cta-url-messages`, `interactive-media-carousel-messages` (2026).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::super::error::ApiError;
use super::content::{Content, Media, typed, within};
use super::memory::Choice;

/// The longest body of an interactive message.
const MAX_BODY_CHARACTERS: usize = 1024;

/// The longest title of a button.
const MAX_TITLE_CHARACTERS: usize = 20;

/// The longest text of a card.
const MAX_CARD_CHARACTERS: usize = 160;

/// How many rows a list may have, all sections together.
const MAX_ROWS: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Interactive {
    #[serde(rename = "type")]
    kind: String,
    header: Option<Header>,
    body: Option<Words>,
    footer: Option<Words>,
    action: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    image: Option<Media>,
    video: Option<Media>,
    document: Option<Media>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Buttons {
    buttons: Vec<Button>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Button {
    #[serde(rename = "type")]
    kind: String,
    reply: Option<Reply>,
    quick_reply: Option<Reply>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    id: String,
    title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    button: String,
    sections: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: Option<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    title: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkAction {
    name: String,
    parameters: LinkParameters,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkParameters {
    display_text: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Carousel {
    cards: Vec<Card>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    card_index: usize,
    #[serde(rename = "type")]
    kind: Option<String>,
    header: Header,
    body: Option<Words>,
    action: Value,
}

/// Reads the member `interactive`.
pub(super) fn read(value: &Value) -> Result<Content, ApiError> {
    let message: Interactive = typed("interactive", value)?;
    let mut content = Content::default();
    if let Some(body) = &message.body {
        within("interactive['body']['text']", &body.text, 1, MAX_BODY_CHARACTERS)?;
        content.text.clone_from(&body.text);
    } else if message.kind != "product" {
        return Err(ApiError::new(131_008, "interactive['body'] is required."));
    }
    if let Some(footer) = &message.footer {
        within("interactive['footer']['text']", &footer.text, 1, 60)?;
    }
    if message.kind == "carousel" && (message.header.is_some() || message.footer.is_some()) {
        return Err(ApiError::parameter("A carousel has no header and no footer outside its cards."));
    }
    if let Some(header) = message.header {
        if message.kind == "list" && header.kind != "text" {
            return Err(ApiError::parameter("The header of a list must be text."));
        }
        header.read(&mut content, &["text", "image", "video", "document"])?;
    }
    match message.kind.as_str() {
        "button" => buttons(&message.action, &mut content)?,
        "list" => list(&message.action, &mut content)?,
        "cta_url" => link(&message.action, &mut content)?,
        "carousel" => carousel(&message.action, &mut content)?,
        "product"
        | "product_list"
        | "catalog_message"
        | "flow"
        | "location_request_message"
        | "address_message"
        | "call_permission_request"
        | "voice_call" => {}
        kind => return Err(ApiError::parameter(format!("Param interactive['type'] {kind} is not known."))),
    }
    Ok(content)
}

impl Header {
    fn read(self, content: &mut Content, kinds: &[&str]) -> Result<(), ApiError> {
        if !kinds.contains(&self.kind.as_str()) {
            return Err(ApiError::parameter(format!("A header of type {} is not possible here.", self.kind)));
        }
        let missing = || ApiError::new(131_008, "The header lacks what its type names.");
        let media = match self.kind.as_str() {
            "text" => {
                let text = self.text.ok_or_else(missing)?;
                return within("header['text']", &text, 1, 60);
            }
            "image" => self.image,
            "video" => self.video,
            _ => self.document,
        };
        let read = media.ok_or_else(missing)?.read(&self.kind)?;
        content.links.extend(read.links);
        content.fetched.extend(read.fetched);
        content.uploads.extend(read.uploads);
        Ok(())
    }
}

fn buttons(action: &Value, content: &mut Content) -> Result<(), ApiError> {
    let action: Buttons = typed("interactive['action']", action)?;
    if !(1..=3).contains(&action.buttons.len()) {
        return Err(ApiError::new(131_009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"));
    }
    for button in action.buttons {
        let reply = button.reply.filter(|_| button.kind == "reply");
        let reply = reply.ok_or_else(|| ApiError::parameter("A button must have the type reply and a reply."))?;
        content.choices.push(reply.choice(256)?);
    }
    all_different(&content.choices, true)
}

impl Reply {
    fn choice(self, max_id: usize) -> Result<Choice, ApiError> {
        within("button title", &self.title, 1, MAX_TITLE_CHARACTERS)?;
        within("button id", &self.id, 1, max_id)?;
        Ok(Choice { id: self.id, title: self.title, description: None, is_row: false, is_template: false })
    }
}

fn list(action: &Value, content: &mut Content) -> Result<(), ApiError> {
    let list: List = typed("interactive['action']", action)?;
    within("action['button']", &list.button, 1, MAX_TITLE_CHARACTERS)?;
    let rows: usize = list.sections.iter().map(|section| section.rows.len()).sum();
    if !(1..=MAX_ROWS).contains(&rows) || !(1..=MAX_ROWS).contains(&list.sections.len()) {
        return Err(ApiError::new(131_009, "Total row count exceed max allowed count: 10"));
    }
    let needs_titles = list.sections.len() > 1;
    for section in list.sections {
        match &section.title {
            Some(title) => within("section title", title, 1, 24)?,
            None if needs_titles => return Err(ApiError::new(131_009, "Sections of several need titles.")),
            None => {}
        }
        for row in section.rows {
            within("row title", &row.title, 1, 24)?;
            within("row id", &row.id, 1, 200)?;
            if let Some(description) = &row.description {
                within("row description", description, 1, 72)?;
            }
            let (id, title, description) = (row.id, row.title, row.description);
            content.choices.push(Choice { id, title, description, is_row: true, is_template: false });
        }
    }
    all_different(&content.choices, false)
}

fn link(action: &Value, content: &mut Content) -> Result<(), ApiError> {
    let action: LinkAction = typed("interactive['action']", action)?;
    if action.name != "cta_url" {
        return Err(ApiError::parameter("interactive['action']['name'] must be cta_url."));
    }
    within("display_text", &action.parameters.display_text, 1, MAX_TITLE_CHARACTERS)?;
    let is_url = |text: &str| url::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
    if !is_url(&action.parameters.url) {
        return Err(ApiError::new(131_009, "The URL of the button is none."));
    }
    content.links.push(action.parameters.url);
    Ok(())
}

fn carousel(action: &Value, content: &mut Content) -> Result<(), ApiError> {
    let carousel: Carousel = typed("interactive['action']", action)?;
    if !(2..=10).contains(&carousel.cards.len()) {
        return Err(ApiError::new(131_009, "A carousel has 2 to 10 cards."));
    }
    let (mut indexes, mut headers, mut counts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for card in carousel.cards {
        if card.card_index > 9 || !indexes.insert(card.card_index) {
            return Err(ApiError::new(131_009, "card_index must be 0 to 9, each once."));
        }
        headers.insert(card.header.kind.clone());
        card.header.read(content, &["image", "video"])?;
        if let Some(body) = &card.body {
            within("card body", &body.text, 1, MAX_CARD_CHARACTERS)?;
            content.text.push_str(&format!("\n{}", body.text));
        }
        if card.kind.as_deref() == Some("cta_url") {
            link(&card.action, content)?;
            counts.insert(0);
            continue;
        }
        let action: Buttons = typed("card['action']", &card.action)?;
        counts.insert(action.buttons.len());
        for button in action.buttons {
            let reply = button.quick_reply.filter(|_| button.kind == "quick_reply");
            let reply = reply.ok_or_else(|| ApiError::parameter("A card's button must be a quick_reply."))?;
            content.choices.push(reply.choice(256)?);
        }
    }
    if headers.len() > 1 || counts.len() > 1 {
        return Err(ApiError::new(131_009, "All cards must have the same kind of header and the same buttons."));
    }
    Ok(())
}

/// Ids are unique within a message, and titles of buttons too.
fn all_different(choices: &[Choice], titles_too: bool) -> Result<(), ApiError> {
    let ids: BTreeSet<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
    let titles: BTreeSet<&str> = choices.iter().map(|choice| choice.title.as_str()).collect();
    if ids.len() < choices.len() || (titles_too && titles.len() < choices.len()) {
        return Err(ApiError::new(131_009, "Ids and titles must be unique."));
    }
    Ok(())
}
