//! A merchant answers by hand: the form below a conversation, and what became of answers that are not final yet.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;

use super::silence::open_posted;
use super::{Renewal, Tab, parts};
use crate::answering::Answering;
use crate::answering::accept::{Accepted, Refused, Wish};
use crate::answering::content::Content;
use crate::answering::sending::Outbox;
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::Recipient;
use crate::shared::journal::{Account, Conversation};
use crate::shared::server::error::AppError;
use crate::shared::store::{Author, Outgoing, PartState};
use crate::web::form::Posted;

/// How long a human's answer may wait, in seconds: longer than a bot's, because nobody watches it.
const LIFE: u64 = 3_600;

pub fn routes() -> Router<Shared> {
    Router::new().route("/conversations/{channel}/{account}/{person}/answer", post(answer))
}

/// The form, and the answers that are not final yet; nothing where nobody can be answered.
///
/// # Errors
/// When the journal cannot be read.
pub(super) async fn section(
    answering: &Answering,
    token: &Markup,
    account: &Account,
    person: &str,
) -> Result<Markup, AppError> {
    let (channel, name) = account;
    let Some(dialogue) = answering.dialogue(channel) else { return Ok(html! {}) };
    let notice = dialogue.notice(Recipient { account: name, person });
    let conversation = Conversation { channel: channel.clone(), account: name.clone(), person: person.to_owned() };
    let journal = &answering.shared.journal;
    let newest = journal.list_newest_outgoing(&conversation, 5).await.map_err(anyhow::Error::from)?;
    let path = format!("/conversations/{channel}/{name}/{person}/answer");
    let key = format!("page-{}", uuid::Uuid::new_v4().simple());
    Ok(html! {
        section.panel aria-labelledby="answer" {
            h2 id="answer" { "Answer" }
            @if let Some(notice) = notice { p.hint { (notice) } }
            form method="post" action=(path) {
                (token)
                input type="hidden" name="key" value=(key);
                label for="answer-text" { "Your message" }
                textarea id="answer-text" name="text" rows="3" maxlength="10000" required dir="auto" {}
                button { "Send" }
            }
            @if !newest.is_empty() {
                h3 { "What was sent from here" }
                ul.outgoing { @for message in &newest { li { (state_of(message)) } } }
            }
        }
    })
}

fn state_of(message: &Outgoing) -> Markup {
    let by = if message.author == Author::Human { "You" } else { "Bot" };
    let words = match message.state() {
        PartState::Accepted => "waits to be sent",
        PartState::Sent => "sent",
        PartState::Delivered => "delivered",
        PartState::Read => "read",
        PartState::Failed => "could not be sent",
        PartState::Unknown => "may have been sent; that is being found out",
    };
    let reason = message.parts.iter().find_map(|part| part.failure.as_ref());
    html! {
        (by) ", " (parts::utc(message.created_at, "%-d %b %Y, %H:%M UTC")) ": " (words)
        @if let Some((reason, _)) = reason { " (" (reason.as_str().replace('-', " ")) ")" }
    }
}

/// `POST /conversations/{channel}/{account}/{person}/answer`.
async fn answer(
    State(shared): State<Shared>,
    Extension(answering): Extension<Answering>,
    Extension(outbox): Extension<Outbox>,
    Path(path): Path<(String, String, String)>,
    posted: Posted,
) -> Result<Response, AppError> {
    let (connection, conversation, back) = open_posted(&shared, &posted, path).await?;
    // A browser sends each line's end as CR LF.
    let text = posted.field("text").replace("\r\n", "\n");
    let body = json!({ "text": text.trim(), "author": "human", "ttl_seconds": LIFE });
    let wish = Wish { connection: &connection, person: &conversation.person, key: posted.field("key"), body: &body };
    let content = Content::read(&body).map_err(|misfits| {
        AppError::bad_request(misfits.into_iter().next().map_or_else(Default::default, |one| one.message))
    })?;
    match answering.accept(&wish, content).await {
        Ok(Accepted::Stored(message)) => {
            outbox.0.add(message.number, &message.conversation);
            Ok(back)
        }
        // The form was sent twice.
        Ok(Accepted::Repeated(..)) => Ok(back),
        Err(Refused::Unavailable(error)) => Err(anyhow::Error::from(error).into()),
        Err(Refused::Internal(error)) => Err(error.into()),
        Err(refused) => Ok(not_sent(&conversation, &refused, &text)),
    }
}

/// The page that says why an answer was not sent, with its text, so that it is not lost.
fn not_sent(conversation: &Conversation, refused: &Refused, text: &str) -> Response {
    let why = match refused {
        Refused::NotPermitted(_, sentence) => sentence,
        Refused::WindowClosed(..) => "The platform's time for answers is over. It opens again when the person writes.",
        Refused::CannotReceive(_) => "This person cannot be written to at the moment.",
        Refused::Account("blocked") => {
            "The platform does not let the account send at the moment. The overview says why."
        }
        Refused::Account(_) => "The account cannot send at the moment. Connect it again on the overview.",
        Refused::QueueFull => "Too many messages wait for this person already. Please try again later.",
        Refused::KeyReused(_) => "This form was used for another message already. Please go back and reload the page.",
        _ => "This message cannot be sent as it is.",
    };
    let Conversation { channel, account, person } = conversation;
    let body = html! {
        h1 { "Not sent" }
        p { (why) }
        p { "Your message was:" }
        blockquote dir="auto" { (text) }
        p { a.button.plain href={ "/conversations/" (channel) "/" (account) "/" (person) } { "Back to the conversation" } }
    };
    let page = super::Page { title: "Not sent", tab: Tab::Conversations, renewal: Renewal::Never, body };
    (StatusCode::CONFLICT, page.show()).into_response()
}
