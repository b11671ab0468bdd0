//! How a channel's data is shown to people. A channel gives functions from what is stored to the shapes of this module;
//! the pages know no more of a platform than that.
//!
//! Texts are what strangers wrote. The pages escape them; what would tear a page's layout is taken out by [`clean`].

use std::borrow::Cow;

use crate::shared::languages::{Fixed, Sentence};
use crate::shared::store::Item;

/// How a channel is shown.
#[derive(Clone, Copy)]
pub struct View {
    /// The platform as people know it: "Facebook".
    pub platform: &'static str,
    /// What an account of it is called within a sentence: "Page", "shop".
    pub noun: Fixed,
    /// What its owner does at the platform to end what an app is told: an instruction, one sentence.
    pub part: Fixed,
    /// Where a login begins that renews the connection of this account; `None`: there is no such link.
    pub reconnect: Option<fn(&str) -> String>,
    /// What an event of a conversation says. `None`: the channel has no conversations.
    pub conversations: Option<fn(&str, &Item) -> Shown>,
    /// The catalogue, where the channel has one.
    pub catalogue: Option<Catalogue>,
}

/// Who did something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The person who writes to the merchant.
    Person,
    /// The merchant's account, whoever answered for it.
    Account,
}

/// What an event of a conversation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Something was said.
    Message(Message),
    /// A message has another text now.
    Edit {
        /// The message's id.
        of: String,
        /// The new text.
        text: String,
    },
    /// A message was taken back. Its content is no longer shown.
    Unsend {
        /// The message's id.
        of: String,
    },
    /// Somebody reacted to a message.
    Reaction {
        /// The message's id.
        of: String,
        /// Who.
        by: Side,
        /// The emoji, or a word for it; `None`: the reaction was taken back.
        sign: Option<String>,
    },
    /// Everything until this time (milliseconds since 1970) was read by the person.
    Read {
        /// The time.
        until: i64,
    },
    /// Something else happened, in words.
    Note(Sentence),
    /// Nothing that is worth a line.
    Nothing,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The platform's id, by which other events name it.
    pub id: Option<String>,
    /// Who said it.
    pub by: Side,
    /// The text; may be empty.
    pub text: String,
    /// What came with it: "Photo", "Voice message"; with a title where it has one.
    pub media: Vec<Media>,
    /// The id of the message that it answers.
    pub reply_to: Option<String>,
    /// A word about how it was said: "Pressed a button".
    pub how: Option<Sentence>,
}

/// Something that came with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its kind in words.
    pub kind: Sentence,
    /// Which of the message's attachments it is, from 0: by this its copy is found.
    pub position: i64,
    /// Its title, where it has one.
    pub title: Option<String>,
}

/// How a channel's catalogue is stored and shown.
#[derive(Clone, Copy)]
pub struct Catalogue {
    /// The kind of record that a product is.
    pub kind: &'static str,
    /// The kind of record that tells the account's currency.
    pub account_kind: &'static str,
    /// The currency in such a record: an ISO 4217 code.
    pub currency: fn(&str) -> Option<String>,
    /// A product's record as a card.
    pub card: fn(&str) -> Option<Card>,
    /// Whether a product is what is looked for; the words are in lower case.
    pub matches: fn(&str, &str) -> bool,
}

/// A product.
#[derive(Debug, Clone)]
pub struct Card {
    /// Its title.
    pub title: String,
    /// Its state in words: "Active", "Draft".
    pub status: Fixed,
    /// Whether customers can see it.
    pub is_live: bool,
    /// A few words about it: vendor, type.
    pub kind: Vec<String>,
    /// What it says about itself.
    pub description: String,
    /// What it looks like.
    pub picture: Option<Picture>,
    /// How many can be sold; `None`: not counted.
    pub stock: Option<i64>,
    /// What can be bought, in the shop's order.
    pub variants: Vec<Variant>,
}

/// A picture that lies elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where: an address that begins with `https://`.
    pub url: String,
    /// What it shows, in words; empty where nobody said it.
    pub alt: String,
}

/// A kind of a product that can be bought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// Its title; empty where the product has only one.
    pub title: String,
    /// The shop's own number for it; empty where there is none.
    pub sku: String,
    /// A decimal number in the shop's currency.
    pub price: String,
    /// The price before, where it is reduced.
    pub price_before: Option<String>,
    /// How many there are; `None`: not counted.
    pub stock: Option<i64>,
    /// Whether it can be bought at the moment.
    pub for_sale: bool,
}

/// The text without what no page should carry: control characters (line breaks and tabs stay).
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_bad = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if text.contains(is_bad) {
        Cow::Owned(text.chars().filter(|character| !is_bad(*character)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The text, if there is anything to see in it: not for one that is empty, white or made of invisible characters.
#[must_use]
pub fn visible(text: &str) -> Option<Cow<'_, str>> {
    let text = clean(text);
    text.chars().any(|character| !character.is_whitespace() && !is_invisible(character)).then_some(text)
}

/// The text for a place that knows no isolation, such as a page's title: one line, and nothing that changes directions.
#[must_use]
pub fn plain_line(text: &str) -> String {
    let line: String = text.chars().filter(|character| !is_invisible(*character)).collect();
    let line = clean(&line).split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&line, 60).map_or(line.clone(), |short| format!("{short}…"))
}

/// The beginning of a text that has more than `limit` characters.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> Option<&str> {
    text.char_indices().nth(limit).map(|(end, _)| &text[..end])
}

/// Characters without width of their own: joiners, marks of direction, fillers, tags.
/// Source: Default_Ignorable_Code_Point in the Unicode Character Database.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_shows_nothing_is_none() {
        for nothing in ["", "  ", "\u{200b}\u{200d}", "\u{202e}", "\0\u{1}", "\u{3164}"] {
            assert_eq!(visible(nothing), None, "{nothing:?}");
        }
        assert_eq!(visible("😀").as_deref(), Some("😀"));
        assert_eq!(visible("a\0b\u{7f}\n").as_deref(), Some("ab\n"));
    }

    #[test]
    fn a_title_is_one_line_without_directions() {
        assert_eq!(plain_line("a\u{202e}b\n  c"), "ab c");
        assert_eq!(plain_line(&"x".repeat(100)).chars().count(), 61);
    }

    #[test]
    fn a_text_is_shortened_between_characters() {
        assert_eq!(shorten("äöü", 2), Some("äö"));
        assert_eq!(shorten("äöü", 3), None);
    }
}
