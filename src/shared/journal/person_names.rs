//! Names that lead to a person beside the one under which their conversation stands (table `person_names`): a number that
//! came before the id, an id that was theirs before; and what they are called (table `threads`).
//!
//! The writer learns them with the event that tells them, and files what comes under such a name where it leads, so nobody
//! ever looks for a conversation in two places. What stood under the name before moves in the same transaction; its file
//! follows (table `moved_files`).

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::conversation::{Conversation, conversation_number};
use super::positions::in_order_up_to;

/// Another name of an event's person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlsoKnown {
    /// Which event of the delivery tells it, from 0. A repeat of a known event tells nothing.
    pub event: usize,
    /// The name.
    pub name: String,
    /// What the event says of it.
    pub how: Knowing,
}

/// What an event says of another name of its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowing {
    /// It leads to the person from now on. If it led to somebody else before, they keep what they have.
    Leads,
    /// As [`Knowing::Leads`], and better than the name under which the event came: where that one stands for the person and
    /// leads nowhere else, the person goes on under this one.
    Replaces,
    /// Whoever had it is this person: what stood where it led is theirs.
    Succeeds,
    /// It is no name that leads anywhere: people call the person so.
    Called,
}

/// A file whose conversation stands under another name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedFile {
    /// What the file is still called: a conversation without events.
    pub from: Conversation,
    /// Whose it is now.
    pub to: Conversation,
}

/// Tables whose rows are moved one by one, because two of them may become one, and the tables of the names themselves.
const BY_HAND: [&str; 6] =
    ["events", "threads", "conversation_states", "pruned_conversations", "person_names", "moved_files"];

/// Whether any person has another name.
pub(super) fn any(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM person_names LIMIT 1")?.exists([])
}

/// The name to which this one leads; `None`: it stands for itself.
pub(super) fn find(
    connection: &Connection,
    channel: &str,
    account: &str,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT person FROM person_names WHERE channel = ?1 AND account = ?2 AND name = ?3")?
        .query_row([channel, account, name], |row| row.get(0))
        .optional()
}

/// Learns another name of a person. `said_as`: the name under which the event came that tells it; `person`: that to which
/// this one leads, and under which the event stands; `at`: when that happened.
pub(super) fn learn(
    connection: &Connection,
    of: (&str, &str),
    (said_as, person): (&str, &str),
    known: &AlsoKnown,
    at: i64,
) -> rusqlite::Result<()> {
    let name = known.name.as_str();
    match known.how {
        Knowing::Called => call_person(connection, of, person, name),
        Knowing::Replaces if said_as == person => replace(connection, of, person, name, at),
        Knowing::Leads | Knowing::Replaces => lead(connection, of, person, (name, false), at),
        Knowing::Succeeds => lead(connection, of, person, (name, true), at),
    }
}

/// These names lead to this person from now on, or to whomever that name leads: a platform found them under one of these.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn learn_addressee(
    connection: &Connection,
    (channel, account): (&str, &str),
    (person, names): (&str, &[String]),
    at: i64,
) -> rusqlite::Result<()> {
    let led_to = find(connection, channel, account, person)?;
    let person = led_to.as_deref().unwrap_or(person);
    names.iter().try_for_each(|name| lead(connection, (channel, account), person, (name, false), at))
}

/// A person who is known by one name only has a new one.
fn replace(connection: &Connection, of: (&str, &str), old: &str, new: &str, at: i64) -> rusqlite::Result<()> {
    match find_since(connection, of, new)? {
        // Whoever has come under the new name since is the same person.
        Some((led_to, since)) if since >= at => lead(connection, of, &led_to, (old, true), at),
        // It had another owner before, who keeps what they have.
        Some(_) => {
            let (channel, account) = of;
            connection
                .prepare_cached("DELETE FROM person_names WHERE channel = ?1 AND account = ?2 AND name = ?3")?
                .execute([channel, account, new])?;
            lead(connection, of, new, (old, true), at)
        }
        None => lead(connection, of, new, (old, true), at),
    }
}

/// To whom a name leads, and since when.
fn find_since(
    connection: &Connection,
    (channel, account): (&str, &str),
    name: &str,
) -> rusqlite::Result<Option<(String, i64)>> {
    connection
        .prepare_cached("SELECT person, since FROM person_names WHERE channel = ?1 AND account = ?2 AND name = ?3")?
        .query_row([channel, account, name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// A name leads to a person from now on. `succeeds`: whoever had it is this person.
fn lead(
    connection: &Connection,
    (channel, account): (&str, &str),
    person: &str,
    (name, succeeds): (&str, bool),
    at: i64,
) -> rusqlite::Result<()> {
    let before = find_since(connection, (channel, account), name)?;
    // What is known is newer, or the same.
    if name == person || before.as_ref().is_some_and(|(led_to, since)| led_to == person || *since > at) {
        return Ok(());
    }
    let former = match &before {
        Some((led_to, _)) => succeeds.then_some(led_to.as_str()),
        None => Some(name),
    };
    let mut lead = connection.prepare_cached(
        "INSERT INTO person_names (channel, account, name, person, since) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET person = excluded.person, since = excluded.since",
    )?;
    lead.execute(params![channel, account, name, person, at])?;
    if let Some(former) = former {
        lead.execute(params![channel, account, former, person, at])?;
        connection
            .prepare_cached("UPDATE person_names SET person = ?4 WHERE channel = ?1 AND account = ?2 AND person = ?3")?
            .execute([channel, account, former, person])?;
        move_conversation(connection, (channel, account), former, person)?;
    }
    Ok(())
}

/// Lists show what the person is called, as it was told last.
fn call_person(
    connection: &Connection,
    (channel, account): (&str, &str),
    person: &str,
    called: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO threads (channel, account, conversation, name) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET name = excluded.name WHERE name IS NOT excluded.name",
        )?
        .execute([channel, account, person, called])
        .map(drop)
}

/// Moves everything that stands under one name to another.
fn move_conversation(
    connection: &Connection,
    (channel, account): (&str, &str),
    from: &str,
    to: &str,
) -> rusqlite::Result<()> {
    let moved = move_events(connection, (channel, account), from, to)?;
    let ends = [channel, account, from, to];
    merge_threads(connection, ends)?;
    merge_states(connection, ends)?;
    let has_beginning = move_beginning(connection, ends)?;
    for (table, column) in tables_of_people(connection)? {
        let of = format!("channel = ?1 AND account = ?2 AND \"{column}\" = ?3");
        // Where both have a row, the one of the person stays.
        connection.prepare(&format!("UPDATE OR IGNORE \"{table}\" SET \"{column}\" = ?4 WHERE {of}"))?.execute(ends)?;
        connection.prepare(&format!("DELETE FROM \"{table}\" WHERE {of}"))?.execute([channel, account, from])?;
    }
    if moved || has_beginning {
        let mut follow = connection.prepare_cached(
            "UPDATE OR REPLACE moved_files SET person = ?4 WHERE channel = ?1 AND account = ?2 AND person = ?3",
        )?;
        follow.execute(ends)?;
        connection
            .prepare_cached(
                "INSERT INTO moved_files (channel, account, name, person) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET person = excluded.person",
            )?
            .execute(ends)?;
        connection
            .prepare_cached(
                "INSERT INTO unfiled (channel, account, conversation, next_at) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1",
            )?
            .execute([channel, account, to])?;
    }
    Ok(())
}

/// Moves the events, and their places in order. Gives whether there were any.
fn move_events(
    connection: &Connection,
    (channel, account): (&str, &str),
    from: &str,
    to: &str,
) -> rusqlite::Result<bool> {
    let (old, new) = (conversation_number(channel, account, from), conversation_number(channel, account, to));
    let seq = |row: &Row<'_>| row.get::<_, i64>(0);
    let ordered: Vec<i64> = connection
        .prepare_cached("SELECT seq FROM conversation_events WHERE conversation = ?1")?
        .query_map([old], seq)?
        .collect::<rusqlite::Result<_>>()?;
    // Those that are not in order yet, and those that are set aside.
    let others: Vec<i64> = connection
        .prepare_cached(
            "SELECT seq FROM events WHERE seq > ?4 AND channel = ?1 AND account = ?2 AND conversation = ?3
             UNION ALL
             SELECT seq FROM events WHERE channel = ?1 AND account = ?2 AND apart IS NOT NULL AND conversation = ?3",
        )?
        .query_map(params![channel, account, from, in_order_up_to(connection)?], seq)?
        .collect::<rusqlite::Result<_>>()?;
    let mut rename = connection.prepare_cached(
        "UPDATE events SET conversation = ?5 WHERE seq = ?1 AND channel = ?2 AND account = ?3 AND conversation = ?4",
    )?;
    let mut place = connection.prepare_cached(
        "UPDATE OR IGNORE conversation_events SET conversation = ?2 WHERE conversation = ?1 AND seq = ?3",
    )?;
    let mut any = false;
    for seq in ordered.into_iter().chain(others).collect::<BTreeSet<i64>>() {
        // Two conversations may share a number: the event itself says whose it is.
        if rename.execute(params![seq, channel, account, from, to])? == 1 {
            place.execute([old, new, seq])?;
            any = true;
        }
    }
    Ok(any)
}

/// The beginning of a file that is its only copy goes with the file, unless the other file has one, too: then the old file
/// stays where it is. Gives whether there was one.
fn move_beginning(connection: &Connection, ends: [&str; 4]) -> rusqlite::Result<bool> {
    let moved = connection
        .prepare_cached(
            "UPDATE OR IGNORE pruned_conversations SET conversation = ?4
             WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .execute(ends)?;
    Ok(moved > 0)
}

fn merge_threads(connection: &Connection, ends: [&str; 4]) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO threads (channel, account, conversation, name, messages, last_at, last_seq)
             SELECT channel, account, ?4, name, messages, last_at, last_seq FROM threads
             WHERE channel = ?1 AND account = ?2 AND conversation = ?3
             ON CONFLICT DO UPDATE SET
                name = coalesce(name, excluded.name), messages = messages + excluded.messages,
                last_seq = CASE WHEN excluded.last_at > last_at THEN excluded.last_seq ELSE last_seq END,
                last_at = max(last_at, excluded.last_at)",
        )?
        .execute(ends)?;
    let [channel, account, from, _] = ends;
    connection
        .prepare_cached("DELETE FROM threads WHERE channel = ?1 AND account = ?2 AND conversation = ?3")?
        .execute([channel, account, from])
        .map(drop)
}

fn merge_states(connection: &Connection, ends: [&str; 4]) -> rusqlite::Result<()> {
    let [channel, account, from, to] = ends;
    let is_there = connection
        .prepare_cached("SELECT 1 FROM conversation_states WHERE channel = ?1 AND account = ?2 AND conversation = ?3")?
        .exists([channel, account, to])?;
    if is_there {
        // The person's own state stays; of the other one what allows more, and what silences bots.
        connection
            .prepare_cached(
                "UPDATE conversation_states AS own SET
                    opened_at = coalesce(max(own.opened_at, old.opened_at), own.opened_at, old.opened_at),
                    ad_at = coalesce(max(own.ad_at, old.ad_at), own.ad_at, old.ad_at),
                    said_at = coalesce(own.said_at, old.said_at), said_seq = coalesce(own.said_seq, old.said_seq),
                    out_at = coalesce(own.out_at, old.out_at), out_seq = coalesce(own.out_seq, old.out_seq),
                    paused_until = CASE WHEN own.paused_by IS NULL THEN old.paused_until ELSE own.paused_until END,
                    pause_note = CASE WHEN own.paused_by IS NULL THEN old.pause_note ELSE own.pause_note END,
                    paused_by = coalesce(own.paused_by, old.paused_by),
                    owner_lost_at = coalesce(own.owner_lost_at, old.owner_lost_at),
                    advertising_refused = CASE WHEN own.advertising_told_at >= old.advertising_told_at
                        THEN own.advertising_refused ELSE coalesce(old.advertising_refused, own.advertising_refused) END,
                    advertising_told_at = coalesce(max(own.advertising_told_at, old.advertising_told_at),
                        own.advertising_told_at, old.advertising_told_at)
                 FROM conversation_states AS old
                 WHERE own.channel = ?1 AND own.account = ?2 AND own.conversation = ?4
                   AND old.channel = ?1 AND old.account = ?2 AND old.conversation = ?3",
            )?
            .execute(ends)?;
        connection
            .prepare_cached(
                "DELETE FROM conversation_states WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
            )?
            .execute([channel, account, from])?;
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE conversation_states SET conversation = ?4 WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .execute(ends)
        .map(drop)
}

/// The other tables that have rows of a person, and the column that names them. They are found by their columns, as where
/// something is erased: whoever adds a table need not add it here.
fn tables_of_people(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let all: Vec<(String, String)> = connection
        .prepare_cached(
            "SELECT schema.name, person.name
             FROM sqlite_schema AS schema, pragma_table_info(schema.name) AS channel,
                  pragma_table_info(schema.name) AS account, pragma_table_info(schema.name) AS person
             WHERE schema.type = 'table' AND channel.name = 'channel' AND account.name = 'account'
               AND person.name IN ('conversation', 'person')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(all.into_iter().filter(|(table, _)| !BY_HAND.contains(&table.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::super::migrations::MIGRATIONS;
    use super::*;

    const ACCOUNT: (&str, &str) = ("whatsapp", "310");

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        connection
    }

    fn tell(connection: &Connection, person: &str, name: &str, how: Knowing, at: i64) {
        let known = AlsoKnown { event: 0, name: name.to_owned(), how };
        let of = leads(connection, person).unwrap_or_else(|| person.to_owned());
        learn(connection, ACCOUNT, (person, &of), &known, at).unwrap();
    }

    fn event(connection: &Connection, seq: i64, person: &str) {
        connection
            .execute(
                "INSERT INTO events (seq, dedupe, channel, account, kind, conversation, opens, occurred_at, received_at,
                                     source, payload)
                 VALUES (?1, CAST(?1 AS BLOB), 'whatsapp', '310', 'message', ?2, 1, ?1, ?1, 'webhook', x'')",
                params![seq, person],
            )
            .unwrap();
    }

    fn person_of(connection: &Connection, seq: i64) -> String {
        connection.query_row("SELECT conversation FROM events WHERE seq = ?1", [seq], |row| row.get(0)).unwrap()
    }

    fn leads(connection: &Connection, name: &str) -> Option<String> {
        find(connection, ACCOUNT.0, ACCOUNT.1, name).unwrap()
    }

    #[test]
    fn what_stood_under_a_number_moves_to_the_id() {
        let connection = database();
        event(&connection, 1, "1777");
        event(&connection, 2, "1888");
        connection.execute_batch(
            "INSERT INTO threads (channel, account, conversation, name, messages, last_at, last_seq)
                VALUES ('whatsapp', '310', '1777', 'Ada', 2, 5, 1), ('whatsapp', '310', 'US.1', NULL, 3, 4, 9);
             INSERT INTO conversation_states (channel, account, conversation, opened_at) VALUES ('whatsapp', '310', '1777', 5)",
        ).unwrap();
        tell(&connection, "US.1", "1777", Knowing::Leads, 10);
        assert_eq!((person_of(&connection, 1), person_of(&connection, 2)), ("US.1".to_owned(), "1888".to_owned()));
        let thread: (String, i64, i64) = connection
            .query_row("SELECT name, messages, last_seq FROM threads", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        assert_eq!(thread, ("Ada".to_owned(), 5, 1));
        let state: String =
            connection.query_row("SELECT conversation FROM conversation_states", [], |row| row.get(0)).unwrap();
        assert_eq!(state, "US.1");
        let files: i64 = connection.query_row("SELECT count(*) FROM moved_files", [], |row| row.get(0)).unwrap();
        assert_eq!(files, 1);
    }

    #[test]
    fn a_number_with_another_owner_leads_to_them_and_takes_nothing_along() {
        let connection = database();
        tell(&connection, "US.1", "1777", Knowing::Leads, 10);
        event(&connection, 1, "US.1");
        tell(&connection, "US.2", "1777", Knowing::Leads, 20);
        assert_eq!(
            (leads(&connection, "1777").as_deref(), person_of(&connection, 1)),
            (Some("US.2"), "US.1".to_owned())
        );
        // What is older comes later.
        tell(&connection, "US.1", "1777", Knowing::Leads, 15);
        tell(&connection, "US.3", "1777", Knowing::Succeeds, 15);
        assert_eq!(leads(&connection, "1777").as_deref(), Some("US.2"));
    }

    #[test]
    fn a_changed_id_takes_over_all_that_led_to_the_old_one() {
        let connection = database();
        tell(&connection, "US.1", "1777", Knowing::Leads, 10);
        event(&connection, 1, "US.1");
        tell(&connection, "US.9", "US.1", Knowing::Succeeds, 20);
        assert_eq!(person_of(&connection, 1), "US.9");
        assert_eq!(
            [leads(&connection, "1777"), leads(&connection, "US.1")],
            [Some("US.9".to_owned()), Some("US.9".to_owned())]
        );
        // Known by the number alone: the same person.
        tell(&connection, "US.10", "1777", Knowing::Succeeds, 30);
        assert_eq!(person_of(&connection, 1), "US.10");
        assert_eq!(leads(&connection, "US.1").as_deref(), Some("US.10"));
        assert_eq!(leads(&connection, "US.10"), None);
    }

    #[test]
    fn a_new_number_takes_the_file_of_the_old_one_and_never_that_of_an_id() {
        let connection = database();
        // Known by number alone: the conversation goes on under the new one.
        event(&connection, 1, "1777");
        tell(&connection, "1777", "1778", Knowing::Replaces, 10);
        assert_eq!((person_of(&connection, 1).as_str(), leads(&connection, "1777").as_deref()), ("1778", Some("1778")));
        // Again, under the name that it has by now.
        event(&connection, 2, "1778");
        tell(&connection, "1777", "1778", Knowing::Replaces, 10);
        tell(&connection, "1778", "1779", Knowing::Replaces, 20);
        assert_eq!([person_of(&connection, 1), person_of(&connection, 2)], ["1779", "1779"]);
        assert_eq!(leads(&connection, "1777").as_deref(), Some("1779"));

        // Known by an id: the id keeps its file, and the new number leads there.
        tell(&connection, "US.1", "1888", Knowing::Leads, 10);
        event(&connection, 3, "US.1");
        tell(&connection, "1888", "1889", Knowing::Replaces, 20);
        assert_eq!((person_of(&connection, 3).as_str(), leads(&connection, "1889").as_deref()), ("US.1", Some("US.1")));
        assert_eq!(leads(&connection, "US.1"), None);
    }

    #[test]
    fn a_new_number_that_had_another_owner_brings_nothing_of_theirs() {
        let connection = database();
        tell(&connection, "US.1", "1778", Knowing::Leads, 10);
        event(&connection, 1, "US.1");
        event(&connection, 2, "1777");
        tell(&connection, "1777", "1778", Knowing::Replaces, 20);
        assert_eq!([person_of(&connection, 1), person_of(&connection, 2)], ["US.1", "1778"]);
        assert_eq!(leads(&connection, "1778"), None);
        // Who came under the new number after that is the same person.
        event(&connection, 3, "1666");
        tell(&connection, "US.2", "1667", Knowing::Leads, 40);
        tell(&connection, "1666", "1667", Knowing::Replaces, 30);
        assert_eq!(person_of(&connection, 3), "US.2");
    }
}
