//! A merchant answers by hand: the form below a conversation, and what became of answers that are not final yet.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;

use super::silence::open_posted;
use super::{Renewal, Tab};
use crate::answering::Answering;
use crate::answering::accept::{Accepted, Refused, Wish};
use crate::answering::content::Content;
use crate::answering::sending::Outbox;
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::Recipient;
use crate::shared::channel::reason::Reason;
use crate::shared::journal::{Account, Conversation};
use crate::shared::languages::{Sentence, Value, say};
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
    let newest = journal.list_newest_outgoing(&conversation, 5).await?;
    let path = format!("/conversations/{channel}/{name}/{person}/answer");
    let key = format!("page-{}", uuid::Uuid::new_v4().simple());
    Ok(html! {
        section.panel aria-labelledby="answer" {
            h2 id="answer" { (say::answer()) }
            @if let Some(notice) = notice { p.hint { (notice) } }
            form method="post" action=(path) {
                (token)
                input type="hidden" name="key" value=(key);
                label for="answer-text" { (say::your_message()) }
                textarea id="answer-text" name="text" rows="3" maxlength="10000" required dir="auto" {}
                button { (say::send()) }
            }
            @if !newest.is_empty() {
                h3 { (say::sent_from_here()) }
                ul.outgoing { @for message in &newest { li { (state_of(message)) } } }
            }
        }
    })
}

fn state_of(message: &Outgoing) -> Markup {
    let by = if message.author == Author::Human { say::you() } else { say::bot() };
    let words = match message.state() {
        PartState::Accepted => say::state_accepted(),
        PartState::Sent => say::state_sent(),
        PartState::Delivered => say::state_delivered(),
        PartState::Read => say::state_read(),
        PartState::Failed => say::state_failed(),
        PartState::Unknown => say::state_unknown(),
    };
    let reason = message.parts.iter().find_map(|part| part.failure.as_ref());
    html! {
        (say::sent_by_at(by, Value::Moment(message.created_at), words))
        @if let Some((reason, _)) = reason { " (" (why(*reason)) ")" }
    }
}

/// Why a part was not sent, in short.
fn why(reason: Reason) -> Sentence {
    match reason {
        Reason::Expired => say::reason_expired(),
        Reason::WindowClosed => say::reason_window_closed(),
        Reason::CannotReceive => say::reason_cannot_receive(),
        Reason::Refused => say::reason_refused(),
        Reason::MediaUnusable => say::reason_media_unusable(),
        Reason::TemplateUnusable => say::reason_template_unusable(),
        Reason::AccountUnavailable => say::reason_account_unavailable(),
        Reason::NotOwner => say::reason_not_owner(),
        Reason::Paused => say::reason_paused(),
        Reason::Stopped => say::reason_stopped(),
        Reason::TakenBack => say::reason_taken_back(),
        Reason::Rate => say::reason_rate(),
        Reason::Unresolved => say::reason_unresolved(),
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
    let content = Content::read(&body).map_err(|_| AppError::BadRequest(say::not_sent_content()))?;
    match answering.accept(&outbox.0, &wish, content).await {
        // A repeat: the form was sent twice.
        Ok(Accepted::Stored(_) | Accepted::Repeated(..)) => Ok(back),
        Err(Refused::Unavailable(error)) => Err(anyhow::Error::from(error).into()),
        Err(Refused::Internal(error)) => Err(error.into()),
        Err(refused) => Ok(not_sent(&conversation, &refused, &text)),
    }
}

/// The page that says why an answer was not sent, with its text, so that it is not lost.
fn not_sent(conversation: &Conversation, refused: &Refused, text: &str) -> Response {
    let why = match refused {
        Refused::NotPermitted(_, sentence) => sentence.clone(),
        Refused::WindowClosed(..) => say::not_sent_window(),
        Refused::CannotReceive(_) => say::not_sent_cannot_receive(),
        Refused::Account("blocked") => say::not_sent_blocked(),
        Refused::Account(_) => say::not_sent_account(),
        Refused::QueueFull => say::not_sent_queue(),
        Refused::KeyReused(_) => say::not_sent_form(),
        _ => say::not_sent_content(),
    };
    let Conversation { channel, account, person } = conversation;
    let body = html! {
        h1 { (say::not_sent()) }
        p { (why) }
        p { (say::your_message_was()) }
        blockquote dir="auto" { (text) }
        p { a.button.plain href={ "/conversations/" (channel) "/" (account) "/" (person) } { (say::back_to_conversation()) } }
    };
    let page = super::Page { title: say::not_sent(), tab: Tab::Conversations, renewal: Renewal::Never, body };
    (StatusCode::CONFLICT, page.show()).into_response()
}
