//! One conversation: both sides in order of time, with what became of each message.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};
use serde::Deserialize;

use super::conversations::line_of;
use super::parts;
use super::parts::{Line, excerpt, in_short, lines, name_or, time_of_day};
use super::{Front, Fronts, Page, Renewal, Tab, answer, form_token, media, owned, silence};
use crate::answering::Answering;
use crate::shared::channel::context::Shared;
use crate::shared::channel::view::{Media, Shown, Side, clean, plain_line, shorten, visible};
use crate::shared::journal::Account;
use crate::shared::languages::{Sentence, day, moment, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;
use crate::shared::store::{Item, Thread};

/// How many messages a page shows.
const PER_PAGE: usize = 50;

/// How much of an answered message is quoted, in characters.
const QUOTED: usize = 80;

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/conversations/{channel}/{account}/{person}", get(show))
        .route("/conversations/{channel}/{account}/{person}/{message}", get(whole))
        .merge(silence::routes())
        .merge(answer::routes())
}

/// Where a page of a conversation ends: time and number of the event after it.
#[derive(Deserialize)]
struct Asked {
    before: Option<String>,
}

impl Asked {
    fn place(&self) -> Option<(i64, i64)> {
        let (at, seq) = self.before.as_deref()?.split_once('_')?;
        Some((at.parse().ok()?, seq.parse().ok()?))
    }
}

/// What the channel gives to show conversations with, if this account has any and is the merchant's.
async fn open<'a>(
    shared: &Shared,
    fronts: &'a Fronts,
    SignedIn(session): &SignedIn,
    account: &Account,
    person: &str,
) -> Result<(&'a Front, fn(&str, &Item) -> Shown, Thread), AppError> {
    owned(shared, session, account).await?;
    let front = fronts.of(&account.0).ok_or(AppError::NotFound)?;
    let show = front.view.conversations.ok_or(AppError::NotFound)?;
    let thread = shared.journal.find_thread(account, person).await?;
    Ok((front, show, thread.ok_or(AppError::NotFound)?))
}

/// `GET /conversations/{channel}/{account}/{person}`.
async fn show(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(answering): Extension<Answering>,
    Extension(vault): Extension<Vault>,
    Path((channel, account, person)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    signed_in: SignedIn,
) -> Result<Response, AppError> {
    let account = (channel, account);
    let token = form_token(&vault, &signed_in.0);
    let bots = silence::section(&answering, &token, &account, &person).await?;
    let by_hand = answer::section(&answering, &token, &account, &person).await?;
    let (front, show, thread) = open(&shared, &fronts, &signed_in, &account, &person).await?;
    let place = asked.place();
    let page = shared.journal.load_thread_page(&account, &person, place, PER_PAGE).await?;
    let (lines, notes, read_until) = lines(show, &account.1, &page.items, &page.marks);
    let with_media = lines.iter().filter(|line| !line.message.media.is_empty());
    let ids: Vec<String> = with_media.filter_map(|line| line.message.id.clone()).collect();
    let copies = shared.journal.list_copies(&account, &person, ids).await?;
    let name = name_or(thread.name.as_deref(), &person);
    let path = parts::thread_path(&thread);
    let first = page.items.first().filter(|_| page.has_earlier);
    let notes = notes_between(&notes, &lines, place.is_none());
    let newest = lines.len().checked_sub(1).filter(|_| place.is_none());
    let read = lines.iter().rposition(|line| line.message.by == Side::Account && line.at <= read_until);
    let body = html! {
        nav.crumbs aria-label=(say::breadcrumb()) { a href={ "/conversations/" (account.0) "/" (account.1) } { (say::conversations()) } }
        h1 { bdi { (name) } }
        p.hint { (say::person_on(html! { span.id { (person) } }, front.view.platform)) " · " (thread.messages) " " (say::messages_word(thread.messages)) }
        (bots)
        @if let Some(first) = first {
            p.pager { a.button.plain rel="prev" href={ (path) "?before=" (first.at) "_" (first.seq) } { (say::earlier_messages()) } }
        }
        @if lines.is_empty() {
            p.empty { (say::messages_older_than_kept()) }
        }
        ol.messages {
            @for (index, line) in lines.iter().enumerate() {
                @let today = day(line.at);
                @if index == 0 || day(lines[index - 1].at) != today { li.day { h2 { (today) } } }
                (bubble(line, &lines, &name, &path, read == Some(index), newest == Some(index), &|id, position| {
                    let copy = copies.iter().find(|copy| copy.mid == id && copy.position == position)?;
                    Some((media::path(&account.0, &account.1, &copy.file), media::is_shown(&copy.content_type)))
                }))
                @for words in &notes[index] { li.note { (words) } }
            }
        }
        @if place.is_some() { p.pager { a.button.plain href=(parts::newest_in(&thread)) { (say::newest_messages()) } } }
        (by_hand)
    };
    let renewal = if place.is_none() { Renewal::Calm } else { Renewal::Never };
    Ok(Page { title: plain_line(&name).into(), tab: Tab::Conversations, renewal, body }.show())
}

/// `GET /conversations/{channel}/{account}/{person}/{message}`: a long message, whole.
async fn whole(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Path((channel, account, person, message)): Path<(String, String, String, String)>,
    signed_in: SignedIn,
) -> Result<Response, AppError> {
    let account = (channel, account);
    let (_, show, thread) = open(&shared, &fronts, &signed_in, &account, &person).await?;
    let seq: i64 = message.parse().map_err(|_| AppError::NotFound)?;
    let item = shared.journal.find_item(&account, &person, seq).await?;
    let line = line_of(&shared, show, &account, &person, item.ok_or(AppError::NotFound)?).await?;
    let line = line.ok_or(AppError::NotFound)?;
    let name = name_or(thread.name.as_deref(), &person);
    let body = html! {
        nav.crumbs aria-label=(say::breadcrumb()) {
            a href={ "/conversations/" (account.0) "/" (account.1) } { (say::conversations()) }
            a href=(parts::thread_path(&thread)) { bdi { (name) } }
        }
        h1 { (say::a_message()) }
        p.hint { @if line.message.by == Side::Account { (say::you()) } @else { bdi { (name) } } ", " (moment(line.at)) }
        @if line.is_unsent { p.gone { (say::message_unsent()) } } @else { div.whole dir="auto" { (clean(&line.message.text)) } }
    };
    Ok(Page { title: plain_line(&name).into(), tab: Tab::Conversations, renewal: Renewal::Never, body }.show())
}

/// Other happenings, each behind the message that came before it.
fn notes_between(notes: &[(i64, Sentence)], lines: &[Line], is_newest: bool) -> Vec<Vec<Sentence>> {
    let mut between = vec![Vec::new(); lines.len()];
    for (at, words) in notes {
        let after = lines.partition_point(|line| line.at <= *at);
        // What happened after an older page's last message belongs to the next page.
        if after > 0 && (is_newest || after < lines.len()) {
            between[after - 1].push(words.clone());
        }
    }
    between
}

/// What somebody attached: its copy where there is one, else its kind in words.
fn attached(media: &Media, by: &str, copy: Option<(String, bool)>) -> Markup {
    let title = media.title.as_deref().and_then(visible);
    let title = title.as_deref().map(|title| shorten(title, 120).unwrap_or(title));
    let words = html! { (media.kind) @if let Some(title) = title { ": " bdi { (title) } } };
    match copy {
        Some((path, true)) => html! {
            li.picture {
                a href=(path) { img src=(path) loading="lazy" decoding="async" alt={ (say::media_from(media.kind.clone(), by)) @if let Some(title) = title { ": " (title) } }; }
            }
        },
        Some((path, false)) => html! { li { a href=(path) download { (words) } } },
        None => html! { li { (words) } },
    }
}

/// Finds the copy of a message's attachment by the message's id and its position: where it is, and whether it is shown.
type FindCopy<'a> = &'a dyn Fn(&str, i64) -> Option<(String, bool)>;

fn bubble(
    line: &Line,
    lines: &[Line],
    name: &str,
    path: &str,
    is_read: bool,
    is_newest: bool,
    find: FindCopy<'_>,
) -> Markup {
    let message = &line.message;
    let quoted = message.reply_to.as_ref().map(|id| {
        let answered = lines.iter().find(|line| line.message.id.as_ref() == Some(id));
        let words = answered.map_or(say::earlier_message().told(), in_short);
        shorten(&words, QUOTED).map_or(words.clone(), |short| format!("{short}…"))
    });
    let text = visible(&message.text);
    let by = if message.by == Side::Account { say::from_you().told() } else { name.to_owned() };
    let shown = text.as_deref().map(excerpt);
    html! {
        li id=[is_newest.then_some(parts::NEWEST_MESSAGE)] class=(if message.by == Side::Account { "message account" } else { "message person" }) {
            div.bubble {
                p.unseen { @if message.by == Side::Account { (say::you()) } @else { bdi { (name) } } ":" }
                @if line.is_unsent {
                    p.gone { (say::message_unsent()) }
                } @else {
                    @if let Some(quoted) = quoted { blockquote dir="auto" { span.unseen { (say::answers_message()) " " } (quoted) } }
                    @if let Some(how) = &message.how { p.how { (how) } }
                    @if let Some(shown) = shown {
                        p.text dir="auto" { (shown.text) @if shown.is_cut { "…" } }
                        @if shown.is_cut { p { a href={ (path) "/" (line.seq) } { (say::show_whole()) } } }
                    }
                    @if !message.media.is_empty() {
                        ul.media {
                            @for media in message.media.iter().take(20) {
                                (attached(media, &by, message.id.as_ref().and_then(|id| find(id, media.position))))
                            }
                        }
                    }
                    @if text.is_none() && message.media.is_empty() && message.how.is_none() {
                        p.gone { (say::invisible_message()) }
                    }
                }
            }
            p.meta {
                (time_of_day(line.at))
                @if line.is_edited && !line.is_unsent { " · " (say::edited()) }
                @for (by, sign) in &line.reactions {
                    @let sign = visible(sign);
                    " · "
                    span.reaction {
                        @if *by == Side::Account { (say::you_reacted()) " " } @else { span.unseen { (say::they_reacted()) " " } }
                        bdi {
                            @match &sign {
                                Some(sign) => (shorten(sign, 12).unwrap_or(sign)),
                                None => (say::reacted()),
                            }
                        }
                    }
                }
                @if is_read { " · " (say::read()) }
            }
        }
    }
}
