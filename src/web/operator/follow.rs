//! What became of one delivery or message, found by any of its names: received, stored, consumed.

use maud::{Markup, html};

use super::state::Operator;
use super::times::time;
use crate::shared::journal::Account;
use crate::shared::server::error::AppError;
use crate::shared::store::EventStatus;

/// The longest name that is looked for, in bytes. Meta's are the longest, with some two hundred.
const MAX_BYTES: usize = 500;

/// The events that have this id at their platform, in whichever account: connected, given up, or never known here.
pub(super) async fn find(operator: &Operator, id: &str) -> Result<Vec<EventStatus>, AppError> {
    let shared = &operator.shared;
    let connected = shared.connections.list().await?.into_iter().map(|one| (one.channel, one.account));
    let mut accounts: Vec<Account> = connected.collect();
    accounts.extend(shared.journal.list_set_aside_accounts().await?);
    accounts.sort_unstable();
    accounts.dedup();
    let mut found: Vec<EventStatus> = Vec::new();
    for (channel, account) in accounts {
        let Some(key) = (operator.event_key)(&channel, &account, id) else { continue };
        // Accounts of two channels may share their keys.
        let event = shared.journal.find_event_status_of(key).await?;
        found.extend(event.filter(|event| !found.contains(event)));
    }
    Ok(found)
}

/// The form, and what was found by what was typed into it last.
pub(super) async fn section(operator: &Operator, asked: Option<&str>) -> Result<Markup, AppError> {
    let asked = asked.map(str::trim).filter(|asked| !asked.is_empty() && asked.len() <= MAX_BYTES);
    let found = match asked {
        None => Vec::new(),
        Some(asked) => {
            let by_number = match asked.parse() {
                Ok(seq) => operator.shared.journal.find_event_status(seq).await?,
                Err(_) => None,
            };
            by_number.into_iter().chain(find(operator, asked).await?).collect()
        }
    };
    let now_ms = operator.shared.clock.now_ms();
    Ok(html! {
        section aria-labelledby="follow" {
            h2 id="follow" { "Follow a delivery" }
            form.search role="search" method="get" action="/operator#follow" {
                label.unseen for="event" { "A message's id, a delivery's id or an event's number" }
                input type="search" id="event" name="event" value=[asked] placeholder="Message id (mid), X-Shopify-Webhook-Id or event number" autocomplete="off" spellcheck="false" maxlength=(MAX_BYTES);
                button.plain { "Follow" }
            }
            @if let Some(asked) = asked {
                @if found.is_empty() {
                    p.hint { "Nothing that was stored here is called “" bdi { (asked) } "”. Either it never arrived, or it was erased or deleted by age." }
                }
                @for event in &found { (story(event, now_ms)) }
            }
        }
    })
}

/// What became of an event.
pub(super) fn story(event: &EventStatus, now_ms: i64) -> Markup {
    let account = if event.account.is_empty() { "no account" } else { &event.account };
    html! {
        div.panel {
            h3 { "Event " (event.seq) ": " (event.kind) }
            dl.facts {
                div { dt { "Account" } dd { (event.channel) " " bdi { (account) } } }
                div { dt { "Happened" } dd { (time(now_ms, Some(event.occurred_at))) } }
                div { dt { "Received and stored" } dd { (time(now_ms, Some(event.received_at))) " by " (event.source) } }
                div { dt { "Consumed" } dd { (consumed(event)) } }
                @if let Some(file) = &event.file { div { dt { "Stands in" } dd { code { (file) } } } }
                @if let Some(object) = &event.reread {
                    div { dt { "Causes a read of" } dd { @if object.is_empty() { "the whole account" } @else { code { (object) } } } }
                }
            }
            @if let Some(reason) = &event.failed { p.trouble.bad { (reason) } }
        }
    }
}

fn consumed(event: &EventStatus) -> String {
    match event {
        EventStatus { set_aside: Some(reason), .. } => format!("no, set apart: {reason}"),
        EventStatus { is_given_up: true, .. } => "given up after several tries".to_owned(),
        EventStatus { failed: Some(_), .. } => "failed, and is tried again".to_owned(),
        EventStatus { consumed: true, .. } => "yes".to_owned(),
        _ => "not yet".to_owned(),
    }
}
