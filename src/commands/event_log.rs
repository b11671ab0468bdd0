//! `shoptalk events`: the journal, leafed through in a terminal.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::table::table;
use super::{CommandRunner, Line, say};
use crate::shared::store::{EventFilter, EventStatus};
use crate::shared::times::utc_text;

/// Events of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWanted {
    /// Which.
    pub filter: EventFilter,
    /// Each as one line of JSON.
    pub is_json: bool,
    /// Whether to go on with those that arrive.
    pub watches: bool,
}

impl CommandRunner {
    /// Tells the newest events that fit, oldest first, and then those that arrive, until nobody listens any more.
    pub(super) async fn show_events(&self, wanted: LogWanted, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let LogWanted { mut filter, is_json, watches } = wanted;
        // Before the first look: what comes after it is told.
        let mut news = self.journal.watch();
        let mut is_first = true;
        loop {
            let events = self.newest_events(&filter).await?;
            if let Some(newest) = events.last() {
                filter.after = Some(newest.seq);
            }
            // A table has one head, and what arrives goes on below it.
            if is_json || !(events.is_empty() && is_first) {
                tell(&events, is_json, is_first, lines).await?;
                is_first = false;
            }
            if !watches {
                if is_first {
                    say(lines, "no event fits".to_owned()).await;
                }
                return Ok(true);
            }
            tokio::select! {
                () = lines.closed() => return Ok(true),
                changed = news.changed() => if changed.is_err() { return Ok(true) },
            }
        }
    }

    /// The newest events that fit, oldest first. A page may be short where few events fit, so others are looked at.
    async fn newest_events(&self, filter: &EventFilter) -> anyhow::Result<Vec<EventStatus>> {
        let (mut filter, mut found) = (filter.clone(), Vec::new());
        let limit = filter.limit;
        loop {
            filter.limit = limit - found.len();
            let page = self.journal.list_event_log(filter.clone()).await?;
            found.extend(page.events);
            filter.before = page.next;
            if found.len() >= limit || page.next.is_none() {
                break;
            }
        }
        found.reverse();
        Ok(found)
    }
}

async fn tell(
    events: &[EventStatus],
    is_json: bool,
    with_head: bool,
    lines: &mpsc::Sender<Line>,
) -> anyhow::Result<()> {
    if is_json {
        for event in events {
            say(lines, serde_json::to_string(event)?).await;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = events.iter().map(cells).collect();
    let head = usize::from(!with_head);
    for line in table(&["EVENT", "ARRIVED (UTC)      ", "ACCOUNT", "KIND", "PERSON", "ROAD", "STATE"], &rows)
        .into_iter()
        .skip(head)
    {
        say(lines, line).await;
    }
    Ok(())
}

fn cells(event: &EventStatus) -> Vec<String> {
    let state = match (&event.set_aside, &event.failed) {
        (Some(why), _) | (None, Some(why)) => format!("{}: {why}", event.outcome.as_str()),
        (None, None) => event.outcome.as_str().to_owned(),
    };
    vec![
        event.seq.to_string(),
        utc_text(event.received_at),
        format!("{}/{}", event.channel, if event.account.is_empty() { "–" } else { &event.account }),
        event.kind.clone(),
        event.person.clone().unwrap_or_else(|| "–".to_owned()),
        event.source.clone(),
        state,
    ]
}
