//! Events of the feed as bots read them. What may change with time, the window, whether a bot may answer and which
//! products fit, is found out when an event is read.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::handle::Answering;
use super::products::Offer;
use super::state::{AtTime, Why};
use super::times::rfc3339;
use crate::shared::channel::meaning::{Kind, Meaning, MediaSeen, Said, WentOut};
use crate::shared::journal::{Account, EventPlace};
use crate::shared::store::{
    Connection, FeedEnds, FeedEvent, FeedItem, FeedQuery, ItemKind, PastItem, Standing, Takeover, TakeoverState,
};

/// The most bytes of a page: 1 MiB, with some left for what stands around its events.
pub const MAX_BYTES: usize = 1024 * 1024 - 1024;

/// The member in which a conversation's past stands.
const MESSAGES: &str = "messages";

/// What is longer is left out of an event: it stands in the file.
const MAX_RAW: usize = 512 * 1024;

/// Which events are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct EventQuery {
    /// Which items.
    pub feed: FeedQuery,
    /// How many products come with a message.
    pub products: usize,
    /// Whether events say whose they are: where one receiver hears of all merchants.
    pub with_merchant: bool,
    /// Whether the platform's own bytes are left out.
    pub without_raw: bool,
}

/// Events, in order.
#[derive(Debug, Clone, Default)]
pub struct EventPage {
    /// The events.
    pub events: Vec<FeedText>,
    /// The number of the last event that was looked at.
    pub next: i64,
    /// How far the feed goes.
    pub ends: FeedEnds,
}

/// An event, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedText {
    /// Its number.
    pub n: i64,
    /// Its id; `None`: it was erased.
    pub id: Option<String>,
    /// Its kind.
    pub kind: ItemKind,
    /// The conversation that it is about: channel, account, person.
    pub of: Option<(String, String, String)>,
    /// Whether a bot may answer it.
    pub answerable: Answerable,
    /// All of it as JSON on one line.
    pub json: String,
}

/// Whether a bot may answer an event: as it stood when the event was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answerable {
    /// Why not; `None`: it may.
    pub why_not: Option<Why>,
    /// The same, as if the account could send.
    pub why_not_otherwise: Option<Why>,
    /// Whether it counts as answered only because nobody could find out whether the answer was sent.
    pub is_in_doubt: bool,
    /// Until when the platform takes answers, in milliseconds since 1970; `None`: no end is known.
    pub until: Option<i64>,
}

impl Answering {
    /// Reads events.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub async fn read_events(&self, query: EventQuery) -> anyhow::Result<EventPage> {
        let EventQuery { feed, products, with_merchant, without_raw } = query;
        let merchant = feed.merchant;
        let page = self.shared.journal.read_feed(feed, self.meaning()).await?;
        let mut read = EventPage { events: Vec::new(), next: page.next, ends: page.ends };
        if page.items.is_empty() {
            return Ok(read);
        }
        let connections = self.shared.connections.list_of(merchant).await?;
        let connections: HashMap<Account, Connection> = connections
            .into_iter()
            .map(|connection| ((connection.channel.clone(), connection.account.clone()), connection))
            .collect();
        let mut bytes = 0;
        for mut item in page.items {
            let whose = with_merchant.then_some(merchant);
            if without_raw && let Some(event) = &mut item.event {
                event.payload = Vec::new();
            }
            let event = self.compose(merchant, whose, item, &connections, products).await?;
            bytes += event.json.len() + 1;
            if bytes > MAX_BYTES && !read.events.is_empty() {
                read.next = event.n - 1;
                break;
            }
            read.events.push(event);
        }
        Ok(read)
    }

    async fn compose(
        &self,
        merchant: Uuid,
        whose: Option<Uuid>,
        item: FeedItem,
        connections: &HashMap<Account, Connection>,
        products: usize,
    ) -> anyhow::Result<FeedText> {
        let connection = connections.get(&(item.channel.clone(), item.account.clone()));
        let mut object = head(&item, whose);
        let Some(content) = self.content(&item, connection) else {
            let erased = json!({ "n": item.n, "type": ItemKind::Erased.as_str() });
            let (kind, answerable) = (ItemKind::Erased, Answerable::default());
            return Ok(FeedText { n: item.n, id: None, kind, of: None, answerable, json: erased.to_string() });
        };
        object.insert("account".to_owned(), json!({ "id": item.account, "name": connection.map(|one| &one.name) }));
        if let Some(person) = &item.person {
            let conversation = format!("/api/v1/{}/{}/conversations/{person}", item.channel, item.account);
            object.insert("person".to_owned(), json!({ "id": person, "name": item.name }));
            object.insert("conversation".to_owned(), conversation.into());
        }
        object.extend(content.members);
        if let Some(text) = content.asked {
            let Offer { products, shop } = self.products.find(merchant, &text, products).await?;
            // They come last, as far as there is room; this keeps their place.
            object.insert(MESSAGES.to_owned(), Value::Array(Vec::new()));
            object.insert("products".to_owned(), products.into());
            object.insert("shop".to_owned(), shop.unwrap_or_default());
        }
        let raw =
            content.has_raw.then(|| item.event.as_ref().map(|event| event.payload.as_slice()).unwrap_or_default());
        let whole = Written::of(&object, raw);
        let messages = match object.contains_key(MESSAGES) && !item.history.is_empty() {
            true => past_text(&item.history, MAX_BYTES.saturating_sub(whole.len())),
            false => String::new(),
        };
        let json = whole.with_messages(&messages);
        let of = item.person.map(|person| (item.channel, item.account, person));
        let (kind, answerable) = (item.kind, content.answerable);
        Ok(FeedText { n: item.n, id: item.id, kind, of, answerable, json })
    }

    /// What an item says; `None`: it is not there any more.
    fn content(&self, item: &FeedItem, connection: Option<&Connection>) -> Option<Content> {
        let standing = self.at_time(&item.channel, &item.standing, connection);
        match (item.kind, &item.event) {
            (ItemKind::Message, Some(event)) => Some(message(item, event, standing)),
            (ItemKind::Echo, Some(event)) => Some(echo(item, event, standing)),
            (ItemKind::Activity, Some(event)) => Some(activity(item, event, standing)),
            (ItemKind::Takeover, event) => takeover(item, event.as_ref(), standing),
            (ItemKind::Status, _) => {
                let message: Value = serde_json::from_str(item.content.as_deref()?).ok()?;
                Some(Content::of([("message", message)]))
            }
            (ItemKind::Account | ItemKind::Catalogue, _) => {
                let members: Map<String, Value> = serde_json::from_str(item.content.as_deref()?).ok()?;
                Some(Content { members, ..Content::default() })
            }
            (ItemKind::Erased | ItemKind::Message | ItemKind::Echo | ItemKind::Activity, _) => None,
        }
    }

    fn at_time<'a>(&'a self, channel: &str, standing: &'a Standing, connection: Option<&Connection>) -> AtTime<'a> {
        AtTime {
            standing,
            profile: self.dialogue(channel).map(|dialogue| dialogue.profile()),
            is_available: connection.is_some_and(|connection| self.unavailable(connection).is_none()),
            now_ms: self.shared.clock.now_ms(),
        }
    }
}

/// What an item says.
#[derive(Default)]
struct Content {
    members: Map<String, Value>,
    /// What the person said, if somebody may want to answer.
    asked: Option<String>,
    /// Whether the platform's bytes come with it.
    has_raw: bool,
    /// Whether a bot may answer it.
    answerable: Answerable,
}

impl Content {
    fn of<const N: usize>(members: [(&str, Value); N]) -> Self {
        Self { members: members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(), ..Self::default() }
    }

    /// Adds whether a bot may answer this.
    fn with_standing(mut self, at: AtTime<'_>, asked: Option<EventPlace>) -> Self {
        let (why_not, window) = (at.why_not(asked), at.window());
        self.answerable = Answerable {
            why_not,
            why_not_otherwise: AtTime { is_available: true, ..at }.why_not(asked),
            is_in_doubt: asked.is_some_and(|asked| at.standing.is_answered_in_doubt(asked)),
            until: window.maybe_until.max(window.closes_at),
        };
        self.members.insert("bot_may_answer".to_owned(), why_not.is_none().into());
        self.members.insert("reason".to_owned(), json!(why_not));
        self.members.insert("window".to_owned(), json!(window));
        self
    }
}

fn head(item: &FeedItem, whose: Option<Uuid>) -> Map<String, Value> {
    let mut head = Map::new();
    let mut set = |name: &str, value: Value| drop(head.insert(name.to_owned(), value));
    set("n", item.n.into());
    set("id", json!(item.id));
    set("type", item.kind.as_str().into());
    set("at", rfc3339(item.at).into());
    set("received_at", rfc3339(item.received_at).into());
    if let Some(merchant) = whose {
        set("merchant", json!(merchant));
    }
    set("channel", item.channel.as_str().into());
    head
}

fn message(item: &FeedItem, event: &FeedEvent, at: AtTime<'_>) -> Content {
    // `None`: it was taken back, or this program cannot read it any more.
    let said = match &event.meaning {
        Meaning::Said(said) => Some(said),
        _ => None,
    };
    let content = Content::of([
        ("platform_id", json!(said.map(|said| &said.platform_id))),
        ("source", event.source.as_str().into()),
        ("kind", json!(said.map_or(Kind::Other, |said| said.kind))),
        ("text", json!(said.map(|said| &said.text))),
        ("choice", json!(said.map(|said| &said.choice))),
        ("media", media_json(item, said.map_or(&[], |said| said.media.as_slice()), &event.files)),
        ("reply_to", json!(said.map(|said| &said.reply_to))),
        ("referral", said.map_or(Value::Null, referral)),
    ]);
    let text = said.and_then(|said| said.text.clone()).unwrap_or_default();
    Content { has_raw: true, asked: Some(text), ..content }.with_standing(at, said.map(|_| event.place))
}

fn referral(said: &Said) -> Value {
    said.referral.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn echo(item: &FeedItem, event: &FeedEvent, at: AtTime<'_>) -> Content {
    let told: Value = item.content.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut content = Content::of([("by", told["by"].clone()), ("source", event.source.as_str().into())]);
    if let Meaning::WentOut(WentOut { platform_id, kind, text, media, reply_to, .. }) = &event.meaning {
        content.members.extend(
            Content::of([
                ("platform_id", json!(platform_id)),
                ("kind", json!(kind)),
                ("text", json!(text)),
                ("media", media_json(item, media, &event.files)),
                ("reply_to", json!(reply_to)),
            ])
            .members,
        );
    }
    Content { has_raw: true, ..content }.with_standing(at, None)
}

fn activity(item: &FeedItem, event: &FeedEvent, at: AtTime<'_>) -> Content {
    let mut content = Content::of([("source", event.source.as_str().into())]);
    // The message that is the newest unanswered one again, because what came after it was taken back.
    let told: Option<Map<String, Value>> = item.content.as_deref().and_then(|text| serde_json::from_str(text).ok());
    content.members.extend(told.unwrap_or_default());
    Content { has_raw: true, ..content }.with_standing(at, None)
}

fn takeover(item: &FeedItem, event: Option<&FeedEvent>, at: AtTime<'_>) -> Option<Content> {
    let told: Takeover = serde_json::from_str(item.content.as_deref()?).ok()?;
    // What was taken back is no question any more.
    let event = event.filter(|event| matches!(event.meaning, Meaning::Said(_)));
    let content = Content::of([
        ("state", json!(told.state)),
        ("by", json!(told.by)),
        ("until", json!(told.until.map(rfc3339))),
        ("note", json!(told.note)),
        ("unanswered", json!(told.unanswered.filter(|_| event.is_some()))),
    ]);
    let is_over = matches!(told.state, TakeoverState::Resumed | TakeoverState::OwnerBack);
    let event = event.filter(|_| is_over);
    let text = event.map(|event| match &event.meaning {
        Meaning::Said(said) => said.text.clone().unwrap_or_default(),
        _ => String::new(),
    });
    Some(Content { asked: text, ..content }.with_standing(at, event.map(|event| event.place)))
}

fn media_json(item: &FeedItem, media: &[MediaSeen], files: &[(usize, String)]) -> Value {
    let one = |(position, seen): (usize, &MediaSeen)| {
        let file = files.iter().find(|(at, _)| *at == position);
        let file = file.map(|(_, name)| format!("{}/{}/media/{name}", item.channel, item.account));
        json!({ "type": seen.kind, "url": seen.url, "file": file })
    };
    media.iter().enumerate().map(one).collect()
}

/// A message of a conversation's past as the API shows it.
#[must_use]
fn past_json(past: &PastItem) -> Value {
    json!({
        "at": rfc3339(past.at), "by": past.by.as_str(), "kind": past.kind, "text": past.text,
        "platform_id": past.platform_id,
    })
}

/// A conversation's past as the API shows it, in so many bytes: what is too much is left out from its oldest end.
#[must_use]
pub fn past_within(history: &[PastItem], most: usize) -> Value {
    newest_within(history, most).into_iter().map(|(value, _)| value).collect()
}

/// As [`past_within`], as the items of the list stand between its brackets.
fn past_text(history: &[PastItem], most: usize) -> String {
    let texts: Vec<String> = newest_within(history, most).into_iter().map(|(_, text)| text).collect();
    texts.join(",")
}

/// The newest messages that have room, in order of time: as values and as text.
fn newest_within(history: &[PastItem], most: usize) -> Vec<(Value, String)> {
    let mut left = most;
    let newest_first = history.iter().rev().map(|past| {
        let value = past_json(past);
        let text = value.to_string();
        (value, text)
    });
    let mut kept: Vec<(Value, String)> = newest_first
        .take_while(|(_, text)| {
            let bytes = text.len() + 1;
            let has_room = bytes <= left;
            left = left.saturating_sub(bytes);
            has_room
        })
        .collect();
    kept.reverse();
    kept
}

/// An event as JSON on one line, open where its messages stand.
struct Written {
    /// Up to and with the bracket that opens them; all, where it has none.
    before: String,
    after: String,
}

impl Written {
    /// The object, with the platform's own bytes as its last member: they are never read into values and written again.
    /// `raw`: `None` where it has no such member; bytes that are no JSON become null.
    fn of(object: &Map<String, Value>, raw: Option<&[u8]>) -> Self {
        let mut written = Self { before: "{".to_owned(), after: String::new() };
        let mut text = &mut written.before;
        for (index, (name, value)) in object.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&Value::from(name.as_str()).to_string());
            text.push(':');
            if name == MESSAGES && value.as_array().is_some_and(Vec::is_empty) {
                text.push('[');
                text = &mut written.after;
                text.push(']');
            } else {
                text.push_str(&value.to_string());
            }
        }
        if let Some(raw) = raw {
            let raw: Option<&RawValue> =
                Some(raw).filter(|raw| raw.len() <= MAX_RAW).and_then(|raw| serde_json::from_slice(raw).ok());
            if !object.is_empty() {
                text.push(',');
            }
            text.push_str("\"raw\":");
            // Between its members JSON may have lines, and within texts it has none.
            text.extend(
                raw.map_or("null", RawValue::get).chars().map(|one| if matches!(one, '\n' | '\r') { ' ' } else { one }),
            );
        }
        text.push('}');
        written
    }

    /// How many bytes it has without its messages.
    fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// All of it, with these messages.
    fn with_messages(self, messages: &str) -> String {
        [self.before.as_str(), messages, self.after.as_str()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_stay_as_they_are_on_one_line() {
        let object: Map<String, Value> = json!({ "n": 1 }).as_object().cloned().unwrap_or_default();
        let raw = "{\r\n  \"a\": 9007199254740993.10,\n \"b\":\"\\ud800 \\n\", \"a\": 1}";
        assert_eq!(
            Written::of(&object, Some(raw.as_bytes())).with_messages(""),
            "{\"n\":1,\"raw\":{    \"a\": 9007199254740993.10,  \"b\":\"\\ud800 \\n\", \"a\": 1}}"
        );
        for none in ["", "{", "\u{0}", "{} {}"] {
            assert_eq!(
                Written::of(&object, Some(none.as_bytes())).with_messages(""),
                "{\"n\":1,\"raw\":null}",
                "{none:?}"
            );
        }
        assert_eq!(Written::of(&object, None).with_messages(""), "{\"n\":1}");
    }

    #[test]
    fn messages_stand_in_their_place() {
        let object = json!({ "n": 1, "messages": [], "a \"b\"": { "messages": [] } });
        let object: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
        let written = |messages: &str| Written::of(&object, Some(b"{}")).with_messages(messages);
        assert_eq!(written("{},2"), r#"{"n":1,"messages":[{},2],"a \"b\"":{"messages":[]},"raw":{}}"#);
        assert_eq!(written(""), r#"{"n":1,"messages":[],"a \"b\"":{"messages":[]},"raw":{}}"#);
    }
}
