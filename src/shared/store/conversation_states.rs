//! How a conversation stands for whoever wants to answer: when the person last wrote, what went out, who has taken over.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::shared::channel::dialogue::Unreachable;
use crate::shared::journal::{Conversation, EventPlace, Journal, JournalError};
use crate::shared::languages::Sentence;

/// How a conversation stands, as far as events tell. What follows from it changes with time alone: whoever asks brings the
/// time along. All times are the platform's, in milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationState {
    /// The newest event that allows answers.
    pub opened_at: Option<i64>,
    /// When an advertisement brought the person.
    pub ad_at: Option<i64>,
    /// The newest thing that the person said.
    pub said: Option<EventPlace>,
    /// The newest thing that others sent, automatic answers apart. What is ours counts by its own row.
    pub out: Option<EventPlace>,
    /// With `out`: it was sent in the platform's inbox, by a human as far as is known.
    pub in_inbox: Option<SentInInbox>,
    /// Bots are to be silent; it may be over.
    pub pause: Option<Pause>,
    /// Another app answers: the newest sign of that.
    pub owner_lost_at: Option<i64>,
    /// When control was handed to this app; what came before was not seen.
    pub handed_at: Option<i64>,
    /// Why the person cannot be written to: `blocked`, `unsubscribed`, …
    pub unreachable: Option<String>,
    /// What the person last said about advertising; `None`: nothing.
    pub advertising: Option<Advertising>,
}

/// Something that was sent in the platform's inbox. It turns out to be automatic if a message comes late that it answers at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentInInbox {
    /// What others had sent before it.
    pub before: Option<EventPlace>,
}

/// What a person said about advertising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertising {
    /// Whether they want none.
    pub is_refused: bool,
    /// When they said so.
    pub at: i64,
}

impl ConversationState {
    /// Whether the person wants no advertising.
    #[must_use]
    pub fn refuses_advertising(&self) -> bool {
        self.advertising.is_some_and(|told| told.is_refused)
    }

    /// The person says something about advertising. What came late says nothing about now.
    pub(super) fn set_advertising(&mut self, told: Advertising) {
        if self.advertising.is_none_or(|known| known.at <= told.at) {
            self.advertising = Some(told);
        }
    }
}

/// Bots are to be silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Because of whom.
    pub by: PausedBy,
    /// Until when, in milliseconds since 1970; `None`: until somebody resumes.
    pub until: Option<i64>,
    /// What the one who asked for it noted.
    pub note: Option<Sentence>,
    /// Whether the thread was passed to the platform's own inbox with it.
    pub is_handed_over: bool,
    /// The number of the one event because of which bots are silent; `None`: of several, or somebody asked for it.
    pub because_of: Option<i64>,
}

impl Pause {
    /// Because of this one, until this time, in milliseconds since 1970.
    #[must_use]
    pub fn by(by: PausedBy, until: Option<i64>) -> Self {
        Self { by, until, note: None, is_handed_over: false, because_of: None }
    }

    /// Whether it holds at this time.
    #[must_use]
    pub fn holds_at(&self, now_ms: i64) -> bool {
        self.until.is_none_or(|until| now_ms < until)
    }
}

/// Because of whom bots are silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PausedBy {
    /// Another app answered.
    App,
    /// A person answered.
    Human,
    /// Somebody asked for it.
    Api,
}

impl PausedBy {
    /// The word in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::App => "app",
            Self::Api => "api",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "human" => Self::Human,
            "app" => Self::App,
            _ => Self::Api,
        }
    }
}

/// A conversation's state, and what else decides whether it may be answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: ConversationState,
    /// Up to which event our messages that did not fail, sent or not, are an answer.
    pub ours_after: Option<i64>,
    /// Up to which event messages of ours may be an answer of which nobody could find out whether they were sent.
    pub doubtful_after: Option<i64>,
}

impl Standing {
    /// Whether something that did not fail went out after this, or is about to, or may have gone out: nobody is answered twice.
    /// Automatic answers do not count.
    #[must_use]
    pub fn is_answered(&self, asked: EventPlace) -> bool {
        self.is_certainly_answered(asked) || self.doubtful_after.is_some_and(|seq| seq >= asked.seq)
    }

    /// Whether it counts as answered only because nobody could find out whether the answer was sent.
    #[must_use]
    pub fn is_answered_in_doubt(&self, asked: EventPlace) -> bool {
        self.is_answered(asked) && !self.is_certainly_answered(asked)
    }

    fn is_certainly_answered(&self, asked: EventPlace) -> bool {
        self.state.out.is_some_and(|out| out.is_after(asked)) || self.ours_after.is_some_and(|seq| seq >= asked.seq)
    }

    /// Whether the person wrote again after this.
    #[must_use]
    pub fn is_superseded(&self, asked: EventPlace) -> bool {
        self.state.said.is_some_and(|said| said.is_after(asked))
    }

    /// The newest thing that the person said, if it is not certain that something went out after it.
    #[must_use]
    pub fn unanswered(&self) -> Option<EventPlace> {
        self.state.said.filter(|asked| !self.is_certainly_answered(*asked))
    }
}

impl Journal {
    /// How a conversation stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn load_standing(&self, conversation: &Conversation) -> Result<Standing, JournalError> {
        let conversation = conversation.clone();
        self.read(move |connection| load_standing(connection, &conversation)).await
    }

    /// What the person of a conversation is called; `None`: nobody told.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_person_name(&self, conversation: &Conversation) -> Result<Option<String>, JournalError> {
        let conversation = conversation.clone();
        self.read(move |connection| find_name(connection, &conversation)).await
    }

    /// The person cannot be written to, as the platform said now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn set_unreachable(
        &self,
        conversation: &Conversation,
        unreachable: Unreachable,
    ) -> Result<(), JournalError> {
        let conversation = conversation.clone();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let mut state = load_state(connection, &conversation)?;
            match unreachable {
                Unreachable::Altogether(why) => state.unreachable = Some(why.to_owned()),
                Unreachable::ForAdvertising => state.set_advertising(Advertising { is_refused: true, at: now_ms }),
            }
            save_state(connection, &conversation, &state)
        })
        .await
    }
}

/// As [`Journal::load_standing`], as part of a larger read or write.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn load_standing(
    connection: &Connection,
    conversation: &Conversation,
) -> rusqlite::Result<Standing> {
    standing_of(connection, conversation, load_state(connection, conversation)?)
}

/// As [`load_standing`], with a state that is not saved yet.
///
/// # Errors
/// When the database fails.
pub(super) fn standing_of(
    connection: &Connection,
    conversation: &Conversation,
    state: ConversationState,
) -> rusqlite::Result<Standing> {
    let Conversation { channel, account, person } = conversation;
    let (ours_after, doubtful_after) = connection
        .prepare_cached(
            "SELECT max(after_seq) FILTER (WHERE is_unresolved IS NULL), max(after_seq) FILTER (WHERE is_unresolved)
             FROM (SELECT after_seq, (SELECT max(reason IS 'unresolved') FROM outgoing_parts
                                      WHERE message = number AND state = 'failed') AS is_unresolved
                   FROM outgoing WHERE channel = ?1 AND account = ?2 AND conversation = ?3)",
        )?
        .query_row([channel, account, person], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Standing { state, ours_after, doubtful_after })
}

/// What the person of a conversation is called.
///
/// # Errors
/// When the database fails.
pub(super) fn find_name(connection: &Connection, conversation: &Conversation) -> rusqlite::Result<Option<String>> {
    let Conversation { channel, account, person } = conversation;
    let name: Option<Option<String>> = connection
        .prepare_cached("SELECT name FROM threads WHERE channel = ?1 AND account = ?2 AND conversation = ?3")?
        .query_row([channel, account, person], |row| row.get(0))
        .optional()?;
    Ok(name.flatten())
}

/// The state of a conversation; of one that is not known yet the empty one.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn load_state(
    connection: &Connection,
    conversation: &Conversation,
) -> rusqlite::Result<ConversationState> {
    let Conversation { channel, account, person } = conversation;
    let state = connection
        .prepare_cached(
            "SELECT opened_at, ad_at, said_at, said_seq, out_at, out_seq, paused_by, paused_until, pause_note,
                    owner_lost_at, handed_at, unreachable, handed_over, advertising_refused, advertising_told_at,
                    out_before_at, out_before_seq, out_in_inbox, pause_seq
             FROM conversation_states WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .query_row([channel, account, person], read_state)
        .optional()?;
    Ok(state.unwrap_or_default())
}

fn read_state(row: &Row<'_>) -> rusqlite::Result<ConversationState> {
    let place = |at: usize| -> rusqlite::Result<Option<EventPlace>> {
        let (occurred_at, seq): (Option<i64>, Option<i64>) = (row.get(at)?, row.get(at + 1)?);
        Ok(occurred_at.zip(seq).map(|(occurred_at, seq)| EventPlace { seq, occurred_at }))
    };
    let pause = match row.get_ref(6)?.as_str_or_null()? {
        Some(by) => Some(Pause {
            by: PausedBy::from_word(by),
            until: row.get(7)?,
            note: row.get::<_, Option<String>>(8)?.map(Sentence::of_stored),
            is_handed_over: row.get(12)?,
            because_of: row.get(18)?,
        }),
        None => None,
    };
    Ok(ConversationState {
        opened_at: row.get(0)?,
        ad_at: row.get(1)?,
        said: place(2)?,
        out: place(4)?,
        in_inbox: if row.get(17)? { Some(SentInInbox { before: place(15)? }) } else { None },
        pause,
        owner_lost_at: row.get(9)?,
        handed_at: row.get(10)?,
        unreachable: row.get(11)?,
        advertising: match (row.get(13)?, row.get(14)?) {
            (Some(is_refused), Some(at)) => Some(Advertising { is_refused, at }),
            _ => None,
        },
    })
}

/// Replaces the state of a conversation.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn save_state(
    connection: &Connection,
    conversation: &Conversation,
    state: &ConversationState,
) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    let (pause, before) = (state.pause.as_ref(), state.in_inbox.and_then(|sent| sent.before));
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO conversation_states
                (channel, account, conversation, opened_at, ad_at, said_at, said_seq, out_at, out_seq, paused_by,
                 paused_until, pause_note, owner_lost_at, handed_at, unreachable, handed_over, advertising_refused,
                 advertising_told_at, out_before_at, out_before_seq, out_in_inbox, pause_seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        )?
        .execute(params![
            channel,
            account,
            person,
            state.opened_at,
            state.ad_at,
            state.said.map(|place| place.occurred_at),
            state.said.map(|place| place.seq),
            state.out.map(|place| place.occurred_at),
            state.out.map(|place| place.seq),
            pause.map(|pause| pause.by.as_str()),
            pause.and_then(|pause| pause.until),
            pause.and_then(|pause| pause.note.as_ref()).map(Sentence::stored),
            state.owner_lost_at,
            state.handed_at,
            state.unreachable,
            pause.is_some_and(|pause| pause.is_handed_over),
            state.advertising.map(|told| told.is_refused),
            state.advertising.map(|told| told.at),
            before.map(|place| place.occurred_at),
            before.map(|place| place.seq),
            state.in_inbox.is_some(),
            pause.and_then(|pause| pause.because_of),
        ])
        .map(drop)
}

/// The conversations that wait for a human at this time.
///
/// # Errors
/// When the database fails.
pub(super) fn list_handed_over(connection: &Connection, now_ms: i64) -> rusqlite::Result<Vec<Conversation>> {
    connection
        .prepare_cached(
            "SELECT channel, account, conversation FROM conversation_states
             WHERE handed_over AND paused_by IS NOT NULL AND (paused_until IS NULL OR paused_until > ?1)",
        )?
        .query_map([now_ms], read_conversation)?
        .collect()
}

fn read_conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? })
}

/// The conversations in which a time is over that ends by itself: a pause, or that another app answers. At most `limit` of
/// each. `lost_before`: a sign of another app from before that counts no more.
///
/// # Errors
/// When the database fails.
pub(super) fn list_over(
    connection: &Connection,
    now_ms: i64,
    lost_before: i64,
    limit: i64,
) -> rusqlite::Result<Vec<Conversation>> {
    let mut over: Vec<Conversation> = connection
        .prepare_cached(
            "SELECT channel, account, conversation FROM conversation_states
             WHERE paused_until IS NOT NULL AND paused_until <= ?1 ORDER BY paused_until LIMIT ?2",
        )?
        .query_map(params![now_ms, limit], read_conversation)?
        .collect::<rusqlite::Result<_>>()?;
    let lost: Vec<Conversation> = connection
        .prepare_cached(
            "SELECT channel, account, conversation FROM conversation_states
             WHERE owner_lost_at IS NOT NULL AND owner_lost_at <= ?1 ORDER BY owner_lost_at LIMIT ?2",
        )?
        .query_map(params![lost_before, limit], read_conversation)?
        .collect::<rusqlite::Result<_>>()?;
    over.extend(lost);
    Ok(over)
}
