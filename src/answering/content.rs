//! What a caller wants to say: read strictly, and cut into the parts that a channel can send.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::cut::{cut, cut_to};
use crate::shared::channel::dialogue::{Ability, Choice, Dialogue, MediaKind, Part, PartContent, Profile};
use crate::shared::store::Author;
use crate::shared::text_fold::is_blank;

/// The longest text of a message, in characters.
const LONGEST_TEXT: usize = 10_000;

/// How many parts a text is cut into at most.
const MOST_PARTS: usize = 5;

/// The most choices that any channel has, and their limits in characters.
const MOST_CHOICES: usize = 13;
const LONGEST_CHOICE_ID: usize = 200;
const LONGEST_CHOICE_TITLE: usize = 20;

/// How many products one message shows.
const MOST_PRODUCTS: usize = 10;

/// The longest address of a medium, in characters.
const LONGEST_URL: usize = 2_000;

/// Limits of a template's members in characters, and how many parameters it may have.
const LONGEST_TEMPLATE_NAME: usize = 512;
const LONGEST_LANGUAGE: usize = 20;
const LONGEST_PARAM: usize = 1_024;
const MOST_PARAMS: usize = 100;

/// How long a message may wait, in seconds.
const LIVES: RangeInclusive<u64> = 10..=86_400;
const USUAL_LIFE: u64 = 600;

/// What does not fit, and where it stands in the request (a JSON pointer, RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Misfit {
    /// Where.
    pub pointer: String,
    /// What is wrong, one sentence. It does not repeat what stands there.
    pub message: Cow<'static, str>,
}

impl Misfit {
    /// Says what is wrong at this place.
    pub fn new(pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// What a caller wants to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The words.
    pub text: Option<String>,
    /// Buttons under the last part.
    pub choices: Vec<Choice>,
    /// Products of the catalogue, by their ids.
    pub products: Vec<String>,
    /// A medium.
    pub media: Option<Media>,
    /// A message that the platform approved before.
    pub template: Option<Value>,
    /// The picture, video or file above it.
    pub header: Option<Media>,
    /// The platform's id of the message that is quoted.
    pub reply_to: Option<String>,
    /// The event that is answered.
    pub answers: Option<String>,
    /// Who writes.
    pub author: Author,
    /// How long the message may wait, in seconds.
    pub ttl_seconds: u64,
}

/// A medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// One that was uploaded: its id.
    Uploaded(String),
    /// One that the platform fetches.
    Linked {
        /// Its address.
        url: String,
        /// What it is.
        kind: MediaKind,
        /// A name for a file.
        name: Option<String>,
        /// Its size, where the caller knows it.
        bytes: Option<u64>,
    },
}

impl Content {
    /// Reads a request's body.
    ///
    /// # Errors
    /// Everything that does not fit.
    pub fn read(body: &Value) -> Result<Self, Vec<Misfit>> {
        let Some(members) = body.as_object() else {
            return Err(vec![Misfit::new("", "The body must be a JSON object.")]);
        };
        let mut reader = Reader { members, misfits: Vec::new() };
        reader.refuse_others(
            "",
            members,
            &["text", "choices", "products", "media", "template", "reply_to", "answers", "author", "ttl_seconds"],
        );
        let (template, header) = reader.template();
        let content = Self {
            text: reader.seen_text("text", 1..=LONGEST_TEXT),
            choices: reader.choices(),
            products: reader.products(),
            media: reader.media(),
            template,
            header,
            reply_to: reader.text("reply_to", 1..=500),
            answers: reader.text("answers", 1..=100),
            author: reader.author(),
            ttl_seconds: reader.ttl(),
        };
        reader.check_body(&content);
        if reader.misfits.is_empty() { Ok(content) } else { Err(reader.misfits) }
    }

    /// What a channel must be able to send for this.
    pub fn needs(&self) -> impl Iterator<Item = Ability> {
        [
            (self.text.is_some(), Ability::Text),
            (!self.choices.is_empty(), Ability::Choices),
            (!self.products.is_empty(), Ability::Products),
            (self.media.is_some(), Ability::Media),
            (self.template.is_some(), Ability::Template),
        ]
        .into_iter()
        .filter_map(|(is_needed, ability)| is_needed.then_some(ability))
    }

    /// The medium of the message: its own, or that of its template's header.
    #[must_use]
    pub fn medium(&self) -> Option<&Media> {
        self.media.as_ref().or(self.header.as_ref())
    }

    /// Cuts the message into the parts that a channel sends. `medium`: [`Content::medium`] as the platform will fetch it;
    /// `shop`: whose products they are.
    ///
    /// # Errors
    /// A text that does not fit into so many parts.
    pub fn into_parts(
        &self,
        dialogue: &dyn Dialogue,
        medium: Option<PartContent>,
        shop: &str,
    ) -> Result<Vec<Part>, Misfit> {
        let (media, header) = if self.template.is_some() { (None, medium) } else { (medium, None) };
        let profile = dialogue.profile();
        let (mut pieces, caption) = self.cut_text(dialogue, media.as_ref());
        if pieces.len() > MOST_PARTS {
            return Err(Misfit::new("/text", "The text does not fit into five parts of this channel."));
        }
        let mut contents: Vec<PartContent> =
            pieces.drain(..).map(|text| PartContent::Text { text: text.to_owned() }).collect();
        contents.extend(media.map(|mut media| {
            if let PartContent::Media { caption: words, .. } = &mut media {
                *words = caption.map(str::to_owned);
            }
            media
        }));
        for ids in self.products.chunks(profile.cards.max(1)) {
            let (shop, ids) = (shop.to_owned(), ids.to_vec());
            let caption = caption.map(str::to_owned);
            contents.push(PartContent::Products { shop, ids, cards: Vec::new(), caption });
        }
        contents.extend(self.template.clone().map(|mut template| {
            if let Some(PartContent::Media { url, media, name, bytes, .. }) = header {
                template["header"] = json!({ "url": url, "type": media, "name": name, "bytes": bytes });
            }
            PartContent::Template { template }
        }));
        let last = contents.len().saturating_sub(1);
        let part = |(index, content): (usize, PartContent)| Part {
            content,
            choices: if index == last { self.choices.clone() } else { Vec::new() },
            reply_to: self.reply_to.clone().filter(|_| index == 0),
            is_human: false,
        };
        Ok(contents.into_iter().enumerate().map(part).collect())
    }

    /// The pieces of the text that are parts of their own, and the one that goes with what follows. What stands with choices
    /// may have to be shorter: then it is the end of the text.
    fn cut_text(&self, dialogue: &dyn Dialogue, media: Option<&PartContent>) -> (Vec<&str>, Option<&str>) {
        let Some(text) = self.text.as_deref() else { return (Vec::new(), None) };
        let profile = dialogue.profile();
        let (limit, with_choices) = (dialogue.text_limit(&[]), dialogue.text_limit(&self.choices));
        let is_alone = media.is_none() && self.products.is_empty();
        if is_alone {
            return (cut_to(text, limit, with_choices), None);
        }
        let Some(longest) = self.longest_caption(profile, media) else { return (cut(text, limit), None) };
        let with_choices = with_choices.at_most(longest);
        if with_choices.fits(text) {
            return (Vec::new(), Some(text));
        }
        if self.choices.is_empty() || media.is_none() {
            return (cut(text, limit), None);
        }
        let mut pieces = cut_to(text, limit, with_choices);
        let caption = pieces.pop();
        (pieces, caption)
    }

    /// How long a text may be that goes with the medium or with the only part of products, in characters; `None`: it goes
    /// before.
    fn longest_caption(&self, profile: &Profile, media: Option<&PartContent>) -> Option<usize> {
        match media {
            Some(PartContent::Media { media, .. }) => {
                profile.captions.iter().find(|(kind, _)| kind == media).map(|(_, most)| *most)
            }
            None if (1..=profile.cards).contains(&self.products.len()) => profile.caption_of_products,
            _ => None,
        }
    }
}

struct Reader<'a> {
    members: &'a Map<String, Value>,
    misfits: Vec<Misfit>,
}

impl Reader<'_> {
    fn misfit(&mut self, pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) {
        self.misfits.push(Misfit::new(pointer, message));
    }

    fn refuse_others(&mut self, below: &str, members: &Map<String, Value>, known: &[&str]) {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            self.misfit(format!("{below}/{escaped}"), "There is no such member.");
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let found = self.get(name).cloned()?;
        self.text_at(&format!("/{name}"), &found, length)
    }

    /// As [`Reader::text`], for what people are to read: no platform takes a text of which nobody sees anything.
    fn seen_text(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let found = self.get(name).cloned()?;
        self.seen_text_at(&format!("/{name}"), &found, length)
    }

    fn seen_text_at(&mut self, pointer: &str, value: &Value, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.text_at(pointer, value, length)?;
        if is_blank(&text) {
            self.misfit(pointer, "This must have characters that can be seen.");
            return None;
        }
        Some(text)
    }

    fn text_at(&mut self, pointer: &str, value: &Value, length: RangeInclusive<usize>) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.misfit(pointer, "This must be text.");
            return None;
        };
        let characters = text.chars().count();
        if !length.contains(&characters) {
            let (least, most) = length.into_inner();
            self.misfit(pointer, format!("This must have {least} to {most} characters; it has {characters}."));
            return None;
        }
        Some(text.to_owned())
    }

    fn list(&mut self, name: &str, most: usize) -> Vec<Value> {
        let Some(found) = self.get(name).cloned() else { return Vec::new() };
        match found {
            Value::Array(items) if (1..=most).contains(&items.len()) => items,
            Value::Array(_) => {
                self.misfit(format!("/{name}"), format!("This must have 1 to {most} entries."));
                Vec::new()
            }
            _ => {
                self.misfit(format!("/{name}"), "This must be a list.");
                Vec::new()
            }
        }
    }

    fn choices(&mut self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for (index, item) in self.list("choices", MOST_CHOICES).iter().enumerate() {
            let pointer = format!("/choices/{index}");
            let Some(members) = item.as_object() else {
                self.misfit(pointer, "This must be an object with id and title.");
                continue;
            };
            self.refuse_others(&pointer, members, &["id", "title"]);
            let missing = Value::Null;
            let of = |name: &str| members.get(name).unwrap_or(&missing);
            let id = self.text_at(&format!("{pointer}/id"), of("id"), 1..=LONGEST_CHOICE_ID);
            let title = self.seen_text_at(&format!("{pointer}/title"), of("title"), 1..=LONGEST_CHOICE_TITLE);
            if let (Some(id), Some(title)) = (id, title) {
                if choices.iter().any(|other| other.id == id) {
                    self.misfit(format!("{pointer}/id"), "Another choice has this id.");
                }
                choices.push(Choice { id, title });
            }
        }
        choices
    }

    fn products(&mut self) -> Vec<String> {
        let mut products = Vec::new();
        for (index, item) in self.list("products", MOST_PRODUCTS).iter().enumerate() {
            // Ids of a shop are numbers, and are met as such.
            let item = if item.is_u64() { Value::String(item.to_string()) } else { item.clone() };
            products.extend(self.text_at(&format!("/products/{index}"), &item, 1..=100));
        }
        products
    }

    fn media(&mut self) -> Option<Media> {
        let found = self.get("media").cloned()?;
        self.media_at("/media", &found)
    }

    fn media_at(&mut self, pointer: &str, found: &Value) -> Option<Media> {
        let below = |name: &str| format!("{pointer}/{name}");
        let Some(members) = found.as_object() else {
            self.misfit(pointer, "This must be an object with id, or with url and type.");
            return None;
        };
        if let Some(id) = members.get("id") {
            self.refuse_others(pointer, members, &["id"]);
            return self.text_at(&below("id"), id, 1..=100).map(Media::Uploaded);
        }
        self.refuse_others(pointer, members, &["url", "type", "name", "bytes"]);
        let missing = Value::Null;
        let url = self.text_at(&below("url"), members.get("url").unwrap_or(&missing), 1..=LONGEST_URL);
        let kind = match serde_json::from_value(members.get("type").cloned().unwrap_or_default()) {
            Ok(kind) => Some(kind),
            Err(_) => {
                self.misfit(below("type"), "This must be image, video, audio or file.");
                None
            }
        };
        let name = match members.get("name").filter(|name| !name.is_null()) {
            Some(name) => self.text_at(&below("name"), name, 1..=100),
            None => None,
        };
        let bytes = match members.get("bytes").filter(|bytes| !bytes.is_null()) {
            Some(bytes) if bytes.is_u64() => bytes.as_u64(),
            Some(_) => {
                self.misfit(below("bytes"), "This must be a whole number.");
                None
            }
            None => None,
        };
        Some(Media::Linked { url: url?, kind: kind?, name, bytes })
    }

    /// A template, and the picture, video or file above it.
    fn template(&mut self) -> (Option<Value>, Option<Media>) {
        let Some(found) = self.get("template").cloned() else { return (None, None) };
        let Some(members) = found.as_object() else {
            self.misfit("/template", "This must be an object with name and language.");
            return (None, None);
        };
        self.refuse_others("/template", members, &["name", "language", "params", "header"]);
        let missing = Value::Null;
        let of = |name: &str| members.get(name).unwrap_or(&missing);
        self.text_at("/template/name", of("name"), 1..=LONGEST_TEMPLATE_NAME);
        self.text_at("/template/language", of("language"), 1..=LONGEST_LANGUAGE);
        match of("params") {
            Value::Null => {}
            Value::Array(params) if params.len() <= MOST_PARAMS => {
                for (index, param) in params.iter().enumerate() {
                    self.text_at(&format!("/template/params/{index}"), param, 1..=LONGEST_PARAM);
                }
            }
            _ => self.misfit("/template/params", format!("This must be a list of at most {MOST_PARAMS} texts.")),
        }
        let header = members.get("header").filter(|header| !header.is_null());
        let header = header.and_then(|header| self.media_at("/template/header", header));
        (Some(found), header)
    }

    fn author(&mut self) -> Author {
        match self.get("author").and_then(Value::as_str) {
            Some("human") => Author::Human,
            Some("bot") => Author::Bot,
            None if self.get("author").is_none() => Author::Bot,
            _ => {
                self.misfit("/author", "This must be bot or human.");
                Author::Bot
            }
        }
    }

    fn ttl(&mut self) -> u64 {
        let Some(found) = self.get("ttl_seconds") else { return USUAL_LIFE };
        match found.as_u64().filter(|seconds| LIVES.contains(seconds)) {
            Some(seconds) => seconds,
            None => {
                self.misfit("/ttl_seconds", "This must be a whole number from 10 to 86400.");
                USUAL_LIFE
            }
        }
    }

    /// Exactly one of text, products, media and template is the body; a text may stand beside products and media.
    fn check_body(&mut self, content: &Content) {
        let others = [!content.products.is_empty(), content.media.is_some(), content.template.is_some()];
        let bodies = others.into_iter().filter(|is_there| *is_there).count();
        if !self.misfits.is_empty() {
            return;
        }
        match bodies {
            0 if content.text.is_none() => {
                self.misfit("", "There must be one of text, products, media and template.");
            }
            0 | 1 => {}
            _ => self.misfit("", "There must be only one of products, media and template."),
        }
        if content.template.is_some() && (content.text.is_some() || !content.choices.is_empty()) {
            self.misfit("/template", "A template stands alone.");
        }
    }
}

/// Why the platform could not fetch a medium from this address, if so: then it is refused before anything is stored.
/// We never open it ourselves.
#[must_use]
pub fn misfit_of_address(address: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(address) else { return Some("this is no address") };
    // Programs read these signs in different ways, so that what was checked would not be what is opened.
    if address.contains(|sign: char| sign == '\\' || sign.is_whitespace() || sign.is_control()) {
        return Some("the address must hold no blank and no backslash");
    }
    match url.host() {
        _ if url.scheme() != "https" => Some("the address must begin with https://"),
        _ if !url.username().is_empty() || url.password().is_some() => Some("the address must hold no user"),
        Some(Host::Domain(name)) if name.split('.').any(str::is_empty) => Some("the address must have a public name"),
        Some(Host::Domain(name)) if name.contains('.') && !name.ends_with(".localhost") => {
            (url.port_or_known_default() != Some(443)).then_some("the port must be 443")
        }
        _ => Some("the address must have a public name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misfits(body: &Value) -> Vec<String> {
        Content::read(body).unwrap_err().into_iter().map(|misfit| misfit.pointer).collect()
    }

    #[test]
    fn every_misfit_is_named_by_its_place() {
        for (body, pointers) in [
            (json!([]), &[""][..]),
            (json!({}), &[""]),
            (json!({"text": ""}), &["/text"]),
            (json!({"text": 5}), &["/text"]),
            (json!({"text": "\u{2028}\u{3000}\t"}), &["/text"]),
            (json!({"text": "\u{200b}\u{feff}\u{ad}\u{2060}\u{3164}"}), &["/text"]),
            (json!({"text": "a", "choices": [{"id": " ", "title": "\u{200d}"}]}), &["/choices/0/title"]),
            (json!({"text": "x".repeat(10_001)}), &["/text"]),
            (json!({"text": "a", "colour/x": 1}), &["/colour~1x"]),
            (json!({"text": "a", "choices": []}), &["/choices"]),
            (json!({"text": "a", "choices": [{"id": "1"}]}), &["/choices/0/title"]),
            (json!({"text": "a", "choices": [{"id": "1", "title": "x".repeat(21)}]}), &["/choices/0/title"]),
            (
                json!({"text": "a", "choices": [{"id": "1", "title": "a"}, {"id": "1", "title": "b"}]}),
                &["/choices/1/id"],
            ),
            (json!({"text": "a", "author": "robot"}), &["/author"]),
            (json!({"text": "a", "ttl_seconds": 9}), &["/ttl_seconds"]),
            (json!({"text": "a", "ttl_seconds": 10.5}), &["/ttl_seconds"]),
            (json!({"media": {"url": "https://x.example/1"}}), &["/media/type"]),
            (json!({"media": {"id": "med_1", "url": "https://x.example/1"}}), &["/media/url"]),
            (json!({"media": {"id": "med_1"}, "products": ["1"]}), &[""]),
            (json!({"template": {"name": "a"}, "text": "a"}), &["/template/language"]),
            (json!({"template": {"name": "a", "language": "en"}, "text": "a"}), &["/template"]),
        ] {
            assert_eq!(misfits(&body), pointers, "{body}");
        }
        assert!(Content::read(&json!({"text": "\u{202e}<b>\u{200d}👩\u{200d}🚀", "choices": null})).is_ok());
    }

    #[test]
    fn addresses_that_no_platform_should_fetch_are_refused() {
        for good in ["https://shop.example/1.jpg", "https://cdn.shop.example:443/a?b=c"] {
            assert_eq!(misfit_of_address(good), None, "{good}");
        }
        for bad in [
            "http://shop.example/1.jpg",
            "https://10.0.0.1/x",
            "https://[::1]/x",
            "https://localhost/x",
            "https://a.localhost/",
            "https://user@shop.example/",
            "https://shop.example:8443/",
            "ftp://shop.example/",
            "shop.example/1",
            "https://0x7f.1/",
            "https://x.example\\@127.0.0.1/",
            " https://shop.example/1.jpg",
            "https://shop.example/1.jpg\n",
            "https://sh\top.example/1.jpg",
            "https://shop.example/1 2.jpg",
            "https://a..example/x",
            "https://.example/x",
            "https://shop.example./x",
        ] {
            assert!(misfit_of_address(bad).is_some(), "{bad}");
        }
    }
}
