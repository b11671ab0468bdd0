//! `shoptalk send`: a message to a person, under the rules that hold for bots.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{CommandRunner, Line, MessageWanted, refuse, say};
use crate::answering::accept::{Accepted, Refused, Wish};
use crate::answering::content::{Content, Misfit};
use crate::answering::state::Allowed;
use crate::answering::times::rfc3339;
use crate::shared::channel::dialogue::Ability;
use crate::shared::journal::Conversation;
use crate::shared::store::{Outgoing, PartState};

/// The language of a template that the platform does not list.
const USUAL_LANGUAGE: &str = "en_US";

/// How often it is looked what became of a message, should nobody tell.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl CommandRunner {
    /// Sends a message, and tells its id and state; where it waits, the state in which the message is sent, failed or
    /// unknown, which it is at the latest when its life is over.
    pub(super) async fn send(&self, wanted: MessageWanted, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let MessageWanted { channel, account, person, text, products, template, is_human, waits } = wanted;
        let Some(connection) = self.connections.find(&channel, &account).await? else {
            return refuse(lines, format!("the account {channel}/{account} is not connected")).await;
        };
        let to = Conversation { channel, account, person };
        let may_begin = template.is_some()
            && self.answering.dialogue(&to.channel).is_some_and(|dialogue| dialogue.may_begin_with(&to.person));
        if !may_begin && !self.journal.is_known_conversation(&to).await? {
            return refuse(lines, "this account has no conversation with this person".to_owned()).await;
        }
        let mut body = json!({ "author": if is_human { "human" } else { "bot" } });
        match template {
            Some(name) => body["template"] = self.template(&to, name, text).await,
            None => body["text"] = text.into(),
        }
        if !products.is_empty() {
            body["products"] = json!(products);
        }
        let key = format!("send-{}", Uuid::new_v4().simple());
        let message =
            match self.accept(&Wish { connection: &connection, person: &to.person, key: &key, body: &body }).await {
                Ok(message) => message,
                Err(refused) => {
                    return refuse(lines, in_words(refused)?).await;
                }
            };
        let message = if waits { self.wait_for(message).await? } else { message };
        say(lines, line_of(&message)).await;
        Ok(!matches!(message.state(), PartState::Failed | PartState::Unknown))
    }

    /// A template as the API takes it, in the language in which the platform has approved it.
    async fn template(&self, to: &Conversation, name: String, text: String) -> serde_json::Value {
        let dialogue = self.answering.dialogue(&to.channel);
        let asked = dialogue.and_then(|dialogue| dialogue.templates(&to.account));
        let known = match asked {
            Some(asked) => asked.await.unwrap_or_default(),
            None => Vec::new(),
        };
        let found = known.into_iter().filter(|one| one.name == name).min_by_key(|one| one.status != "APPROVED");
        let language = found.map_or_else(|| USUAL_LANGUAGE.to_owned(), |one| one.language);
        let params: Vec<String> = Some(text).filter(|text| !text.is_empty()).into_iter().collect();
        json!({ "name": name, "language": language, "params": params })
    }

    async fn accept(&self, wish: &Wish<'_>) -> Result<Outgoing, Refused> {
        let content = Content::read(wish.body).map_err(Refused::Invalid)?;
        let accepted = self.answering.accept(&self.outbox, wish, content).await?;
        let (Accepted::Stored(message) | Accepted::Repeated(message, _)) = accepted;
        Ok(*message)
    }

    async fn wait_for(&self, mut message: Outgoing) -> anyhow::Result<Outgoing> {
        let mut turns = self.outbox.turns();
        while message.state() == PartState::Accepted {
            let _ = tokio::time::timeout(LOOK_EVERY, turns.changed()).await;
            message = self
                .journal
                .find_outgoing(message.number)
                .await?
                .ok_or_else(|| anyhow::anyhow!("the message was erased"))?;
        }
        Ok(message)
    }
}

/// `msg_… failed: window-closed (10/2018278)`.
fn line_of(message: &Outgoing) -> String {
    let failure = message.parts.iter().find_map(|part| part.failure.as_ref());
    let why = failure.map_or_else(String::new, |(reason, code)| {
        let code = code.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
        format!(": {}{code}", reason.as_str())
    });
    format!("{} {}{why}", message.id, message.state().as_str())
}

/// What a person reads of a refusal.
///
/// # Errors
/// What is nobody's choice: something that cannot be stored.
fn in_words(refused: Refused) -> anyhow::Result<String> {
    let list = |words: Vec<&str>| if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
    Ok(match refused {
        Refused::Invalid(misfits) => misfits.iter().map(misfit_in_words).collect::<Vec<_>>().join("\n"),
        Refused::KeyReused(id) => format!("this was sent before as {id}"),
        Refused::Unsupported(can) => {
            format!("this channel can send only: {}", list(can.iter().copied().map(Ability::as_str).collect()))
        }
        Refused::Media(why) => format!("the file cannot be sent: {why}"),
        Refused::Products(why, ids) => format!("these products cannot be shown ({why}): {}", ids.join(", ")),
        Refused::NotPermitted(_, sentence) => sentence.to_string(),
        Refused::Account(why) => format!("the account cannot send: {why}"),
        Refused::CannotReceive(why) => format!("the person cannot be written to: {why}"),
        Refused::NotOwner => "another app holds this conversation; --human sends all the same".to_owned(),
        Refused::Paused(by, until) => {
            let until = until.map_or_else(|| "until it is resumed".to_owned(), |at| format!("until {}", rfc3339(at)));
            format!("bots are silent in this conversation {until} (paused by: {by}); --human sends all the same")
        }
        Refused::Overtaken(_) => "this was overtaken".to_owned(),
        Refused::WindowClosed(closed_at, allowed) => {
            let since = closed_at.map_or_else(String::new, |at| format!(" since {}", rfc3339(at)));
            let allowed = list(allowed.into_iter().map(Allowed::as_str).collect());
            format!("the platform's time for answers is over{since}; it still takes: {allowed}")
        }
        Refused::QueueFull => "as many messages are waiting to be sent as may wait".to_owned(),
        Refused::Unavailable(error) => return Err(error.into()),
        Refused::Internal(error) => return Err(error),
    })
}

fn misfit_in_words(misfit: &Misfit) -> String {
    match misfit.pointer.trim_start_matches('/') {
        "" => misfit.message.to_string(),
        pointer => format!("{pointer}: {}", misfit.message),
    }
}
