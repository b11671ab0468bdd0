//! How the page takes part in conversations: by comments on its posts, which everybody can read; by direct messages where LinkedIn
//! made the app a partner, and then only what a human writes.
//!
//! Source: <https://learn.microsoft.com/linkedin/marketing/community-management/shares/comments-api>,
//! <https://learn.microsoft.com/linkedin/shared/integrations/communications/messages> (2026).

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::client::Made;
use super::names::{self, NAME, Thread, organization_urn};
use super::state::Linkedin;
use super::{document, meaning, payload, tokens};
use crate::shared::channel::dialogue::{
    Ability, AccountFault, Author, Dialogue, Forbidden, HandOver, LostAnswers, Part, PartContent, ProductCard, Profile,
    Rate, Reason, Recipient, SendError, Sent, Signal, TextLimit, WindowRule,
};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::meaning::Meaning;
use crate::shared::channel::reader::ReadError;
use crate::shared::channel::view::shorten;
use crate::shared::journal::{Event, JournalError};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::store::Item;

/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 1_250;

/// The longest title and price of a product in a comment, in characters.
const LONGEST_TITLE: usize = 120;
const LONGEST_PRICE: usize = 40;

/// The page takes part in conversations.
pub struct PageDialogue {
    linkedin: Arc<Linkedin>,
    profile: Profile,
}

impl PageDialogue {
    /// Of this page.
    #[must_use]
    pub fn new(linkedin: Arc<Linkedin>) -> Self {
        let profile = Profile {
            can: &[Ability::Text, Ability::Products],
            text: TextLimit::Characters(LONGEST_COMMENT),
            choices: 0,
            cards: 4,
            captions: &[],
            caption_of_products: None,
            window: WindowRule { free: None, after_ad: None, human: None, human_is_off: false },
            rate: Rate { parts: 10, per: Duration::from_secs(60), heavy: 10 },
            has_echo: true,
            automation_within: None,
            waits_for_delivery: None,
            person_rate: None,
            without_reply: None,
            lost_answers: LostAnswers::AreRead,
            is_public: !linkedin.config.answer_comments,
        };
        Self { linkedin, profile }
    }

    async fn send_part(&self, to: Recipient<'_>, part: &Part) -> Result<Sent, SendError> {
        let linkedin = &*self.linkedin;
        if to.account != linkedin.account() {
            return Err(SendError::Account(AccountFault::needs_login(say::linkedin_another_page())));
        }
        let thread = names::thread_of(to.person).ok_or_else(|| unsendable("the conversation"))?;
        // Products come as words ([`Dialogue::in_words`]).
        let PartContent::Text { text } = &part.content else { return Err(unsendable("content")) };
        let token = tokens::load(linkedin).await.map_err(not_sent)?;
        match self.try_once(to, &thread, part, text, &token).await {
            // Refused, so it was not sent: once more with a new token, before the account stops.
            Err(error @ SendError::Account(_)) if !linkedin.tokens.is_unproven(&token) => {
                match tokens::renew(linkedin, &token).await {
                    Ok(Some(token)) => {
                        linkedin.tokens.set_unproven(token);
                        Err(SendError::AtOnce)
                    }
                    Ok(None) | Err(ReadError::Api(ApiError::TokenRejected { .. })) => Err(error),
                    Err(other) => Err(not_sent(other)),
                }
            }
            outcome => {
                if outcome.is_ok() {
                    linkedin.tokens.prove(&token);
                }
                outcome
            }
        }
    }

    /// The comment below which an answer to this one stands: LinkedIn has two levels of comments, and an answer to one of the second
    /// stands beside it. `None`: the text is no comment's URN.
    async fn first_level(&self, to: Recipient<'_>, quoted: &str) -> Result<Option<String>, JournalError> {
        let quoted = names::whole(quoted).into_owned();
        let Some(key) = payload::key_of_comment(to.account, &quoted) else { return Ok(None) };
        let journal = &self.linkedin.shared.journal;
        let Some(known) = journal.find_event_status_of(key).await? else { return Ok(Some(quoted)) };
        let account = (NAME.to_owned(), to.account.to_owned());
        let item = journal.find_item(&account, to.person, known.seq).await?;
        Ok(item.and_then(|item| meaning::parent_of_comment(&item.payload)).or(Some(quoted)))
    }

    /// The comments below which answers to what is quoted stand, each once.
    async fn first_levels(&self, to: Recipient<'_>, quoted: &[String]) -> Result<Vec<String>, JournalError> {
        let mut found = Vec::new();
        for quoted in quoted {
            found.extend(self.first_level(to, quoted).await?.filter(|urn| !found.contains(urn)));
        }
        Ok(found)
    }

    async fn try_once(
        &self,
        to: Recipient<'_>,
        thread: &Thread,
        part: &Part,
        text: &str,
        token: &SecretString,
    ) -> Result<Sent, SendError> {
        let client = &self.linkedin.client;
        match thread {
            Thread::Post(post) => {
                let below = match &part.reply_to {
                    Some(quoted) => self.first_level(to, quoted).await.map_err(not_sent)?,
                    None => None,
                };
                let body = comment(self.linkedin.account(), post, text, below.as_deref());
                let made = client.comment(post, &body, token).await?;
                // Where it is not shown, the comments of the post tell it.
                let platform_id = id_of_comment(&made)
                    .ok_or_else(|| SendError::Unknown("an answer without the comment's URN".to_owned()))?;
                let common_id = names::number_of_comment(&platform_id).map(str::to_owned);
                Ok(Sent { platform_id, common_id, ..Sent::default() })
            }
            Thread::Direct(conversation) => {
                let made = client.message(&direct(conversation, text), token).await?;
                let platform_id = made.id.ok_or_else(|| SendError::Unknown("an answer without an id".to_owned()))?;
                Ok(Sent { platform_id, ..Sent::default() })
            }
        }
    }
}

fn unsendable(code: &str) -> SendError {
    SendError::Refused { code: code.to_owned(), reason: Reason::Refused, is_known: true }
}

fn not_sent(error: impl ToString) -> SendError {
    SendError::NotSent(error.to_string())
}

/// The body of a call that comments. `below`: the comment of the first level below which it stands, where it does.
fn comment(account: &str, post: &str, text: &str, below: Option<&str>) -> Value {
    let mut body = json!({ "actor": organization_urn(account), "object": post, "message": { "text": text } });
    if let Some(parent) = below {
        body["parentComment"] = json!(parent);
    }
    body
}

/// The body of a call that sends a direct message.
fn direct(conversation: &str, text: &str) -> Value {
    let thread = match conversation.starts_with("urn:li:") {
        true => conversation.to_owned(),
        false => format!("urn:li:messagingThread:{conversation}"),
    };
    json!({ "thread": thread, "body": text, "messageType": "MEMBER_TO_MEMBER" })
}

/// The URN of the comment that was made: as the answer shows it, or its header. With the number alone it is not known: the post has
/// two numbers, and notifications name the other one.
fn id_of_comment(made: &Made) -> Option<String> {
    let shown = Object::parse(&made.body).and_then(|comment| document::urn_of(&comment));
    let told = || made.id.as_deref().map(|id| names::whole(id).into_owned());
    shown.or_else(|| told().filter(|id| names::is_comment(id)))
}

/// Products as text: with their links as long as there is room for them, because a title alone is still an answer.
fn in_words(cards: &[ProductCard]) -> String {
    let cut = |text: &str, most: usize| shorten(text, most).unwrap_or(text).to_owned();
    let mut lines: Vec<(String, Option<&str>)> = cards
        .iter()
        .map(|card| {
            let line = format!("{}: {}", cut(&card.title, LONGEST_TITLE), cut(&card.price, LONGEST_PRICE));
            (line, card.url.as_deref())
        })
        .collect();
    loop {
        let text: Vec<String> =
            lines.iter().map(|(line, url)| url.map_or_else(|| line.clone(), |url| format!("{line}\n{url}"))).collect();
        let text = text.join("\n\n");
        let longest = lines.iter_mut().filter(|(_, url)| url.is_some()).max_by_key(|(_, url)| url.map_or(0, str::len));
        match longest {
            Some(longest) if text.chars().count() > LONGEST_COMMENT => longest.1 = None,
            _ => return text,
        }
    }
}

impl Dialogue for PageDialogue {
    fn meaning(&self, account: &str, item: &Item) -> Meaning {
        meaning::of(account, item)
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn in_words(&self, part: &Part) -> Option<String> {
        match &part.content {
            PartContent::Products { cards, .. } => Some(in_words(cards)),
            PartContent::Text { .. } | PartContent::Media { .. } | PartContent::Template { .. } => None,
        }
    }

    fn send<'a>(&'a self, to: Recipient<'a>, part: &'a Part, _mark: &'a str) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(self.send_part(to, part))
    }

    fn signal<'a>(&'a self, _to: Recipient<'a>, _signal: Signal) -> BoxFuture<'a, Result<(), SendError>> {
        // There are no such signs for comments.
        Box::pin(async { Ok(()) })
    }

    fn read_newest<'a>(
        &'a self,
        to: Recipient<'a>,
        quoted: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Event>, ReadError>> {
        Box::pin(async move {
            let linkedin = &*self.linkedin;
            let Some(Thread::Post(post)) = names::thread_of(to.person) else {
                // Direct messages cannot be read back, so nothing proves that one was not sent.
                return Err(anyhow::anyhow!("direct messages cannot be read").into());
            };
            let account = &linkedin.config.organization;
            let mut events = Vec::new();
            // Answers to a comment are listed beside it alone.
            let parents = self.first_levels(to, quoted).await?;
            for of in [&post].into_iter().chain(&parents) {
                let comments =
                    tokens::with_token(
                        linkedin,
                        |token| async move { linkedin.client.fetch_comments(of, &token).await },
                    );
                let comments = comments.await?;
                if !comments.is_whole {
                    return Err(ApiError::Unreadable("more comments than are read").into());
                }
                events
                    .extend(comments.rows.iter().filter_map(|comment| document::own_comment(account, &post, comment)));
            }
            document::as_read(linkedin, events).await
        })
    }

    fn hand_over<'a>(&'a self, _to: Recipient<'a>, _way: HandOver) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async { Ok(()) })
    }

    fn notice(&self, to: Recipient<'_>) -> Option<Sentence> {
        Some(match names::thread_of(to.person)? {
            Thread::Post(_) => say::becomes_comment(),
            Thread::Direct(_) if self.linkedin.config.messages => say::not_sent_linkedin_automatic(),
            Thread::Direct(_) => say::not_sent_linkedin_partner(),
        })
    }

    fn forbids(&self, to: Recipient<'_>, _part: &Part, author: Author) -> Option<Forbidden> {
        let is_direct = matches!(names::thread_of(to.person), Some(Thread::Direct(_)));
        match (is_direct, self.linkedin.config.messages, author) {
            (false, ..) | (true, true, Author::Human) => None,
            (true, false, _) => Some(Forbidden::NotPermitted { sentence: say::not_sent_linkedin_partner() }),
            (true, true, Author::Bot) => Some(Forbidden::NotPermitted { sentence: say::not_sent_linkedin_automatic() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_the_page_the_post_and_what_it_answers() {
        let parent = "urn:li:comment:(urn:li:activity:5,6)";
        assert_eq!(
            comment("90001", "urn:li:share:4", "Yes.", Some(parent)),
            json!({"actor":"urn:li:organization:90001","object":"urn:li:share:4","message":{"text":"Yes."},"parentComment":parent})
        );
        assert!(comment("90001", "urn:li:share:4", "Yes.", None).get("parentComment").is_none());
        assert_eq!(direct("T", "Yes.")["thread"], "urn:li:messagingThread:T");
    }

    #[test]
    fn the_id_of_a_comment_is_its_urn_however_the_answer_tells_it() {
        let urn = "urn:li:comment:(urn:li:activity:5,6)";
        let made = |id: Option<&str>, body: &str| Made { id: id.map(str::to_owned), body: body.to_owned() };
        let id = |made: &Made| id_of_comment(made);
        assert_eq!(id(&made(None, &format!(r#"{{"commentUrn":"{urn}"}}"#))).as_deref(), Some(urn));
        assert_eq!(id(&made(None, &format!(r#"{{"$URN":"{urn}"}}"#))).as_deref(), Some(urn));
        assert_eq!(id(&made(None, r#"{"id":"6","object":"urn:li:activity:5"}"#)).as_deref(), Some(urn));
        assert_eq!(id(&made(Some(urn), "")).as_deref(), Some(urn));
        let bare = "urn:li:comment:(activity:5,6)";
        assert_eq!(id(&made(Some(bare), "")).as_deref(), Some(urn));
        assert_eq!(id(&made(None, &format!(r#"{{"commentUrn":"{bare}"}}"#))).as_deref(), Some(urn));
        for made in [made(Some("6"), ""), made(Some("6"), r#"{"id":"6"}"#), made(None, "")] {
            assert_eq!(id(&made), None, "the number alone names no comment");
        }
    }

    #[test]
    fn products_are_lines_with_links_as_long_as_there_is_room() {
        let card = |title: &str, url: usize| ProductCard {
            title: title.to_owned(),
            price: "5.00 USD".to_owned(),
            image: None,
            url: Some(format!("https://shop.example/{}", "x".repeat(url))),
        };
        assert_eq!(
            in_words(&[card("Wax", 1), ProductCard { url: None, ..card("Board", 0) }]),
            "Wax: 5.00 USD\nhttps://shop.example/x\n\nBoard: 5.00 USD"
        );
        let long = in_words(&[card(&"t".repeat(300), 900), card("B", 200), card("C", 200), card("D", 1)]);
        assert!(long.chars().count() <= LONGEST_COMMENT && !long.contains(&"x".repeat(900)), "{long}");
        assert!(long.contains("https://shop.example/x") && long.contains("D: 5.00 USD"));
    }
}
