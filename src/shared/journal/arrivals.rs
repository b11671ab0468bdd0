//! Counts what comes in by the hour, as part of the transaction that stores it.

use rusqlite::{Connection, params};

use super::event::Event;

/// Milliseconds in an hour.
pub(in crate::shared) const HOUR_MS: i64 = 60 * 60 * 1000;

/// For how many hours counts are kept: forty days.
const KEPT_HOURS: i64 = 40 * 24;

/// What one transaction stored, by channel and road: a handful of rows however many deliveries share it.
#[derive(Default)]
pub(super) struct Arrived(Vec<Tally>);

struct Tally {
    channel: &'static str,
    source: &'static str,
    deliveries: i64,
    new: i64,
    repeated: i64,
}

impl Arrived {
    /// A delivery is part of the transaction: its events, which all came by one road, and which of them are new.
    pub(super) fn count(&mut self, events: &[Event], new: &[bool]) {
        let Some(first) = events.first() else { return };
        let (channel, source) = (first.channel, first.source.as_str());
        let place = self.0.iter().position(|tally| tally.channel == channel && tally.source == source);
        let place = place.unwrap_or_else(|| {
            self.0.push(Tally { channel, source, deliveries: 0, new: 0, repeated: 0 });
            self.0.len() - 1
        });
        let tally = &mut self.0[place];
        tally.deliveries += 1;
        let count = |wanted: bool| i64::try_from(new.iter().filter(|new| **new == wanted).count()).unwrap_or(i64::MAX);
        tally.new += count(true);
        tally.repeated += count(false);
    }

    /// Writes the counts down. `last_hour`: the hour of the transaction before this one.
    pub(super) fn store(&self, connection: &Connection, now_ms: i64, last_hour: &mut i64) -> rusqlite::Result<()> {
        let hour = now_ms / HOUR_MS;
        for tally in &self.0 {
            connection
                .prepare_cached(
                    "INSERT INTO arrivals (hour, channel, source, deliveries, new_events, repeated_events)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET deliveries = deliveries + excluded.deliveries,
                        new_events = new_events + excluded.new_events,
                        repeated_events = repeated_events + excluded.repeated_events",
                )?
                .execute(params![hour, tally.channel, tally.source, tally.deliveries, tally.new, tally.repeated])?;
        }
        if !self.0.is_empty() && std::mem::replace(last_hour, hour) != hour {
            connection.prepare_cached("DELETE FROM arrivals WHERE hour <= ?1")?.execute([hour - KEPT_HOURS])?;
        }
        Ok(())
    }
}
