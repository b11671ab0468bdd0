//! What bots were told of messages, for whoever counts it.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::shared::channel::dialogue::Reason;
use crate::shared::journal::{Journal, JournalError};
use crate::shared::store::outgoing::rows::{self, OutgoingPart, PartState};

/// How many items are looked at for one merchant in one step.
const STEP: i64 = 500;

/// A message has another state, or costs are known of it.
#[derive(Debug, Clone)]
pub struct StatusTold {
    /// The message's number.
    pub number: i64,
    /// The channel.
    pub channel: String,
    /// When it was accepted, in milliseconds since 1970.
    pub created_at: i64,
    /// When this was told, in milliseconds since 1970.
    pub at: i64,
    /// Its state then.
    pub state: PartState,
    /// Why it failed, if it did.
    pub reason: Option<Reason>,
    /// Its parts as they are now.
    pub parts: Vec<OutgoingPart>,
}

/// How far each merchant's feed was looked at, by merchant.
pub type FeedPlaces = HashMap<String, i64>;

impl Journal {
    /// Where the feeds of all merchants end.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_feed_places(&self) -> Result<FeedPlaces, JournalError> {
        self.read(list_places).await
    }

    /// What was told of messages after these places, and where the next look goes on. Gives whether there may be more.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_statuses(
        &self,
        mut places: FeedPlaces,
    ) -> Result<(Vec<StatusTold>, FeedPlaces, bool), JournalError> {
        self.read(move |connection| {
            let (mut told, mut has_more) = (Vec::new(), false);
            for (merchant, newest) in list_places(connection)? {
                let place = places.entry(merchant.clone()).or_insert(0);
                if *place >= newest {
                    continue;
                }
                let until = newest.min(place.saturating_add(STEP));
                has_more |= until < newest;
                read_statuses(connection, &merchant, (*place, until), &mut told)?;
                *place = until;
            }
            Ok((told, places, has_more))
        })
        .await
    }
}

fn list_places(connection: &Connection) -> rusqlite::Result<FeedPlaces> {
    connection
        .prepare_cached("SELECT merchant, newest FROM feed_ends")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn read_statuses(
    connection: &Connection,
    merchant: &str,
    (after, until): (i64, i64),
    told: &mut Vec<StatusTold>,
) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT o.number, feed.at, json_extract(feed.content, '$.state'), json_extract(feed.content, '$.failure.reason')
         FROM feed JOIN outgoing AS o ON o.id = json_extract(feed.content, '$.id') AND o.merchant = feed.merchant
         WHERE feed.merchant = ?1 AND feed.n > ?2 AND feed.n <= ?3 AND feed.type = 'status' ORDER BY feed.n",
    )?;
    let mut rows = find.query(params![merchant, after, until])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let Some(message) = rows::find(connection, number)? else { continue };
        let reason: Option<String> = row.get(3)?;
        told.push(StatusTold {
            number,
            channel: message.conversation.channel,
            created_at: message.created_at,
            at: row.get(1)?,
            state: PartState::of(row.get_ref(2)?.as_str()?),
            reason: reason.as_deref().and_then(Reason::from_word),
            parts: message.parts,
        });
    }
    Ok(())
}
