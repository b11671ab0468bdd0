//! A part of which nobody knows whether it was sent: it is looked for, and only what was proved absent is sent once more.

use super::Outbox;
use super::aside::{Aside, take_due};
use super::queue::Turn;
use crate::shared::channel::dialogue::{Dialogue, LostAnswers, PartContent, Recipient, Sent};
use crate::shared::channel::meaning::{Kind, Meaning, Origin, WentOut};
use crate::shared::journal::{Conversation, Event, JournalError};
use crate::shared::store::{Item, Looked, Outgoing, OutgoingPart, PartState};
use crate::shared::text_fold::is_same_text;

/// A call may have been carried out so long before it was known to be lost, in milliseconds: the time-out of calls, the
/// platform's whole seconds, and clocks that differ.
const BEFORE_MS: i64 = 90_000;

/// How soon it is looked again whether something else has resolved it, in milliseconds.
const GLANCE_MS: i64 = 1_000;

/// After the time of the second look others wait so long for what it brings, in milliseconds.
const GRACE_MS: i64 = 5_000;

/// A look beside the queue that ends, whether its task ends well or in a panic.
struct Again<'a> {
    outbox: &'a Outbox,
    number: i64,
    /// Not looked at before this time, in milliseconds since 1970.
    at: i64,
}

impl Again<'_> {
    fn is_over(&self) {
        self.outbox.aside().remove(&self.number);
    }
}

impl Drop for Again<'_> {
    fn drop(&mut self) {
        if let Some(aside) = self.outbox.aside().get_mut(&self.number) {
            (aside.at, aside.is_under_way) = (self.at, false);
        }
    }
}

/// How often it must be absent.
const PROOF: i64 = 2;

impl Outbox {
    /// Whether others of the person do not wait any longer until it is known what became of this part.
    pub(super) fn is_overdue(&self, part: &OutgoingPart) -> bool {
        let [_, second, _] = self.0.answering.settings.resolve_after_ms();
        let since = part.unknown_at.unwrap_or_default();
        self.now_ms() >= since.saturating_add(second) + GRACE_MS
    }

    /// Looks for the unknown parts of this message from now on, while others of the person have their turns.
    pub(super) fn look_aside(&self, number: i64, of: &Conversation) {
        self.aside().entry(number).or_insert_with(|| Aside { of: of.clone(), at: self.now_ms(), is_under_way: false });
    }

    /// Begins every look that is due beside the queue.
    pub(super) fn look_at_those_aside(&self) {
        let now_ms = self.now_ms();
        let due = take_due(&mut self.aside(), now_ms);
        for (number, of) in due {
            let outbox = self.clone();
            self.0.tasks.spawn(async move {
                let mut again = Again { outbox: &outbox, number, at: outbox.now_ms() + GLANCE_MS };
                match outbox.look_once(number, &of).await {
                    Ok(Some(at)) => again.at = at,
                    Ok(None) => again.is_over(),
                    Err(error) => {
                        tracing::warn!(
                            error = format!("{error:#}"),
                            "a message could not be looked for; it is tried again"
                        );
                    }
                }
            });
        }
    }

    /// Looks for the unknown part of a message. Gives when to look again; `None`: nothing is unknown any more.
    async fn look_once(&self, number: i64, of: &Conversation) -> anyhow::Result<Option<i64>> {
        let journal = &self.0.answering.shared.journal;
        let is_unknown = |part: &&OutgoingPart| part.state == PartState::Unknown;
        let mut again_at = self.now_ms() + GLANCE_MS;
        let Some(message) = journal.find_outgoing(number).await? else { return Ok(None) };
        let Some(dialogue) = self.0.answering.dialogue(&of.channel) else { return Ok(Some(again_at)) };
        if let Some(part) = message.parts.iter().find(is_unknown)
            && let Turn::Postponed(at) = self.look(&**dialogue, &message, part).await?
        {
            again_at = at;
        }
        let now = journal.find_outgoing(number).await?;
        if now.is_some_and(|now| now.parts.iter().any(|part| part.state == PartState::Unknown)) {
            return Ok(Some(again_at));
        }
        // What was proved absent goes out once more.
        self.queue().add(number, of, self.rates_of(&of.channel));
        Ok(None)
    }

    /// Looks for a part when it is time to.
    pub(super) async fn look(
        &self,
        dialogue: &dyn Dialogue,
        message: &Outgoing,
        part: &OutgoingPart,
    ) -> anyhow::Result<Turn> {
        let answering = &self.0.answering;
        let now_ms = self.now_ms();
        let since = part.unknown_at.unwrap_or(now_ms);
        let [first, second, last] = answering.settings.resolve_after_ms();
        let is_read = dialogue.profile().lost_answers == LostAnswers::AreRead;
        let due = since + if part.looks == 0 { first } else { second };
        if !is_read && now_ms >= since + last {
            return self.stop_looking(message, part).await;
        }
        if now_ms < due || !is_read {
            return Ok(Turn::Postponed(now_ms + GLANCE_MS));
        }
        let of = &message.conversation;
        let quoted: Vec<String> = part.content.iter().filter_map(|part| part.reply_to.clone()).collect();
        let to = Recipient { account: &of.account, person: &of.person };
        let events = match dialogue.read_newest(to, &quoted).await {
            Ok(events) => events,
            // Whoever was stopped for longer than that looks all the same: nobody else has.
            Err(_) if self.now_ms() >= since + last => return self.stop_looking(message, part).await,
            Err(error) => {
                tracing::info!(%error, message = message.id, "a conversation could not be read; it is read again soon");
                return Ok(Turn::Postponed((self.now_ms() + first.clamp(GLANCE_MS, 20_000)).min(since + last)));
            }
        };
        let found = self.find_among(dialogue, message, part, since, &events).await?;
        // Before the events: whoever reads them then finds that the message is ours.
        let is_found = found.is_some();
        let looked = match found {
            Some((sent, at)) => Looked::Found(sent, at),
            None => Looked::Absent { is_proof: part.looks + 1 >= PROOF },
        };
        answering.shared.journal.end_look(message.number, part, looked).await?;
        answering.shared.journal.append(events).await?;
        let is_resolved = is_found || part.looks + 1 >= PROOF;
        Ok(if is_resolved { Turn::GoesOn } else { Turn::Postponed(self.now_ms() + GLANCE_MS) })
    }

    /// It stays unknown whether a part was sent, until its echo or a receipt comes after all.
    async fn stop_looking(&self, message: &Outgoing, part: &OutgoingPart) -> anyhow::Result<Turn> {
        self.0.answering.shared.journal.end_look(message.number, part, Looked::GivenUp).await?;
        tracing::warn!(
            message = message.id,
            "nobody could find out whether a message was sent; a person has to decide"
        );
        Ok(Turn::Done)
    }

    /// By what the platform names the part, and its time, if it is among these events.
    async fn find_among(
        &self,
        dialogue: &dyn Dialogue,
        message: &Outgoing,
        part: &OutgoingPart,
        since: i64,
        events: &[Event],
    ) -> anyhow::Result<Option<(Sent, Option<i64>)>> {
        let mark = message.mark(part.n);
        let earliest = part.called_at.unwrap_or(since).min(since);
        let mut alike = None;
        for event in events {
            let at = event.occurred_at.unwrap_or(since);
            let item = Item { seq: 0, at, kind: event.kind.to_string(), payload: event.payload.clone() };
            let Meaning::WentOut(out) = dialogue.meaning(&message.conversation.account, &item) else { continue };
            let Some(id) = out.platform_id.clone() else { continue };
            let sent = Sent { platform_id: id, common_id: out.common_id.clone(), ..Sent::default() };
            if out.mark.as_deref() == Some(&mark) {
                return Ok(Some((sent, event.occurred_at)));
            }
            let may_be_it = at >= earliest - BEFORE_MS && looks_like(part, &out);
            let of = &message.conversation;
            if may_be_it
                && alike.is_none()
                && !self.is_sent_part(of, &sent).await?
                && !self.is_of_others(dialogue, of, event).await?
            {
                alike = Some((sent, event.occurred_at));
            }
        }
        Ok(alike)
    }

    async fn is_sent_part(&self, of: &Conversation, sent: &Sent) -> Result<bool, JournalError> {
        self.0.answering.shared.journal.is_sent_part(of, &sent.platform_id, sent.common_id.as_deref()).await
    }

    /// Whether something that was read back is known to be another app's, or a person's: a webhook tells what a read does not.
    async fn is_of_others(&self, dialogue: &dyn Dialogue, of: &Conversation, event: &Event) -> anyhow::Result<bool> {
        let journal = &self.0.answering.shared.journal;
        let Some(known) = journal.find_event_status_of(event.key).await? else { return Ok(false) };
        let account = (of.channel.clone(), of.account.clone());
        let Some(item) = journal.find_item(&account, &of.person, known.seq).await? else { return Ok(false) };
        let Meaning::WentOut(out) = dialogue.meaning(&of.account, &item) else { return Ok(false) };
        Ok(matches!(out.from, Origin::App(_) | Origin::Inbox))
    }
}

/// Whether something that went out may be this part: it was read back, where neither app nor mark are told.
fn looks_like(part: &OutgoingPart, out: &WentOut) -> bool {
    if !matches!(out.from, Origin::Untold | Origin::Us) || out.mark.is_some() {
        return false;
    }
    match part.content.as_ref().map(|part| &part.content) {
        Some(PartContent::Text { text }) => out.text.as_deref().is_some_and(|shown| is_same_text(text, shown)),
        Some(_) => out.kind != Kind::Text,
        None => false,
    }
}
