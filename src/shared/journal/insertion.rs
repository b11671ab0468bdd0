//! How events come into the journal: what is known already changes nothing, and what is new has its consequences within the
//! journal at once.

use rusqlite::{Connection, params};

use super::connected_accounts::{ConnectedAccounts, NOT_CONNECTED};
use super::event::{DedupeKey, Effect, EffectColumns, Event, Source};
use super::person_names::{self, AlsoKnown, Knowing};
use super::sent_parts;
use super::tombstones::{self, Unsendings};

/// Inserts events that came together.
pub(super) struct Insertion<'a> {
    connection: &'a Connection,
    accounts: &'a ConnectedAccounts,
    unsendings: &'a Unsendings,
    now_ms: i64,
    seldom: &'a mut Seldom,
}

/// Whether there is anything of what most journals have not: then nothing is looked for in vain for each event.
#[derive(Debug)]
pub(super) struct Seldom {
    /// Events that were deleted.
    pruned: bool,
    /// Messages that were taken back.
    unsent: bool,
    /// People with another name.
    named: bool,
}

impl Seldom {
    /// What there is in this journal.
    pub fn find(connection: &Connection) -> rusqlite::Result<Self> {
        let pruned = connection
            .prepare_cached("SELECT 1 WHERE EXISTS (SELECT 1 FROM pruned_keys) OR EXISTS (SELECT 1 FROM erased_keys)")?
            .exists([])?;
        Ok(Self { pruned, unsent: tombstones::any(connection)?, named: person_names::any(connection)? })
    }
}

impl<'a> Insertion<'a> {
    /// Into this journal, now.
    pub fn begin(
        connection: &'a Connection,
        (accounts, unsendings): (&'a ConnectedAccounts, &'a Unsendings),
        now_ms: i64,
        seldom: &'a mut Seldom,
    ) -> Self {
        Self { connection, accounts, unsendings, now_ms, seldom }
    }

    /// Inserts an event that is not known yet, and gives its number; `None`: it was known. `names`: what its person is known
    /// by, too.
    pub fn insert(&mut self, event: &Event, names: &[&AlsoKnown]) -> rusqlite::Result<Option<i64>> {
        if self.seldom.pruned && self.was_pruned(event)? {
            return Ok(None);
        }
        let EffectColumns { conversation: said_as, opens, reread, set_aside, is_entry } = event.effect.columns();
        let named = match said_as.filter(|_| self.seldom.named) {
            Some(person) => person_names::find(self.connection, event.channel, &event.account, person)?,
            None => None,
        };
        let conversation = named.as_deref().or(said_as);
        let sent_to = sent_parts::find(self.connection, event, names.iter().copied(), conversation)?;
        let conversation = sent_to.as_deref().or(conversation);
        let set_aside = match set_aside.filter(|_| sent_to.is_none()) {
            None if !self.accounts.contains(event.channel, &event.account) => Some(NOT_CONNECTED),
            reason => reason,
        };
        let tombstone = match self.seldom.unsent {
            true => tombstones::payload_of(self.connection, self.unsendings, event, conversation)?,
            false => None,
        };
        let inserted = self
            .connection
            .prepare_cached(
                "INSERT INTO events (dedupe, channel, account, kind, conversation, opens, reread, occurred_at, received_at,
                                     source, apart, payload, name, entry)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                 ON CONFLICT (dedupe) DO NOTHING",
            )?
            .execute(params![
                event.key.as_bytes(),
                event.channel,
                event.account,
                event.kind,
                conversation,
                opens,
                reread,
                event.occurred_at.unwrap_or(self.now_ms),
                self.now_ms,
                event.source.as_str(),
                set_aside,
                tombstone.as_ref().unwrap_or(&event.payload),
                event.name.as_ref().map(DedupeKey::as_bytes),
                is_entry
            ])?;
        if inserted == 0 {
            return Ok(None);
        }
        let seq = self.connection.last_insert_rowid();
        if let Some(person) = conversation {
            self.take_back(event, person)?;
            // Names that come with a report are those of whomever the platform names in it, which may be somebody else.
            if sent_to.is_none() {
                self.learn(event, (said_as.unwrap_or_default(), person), names, set_aside.is_some())?;
            }
        }
        Ok(Some(seq))
    }

    /// Takes back what the event says that its person takes back.
    fn take_back(&mut self, event: &Event, person: &str) -> rusqlite::Result<()> {
        if let Effect::Unsend { keys, .. } = &event.effect {
            tombstones::take_back(self.connection, self.unsendings, event, person, keys)?;
            self.seldom.unsent = true;
        }
        Ok(())
    }

    /// From now on the person of the event is known by these names.
    fn learn(
        &mut self,
        event: &Event,
        (said_as, person): (&str, &str),
        names: &[&AlsoKnown],
        is_set_aside: bool,
    ) -> rusqlite::Result<()> {
        if person.is_empty() {
            return Ok(());
        }
        let of = (event.channel, event.account.as_str());
        let at = event.occurred_at.unwrap_or(self.now_ms);
        // Of accounts that nobody has connected nothing is listed.
        for name in names.iter().filter(|name| !is_set_aside || name.how != Knowing::Called) {
            person_names::learn(self.connection, of, (said_as, person), name, at)?;
            self.seldom.named |= name.how != Knowing::Called;
        }
        Ok(())
    }

    /// Whether this event was here once, and was deleted by age or on request. What was erased with its account comes back
    /// only where the platform shows it again to who has connected the account anew: a delivery may be a captured one.
    fn was_pruned(&self, event: &Event) -> rusqlite::Result<bool> {
        let is_asked_for = matches!(event.source, Source::Poll | Source::Import | Source::Local)
            && self.accounts.contains(event.channel, &event.account);
        let mut find = self.connection.prepare_cached(
            "SELECT 1 FROM pruned_keys WHERE dedupe = ?1
             UNION ALL SELECT 1 FROM erased_keys WHERE dedupe = ?1 AND NOT ?2",
        )?;
        find.exists(params![event.key.as_bytes(), is_asked_for])
    }
}
