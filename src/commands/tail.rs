//! `shoptalk tail`: events of the feed as they happen.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{CommandRunner, EventsWanted, Line, refuse};
use crate::answering::Answering;
use crate::answering::event::EventQuery;
use crate::shared::store::FeedQuery;

/// How often it is looked for new events by itself, and for new merchants.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How many events are read at a time.
const PAGE: usize = 50;

/// How many messages of its conversation and how many products come with a message, as where events are posted.
const HISTORY: usize = 20;
const PRODUCTS: usize = 5;

impl CommandRunner {
    /// Tells events until nobody listens any more.
    pub(super) async fn tail(&self, wanted: EventsWanted, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        if let Some(problem) = self.why_not(&wanted).await? {
            return refuse(lines, problem).await;
        }
        let mut followed = HashSet::new();
        let mut readers: JoinSet<anyhow::Result<()>> = JoinSet::new();
        loop {
            for merchant in self.merchants(wanted.merchant).await? {
                if !followed.insert(merchant) {
                    continue;
                }
                let after = match wanted.since {
                    Some(after) => after,
                    None => self.journal.feed_ends(merchant).await?.newest,
                };
                let kinds = wanted.kinds.clone();
                let feed = FeedQuery { merchant, after, kinds, limit: PAGE, history: HISTORY, ..FeedQuery::default() };
                let query = EventQuery {
                    feed,
                    products: PRODUCTS,
                    with_merchant: wanted.merchant.is_none(),
                    without_raw: false,
                };
                readers.spawn(follow(self.answering.clone(), query, lines.clone()));
            }
            tokio::select! {
                () = lines.closed() => return Ok(true),
                Some(ended) = readers.join_next() => ended??,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn why_not(&self, wanted: &EventsWanted) -> anyhow::Result<Option<String>> {
        let merchants = self.merchants(wanted.merchant).await?;
        let Some(since) = wanted.since else {
            let is_unknown = wanted.merchant.is_some() && merchants.is_empty();
            return Ok(is_unknown.then(|| "this merchant has no connected account".to_owned()));
        };
        let [merchant] = merchants.as_slice() else {
            let text = match merchants.len() {
                0 => "there is no connected account, and so there are no events",
                _ => "each merchant's events have numbers of their own: --since needs --merchant",
            };
            return Ok(Some(text.to_owned()));
        };
        let ends = self.journal.feed_ends(*merchant).await?;
        Ok((!ends.can_go_on_after(since)).then(|| format!("events {} to {} are kept", ends.oldest, ends.newest)))
    }

    /// The merchants who have an account, or this one of them.
    async fn merchants(&self, only: Option<Uuid>) -> anyhow::Result<Vec<Uuid>> {
        let connections = self.connections.list().await?;
        let mut merchants: Vec<Uuid> = connections.iter().map(|connection| connection.merchant).collect();
        merchants.retain(|merchant| only.is_none_or(|only| only == *merchant));
        merchants.sort_unstable();
        merchants.dedup();
        Ok(merchants)
    }
}

/// Tells the events of one merchant.
async fn follow(answering: Answering, mut query: EventQuery, lines: mpsc::Sender<Line>) -> anyhow::Result<()> {
    // Before the first look: what comes after it is told.
    let mut news = answering.shared.journal.watch_feed(query.feed.merchant);
    loop {
        let page = answering.read_events(query.clone()).await?;
        query.feed.after = page.next;
        for event in page.events {
            if lines.send(Line::Event { id: event.id, json: event.json }).await.is_err() {
                return Ok(());
            }
        }
        if page.next >= page.ends.newest {
            let _ = tokio::time::timeout(LOOK_EVERY, news.changed()).await;
        }
    }
}
