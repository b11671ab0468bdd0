//! The conversations of an account: newest first, a page at a time, and a search by name, id or text.

use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};
use serde::Deserialize;

use super::parts::{Line, lines, name_or, thread_item};
use super::{Front, Fronts, Page, Renewal, Tab, owned};
use crate::shared::channel::context::Shared;
use crate::shared::channel::view::{Shown, clean};
use crate::shared::journal::Account;
use crate::shared::languages::{bdi, date, say};
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;
use crate::shared::store::{Item, Session, Thread, ThreadPlace};
use crate::shared::text_fold::Words;

/// How many conversations a page shows.
const PER_PAGE: i64 = 50;

/// How many a search finds at a time.
const FINDS: usize = 30;

/// How long a search looks through messages before it shows what it has, and offers to go on.
const SEARCH_FOR: Duration = Duration::from_millis(400);

/// The same where a person of that name was found, who is most probably who was meant.
const SEARCH_ON_FOR: Duration = Duration::from_millis(150);

/// The longest words that are looked for, in characters.
const MAX_WORDS: usize = 200;

pub fn routes() -> Router<Shared> {
    Router::new().route("/conversations", get(first)).route("/conversations/{channel}/{account}", get(list))
}

/// Where a list goes on.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    /// The place where the page before ended: time, person.
    after: Option<String>,
    /// The event where a search ended.
    before: Option<i64>,
}

impl Asked {
    fn place(&self) -> Option<ThreadPlace> {
        let (at, person) = self.after.as_deref()?.split_once('_')?;
        Some(ThreadPlace { at: at.parse().ok()?, tie: person.to_owned() })
    }
}

/// The merchant's accounts that have conversations, with what they are called.
async fn accounts<'a>(
    shared: &Shared,
    fronts: &'a Fronts,
    session: &Session,
) -> Result<Vec<(&'a Front, Account, String)>, AppError> {
    let connections = shared.connections.list_of(session.merchant).await?;
    let with_conversations = connections.into_iter().filter_map(|connection| {
        let front = fronts.of(&connection.channel).filter(|front| front.view.conversations.is_some())?;
        Some((front, (connection.channel, connection.account), connection.name))
    });
    Ok(with_conversations.collect())
}

/// `GET /conversations`: those of the first account.
async fn first(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    if let Some((_, (channel, account), _)) = accounts(&shared, &fronts, &session).await?.first() {
        return Ok(Redirect::to(&format!("/conversations/{channel}/{account}")).into_response());
    }
    let body = html! {
        h1 { (say::conversations()) }
        p.empty { (say::no_conversations(html! { a href="/" { (say::connect_one()) } })) }
    };
    Ok(Page { title: say::conversations(), tab: Tab::Conversations, renewal: Renewal::Never, body }.show())
}

/// `GET /conversations/{channel}/{account}`.
async fn list(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Path(account): Path<Account>,
    Query(asked): Query<Asked>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &session, &account).await?;
    let front = fronts.of(&account.0).ok_or(AppError::NotFound)?;
    let show = front.view.conversations.ok_or(AppError::NotFound)?;
    let all = accounts(&shared, &fronts, &session).await?;
    let path = format!("/conversations/{}/{}", account.0, account.1);
    let words: String = clean(asked.q.trim()).chars().take(MAX_WORDS).collect();
    let found = if words.is_empty() {
        let place = asked.place();
        newest_of(&shared, show, &account, place, &path).await?
    } else {
        search(&shared, show, &account, &words, asked.before, &path).await?
    };
    let body = html! {
        h1 { (say::conversations()) }
        @if all.len() > 1 {
            nav.tabs aria-label=(say::accounts()) {
                ul {
                    @for (_, (channel, one), name) in &all {
                        li { a href={ "/conversations/" (channel) "/" (one) } aria-current=[(*one == account.1).then_some("true")] { bdi { (name_or(Some(name), one)) } } }
                    }
                }
            }
        } @else {
            p.hint { (say::with_on(bdi(name_or(Some(&connection.name), &connection.account)), front.view.platform)) }
        }
        form.search role="search" method="get" action=(path) {
            label.unseen for="q" { (say::search_conversations()) }
            input type="search" id="q" name="q" value=(words) placeholder=(say::search_conversations()) autocomplete="off" maxlength=(MAX_WORDS);
            button.plain { (say::search()) }
        }
        (found)
    };
    // Old pages and what a search found stay as they are while somebody reads them.
    let is_newest = words.is_empty() && asked.after.is_none();
    let renewal = if is_newest { Renewal::Calm } else { Renewal::Never };
    Ok(Page { title: say::conversations(), tab: Tab::Conversations, renewal, body }.show())
}

async fn newest_of(
    shared: &Shared,
    show: fn(&str, &Item) -> Shown,
    account: &Account,
    place: Option<ThreadPlace>,
    path: &str,
) -> Result<Markup, AppError> {
    let is_first = place.is_none();
    let mut threads = shared.journal.list_threads(account, place, PER_PAGE + 1).await?;
    let has_more = threads.len() > usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    threads.truncate(usize::try_from(PER_PAGE).unwrap_or(usize::MAX));
    let shown = with_newest(shared, show, threads).await?;
    let now_ms = shared.clock.now_ms();
    Ok(html! {
        @if shown.is_empty() && is_first {
            p.empty { (say::nobody_has_written_list()) }
        } @else if shown.is_empty() {
            p.empty { (say::no_more_conversations()) " " a href=(path) { (say::back_to_newest()) } }
        } @else {
            ul.threads { @for (thread, line) in &shown { (thread_item(thread, line.as_ref(), now_ms, None)) } }
        }
        nav.pager aria-label=(say::pages()) {
            @if !is_first { a.button.plain href=(path) { (say::newest()) } }
            @if let (true, Some((last, _))) = (has_more, shown.last()) {
                a.button.plain rel="next" href={ (path) "?after=" (last.last_at) "_" (last.person) } { (say::older_conversations()) }
            }
        }
    })
}

async fn search(
    shared: &Shared,
    show: fn(&str, &Item) -> Shown,
    account: &Account,
    words: &str,
    before: Option<i64>,
    path: &str,
) -> Result<Markup, AppError> {
    let looked_for = Words::new(words);
    let people = match before {
        None => shared.journal.find_threads_of(account, &looked_for, FINDS).await?,
        Some(_) => Vec::new(),
    };
    let people = with_newest(shared, show, people).await?;
    let said = looked_for.clone();
    let says = move |_: &str, account: &str, item: &Item| match show(account, item) {
        Shown::Message(message) => said.are_in(&message.text),
        _ => false,
    };
    let until = Instant::now() + if people.is_empty() { SEARCH_FOR } else { SEARCH_ON_FOR };
    let found = shared.journal.search_messages(vec![account.clone()], before, FINDS, until, says).await?;
    let mut hits = Vec::new();
    for (thread, item) in found.hits {
        // What was taken back or reworded since is not found by what it said before.
        let line = line_of(shared, show, account, &thread.person, item).await?;
        hits.extend(line.filter(|line| looked_for.are_in(&line.message.text)).map(|line| (thread, line)));
    }
    let now_ms = shared.clock.now_ms();
    let query: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
    Ok(html! {
        @if !people.is_empty() {
            h2 { (say::people()) }
            ul.threads { @for (thread, line) in &people { (thread_item(thread, line.as_ref(), now_ms, None)) } }
        }
        @if !hits.is_empty() {
            h2 { (say::messages()) }
            ul.threads {
                @for (thread, line) in &hits { (thread_item(thread, None, now_ms, Some(snippet(&line.message.text, &looked_for)))) }
            }
        }
        @if people.is_empty() && hits.is_empty() {
            p.empty { @if found.next.is_some() { (say::nothing_found_so_far(bdi(words))) } @else { (say::nothing_found(bdi(words))) } " " a href=(path) { (say::show_all_conversations()) } }
        }
        @if let Some((seq, at)) = found.next {
            nav.pager aria-label=(say::pages()) {
                span.hint { (say::searched_back_to(date(at))) }
                a.button.plain rel="next" href={ (path) "?q=" (query) "&before=" (seq) } { (say::search_further()) }
            }
        }
    })
}

/// The words where they stand in a text, with what is around the first of them.
fn snippet(text: &str, words: &Words) -> Markup {
    const AROUND: usize = 50;
    let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let found = words.find_in(&text);
    let first = found.first().map_or(0, |(start, _)| *start);
    let start = text[..first].char_indices().rev().take(AROUND).last().map_or(first, |(at, _)| at);
    let end = text[first..].char_indices().nth(2 * AROUND).map_or(text.len(), |(at, _)| first + at);
    // A word that begins within the excerpt is shown whole.
    let end = found.iter().filter(|(start, _)| *start < end).map(|(_, stop)| *stop).fold(end, usize::max);
    let mut at = start;
    html! {
        bdi {
            @if start > 0 { "…" }
            @for (from, to) in found.iter().filter(|(from, _)| *from < end) {
                (text[at..*from])
                mark { (text[*from..*to]) }
                ({ at = *to; "" })
            }
            (text[at..end])
            @if end < text.len() { "…" }
        }
    }
}

/// The newest conversations of all accounts of a merchant.
pub async fn newest(
    shared: &Shared,
    fronts: &Fronts,
    session: &Session,
    limit: i64,
) -> Result<Vec<(Thread, Option<Line>)>, AppError> {
    let mut newest = Vec::new();
    for (front, account, _) in accounts(shared, fronts, session).await? {
        let Some(show) = front.view.conversations else { continue };
        let threads = shared.journal.list_threads(&account, None, limit).await?;
        let shown = with_newest(shared, show, threads).await?;
        newest.extend(shown);
    }
    newest.sort_by_key(|(thread, _)| std::cmp::Reverse(thread.last_at));
    newest.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(newest)
}

/// Conversations with their newest message, as it stands after everything that became of it.
async fn with_newest(
    shared: &Shared,
    show: fn(&str, &Item) -> Shown,
    threads: Vec<Thread>,
) -> Result<Vec<(Thread, Option<Line>)>, AppError> {
    let mut shown = Vec::with_capacity(threads.len());
    for mut thread in threads {
        let line = match thread.newest.take() {
            Some(item) => {
                let account = (thread.channel.clone(), thread.account.clone());
                line_of(shared, show, &account, &thread.person, item).await?
            }
            None => None,
        };
        shown.push((thread, line));
    }
    Ok(shown)
}

/// One message with what became of it.
pub async fn line_of(
    shared: &Shared,
    show: fn(&str, &Item) -> Shown,
    account: &Account,
    person: &str,
    item: Item,
) -> Result<Option<Line>, AppError> {
    let marks = shared.journal.list_marks(account, person, item.at).await?;
    Ok(lines(show, &account.1, &[item], &marks).0.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_marks_the_words_and_escapes_the_rest() {
        let shown = |text: &str, typed: &str| snippet(text, &Words::new(typed)).into_string();
        let long = shown(&format!("{} <b>Größe</b> L {}", "x".repeat(80), "y".repeat(200)), "grosse");
        assert!(long.starts_with("<bdi>…xxx") && long.contains("&lt;b&gt;<mark>Größe</mark>&lt;/b&gt; L"), "{long}");
        assert!(long.ends_with("y…</bdi>"), "{long}");
        // A capital İ has a longer lower case.
        assert_eq!(shown("İ größe", "GRÖSSE i"), "<bdi><mark>İ</mark> <mark>größe</mark></bdi>");
        assert_eq!(shown("nothing of it", "else"), "<bdi>nothing of it</bdi>");
        assert_eq!(shown("", "else"), "<bdi></bdi>");
    }
}
