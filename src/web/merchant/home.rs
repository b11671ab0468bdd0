//! `GET /`: the steps of connecting until an account is connected, then what is connected and how it is doing, and the
//! steps that are still open.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::bot;
use super::connections::Farewell;
use super::parts;
use super::parts::{ago, thread_item};
use super::{Front, Fronts, Page, Renewal, Tab, conversations, form_token, page};
use crate::answering::responder::Responder;
use crate::shared::channel::connect_step::{ConnectAction, ConnectStep};
use crate::shared::channel::context::Shared;
use crate::shared::journal::Account;
use crate::shared::languages::{Sentence, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session::CurrentMerchant;
use crate::shared::store::{Connection, PendingRead, Session, Status, StillToCome, Subscriptions};
use crate::shared::under_way::Step;

/// A read that is due within this many milliseconds counts as under way.
const SOON_MS: i64 = 30_000;

/// How many conversations the overview shows.
const NEWEST: i64 = 5;

/// What led here. Each chooses a sentence and nothing else.
#[derive(Default, Deserialize)]
pub struct From {
    session: Option<String>,
    done: Option<String>,
    channel: Option<String>,
    /// The field in which something was typed that cannot be used, and what that was.
    wrong: Option<String>,
    typed: Option<String>,
}

impl From {
    /// What was typed in this field, if it cannot be used.
    fn mistyped(&self, field: &str) -> Option<&str> {
        self.wrong.as_deref().filter(|wrong| *wrong == field).and(self.typed.as_deref())
    }

    /// What is said, and whether it is good news.
    fn said(&self, fronts: &Fronts, has_session: bool) -> Option<(Sentence, bool)> {
        let sentence = match (self.session.as_deref(), self.done.as_deref()) {
            (Some("ended"), _) if !has_session => say::session_ended(),
            (Some("closed"), _) if !has_session => say::session_closed(),
            (_, Some("sync")) => say::read_again(),
            (_, Some(word)) => {
                let front = fronts.of(self.channel.as_deref()?)?;
                let farewell = Farewell::parse(word)?;
                return Some((farewell.sentence(&front.view), farewell != Farewell::Unconfirmed));
            }
            _ => return None,
        };
        Some((sentence, true))
    }
}

/// Everything about one connection.
struct Overviewed<'a> {
    front: &'a Front,
    connection: Connection,
    /// When something last came from it.
    last_event_at: Option<i64>,
    step: Option<Step>,
    requests: Vec<PendingRead>,
    subscriptions: Option<Subscriptions>,
    /// What is worth knowing though nobody need do anything.
    remark: Option<Sentence>,
    /// What its login left to be done.
    to_come: Vec<StillToCome>,
    /// How many conversations or products there are.
    has_items: bool,
    /// Whether the bot answers there; `None`: it cannot.
    bot: Option<bool>,
}

impl Overviewed<'_> {
    /// Whether nothing is wrong but what its login left to be done.
    fn is_being_finished(&self) -> bool {
        let words = StillToCome::sentence(&self.to_come);
        words.is_some() && self.connection.status == Status::Incomplete && self.connection.status_reason() == words
    }

    fn is_under_way(&self, now_ms: i64) -> bool {
        self.connection.status != Status::NeedsReconnect
            && (self.step.is_some()
                || self
                    .requests
                    .iter()
                    .filter(|one| !one.request.is_housekeeping())
                    .any(|one| !one.is_given_up && one.attempts == 0 && one.due_at <= now_ms + SOON_MS))
    }
}

/// `GET /`.
pub async fn home(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    Extension(responder): Extension<Option<Responder>>,
    Query(from): Query<From>,
    merchant: CurrentMerchant,
) -> Result<Response, AppError> {
    let flash = said(from.said(&fronts, merchant.0.is_some()));
    let Some(session) = merchant.0 else {
        let body = html! { (flash) (welcome(&fronts, &from, None, false)) };
        return Ok(page(StatusCode::OK, &"shoptalk".into(), &body));
    };
    let bots = Bots::load(&shared, responder.is_some(), session.merchant).await?;
    let accounts = gather(&shared, &fronts, &session, &bots).await?;
    let now_ms = shared.clock.now_ms();
    let is_under_way = accounts.iter().any(|account| account.is_under_way(now_ms));
    let renewal = if is_under_way { Renewal::Quick } else { Renewal::Calm };
    let token = form_token(&vault, &session);
    let cards = |channel: &str| {
        html! {
            @for account in accounts.iter().filter(|one| one.connection.channel == channel) { (card(account, now_ms, &token)) }
        }
    };
    let left = left(&shared, &fronts, &session, &token).await?;
    let is_connected = |front: &Front| accounts.iter().any(|one| one.connection.channel == front.channel);
    let body = if accounts.is_empty() {
        html! { (flash) (welcome(&fronts, &from, Some(&token), true)) }
    } else {
        let newest = conversations::newest(&shared, &fronts, &session, NEWEST).await?;
        let (connected, open): (Vec<_>, Vec<_>) = steps(&fronts).partition(|(front, _)| is_connected(front));
        html! {
            (flash)
            h1 { (say::overview()) }
            (summary(&accounts, open.is_empty()))
            div.cards { @for front in fronts.0.iter() { (cards(front.channel)) } }
            @if !open.is_empty() {
                section aria-labelledby="open-steps" {
                    h2 id="open-steps" { (say::still_to_connect()) }
                    ul.steps {
                        @for (_, step) in &open { li.step.next { div.body { h3 { ((step.title)()) } (entrance(step, &from, true, false)) } } }
                    }
                }
            }
            section aria-labelledby="newest" {
                div.heading {
                    h2 id="newest" { (say::latest_conversations()) }
                    @if !newest.is_empty() { a href="/conversations" { (say::all_conversations()) } }
                }
                @if newest.is_empty() {
                    p.empty { (say::nobody_has_written()) }
                } @else {
                    ul.threads { @for (thread, line) in &newest { (thread_item(thread, line.as_ref(), now_ms, None)) } }
                }
            }
            (left)
            @if !connected.is_empty() {
                details.more open[from.wrong.is_some()] {
                    summary { (say::connect_another_account()) }
                    @for (_, step) in &connected {
                        h2 { ((step.title)()) }
                        (entrance(step, &from, true, true))
                    }
                }
            }
        }
    };
    Ok(Page { title: say::overview(), tab: Tab::Overview, renewal, body }.show())
}

/// The accounts of the settings that this merchant gave up, each with a button that brings it back.
async fn left(shared: &Shared, fronts: &Fronts, session: &Session, token: &Markup) -> Result<Markup, AppError> {
    let accounts = shared.connections.list_left(session.merchant).await?;
    let known: Vec<_> = accounts.iter().filter_map(|(channel, account)| Some((fronts.of(channel)?, account))).collect();
    Ok(html! {
        @if !known.is_empty() {
            section aria-labelledby="given-up" {
                h2 id="given-up" { (say::disconnected()) }
                @for (front, account) in &known {
                    form.row method="post" action={ "/connections/" (front.channel) "/want-back" } {
                        (token)
                        p { (say::is_disconnected(front.view.platform, (front.view.noun)(), html! { span.id { (account) } })) }
                        button.plain { (say::connect_again(front.view.platform)) }
                    }
                }
            }
        }
    })
}

/// Where the bot answers; `None`: there is none.
struct Bots(Option<Vec<Account>>);

impl Bots {
    async fn load(shared: &Shared, is_there: bool, merchant: Uuid) -> Result<Self, AppError> {
        if !is_there {
            return Ok(Self(None));
        }
        let accounts = shared.journal.list_responder_accounts().await?;
        let own = accounts.into_iter().filter(|one| one.merchant == merchant);
        Ok(Self(Some(own.map(|one| one.account).collect())))
    }

    fn of(&self, account: &Account, front: &Front) -> Option<bool> {
        front.view.conversations?;
        self.0.as_ref().map(|accounts| accounts.contains(account))
    }
}

async fn gather<'a>(
    shared: &Shared,
    fronts: &'a Fronts,
    session: &Session,
    bots: &Bots,
) -> Result<Vec<Overviewed<'a>>, AppError> {
    let steps = shared.progress.list();
    let subscriptions = shared.journal.list_subscriptions().await?;
    let mut accounts = Vec::new();
    for connection in shared.connections.list_of(session.merchant).await? {
        let Some(front) = fronts.of(&connection.channel) else { continue };
        let account: Account = (connection.channel.clone(), connection.account.clone());
        let has_items = match &front.view.catalogue {
            Some(catalogue) => shared.journal.count_records(&account, catalogue.kind).await? > 0,
            None => !shared.journal.list_threads(&account, None, 1).await?.is_empty(),
        };
        accounts.push(Overviewed {
            front,
            last_event_at: shared.journal.find_activity(&account).await?,
            step: steps.iter().find(|step| step.channel == account.0 && step.account == account.1).cloned(),
            requests: shared.journal.list_read_requests(&account).await?,
            subscriptions: subscriptions
                .iter()
                .find(|one| one.channel == account.0 && one.account == account.1)
                .cloned(),
            remark: shared.journal.find_remark(&account.0, &account.1).await?,
            to_come: shared.journal.list_still_to_come(&account.0, &account.1).await?,
            has_items,
            bot: bots.of(&account, front),
            connection,
        });
    }
    Ok(accounts)
}

fn said(sentence: Option<(Sentence, bool)>) -> Markup {
    html! {
        @match sentence {
            Some((sentence, true)) => p.flash role="status" { (sentence) },
            Some((sentence, false)) => p.trouble.warn role="alert" { (sentence) },
            None => "",
        }
    }
}

/// The channels of which a merchant connects accounts here, with the step that each takes.
fn steps(fronts: &Fronts) -> impl Iterator<Item = (&Front, &ConnectStep)> {
    fronts.0.iter().filter_map(|front| Some((front, front.connect.as_ref()?)))
}

/// The steps, where nothing is connected yet.
fn welcome(fronts: &Fronts, from: &From, token: Option<&Markup>, has_session: bool) -> Markup {
    html! {
        div.hero {
            h1 { (say::welcome_title()) }
            p { (say::welcome()) }
        }
        @if fronts.0.is_empty() {
            p.empty { (say::no_platform(html! { code { ".env.example" } })) }
        }
        ol.steps {
            @for (index, (_, step)) in steps(fronts).enumerate() {
                li class=(if index == 0 { "step next" } else { "step" }) {
                    span.number aria-hidden="true" { (index + 1) }
                    div.body {
                        h2 { span.unseen { (say::step(index + 1)) " " } ((step.title)()) }
                        (entrance(step, from, has_session, false))
                    }
                }
            }
        }
        @if let Some(token) = token {
            form.sign-out method="post" action="/logout" { (token) button.quiet { (say::sign_out()) } }
        }
    }
}

fn entrance(step: &ConnectStep, from: &From, has_session: bool, is_another: bool) -> Markup {
    match &step.action {
        ConnectAction::Form { action, field, label, hint, wrong } => {
            let (mistyped, error_id) = (from.mistyped(field), format!("{field}-error"));
            html! {
                form.entrance method="get" action=(action) {
                    label for=(field) { (label()) }
                    div.row {
                        input type="text" id=(field) name=(field) value=[mistyped] placeholder=(hint) required autocomplete="off"
                            autocapitalize="none" spellcheck="false" aria-invalid=[mistyped.map(|_| "true")]
                            aria-describedby=[mistyped.map(|_| error_id.as_str())];
                        button { @if is_another { (say::connect_another()) } @else { (say::connect()) } }
                    }
                    @if mistyped.is_some() { p.field-error id=(error_id) role="alert" { (wrong()) } }
                }
            }
        }
        ConnectAction::Link { href, label } if has_session => html! { p { a.button href=(href) { (label()) } } },
        ConnectAction::Link { .. } => html! { p.hint { (say::after_first_step()) } },
    }
}

/// One sentence: is everything well?
fn summary(accounts: &[Overviewed<'_>], is_all: bool) -> Markup {
    let is_troubled = |one: &&Overviewed<'_>| {
        (one.connection.status != Status::Connected && !one.is_being_finished()) || one.connection.block.is_some()
    };
    let troubled = accounts.iter().filter(is_troubled).count();
    html! {
        p.lead {
            @match troubled {
                0 if accounts.iter().any(Overviewed::is_being_finished) => (say::being_finished()),
                0 if !is_all => (say::all_well()),
                0 => (say::all_connected()),
                _ => (say::accounts_need_you(troubled)),
            }
        }
    }
}

fn card(account: &Overviewed<'_>, now_ms: i64, token: &Markup) -> Markup {
    let Overviewed { front, connection, .. } = account;
    let path = format!("/connections/{}/{}", connection.channel, connection.account);
    let name = html! { bdi { (parts::name_or(Some(&connection.name), &connection.account)) } };
    let heading = format!("account-{}-{}", connection.channel, connection.account.replace('.', "-"));
    html! {
        article class={ "card " (connection.status.as_str()) } aria-labelledby=(heading) {
            div.card-head {
                div.who {
                    h2 id=(heading) { (name) }
                    p.hint { (say::account_of(front.view.platform, (front.view.noun)())) " · " span.id { (connection.account) } }
                }
                (parts::state(connection))
            }
            (missing(account, now_ms))
            dl.facts {
                div { dt { (say::last_event()) } dd { @match account.last_event_at { Some(at) => (ago(now_ms, at)), None => (say::none_yet()) } } }
                div {
                    dt { (say::last_read()) }
                    dd { @match connection.last_read_at { Some(at) => (ago(now_ms, at)), None => (say::not_yet()) } }
                }
                div { dt { (say::connected_since()) } dd { (ago(now_ms, connection.connected_at)) } }
            }
            (progress(account, now_ms))
            div.actions {
                @if account.has_items {
                    @if front.view.catalogue.is_some() {
                        a.button.plain href={ "/catalogue/" (connection.channel) "/" (connection.account) } { (say::catalogue()) }
                    } @else {
                        a.button.plain href={ "/conversations/" (connection.channel) "/" (connection.account) } { (say::conversations()) }
                    }
                }
                @if connection.status != Status::NeedsReconnect {
                    form method="post" action={ (path) "/sync" } { (token) button.plain { (say::sync_now()) } }
                }
                (bot::switch_form(&(connection.channel.clone(), connection.account.clone()), account.bot, token))
                a.quiet-link href={ (path) "/disconnect" } { (say::disconnect()) span.unseen { " " (connection.name) } }
            }
        }
    }
}

/// What the button says that leads to the login again. Reasons of connections that work in part name the button of the
/// start page's step, so it is called the same here.
fn login_label(front: &Front, status: Status) -> Sentence {
    match front.connect.as_ref().map(|step| &step.action) {
        Some(ConnectAction::Link { label, .. }) if status == Status::Incomplete => label(),
        _ => say::log_in_to_again(front.view.platform),
    }
}

/// What is wrong, and the button that mends it.
fn missing(account: &Overviewed<'_>, now_ms: i64) -> Markup {
    let Overviewed { front, connection, requests, subscriptions, remark, to_come, .. } = account;
    let reads = || requests.iter().filter(|one| !one.request.is_housekeeping());
    let unheard = subscriptions.as_ref().map(|one| one.missing.join(", ")).filter(|missing| !missing.is_empty());
    html! {
        @if let Some(block) = &connection.block {
            div.trouble.bad { p { (say::answers_not_sent(block.sentence.clone())) } }
        }
        @if account.is_being_finished() {
            div.trouble.note { p { @if let Some(sentence) = StillToCome::sentence(to_come) { (sentence) " " } (say::nobody_has_to()) } }
        } @else if connection.status != Status::Connected {
            div class=(if connection.status == Status::NeedsReconnect { "trouble bad" } else { "trouble warn" }) {
                p {
                    @match connection.status_reason() {
                        Some(reason) => (reason),
                        None => (say::login_not_accepted(front.view.platform)),
                    }
                    @if connection.status == Status::NeedsReconnect { " " (say::still_taken_in()) }
                }
                @if let Some(reconnect) = front.view.reconnect {
                    p { a.button href=(reconnect(&connection.account)) { (login_label(front, connection.status)) } }
                }
            }
        }
        @if let Some(unheard) = unheard {
            div.trouble.warn { p { (say::not_notified(front.view.platform, unheard)) } }
        }
        @if let Some(remark) = remark { div.trouble.note { p { (remark) } } }
        @if connection.status != Status::NeedsReconnect {
            @if reads().any(|one| one.is_given_up) {
                div.trouble.warn { p { (say::reading_given_up()) } }
            } @else if let Some(failed) = reads().find(|one| one.attempts > 0) {
                div.trouble.warn { p { (say::reading_failed(within(failed.due_at - now_ms))) } }
            }
        }
    }
}

fn within(ms: i64) -> Sentence {
    match ms / 1000 {
        ..60 => say::in_a_moment(),
        seconds => say::in_minutes(seconds / 60),
    }
}

fn progress(account: &Overviewed<'_>, now_ms: i64) -> Markup {
    html! {
        @match &account.step {
            Some(step) => {
                @let id = format!("progress-{}-{}", step.channel, step.account.replace('.', "-"));
                div.progress {
                    label for=(id) {
                        @match step.known {
                            Some(known) => (say::reading_of(step.what.clone(), step.done, known)),
                            None if step.done > 0 => (say::reading_so_far(step.what.clone(), step.done)),
                            None => (say::reading(step.what.clone())),
                        }
                    }
                    @match step.known {
                        Some(known) => progress id=(id) value=(step.done) max=(known.max(1)) {},
                        None => progress id=(id) {},
                    }
                }
            }
            None if account.is_under_way(now_ms) => p.hint { (say::reading_begins()) },
            None => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::shared::channel::job::BoxFuture;
    use crate::shared::channel::read_request::ReadRequest;
    use crate::shared::channel::reader::{Ended, ReadError, Reader};
    use crate::shared::channel::view::View;
    use crate::shared::outgoing::http::ApiError;

    /// The reader of a platform that shows no past.
    struct NoReader;

    impl Reader for NoReader {
        fn read_again<'a>(
            &'a self,
            _account: &'a str,
            request: &'a ReadRequest,
        ) -> BoxFuture<'a, Result<(), ReadError>> {
            Box::pin(async { Err(ReadError::UnknownRequest(request.clone())) })
        }

        fn unsubscribe<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
            Box::pin(async { Ok(Ended::Wholly) })
        }

        fn write_documents<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
            Box::pin(async { Ok(()) })
        }

        fn explain(&self, error: &ApiError) -> Sentence {
            error.said_of("Quiet")
        }
    }

    fn front(channel: &'static str, connect: Option<ConnectStep>) -> Front {
        let view = View {
            platform: "Quiet",
            noun: say::account,
            part: say::part_viber,
            reconnect: None,
            conversations: None,
            catalogue: None,
        };
        Front { channel, connect, view, reader: Arc::new(NoReader), is_configured: false }
    }

    #[test]
    fn a_channel_without_a_login_link_is_no_step_and_offers_no_login() {
        let step = ConnectStep {
            title: say::facebook_connect,
            action: ConnectAction::Link { href: "/loud/login", label: say::facebook_continue },
        };
        let fronts = Fronts(Arc::new(vec![front("quiet", None), front("loud", Some(step))]));
        let page = welcome(&fronts, &From::default(), None, true).into_string();
        assert!(page.contains("Step 1: </span>Connect your Facebook Page") && !page.contains("Step 2"), "{page}");

        let connection = Connection {
            channel: "quiet".to_owned(),
            account: "1".to_owned(),
            merchant: uuid::Uuid::nil(),
            name: "One".to_owned(),
            scopes: Vec::new(),
            status: Status::NeedsReconnect,
            trouble: None,
            block: None,
            connected_at: 0,
            last_read_at: None,
        };
        let account = Overviewed {
            front: &fronts.0[0],
            connection,
            last_event_at: None,
            step: None,
            requests: Vec::new(),
            subscriptions: None,
            to_come: Vec::new(),
            remark: None,
            has_items: false,
            bot: None,
        };
        let card = card(&account, 0, &html! {}).into_string();
        assert!(card.contains("no longer accepts the stored login") && !card.contains("Log in to"), "{card}");
    }
}
