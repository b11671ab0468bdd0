//! How the number takes part in conversations: what is sent, and how.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> (2026).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::content::LONGEST_BODY;
use super::names::NAME;
use super::payload::{kind, message_key};
use super::person::Person;
use super::state::Whatsapp;
use super::template::Template;
use super::{content, meaning, refusal, templates};
use crate::meta::id::Id;
use crate::meta::send::account_fault;
use crate::shared::channel::dialogue::{
    Ability, AccountFault, Addressee, Author, Choice, Dialogue, Forbidden, HandOver, LostAnswers, MediaKind, Misfit,
    Part, PartContent, PersonRate, Profile, Rate, Reason, Recipient, SendError, Sent, Signal, TemplateSeen, TextLimit,
    Unreachable, WindowRule, billing_label,
};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::meaning::{Meaning, Receipt};
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::{Conversation, DedupeKey, Effect, Event, Source};
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Item;

/// How long after a message or a call anything may be sent.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The digits of a number to which a conversation may begin with a template. Source: E.164.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The number takes part in conversations.
pub struct NumberDialogue {
    whatsapp: Arc<Whatsapp>,
    profile: Profile,
}

impl NumberDialogue {
    /// Of this number.
    #[must_use]
    pub fn new(whatsapp: Arc<Whatsapp>) -> Self {
        let profile = Profile {
            can: &[
                Ability::Text,
                Ability::Media,
                Ability::Choices,
                Ability::Products,
                Ability::Template,
                Ability::Typing,
                Ability::Seen,
            ],
            text: TextLimit::Characters(4_096),
            choices: 10,
            cards: 10,
            captions: &[(MediaKind::Image, 1_024), (MediaKind::Video, 1_024), (MediaKind::File, 1_024)],
            caption_of_products: Some(800),
            window: WindowRule { free: Some(DAY), after_ad: None, human: None, human_is_off: false },
            // What comes in counts, too: see `take_came_in`.
            rate: Rate { parts: 80, per: Duration::from_secs(1), heavy: 80 },
            has_echo: false,
            automation_within: None,
            // The platform does not keep the order of what it delivers.
            waits_for_delivery: Some(Duration::from_secs(3)),
            person_rate: Some(PersonRate { burst: 45, every: Duration::from_secs(6) }),
            without_reply: None,
            lost_answers: LostAnswers::AreReported,
            is_public: false,
        };
        Self { whatsapp, profile }
    }

    fn own(&self, account: &str) -> Result<&Id, SendError> {
        let own = &self.whatsapp.config.account;
        if own.as_str() == account { Ok(own) } else { Err(not_left("the settings name another number")) }
    }

    /// The templates as they are now, else as they were last stored.
    async fn templates(&self) -> Arc<Vec<Template>> {
        match templates::load(&self.whatsapp).await {
            Ok(known) => known,
            Err(error) => {
                tracing::info!(%error, "templates could not be read; those of before are used");
                templates::stored(&self.whatsapp).await
            }
        }
    }

    /// The number of a person who stands under a user id, where it is known.
    async fn number_of(&self, to: Recipient<'_>) -> Option<String> {
        let of =
            Conversation { channel: NAME.to_owned(), account: to.account.to_owned(), person: to.person.to_owned() };
        let names = self.whatsapp.shared.journal.list_person_names(&of).await.unwrap_or_default();
        names.into_iter().find(|name| matches!(Person::of_name(name), Some(Person::Number(_))))
    }

    /// The newest message of a person: the platform marks it as read, and shows there that somebody types.
    async fn newest_of(&self, to: Recipient<'_>) -> Result<Option<String>, SendError> {
        let of =
            Conversation { channel: NAME.to_owned(), account: to.account.to_owned(), person: to.person.to_owned() };
        let said = self.whatsapp.shared.journal.find_newest_said(&of, meaning::of).await.map_err(not_left)?;
        Ok(said.and_then(|said| said.platform_id))
    }
}

fn not_left(why: impl ToString) -> SendError {
    SendError::NotSent(why.to_string())
}

/// To whom, in the platform's words. Numbers have a plus: without it Meta may put the business's own country before them.
fn addressed(person: &Person) -> Value {
    match person {
        Person::Number(digits) => json!({ "messaging_product": "whatsapp", "to": format!("+{digits}") }),
        Person::User(id) => json!({ "messaging_product": "whatsapp", "recipient": id }),
        Person::Group(id) => json!({ "messaging_product": "whatsapp", "to": id }),
    }
}

fn person_of(to: Recipient<'_>) -> Result<Person, SendError> {
    Person::of_name(to.person).ok_or_else(|| not_left("a name that is nobody's"))
}

/// The template that is wanted, as far as it is known.
fn find_in<'a>(known: &'a [Template], wanted: &Value) -> Option<&'a Template> {
    known.iter().find(|template| {
        wanted["name"] == template.seen.name.as_str() && wanted["language"] == template.seen.language.as_str()
    })
}

/// The names of a template's parameters, if it has names for them. What is not known is numbered.
fn names_in(known: &[Template], wanted: &Value) -> Vec<String> {
    find_in(known, wanted).map(|template| template.named.clone()).unwrap_or_default()
}

/// Whom the platform found under a number: its own number of a person may be another one than people dial (Brazil's ninth digit, the
/// 1 of Mexico, the 9 of Argentina), and under that one they write.
fn found_under(person: &Person, answer: &Value) -> Option<Addressee> {
    let Person::Number(dialled) = person else { return None };
    let is_dialled = |contact: &&Value| match contact["input"].as_str().map(Person::of_number) {
        Some(Some(Person::Number(input))) => input == *dialled,
        _ => true,
    };
    let contact = answer["contacts"].as_array()?.iter().find(is_dialled)?;
    let user = contact["user_id"].as_str().and_then(Person::of_user_id);
    let number = contact["wa_id"].as_str().and_then(Person::of_number);
    let mut all = [user, number, Some(person.clone())].into_iter().flatten().map(|person| person.name());
    let person = all.next()?;
    let names: Vec<String> = all.filter(|name| *name != person).collect();
    (!names.is_empty()).then_some(Addressee { person, names })
}

/// What the platform answers to a message that it took.
fn sent(person: &Person, answer: &Value) -> Result<Sent, SendError> {
    match answer["messages"][0]["id"].as_str().filter(|id| !id.is_empty()) {
        Some(id) => {
            let addressee = found_under(person, answer);
            Ok(Sent { platform_id: id.to_owned(), addressee, ..Sent::default() })
        }
        None => Err(SendError::Unknown("an answer without the message's id".to_owned())),
    }
}

impl Dialogue for NumberDialogue {
    /// The category by which a message was priced comes with its first status.
    /// Source: <https://developers.facebook.com/docs/whatsapp/pricing> (2026).
    fn billing_word(&self, billing: Option<&Value>) -> Option<String> {
        let category = billing?.get("category").and_then(Value::as_str).and_then(billing_label);
        Some(category.unwrap_or_else(|| "other".to_owned()))
    }

    fn meaning(&self, _account: &str, item: &Item) -> Meaning {
        let mut meaning = meaning::of(item);
        // Late, too, a code may be about the account and not about the message.
        if let Meaning::Receipt(Receipt { failure: Some((code, Reason::AccountUnavailable)), account, .. }) =
            &mut meaning
            && let Ok(code) = code.parse()
        {
            *account = Some(account_fault(code, &*self.whatsapp.config));
        }
        meaning
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn send<'a>(&'a self, to: Recipient<'a>, part: &'a Part, mark: &'a str) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(async move {
            self.own(to.account)?;
            let person = person_of(to)?;
            let mut body = addressed(&person);
            let is_group = matches!(person, Person::Group(_));
            body["recipient_type"] = json!(if is_group { "group" } else { "individual" });
            let named = match &part.content {
                PartContent::Template { template } => names_in(&self.templates().await, template),
                _ => Vec::new(),
            };
            let (word, object) = content::body(part, &named);
            body["type"] = json!(word);
            body[word] = object;
            if let Some(id) = &part.reply_to {
                body["context"] = json!({ "message_id": id });
            }
            body["biz_opaque_callback_data"] = json!(mark);
            sent(&person, &self.whatsapp.client.send(&body).await?)
        })
    }

    fn signal<'a>(&'a self, to: Recipient<'a>, signal: Signal) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            self.own(to.account)?;
            let Some(id) = self.newest_of(to).await? else { return Ok(()) };
            let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": id });
            if signal == Signal::Typing {
                body["typing_indicator"] = json!({ "type": "text" });
            }
            self.whatsapp.client.send(&body).await.map(drop)
        })
    }

    fn read_newest<'a>(
        &'a self,
        _to: Recipient<'a>,
        _quoted: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Event>, ReadError>> {
        // The platform shows no past.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn hand_over<'a>(&'a self, to: Recipient<'a>, way: HandOver) -> BoxFuture<'a, Result<(), SendError>> {
        let action = match way {
            HandOver::ToInbox => "pass",
            HandOver::Back => "take",
        };
        Box::pin(async move {
            self.own(to.account)?;
            let mut body = addressed(&person_of(to)?);
            body["action"] = json!(action);
            self.whatsapp.client.control_thread(&body).await.map(drop)
        })
    }

    fn unreachable_after(&self, code: &str) -> Option<Unreachable> {
        (code == refusal::NO_ADVERTISING.to_string()).then_some(Unreachable::ForAdvertising)
    }

    fn advertises<'a>(&'a self, template: &'a Value) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let known = self.templates().await;
            find_in(&known, template).is_some_and(|known| known.seen.category.eq_ignore_ascii_case("marketing"))
        })
    }

    fn take_came_in(&self) -> Vec<(String, u32)> {
        match self.whatsapp.take_came_in() {
            0 => Vec::new(),
            count => vec![(self.whatsapp.config.account.as_str().to_owned(), count)],
        }
    }

    fn may_begin_with(&self, person: &str) -> bool {
        matches!(Person::of_name(person), Some(Person::Number(digits)) if DIGITS.contains(&digits.len()))
    }

    fn forbids(&self, to: Recipient<'_>, part: &Part, _author: Author) -> Option<Forbidden> {
        let is_group = matches!(Person::of_name(to.person), Some(Person::Group(_)));
        let is_interactive = !part.choices.is_empty() || matches!(part.content, PartContent::Products { .. });
        (is_group && is_interactive).then_some(Forbidden::Group)
    }

    fn text_limit(&self, choices: &[Choice]) -> TextLimit {
        if choices.is_empty() { self.profile.text } else { TextLimit::Characters(LONGEST_BODY) }
    }

    fn misfit(&self, part: &Part) -> Option<Misfit> {
        content::misfit(part)
    }

    fn own_copy<'a>(
        &'a self,
        to: Recipient<'a>,
        part: &'a Part,
        sent: &'a Sent,
        at_ms: i64,
    ) -> BoxFuture<'a, Option<Event>> {
        Box::pin(async move {
            let account = Id::parse(to.account)?;
            let named = match &part.content {
                PartContent::Template { template } => names_in(&templates::stored(&self.whatsapp).await, template),
                _ => Vec::new(),
            };
            let (word, object) = content::body(part, &named);
            let mut copy = Map::new();
            if let Some(number) = self.whatsapp.number() {
                copy.insert("from".to_owned(), json!(number));
            }
            match Person::of_name(to.person)? {
                Person::Number(digits) => drop(copy.insert("to".to_owned(), json!(digits))),
                Person::User(id) => {
                    copy.extend(self.number_of(to).await.map(|digits| ("to".to_owned(), json!(digits))));
                    copy.insert("to_user_id".to_owned(), json!(id));
                }
                Person::Group(id) => {
                    copy.insert("group_id".to_owned(), json!(id));
                    // By this a reader tells that it went out.
                    copy.insert("to".to_owned(), json!(id));
                }
            }
            copy.insert("id".to_owned(), json!(sent.platform_id));
            copy.insert("timestamp".to_owned(), json!((at_ms / 1000).to_string()));
            copy.insert("type".to_owned(), json!(word));
            copy.insert(word.to_owned(), object);
            if let Some(id) = &part.reply_to {
                copy.insert("context".to_owned(), json!({ "message_id": id }));
            }
            Some(Event {
                channel: NAME,
                key: message_key(&account, &sent.platform_id),
                account: to.account.to_owned(),
                kind: kind::COPY.into(),
                effect: Effect::Conversation { person: to.person.to_owned(), opens: true },
                occurred_at: Some(at_ms),
                name: Some(DedupeKey::of_own_copy(NAME, to.account, &sent.platform_id)),
                source: Source::Local,
                payload: Value::Object(copy).to_string().into_bytes(),
            })
        })
    }

    fn templates<'a>(&'a self, account: &'a str) -> Option<BoxFuture<'a, Result<Vec<TemplateSeen>, SendError>>> {
        self.whatsapp.config.business_account.as_ref()?;
        Some(Box::pin(async move {
            self.own(account)?;
            let known = templates::load(&self.whatsapp).await.map_err(|error| match error {
                ReadError::Api(ApiError::RateLimited { retry_after }) => {
                    SendError::Later { retry_after, only_person: false }
                }
                ReadError::Api(ApiError::TokenRejected { reason }) => {
                    SendError::Account(AccountFault::needs_login(reason))
                }
                ReadError::Api(ApiError::PermissionMissing { code, .. } | ApiError::Refused { code }) => {
                    SendError::Refused { code, reason: Reason::Refused, is_known: true }
                }
                error => not_left(error),
            })?;
            Ok(known.iter().map(|template| template.seen.clone()).collect())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_the_platform_found_under_a_number_is_known_by_that_number_too() {
        let found = |contact: Value| {
            let answer = json!({"contacts": [contact], "messages": [{"id": "wamid.1"}]});
            let person = Person::of_number("5511955010009").unwrap();
            sent(&person, &answer).unwrap().addressee.map(|found| (found.person, found.names.join(" ")))
        };
        let is = |person: &str, names: &str| Some((person.to_owned(), names.to_owned()));
        let input = "+5511955010009";
        assert_eq!(found(json!({"input": input, "wa_id": "551155010009"})), is("551155010009", "5511955010009"));
        assert_eq!(
            found(json!({"input": input, "wa_id": "551155010009", "user_id": "BR.9"})),
            is("BR.9", "551155010009 5511955010009")
        );
        assert_eq!(found(json!({"input": input, "user_id": "BR.9"})), is("BR.9", "5511955010009"));
        assert_eq!(found(json!({"wa_id": "551155010009"})), is("551155010009", "5511955010009"));
        for nobody in [
            json!({"input": input, "wa_id": "5511955010009"}),
            json!({"input": "+4655501", "wa_id": "4655501"}),
            json!({"input": input, "wa_id": "../etc", "user_id": "a/b"}),
            json!(7),
        ] {
            assert_eq!(found(nobody.clone()), None, "{nobody}");
        }
        let user = Person::of_user_id("BR.9").unwrap();
        let answer = json!({"contacts": [{"input": "BR.9", "user_id": "BR.8"}], "messages": [{"id": "wamid.1"}]});
        assert_eq!(sent(&user, &answer).unwrap().addressee, None);
    }
}
