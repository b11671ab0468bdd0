//! How a Page, and its Instagram account, take part in conversations: what is sent, and how.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/send-messages>,
//! <https://developers.facebook.com/docs/messenger-platform/reference/send-api> (2026).

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::inbox::{Inbox, Row};
use super::page_of_account::page_of;
use super::state::Facebook;
use super::{history, meaning, tokens};
use crate::meta::id::Id;
use crate::shared::channel::dialogue::{
    Ability, AccountFault, Choice, Dialogue, HandOver, LostAnswers, Part, PartContent, ProductCard, Profile, Rate,
    Reason, Recipient, SendError, Sent, Signal, Unreachable, WindowRule,
};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::meaning::Meaning;
use crate::shared::channel::reader::ReadError;
use crate::shared::channel::view::shorten;
use crate::shared::journal::Event;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Item;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest title of a product card and of its subtitle, in characters.
/// Source: <https://developers.facebook.com/docs/messenger-platform/reference/templates/generic> (2026).
const CARD_TITLE: usize = 80;

/// An inbox of a Page takes part in conversations.
pub struct InboxDialogue {
    facebook: Arc<Facebook>,
    row: &'static Row,
    profile: Profile,
}

impl InboxDialogue {
    /// Of the inbox of this row.
    #[must_use]
    pub fn new(facebook: Arc<Facebook>, row: &'static Row) -> Self {
        let human_is_off = !facebook.config.human_agent;
        let profile = Profile {
            can: &[Ability::Text, Ability::Media, Ability::Choices, Ability::Products, Ability::Typing, Ability::Seen],
            text: row.text_limit,
            choices: 13,
            cards: 10,
            captions: &[],
            caption_of_products: None,
            window: WindowRule { free: Some(DAY), after_ad: Some(WEEK), human: Some(WEEK), human_is_off },
            // Above 40 messages a second the Page's inbox stops listing them.
            rate: Rate { parts: 40, per: Duration::from_secs(1), heavy: 10 },
            has_echo: true,
            automation_within: Some(Duration::from_secs(3)),
            waits_for_delivery: None,
            person_rate: None,
            without_reply: None,
            lost_answers: LostAnswers::AreRead,
            is_public: false,
        };
        Self { facebook, row, profile }
    }

    /// The account, the Page whose token is used, and that token.
    async fn open(&self, account: &str) -> Result<Opened, SendError> {
        let unknown = || not_left("the account is not known");
        let account = Id::parse(account).ok_or_else(unknown)?;
        let page = match self.row.has_tokens {
            true => account.clone(),
            false => {
                let page = page_of(&self.facebook, &account).await.map_err(not_left)?;
                page.ok_or_else(unknown)?
            }
        };
        let token = tokens::load(&self.facebook, &page).await.map_err(|error| match error {
            ReadError::Api(ApiError::TokenRejected { reason }) => SendError::Account(AccountFault::needs_login(reason)),
            error => not_left(error),
        })?;
        Ok(Opened { account, page, token })
    }

    async fn post(&self, to: Recipient<'_>, edge: &str, mut body: Value) -> Result<Value, SendError> {
        let Opened { page, token, .. } = self.open(to.account).await?;
        body["recipient"] = json!({ "id": to.person });
        self.facebook.client.send_message(&page, edge, &body, &token).await
    }
}

/// An account that can be asked for.
struct Opened {
    account: Id,
    page: Id,
    token: SecretString,
}

fn not_left(why: impl ToString) -> SendError {
    SendError::NotSent(why.to_string())
}

impl Dialogue for InboxDialogue {
    fn may_send(&self, granted: &[String]) -> bool {
        granted.is_empty() || granted.iter().any(|scope| scope == self.row.sends_with)
    }

    fn meaning(&self, account: &str, item: &Item) -> Meaning {
        meaning::of(account, &self.facebook.config.app_id, item)
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn send<'a>(&'a self, to: Recipient<'a>, part: &'a Part, mark: &'a str) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(async move {
            let mut body = match part.is_human {
                true => json!({ "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT" }),
                false => json!({ "messaging_type": "RESPONSE" }),
            };
            if let Some(mid) = &part.reply_to {
                body["reply_to"] = json!({ "mid": mid });
            }
            body["message"] = message(part, mark)?;
            let answer = self.post(to, "messages", body).await?;
            match answer.get("message_id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
                Some(id) => Ok(Sent { platform_id: id.to_owned(), ..Sent::default() }),
                None => Err(SendError::Unknown("an answer without the message's id".to_owned())),
            }
        })
    }

    fn unreachable_after(&self, code: &str) -> Option<Unreachable> {
        let is_551 = code.split('/').next() == Some("551");
        (is_551 || code == "10/2018108").then_some(Unreachable::Altogether("blocked"))
    }

    fn signal<'a>(&'a self, to: Recipient<'a>, signal: Signal) -> BoxFuture<'a, Result<(), SendError>> {
        let action = match signal {
            Signal::Typing => "typing_on",
            Signal::Seen => "mark_seen",
        };
        Box::pin(async move { self.post(to, "messages", json!({ "sender_action": action })).await.map(drop) })
    }

    fn read_newest<'a>(
        &'a self,
        to: Recipient<'a>,
        _quoted: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Event>, ReadError>> {
        Box::pin(async move {
            let opened = self.open(to.account).await.map_err(|error| anyhow::anyhow!("{error}"))?;
            let person = Id::parse(to.person).ok_or_else(|| anyhow::anyhow!("a person's id cannot be read"))?;
            let inbox = Inbox::of(self.row, &opened.account, &opened.page);
            history::newest_of(&self.facebook, &inbox, &person, &opened.token).await
        })
    }

    fn hand_over<'a>(&'a self, to: Recipient<'a>, way: HandOver) -> BoxFuture<'a, Result<(), SendError>> {
        let (edge, body) = match way {
            HandOver::ToInbox => ("pass_thread_control", json!({ "target_app_id": self.row.inbox_app })),
            HandOver::Back => ("take_thread_control", json!({})),
        };
        Box::pin(async move { self.post(to, edge, body).await.map(drop) })
    }
}

/// The `message` member of a call.
fn message(part: &Part, mark: &str) -> Result<Value, SendError> {
    let mut message = match &part.content {
        PartContent::Text { text } => json!({ "text": text }),
        PartContent::Media { url, media, .. } => {
            json!({ "attachment": { "type": media, "payload": { "url": url, "is_reusable": false } } })
        }
        PartContent::Products { cards, .. } => {
            let elements: Vec<Value> = cards.iter().map(card).collect();
            json!({ "attachment": { "type": "template", "payload": { "template_type": "generic", "elements": elements } } })
        }
        PartContent::Template { .. } => {
            return Err(SendError::Refused { code: String::new(), reason: Reason::TemplateUnusable, is_known: true });
        }
    };
    if !part.choices.is_empty() {
        let reply = |choice: &Choice| json!({ "content_type": "text", "title": choice.title, "payload": choice.id });
        message["quick_replies"] = part.choices.iter().map(reply).collect();
    }
    message["metadata"] = json!(mark);
    Ok(message)
}

fn card(card: &ProductCard) -> Value {
    let cut = |text: &str| shorten(text, CARD_TITLE).unwrap_or(text).to_owned();
    let mut element = json!({ "title": cut(&card.title), "subtitle": cut(&card.price) });
    if let Some(image) = &card.image {
        element["image_url"] = json!(image);
    }
    if let Some(url) = &card.url {
        element["default_action"] = json!({ "type": "web_url", "url": url });
        element["buttons"] = json!([{ "type": "web_url", "url": url, "title": "View" }]);
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::channel::dialogue::MediaKind;

    fn part(content: PartContent) -> Part {
        Part { content, choices: Vec::new(), reply_to: None, is_human: false }
    }

    #[test]
    fn a_text_with_choices_is_quick_replies_with_our_mark() {
        let mut part = part(PartContent::Text { text: "Yes, 3 left.".to_owned() });
        part.choices = vec![Choice { id: "LINK".to_owned(), title: "Send the link".to_owned() }];
        assert_eq!(
            message(&part, "msg_1:1").unwrap(),
            json!({"text":"Yes, 3 left.","metadata":"msg_1:1",
                   "quick_replies":[{"content_type":"text","title":"Send the link","payload":"LINK"}]})
        );
    }

    #[test]
    fn products_are_a_generic_template() {
        let url = Some("https://shop.example/p/7".to_owned());
        let cards = vec![
            ProductCard { title: "ä".repeat(90), price: "649.00 USD".to_owned(), image: None, url },
            ProductCard { title: "Wax".to_owned(), price: "5 USD".to_owned(), ..ProductCard::default() },
        ];
        let content = PartContent::Products { shop: String::new(), ids: Vec::new(), cards, caption: None };
        let elements = &message(&part(content), "m").unwrap()["attachment"]["payload"]["elements"];
        assert_eq!(elements[0]["title"].as_str().unwrap().chars().count(), 80);
        assert_eq!(elements[0]["buttons"][0]["url"], "https://shop.example/p/7");
        assert_eq!(elements[1], json!({"title":"Wax","subtitle":"5 USD"}));
    }

    #[test]
    fn a_medium_goes_by_its_address() {
        let url = "https://shop.example/1.jpg".to_owned();
        let content = PartContent::Media { url, media: MediaKind::Image, name: None, caption: None, bytes: None };
        let expected = json!({"type":"image","payload":{"url":"https://shop.example/1.jpg","is_reusable":false}});
        assert_eq!(message(&part(content), "m").unwrap()["attachment"], expected);
    }
}
