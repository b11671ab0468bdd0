//! `GET /api/v1/conversations` and `GET /api/v1/{channel}/{account}/conversations/{person}`: how conversations stand.

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{InPath, Within, read_query};
use super::caller::Caller;
use super::problem::ApiProblem;
use super::state::Api;
use crate::answering::conversation::{ConversationPlace, outgoing_json};
use crate::answering::event::{MAX_BYTES, past_within};
use crate::shared::journal::Conversation;
use crate::shared::store::api_keys::Scope;
use crate::shared::store::{Connection, NamedAccount};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/conversations", get(list)).route("/{channel}/{account}/conversations/{person}", get(show))
}

/// The parts of a path that name a conversation.
#[derive(Debug, Deserialize)]
pub(super) struct InConversation {
    channel: String,
    account: String,
    person: String,
}

/// The conversation of this path, and the account's connection.
///
/// # Errors
/// [`ApiProblem::NotFound`] for another merchant's account, and for a person of whom nothing is known.
pub(super) async fn find(
    api: &Api,
    caller: &Caller,
    path: InConversation,
) -> Result<(Connection, Conversation), ApiProblem> {
    let connection = caller.connection(&path.channel, &path.account).await?;
    let conversation = Conversation { channel: path.channel, account: path.account, person: path.person };
    let journal = &api.answering.shared.journal;
    let conversation = journal.resolve_person(conversation).await?;
    let caught_up = api.caught_up(&conversation).await;
    if journal.is_known_conversation(&conversation).await? {
        // What is known of it is told, even where an event more is still to be looked at.
        return Ok((connection, conversation));
    }
    caught_up?;
    Err(ApiProblem::NotFound)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Shown {
    history: Option<Within<0, 100>>,
}

async fn show(
    State(api): State<Api>,
    caller: Caller,
    InPath(path): InPath<InConversation>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    let (connection, conversation) = find(&api, &caller, path).await?;
    let Shown { history } = read_query(query.as_deref())?;
    let history = history.map_or(20, Within::count);
    let answering = &api.answering;
    let mut shown = answering.conversation_json(&connection, &conversation).await?;
    let journal = &answering.shared.journal;
    let past = journal.read_history(&conversation, history, answering.meaning()).await?;
    shown.insert("messages".to_owned(), past_within(&past.items, MAX_BYTES));
    shown.insert("outgoing".to_owned(), outgoing_json(answering, &conversation).await?);
    Ok(Json(Value::Object(shown)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Listed {
    account: Option<String>,
    after: Option<String>,
    limit: Option<Within<1, 100>>,
}

async fn list(State(api): State<Api>, caller: Caller, RawQuery(query): RawQuery) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    let Listed { account, after, limit } = read_query(query.as_deref())?;
    let limit = limit.map_or(50, Within::count);
    let after = after.map(|text| {
        ConversationPlace::parse(&text)
            .ok_or_else(|| ApiProblem::invalid("/after", "This must be a `next` of an answer before."))
    });
    let after = after.transpose()?;
    let connections = match account.as_deref() {
        None => {
            let all = api.answering.shared.connections.list_of(caller.merchant()).await?;
            let is_listed = |one: &Connection| {
                caller.sees(&one.channel, &one.account)
                    && api.channel(&one.channel).is_some_and(|channel| channel.has_conversations)
            };
            all.into_iter().filter(is_listed).collect()
        }
        Some(account) => {
            let NamedAccount { channel: Some(channel), id } = NamedAccount::from(account) else {
                return Err(ApiProblem::invalid("/account", "This must be a channel and an account: facebook/1001."));
            };
            vec![caller.connection(&channel, &id).await?]
        }
    };
    let (conversations, next) = api.answering.list_conversations(connections, after, limit).await?;
    Ok(Json(json!({ "conversations": conversations, "next": next })))
}
