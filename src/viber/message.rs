//! Messages of ours: as Viber is sent them, and as they stand in the conversation's file.
//!
//! Source: <https://creators.viber.com/docs/bots-api/resources/messaging/send-message>,
//! <https://developers.viber.com/docs/tools/keyboards/> (2026).

use serde_json::{Map, Value, json};

use super::config::{Config, LONGEST_NAME};
use super::names::NAME;
use super::payload::{self, message_key};
use crate::shared::channel::dialogue::{Choice, MediaKind, Part, PartContent, ProductCard, Sent};
use crate::shared::channel::view::shorten;
use crate::shared::journal::{DedupeKey, Effect, Event, Source};
use crate::shared::raw_json::Object;

/// The largest body of a call, in bytes.
pub const LARGEST_BODY: usize = 30 * 1024;

/// The longest `tracking_data`, in characters.
const LONGEST_TRACKING: usize = 4_000;

/// The longest name of a file, in characters.
const LONGEST_FILE_NAME: usize = 256;

/// The oldest clients that understand what everybody sends, those that show cards, and those that keep a tap out of the chat:
/// others would show the button's id as the person's words.
/// Source: <https://github.com/Bogdaan/viber-bot-php/issues/104> and `/48` (2018 to 2021): below 7 `Silent` has no effect.
const ANY_CLIENT: u32 = 1;
const WITH_CARDS: u32 = 2;
const WITH_SILENT_BUTTONS: u32 = 7;

/// A carousel is so many columns wide, and a card so many rows high at most.
const COLUMNS: u32 = 6;
const IMAGE_ROWS: u32 = 4;

/// The longest title of a card and of its price, in characters.
const CARD_TITLE: usize = 80;

/// Who is shown above a message: the name of the settings, else the bot's own.
fn sender(config: &Config, bot: Option<&str>) -> Option<Value> {
    let name = config.sender_name.as_deref().or(bot).filter(|name| !name.trim().is_empty())?;
    let mut sender = json!({ "name": shorten(name, LONGEST_NAME).unwrap_or(name) });
    if let Some(avatar) = &config.sender_avatar {
        sender["avatar"] = json!(avatar.as_str());
    }
    Some(sender)
}

/// What somebody reads who opens the chat for the first time. `bot`: what the bot is called.
#[must_use]
pub fn welcome(config: &Config, bot: Option<&str>) -> Option<Value> {
    let text = config.welcome.as_ref()?;
    Some(json!({ "sender": sender(config, bot)?, "type": "text", "text": text, "tracking_data": "welcome" }))
}

/// The oldest client that shows this content, whatever it does with buttons under it.
#[must_use]
pub fn oldest_client(content: &PartContent) -> u32 {
    if matches!(content, PartContent::Products { .. }) { WITH_CARDS } else { ANY_CLIENT }
}

/// The body of a call that sends a part. `receiver`: the person's id at Viber. `None`: Viber has no such message.
#[must_use]
pub fn body(config: &Config, bot: Option<&str>, receiver: &str, part: &Part, mark: &str) -> Option<Value> {
    let oldest = if part.choices.is_empty() { oldest_client(&part.content) } else { WITH_SILENT_BUTTONS };
    let mut body = json!({
        "receiver": receiver,
        "min_api_version": oldest,
        "sender": sender(config, bot)?,
        "tracking_data": tracking(mark, &part.choices),
    });
    if let (Value::Object(body), Value::Object(message)) = (&mut body, message(part)?) {
        body.extend(message);
    }
    Some(body)
}

/// How many bytes a part takes as it is sent to a person with this id, with this mark and the longest sender.
#[must_use]
pub fn size_of(receiver: &str, part: &Part, mark: &str) -> usize {
    let around = json!({ "receiver": receiver, "min_api_version": 1, "tracking_data": tracking(mark, &part.choices) });
    // A name of 28 characters and the address of a picture.
    const SENDER: usize = 28 * 4 + 512;
    let message = message(part).map_or(0, |message| message.to_string().len());
    around.to_string().len() + SENDER + message
}

/// What is said: the type and its members, and the buttons under it.
fn message(part: &Part) -> Option<Value> {
    let mut message = match &part.content {
        PartContent::Text { text } => json!({ "type": "text", "text": text }),
        PartContent::Media { url, media: MediaKind::Image, caption, .. } => {
            json!({ "type": "picture", "text": caption.as_deref().unwrap_or_default(), "media": url })
        }
        PartContent::Media { url, media: MediaKind::Video, bytes, .. } => {
            json!({ "type": "video", "media": url, "size": bytes })
        }
        PartContent::Media { url, name, bytes, .. } => {
            json!({ "type": "file", "media": url, "size": bytes, "file_name": file_name(name.as_deref(), url) })
        }
        PartContent::Products { cards, .. } => {
            let titles: Vec<&str> = cards.iter().map(|card| card.title.as_str()).collect();
            json!({ "type": "rich_media", "alt_text": titles.join(", "), "rich_media": carousel(cards) })
        }
        PartContent::Template { .. } => return None,
    };
    if !part.choices.is_empty() {
        message["keyboard"] = keyboard(&part.choices);
    }
    Some(message)
}

/// What comes back with the person's next message: our mark, and what the buttons are called. A tap says no more than the
/// button's id.
fn tracking(mark: &str, choices: &[Choice]) -> String {
    let choices: Map<String, Value> = choices.iter().map(|one| (one.id.clone(), json!(one.title))).collect();
    match choices.is_empty() {
        true => mark.to_owned(),
        false => {
            let whole = format!("{mark} {}", Value::Object(choices));
            if whole.chars().count() <= LONGEST_TRACKING { whole } else { mark.to_owned() }
        }
    }
}

/// Whether the last message before was one of ours whose buttons did not fit into it: a tap is known by nothing else then.
#[must_use]
pub fn hides_buttons(tracking: &str) -> bool {
    tracking.starts_with("msg_") && !tracking.contains(' ')
}

/// The title of the button with this id, if a message with such a button was the last one before.
#[must_use]
pub fn title_of(tracking: &str, id: &str) -> Option<String> {
    let (_, choices) = tracking.split_once(' ')?;
    serde_json::from_str::<Map<String, Value>>(choices).ok()?.get(id)?.as_str().map(str::to_owned)
}

/// Buttons below the field in which people write. They stay out of the chat when tapped: a person would read the id.
fn keyboard(choices: &[Choice]) -> Value {
    let button = |choice: &Choice| {
        json!({
            "Columns": COLUMNS, "Rows": 1, "ActionType": "reply", "ActionBody": choice.id, "Text": plain(&choice.title),
            "TextSize": "regular", "Silent": true,
        })
    };
    let buttons: Vec<Value> = choices.iter().map(button).collect();
    json!({ "Type": "keyboard", "DefaultHeight": false, "Buttons": buttons })
}

fn carousel(cards: &[ProductCard]) -> Value {
    let buttons: Vec<Value> = cards.iter().flat_map(card).collect();
    json!({
        "Type": "rich_media", "ButtonsGroupColumns": COLUMNS, "ButtonsGroupRows": IMAGE_ROWS + 2, "BgColor": "#FFFFFF",
        "Buttons": buttons,
    })
}

/// A card: its picture over its title and price. All cards of a carousel have one height.
fn card(card: &ProductCard) -> Vec<Value> {
    let action = |mut button: Value| {
        match &card.url {
            Some(url) => {
                button["ActionType"] = json!("open-url");
                button["ActionBody"] = json!(url);
            }
            None => {
                button["ActionType"] = json!("none");
                button["ActionBody"] = json!("none");
            }
        }
        button
    };
    let cut = |text: &str| plain(shorten(text, CARD_TITLE).unwrap_or(text));
    let words = format!("<b>{}</b><br>{}", cut(&card.title), cut(&card.price));
    let words = |rows| {
        action(json!({
            "Columns": COLUMNS, "Rows": rows, "Text": words, "TextSize": "medium", "TextVAlign": "middle",
            "TextHAlign": "left",
        }))
    };
    match &card.image {
        Some(image) => vec![action(json!({ "Columns": COLUMNS, "Rows": IMAGE_ROWS, "Image": image })), words(2)],
        None => vec![words(IMAGE_ROWS + 2)],
    }
}

/// A text for a button, where some tags of HTML have a meaning.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A name for a file: Viber wants one, and goes by its ending.
fn file_name(name: Option<&str>, url: &str) -> String {
    let last = url::Url::parse(url).ok().and_then(|url| Some(url.path_segments()?.next_back()?.to_owned()));
    let name = name.map(str::to_owned).or(last).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "file".to_owned());
    shorten(&name, LONGEST_FILE_NAME).unwrap_or(&name).to_owned()
}

/// The copy of a part that was sent, as the event of it: in the shape of a callback, with who receives it.
#[must_use]
pub fn own_copy(
    (account, person): (&str, &str),
    sender: (&Config, Option<&str>),
    receiver: &str,
    part: &Part,
    (sent, at_ms): (&Sent, i64),
) -> Option<Event> {
    let token = sent.platform_id.parse::<u64>().map_or_else(|_| json!(sent.platform_id), |token| json!(token));
    let copy = json!({
        "event": payload::MESSAGE,
        "timestamp": at_ms,
        "message_token": token,
        "receiver": { "id": receiver },
        "sender": self::sender(sender.0, sender.1)?,
        "message": message(part)?,
    });
    Some(Event {
        channel: NAME,
        account: account.to_owned(),
        key: message_key(account, &sent.platform_id),
        name: Some(DedupeKey::of_own_copy(NAME, account, &sent.platform_id)),
        kind: payload::SENT.into(),
        effect: Effect::Conversation { person: person.to_owned(), opens: true },
        occurred_at: Some(at_ms),
        source: Source::Local,
        payload: copy.to_string().into_bytes(),
    })
}

/// What a callback or a copy says: its message, and our own words in it that came back.
#[must_use]
pub fn tracking_of(message: &Object<'_>) -> String {
    message.readable("tracking_data").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::secrets::signature::Secrets;

    fn config() -> Config {
        let url = |text: &str| url::Url::parse(text).unwrap();
        Config {
            token: Secrets::new("a token for tests".into(), None),
            sender_name: None,
            sender_avatar: None,
            welcome: Some("Hello!".to_owned()),
            outside_session: false,
            webhook_address: url("https://shop.example/viber/webhook"),
            api_url: url("https://chatapi.example/pa"),
            has_public_key: false,
        }
    }

    fn part(content: PartContent) -> Part {
        Part { content, choices: Vec::new(), reply_to: None, is_human: false }
    }

    #[test]
    fn a_text_names_receiver_sender_and_our_mark() {
        let mut text = part(PartContent::Text { text: "Yes, from 18:00.".to_owned() });
        assert_eq!(
            body(&config(), Some("Harbour Cafe"), "dGVzdC11c2VyLTAx/A==", &text, "msg_1:1").unwrap(),
            json!({"receiver":"dGVzdC11c2VyLTAx/A==","min_api_version":1,"sender":{"name":"Harbour Cafe"},
                   "tracking_data":"msg_1:1","type":"text","text":"Yes, from 18:00."})
        );
        text.choices = vec![Choice { id: "LINK".to_owned(), title: "Send <it>".to_owned() }];
        let with_choice = body(&config(), Some("Harbour Cafe"), "x", &text, "msg_1:1").unwrap();
        assert_eq!(with_choice["min_api_version"], 7);
        let button = &with_choice["keyboard"]["Buttons"][0];
        assert_eq!((&button["ActionBody"], &button["Text"]), (&json!("LINK"), &json!("Send &lt;it&gt;")));
        let tracking = with_choice["tracking_data"].as_str().unwrap();
        assert!(tracking.starts_with("msg_1:1 "), "{tracking}");
        assert_eq!(title_of(tracking, "LINK").as_deref(), Some("Send <it>"));
        assert_eq!((title_of(tracking, "OTHER"), title_of("msg_1:1", "LINK")), (None, None));
    }

    #[test]
    fn a_long_name_is_cut_and_without_one_nothing_is_sent() {
        let name = sender(&config(), Some(&"ä".repeat(40))).unwrap();
        assert_eq!(name["name"].as_str().unwrap().chars().count(), 28);
        assert_eq!(sender(&config(), Some(" ")), None);
        assert_eq!(welcome(&config(), None), None);
        assert_eq!(welcome(&config(), Some("Cafe")).unwrap()["text"], "Hello!");
    }

    #[test]
    fn products_are_a_carousel_whose_cards_have_one_height() {
        let cards = vec![
            ProductCard {
                title: "Board <b>".to_owned(),
                price: "649.00 USD".to_owned(),
                image: Some("https://shop.example/1.jpg".to_owned()),
                url: Some("https://shop.example/p/1".to_owned()),
            },
            ProductCard { title: "Wax".to_owned(), price: "5 USD".to_owned(), ..ProductCard::default() },
        ];
        let content = PartContent::Products { shop: String::new(), ids: Vec::new(), cards, caption: None };
        let body = body(&config(), Some("Cafe"), "x", &part(content), "m").unwrap();
        assert_eq!((&body["type"], &body["min_api_version"]), (&json!("rich_media"), &json!(2)));
        let rows = |button: &Value| button["Rows"].as_u64().unwrap();
        let buttons = body["rich_media"]["Buttons"].as_array().unwrap();
        let height = body["rich_media"]["ButtonsGroupRows"].as_u64().unwrap();
        assert_eq!((buttons.len(), rows(&buttons[0]) + rows(&buttons[1]), rows(&buttons[2])), (3, height, height));
        assert_eq!(buttons[1]["Text"], "<b>Board &lt;b&gt;</b><br>649.00 USD");
        assert_eq!((&buttons[0]["ActionType"], &buttons[2]["ActionType"]), (&json!("open-url"), &json!("none")));
    }

    #[test]
    fn a_medium_goes_by_its_address_and_a_sound_as_a_file() {
        let medium = |media, name: Option<&str>, bytes| {
            let url = "https://shop.example/a/voice%20one.ogg?x=1".to_owned();
            let content = PartContent::Media { url, media, name: name.map(str::to_owned), caption: None, bytes };
            message(&part(content)).unwrap()
        };
        let url = "https://shop.example/a/voice%20one.ogg?x=1";
        assert_eq!(medium(MediaKind::Image, None, None), json!({"type":"picture","text":"","media":url}));
        assert_eq!(medium(MediaKind::Video, None, Some(9)), json!({"type":"video","media":url,"size":9}));
        let file = json!({"type":"file","media":url,"size":7,"file_name":"voice%20one.ogg"});
        assert_eq!(medium(MediaKind::Audio, None, Some(7)), file);
        assert_eq!(medium(MediaKind::File, Some("bill.pdf"), Some(7))["file_name"], "bill.pdf");
    }

    #[test]
    fn our_copy_has_the_shape_of_a_callback_and_an_exact_token() {
        let text = part(PartContent::Text { text: "Yes, from 18:00.".to_owned() });
        let sent = Sent { platform_id: "5912661846655239001".to_owned(), ..Sent::default() };
        let config = config();
        let event = own_copy(
            ("5346", "dGVzdC11c2VyLTAx_A"),
            (&config, Some("Harbour Cafe")),
            "dGVzdC11c2VyLTAx/A==",
            &text,
            (&sent, 1_795_219_300_123),
        );
        let event = event.unwrap();
        assert_eq!(
            String::from_utf8(event.payload.clone()).unwrap(),
            r#"{"event":"message","timestamp":1795219300123,"message_token":5912661846655239001,"receiver":{"id":"dGVzdC11c2VyLTAx/A=="},"sender":{"name":"Harbour Cafe"},"message":{"type":"text","text":"Yes, from 18:00."}}"#
        );
        let again = payload::event(super::super::names::account("5346").as_ref(), &event.payload);
        assert_eq!((again.key, again.kind, again.effect), (event.key, event.kind, event.effect));
    }
}
