//! `/bot`: the built-in responder as its merchant sees it: where it answers, what it did and why, what it cost, and a
//! question to try it with. Nothing is sent from here.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};

use super::parts::{ago, name_or, pill};
use super::{Fronts, Page, Renewal, Tab, form_token, owned};
use crate::answering::responder::model::ModelError;
use crate::answering::responder::{Asked, Found, Responder, Verdict};
use crate::shared::channel::context::Shared;
use crate::shared::journal::Account;
use crate::shared::languages::{Sentence, bdi, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;
use crate::shared::store::responder::{Deed, ResponderOutcome, Tokens};
use crate::shared::store::{PartState, Session};
use crate::web::form::Posted;

/// How many of its deeds are shown.
const SHOWN: i64 = 50;

/// The longest question that is tried, in characters.
const LONGEST: usize = 500;

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/bot", get(show))
        .route("/bot/try", post(try_out))
        .route("/bot/{channel}/{account}", post(switch))
}

/// `POST /bot/{channel}/{account}`: lets the bot answer there, or no longer.
async fn switch(
    State(shared): State<Shared>,
    Extension(responder): Extension<Option<Responder>>,
    Path(account): Path<Account>,
    posted: Posted,
) -> Result<Response, AppError> {
    responder.ok_or(AppError::NotFound)?;
    let connection = owned(&shared, &posted.session, &account).await?;
    let is_on = match posted.field("on") {
        "yes" => true,
        "no" => false,
        _ => return Err(AppError::BadRequest(say::bot_neither())),
    };
    shared.journal.switch_responder(&account, connection.merchant, is_on).await?;
    Ok(Redirect::to("/").into_response())
}

/// The switch on an account's card; nothing where there is no responder.
pub(super) fn switch_form(account: &Account, is_on: Option<bool>, token: &Markup) -> Markup {
    let Some(is_on) = is_on else { return html! {} };
    let path = format!("/bot/{}/{}", account.0, account.1);
    html! {
        form method="post" action=(path) {
            (token)
            input type="hidden" name="on" value=(if is_on { "no" } else { "yes" });
            button.plain { @if is_on { (say::bot_stop()) } @else { (say::bot_start()) } }
        }
        @if is_on { a.quiet-link href="/bot" { (say::bot_log()) } }
    }
}

/// `GET /bot`.
async fn show(
    State(shared): State<Shared>,
    Extension(responder): Extension<Option<Responder>>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let responder = responder.ok_or(AppError::NotFound)?;
    page(&shared, &responder, &fronts, &session, &form_token(&vault, &session), None).await
}

/// `POST /bot/try`: asks the model, and shows what it would have answered.
async fn try_out(
    State(shared): State<Shared>,
    Extension(responder): Extension<Option<Responder>>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    posted: Posted,
) -> Result<Response, AppError> {
    let responder = responder.ok_or(AppError::NotFound)?;
    let question: String = posted.field("question").chars().take(LONGEST).collect();
    let session = &posted.session;
    let tried = match question.trim() {
        "" => None,
        text => {
            let outcome = try_question(&responder, session, text).await?;
            Some((question, outcome))
        }
    };
    page(&shared, &responder, &fronts, session, &form_token(&vault, session), tried).await
}

async fn try_question(responder: &Responder, session: &Session, text: &str) -> Result<Outcome, AppError> {
    if responder.is_over_budget(session.merchant).await? {
        return Ok(Outcome::WithoutTokens);
    }
    let place = responder.try_place(session.merchant).ok_or(AppError::Unavailable(say::bot_being_tried()))?;
    let event = responder.event_of(session.merchant, &[text]).await?;
    Ok(place.ask(event).await?.map_or(Outcome::TooLong, Outcome::Asked))
}

/// What came of a question that was tried.
enum Outcome {
    /// The model was asked.
    Asked(Asked),
    /// There are no tokens left for today.
    WithoutTokens,
    /// Nobody waits for so long.
    TooLong,
}

/// A question that was tried, and what came of it.
type Tried = (String, Outcome);

async fn page(
    shared: &Shared,
    responder: &Responder,
    fronts: &Fronts,
    session: &Session,
    token: &Markup,
    tried: Option<Tried>,
) -> Result<Response, AppError> {
    let now_ms = shared.clock.now_ms();
    let today = shared.journal.responder_tokens_today(session.merchant).await?;
    let mut deeds = shared.journal.list_responder_deeds(session.merchant, SHOWN).await?;
    // An account that has another owner now shows this one nothing.
    let own = shared.connections.list_of(session.merchant).await?;
    deeds.retain(|deed| {
        own.iter().any(|one| one.channel == deed.conversation.channel && one.account == deed.conversation.account)
    });
    let settings = responder.settings();
    let body = html! {
        h1 { (say::the_bot()) }
        p {
            (say::bot_about(
                html! { strong { (responder.host()) } },
                html! { code { (settings.model) } },
                html! { a href="/" { (say::bot_about_link()) } },
            ))
        }
        p.hint { (spent(today, settings.daily_tokens)) }
        section.panel aria-labelledby="try" {
            h2 id="try" { (say::bot_try()) }
            form method="post" action="/bot/try" {
                (token)
                label for="question" { (say::bot_question()) }
                div.row {
                    input type="text" id="question" name="question" required maxlength=(LONGEST)
                        value=[tried.as_ref().map(|(question, _)| question.as_str())];
                    button { (say::bot_show_answer()) }
                }
                p.hint { (say::bot_try_hint()) }
            }
            @if let Some((_, outcome)) = &tried { (answer(outcome)) }
        }
        section aria-labelledby="deeds" {
            h2 id="deeds" { (say::bot_did()) }
            @if deeds.is_empty() { p.empty { (say::bot_nothing_yet()) } }
            @else { ul.connections { @for deed in &deeds { li { (entry(fronts, deed, now_ms)) } } } }
        }
    };
    Ok(Page { title: say::the_bot(), tab: Tab::Overview, renewal: Renewal::Never, body }.show())
}

fn spent(today: Tokens, most: i64) -> Sentence {
    let Tokens { taken_in, given_out } = today;
    say::bot_spent(taken_in, given_out, most)
}

fn answer(outcome: &Outcome) -> Markup {
    let trouble = |sentence: Sentence| html! { p.trouble.warn role="status" { (sentence) } };
    let Asked { verdict, tokens, found } = match outcome {
        Outcome::Asked(asked) => asked,
        Outcome::WithoutTokens => return trouble(say::bot_no_tokens()),
        Outcome::TooLong => return trouble(say::bot_too_long()),
    };
    let title =
        |id: &String| found.iter().find(|one| one.id == *id).map_or(id.clone(), |Found { title, .. }| title.clone());
    html! {
        div role="status" {
            @match verdict {
                Ok(Verdict::Answer { text, products }) => {
                    p { (say::bot_would_read()) }
                    blockquote dir="auto" { (text) }
                    @if !products.is_empty() { ul { @for id in products { li { (say::bot_product_card(bdi(title(id)))) } } } }
                }
                Ok(Verdict::HandOver { why, .. }) => p.trouble.note { (say::bot_would_hand_over(html! { bdi { (why) } })) },
                Err(ModelError::Later(_)) => p.trouble.warn { (say::bot_model_later()) },
                Err(_) => p.trouble.warn { (say::bot_model_refuses()) },
            }
            p.hint { (say::bot_cost(tokens.taken_in, tokens.given_out)) }
        }
    }
}

fn entry(fronts: &Fronts, deed: &Deed, now_ms: i64) -> Markup {
    let of = &deed.conversation;
    let platform = fronts.of(&of.channel).map_or(of.channel.as_str(), |front| front.view.platform);
    let (class, word) = match deed.settled.outcome {
        ResponderOutcome::Answered if deed.state == Some(PartState::Failed) => ("warn", say::bot_not_sent()),
        ResponderOutcome::Answered => ("good", say::bot_answered()),
        ResponderOutcome::HandedOver => ("warn", say::bot_handed_over()),
        ResponderOutcome::Dropped => ("note", say::bot_dropped()),
    };
    html! {
        a href={ "/conversations/" (of.channel) "/" (of.account) "/" (of.person) } {
            bdi { (name_or(deed.name.as_deref(), &of.person)) }
        }
        " " span.hint { (platform) } " " (pill(class, &word)) " " (ago(now_ms, deed.at))
        @if let Some(state) = deed.state { p.hint { (state_in_words(state)) } }
        @if let Some(why) = &deed.settled.why { p.hint dir="auto" { (why_in_words(why)) } }
        @if deed.settled.tokens.sum() > 0 { p.hint { (say::bot_tokens(deed.settled.tokens.sum())) } }
    }
}

/// What became of an answer, for a merchant.
fn state_in_words(state: PartState) -> Sentence {
    match state {
        PartState::Accepted => say::bot_answer_accepted(),
        PartState::Unknown => say::bot_answer_unknown(),
        PartState::Sent => say::bot_answer_sent(),
        PartState::Delivered => say::bot_answer_delivered(),
        PartState::Read => say::bot_answer_read(),
        PartState::Failed => say::bot_answer_failed(),
    }
}

/// Why nothing was answered, for a merchant; what a model says in sentences stays as it is.
fn why_in_words(why: &str) -> Sentence {
    match why {
        "outdated" | "superseded" => say::bot_why_outdated(),
        "answered" => say::bot_why_answered(),
        "paused" | "human" => say::bot_why_paused(),
        "not_owner" => say::bot_why_not_owner(),
        "window_closed" => say::bot_why_window(),
        "account_unavailable" => say::bot_why_account(),
        "cannot_receive" => say::bot_why_cannot_receive(),
        "public" => say::bot_why_public(),
        why => Sentence::of_stored(why.to_owned()),
    }
}
