//! What the built-in responder did, and what it cost.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{DAY_MS, Deed, ResponderOutcome, Settled, Tokens};
use crate::shared::journal::{Conversation, Journal, JournalError};
use crate::shared::store::PartState;
use crate::shared::store::outgoing::rows;

impl Journal {
    /// Adds to what a merchant's answers cost on the day of `now_ms`.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn add_responder_tokens(&self, merchant: Uuid, tokens: Tokens) -> Result<(), JournalError> {
        let day = self.clock().now_ms() / DAY_MS;
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO responder_tokens (merchant, day, tokens_in, tokens_out) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET tokens_in = tokens_in + excluded.tokens_in,
                                               tokens_out = tokens_out + excluded.tokens_out",
                )?
                .execute(params![merchant.to_string(), day, tokens.taken_in, tokens.given_out])
                .map(drop)
        })
        .await
    }

    /// What a merchant's answers cost today (UTC).
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn responder_tokens_today(&self, merchant: Uuid) -> Result<Tokens, JournalError> {
        let day = self.clock().now_ms() / DAY_MS;
        self.read(move |connection| {
            let found = connection
                .prepare_cached("SELECT tokens_in, tokens_out FROM responder_tokens WHERE merchant = ?1 AND day = ?2")?
                .query_row(params![merchant.to_string(), day], |row| {
                    Ok(Tokens { taken_in: row.get(0)?, given_out: row.get(1)? })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    /// What the responder did last for a merchant, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_responder_deeds(&self, merchant: Uuid, limit: i64) -> Result<Vec<Deed>, JournalError> {
        self.read(move |connection| {
            let mut deeds: Vec<Deed> = connection
                .prepare_cached(
                    "SELECT d.channel, d.account, d.conversation, t.name, d.outcome, d.why, d.message, d.tokens_in,
                            d.tokens_out, d.at, d.event
                     FROM responder_outcomes AS d LEFT JOIN threads AS t
                       ON t.channel = d.channel AND t.account = d.account AND t.conversation = d.conversation
                     WHERE d.merchant = ?1 ORDER BY d.number DESC LIMIT ?2",
                )?
                .query_map(params![merchant.to_string(), limit], read_deed)?
                .collect::<rusqlite::Result<_>>()?;
            for deed in &mut deeds {
                if let Some(message) = &deed.settled.message {
                    deed.state = find_state(connection, message)?;
                }
            }
            Ok(deeds)
        })
        .await
    }
}

fn read_deed(row: &Row<'_>) -> rusqlite::Result<Deed> {
    Ok(Deed {
        conversation: Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? },
        name: row.get(3)?,
        settled: Settled {
            outcome: ResponderOutcome::of(row.get_ref(4)?.as_str()?),
            why: row.get(5)?,
            message: row.get(6)?,
            event: row.get(10)?,
            tokens: Tokens { taken_in: row.get(7)?, given_out: row.get(8)? },
        },
        state: None,
        at: row.get(9)?,
    })
}

/// How far a message has come; `None`: it is not kept any more.
fn find_state(connection: &Connection, message: &str) -> rusqlite::Result<Option<PartState>> {
    let number = connection
        .prepare_cached("SELECT number FROM outgoing WHERE id = ?1")?
        .query_row([message], |row| row.get(0))
        .optional()?;
    let Some(number) = number else { return Ok(None) };
    Ok(rows::find(connection, number)?.map(|message| message.state()))
}
