//! Whether bots may answer in a conversation, as its page shows it, and the buttons that change that.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Router};
use maud::{Markup, html};

use super::owned;
use crate::answering::Answering;
use crate::answering::pauses::WantedPause;
use crate::answering::state::AtTime;
use crate::shared::channel::context::Shared;
use crate::shared::journal::{Account, Conversation};
use crate::shared::languages::{Sentence, Value, say};
use crate::shared::server::error::AppError;
use crate::shared::store::{Connection, PausedBy};
use crate::web::form::Posted;

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/conversations/{channel}/{account}/{person}/pause", post(pause))
        .route("/conversations/{channel}/{account}/{person}/resume", post(resume))
}

/// What the page says of bots; nothing where nobody can be answered.
pub(super) async fn section(
    answering: &Answering,
    token: &Markup,
    account: &Account,
    person: &str,
) -> Result<Markup, AppError> {
    let (channel, name) = account;
    let Some(connection) = answering.shared.connections.find(channel, name).await? else { return Ok(html! {}) };
    if answering.dialogue(channel).is_none() {
        return Ok(html! {});
    }
    let conversation = Conversation { channel: channel.clone(), account: name.clone(), person: person.to_owned() };
    let standing = answering.shared.journal.load_standing(&conversation).await?;
    let now = answering.now(&connection, &standing);
    let path = format!("/conversations/{channel}/{name}/{person}");
    let note = now.pause().and_then(|pause| pause.note.as_ref());
    Ok(html! {
        section.panel aria-labelledby="bots" {
            h2 id="bots" { (say::bots()) }
            p { (words(&now)) }
            @if let Some(note) = note { blockquote dir="auto" { (note) } }
            @if now.pause().is_some() {
                form method="post" action={ (path) "/resume" } { (token) button { (say::bots_resume()) } }
            } @else {
                form method="post" action={ (path) "/pause" } { (token) button.plain { (say::bots_pause()) } }
            }
        }
    })
}

fn words(now: &AtTime<'_>) -> Sentence {
    let until = |at: Option<i64>| match at {
        Some(at) => say::bots_until(Value::Moment(at)),
        None => say::bots_until_resumed(),
    };
    match now.pause() {
        _ if now.is_owner_lost() => say::bots_owner_lost(),
        Some(pause) if pause.by == PausedBy::Human => say::bots_human(until(pause.until)),
        Some(pause) if pause.by == PausedBy::App => say::bots_app(until(pause.until)),
        Some(pause) => say::bots_paused(until(pause.until)),
        None => say::bots_may_answer(),
    }
}

/// The conversation of a form, if it is the merchant's.
pub(super) async fn open_posted(
    shared: &Shared,
    posted: &Posted,
    (channel, account, person): (String, String, String),
) -> Result<(Connection, Conversation, Response), AppError> {
    let of = (channel, account);
    let connection = owned(shared, &posted.session, &of).await?;
    let thread = shared.journal.find_thread(&of, &person).await?;
    thread.ok_or(AppError::NotFound)?;
    let back = Redirect::to(&format!("/conversations/{}/{}/{person}", of.0, of.1)).into_response();
    Ok((connection, Conversation { channel: of.0, account: of.1, person }, back))
}

/// `POST /conversations/{channel}/{account}/{person}/pause`.
async fn pause(
    State(shared): State<Shared>,
    Extension(answering): Extension<Answering>,
    Path(path): Path<(String, String, String)>,
    posted: Posted,
) -> Result<Response, AppError> {
    let (connection, conversation, back) = open_posted(&shared, &posted, path).await?;
    answering.pause(&connection, &conversation, WantedPause::default()).await?;
    Ok(back)
}

/// `POST /conversations/{channel}/{account}/{person}/resume`.
async fn resume(
    State(shared): State<Shared>,
    Extension(answering): Extension<Answering>,
    Path(path): Path<(String, String, String)>,
    posted: Posted,
) -> Result<Response, AppError> {
    let (connection, conversation, back) = open_posted(&shared, &posted, path).await?;
    answering.resume(&connection, &conversation).await?;
    Ok(back)
}
