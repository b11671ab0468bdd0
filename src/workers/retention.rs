//! Deletes old events once a day. What they said stays in the files, and a repeat of one still changes nothing: see
//! [`Journal::prune`].

use std::sync::Arc;

use super::conversation_file::path_of;
use super::conversations::Conversations;
use crate::shared::files::output::Output;
use crate::shared::journal::{Conversation, Journal, JournalError, PruneStep};

/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Deletes old events.
pub struct Retention {
    journal: Journal,
    output: Output,
    conversations: Arc<Conversations>,
    days: i64,
}

impl Retention {
    /// Deletes events of this journal that are older than `days` and stand in the files that `conversations` makes.
    #[must_use]
    pub fn new(journal: Journal, output: Output, conversations: Arc<Conversations>, days: u32) -> Self {
        Self { journal, output, conversations, days: i64::from(days) }
    }

    /// Goes once through all events that are old enough. Gives back how many were deleted.
    ///
    /// # Errors
    /// When the journal cannot be used. What was deleted until then stays deleted.
    pub async fn run(&self) -> Result<usize, JournalError> {
        let before = self.journal.clock().now_ms() - self.days * DAY_MS;
        let mut deleted = 0;
        self.journal.begin_pruning().await?;
        loop {
            let step = self.step(before).await?;
            deleted += step.deleted;
            if step.is_last {
                return Ok(deleted);
            }
        }
    }

    /// One step of a pass.
    async fn step(&self, before: i64) -> Result<PruneStep, JournalError> {
        // A file that was made a moment ago may not be on disk yet, and is when its maker has done: an event must not go
        // before it.
        let _paused = self.conversations.pause().await;
        let output = self.output.clone();
        let file_of = move |conversation: &Conversation| {
            path_of(conversation).ok().and_then(|path| output.read(&path).ok().flatten()).map(|(content, _)| content)
        };
        self.journal.prune(before, file_of).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::clock::Clock;
    use crate::shared::journal::{DedupeKey, Effect, Event, Source};

    fn event(person: i64, number: i64) -> Event {
        Event {
            channel: "facebook",
            account: "1".to_owned(),
            key: DedupeKey::new("facebook", "1", &[&person.to_be_bytes(), &number.to_be_bytes()]),
            kind: "message".into(),
            effect: Effect::Conversation { person: person.to_string(), opens: true },
            occurred_at: Some(number),
            name: None,
            source: Source::Webhook,
            payload: format!("{{\"number\":{number}}}").into_bytes(),
        }
    }

    #[tokio::test]
    async fn a_step_is_small_also_where_many_people_wrote_by_turns() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual("2026-11-21T12:00:00Z".parse().expect("a time"));
        let (journal, _writer) = Journal::open(&folder.path().join("journal.db"), clock.clone()).expect("it opens");
        let output = Output::open(folder.path()).expect("it opens");
        journal.connect_account("facebook", "1").await.expect("connected");
        for number in 0..40 {
            journal.append((0..100).map(|person| event(person, number)).collect()).await.expect("stored");
        }
        for other in ["consumer:refresh", "consumer:overview", "consumer:feed"] {
            journal.save_cursor(other, "4000".to_owned()).await.expect("saved");
        }
        let conversations = Arc::new(Conversations::new(
            journal.clone(),
            output.clone(),
            crate::shared::low_priority::LowPriorityThread::start("files").unwrap(),
            crate::shared::telemetry::alerts::Alerts::new(clock.clone()),
        ));
        while conversations.step().await.expect("filed") {}
        clock.advance(std::time::Duration::from_secs(60));
        let (before, mut deleted) = (clock.now_ms(), Vec::new());
        let retention = Retention::new(journal.clone(), output, conversations, 0);
        loop {
            let step = retention.step(before).await.expect("deleted");
            deleted.push(step.deleted);
            if step.is_last {
                break;
            }
        }
        assert!(deleted.iter().all(|deleted| *deleted < 400), "{deleted:?}");
        // All but the newest.
        assert_eq!(deleted.iter().sum::<usize>(), 3999);
    }
}
