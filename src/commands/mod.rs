//! Commands that change something, carried out inside the process that owns the data: by the running service, asked over
//! a local [`socket`] in the data folder, or by the command itself where no service runs.

mod api_keys;
mod cloud;
mod eval_bot;
pub mod eval_cases;
mod event_log;
pub mod forward;
mod keys;
mod rebuild;
pub mod remote;
mod replay;
pub mod rotate_keys;
mod send;
pub mod socket;
mod status;
mod sync;
mod table;
mod tail;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

pub use self::cloud::CloudWanted;
use self::eval_cases::Cases;
pub use self::event_log::LogWanted;
use self::rotate_keys::Rotation;
pub use self::status::StatusWanted;
use crate::answering::Answering;
use crate::answering::responder::Responder;
use crate::answering::sending::Sending;
use crate::shared::channel::reader::Reader;
use crate::shared::clock::Clock;
use crate::shared::journal::Journal;
use crate::shared::store::api_keys::Scope;
use crate::shared::store::{ApiKeys, Connection, Connections, ItemKind, NamedAccount};
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::under_way::{Progress, Step};
use crate::workers::conversations::Conversations;
use crate::workers::object_copies::ObjectCopies;
use crate::workers::reads::Refresh;

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Poll now: all accounts, those of one channel, or one account.
    Sync {
        /// Only this channel.
        channel: Option<String>,
        /// Only this account.
        account: Option<NamedAccount>,
    },
    /// Write all files anew from what is stored.
    Rebuild {
        /// Only this account.
        account: Option<NamedAccount>,
    },
    /// Hand what was parked, or one event, to the consumers again.
    Replay {
        /// Only this event.
        event: Option<i64>,
        /// Everything that arrived since this time, in milliseconds since 1970. Without both, everything parked.
        since_ms: Option<i64>,
    },
    /// Change the master key and seal everything anew.
    RotateKeys,
    /// Make a key of the API for bots.
    NewKey {
        /// For the merchant of this account, a channel and an id, and limited to it.
        account: Option<(String, String)>,
        /// For this merchant, and for all accounts.
        merchant: Option<Uuid>,
        /// What it is called.
        name: String,
        /// What it may do.
        scopes: Vec<Scope>,
        /// For how many days; `None`: until it is revoked.
        days: Option<u32>,
    },
    /// Show all keys of the API for bots.
    ListKeys {
        /// For programs: one JSON object.
        json: bool,
    },
    /// Revoke a key of the API for bots.
    RevokeKey {
        /// Its id.
        id: String,
    },
    /// Send a message to a person.
    Send(MessageWanted),
    /// Tell events of the feed as they happen, until whoever asked goes away.
    Tail(EventsWanted),
    /// Put questions to the model of the built-in responder, and look what it would answer.
    EvalBot {
        /// The questions.
        cases: Cases,
        /// Whose catalogue it knows; `None`: that of the only merchant.
        merchant: Option<Uuid>,
    },
    /// Show events of the journal.
    Events(LogWanted),
    /// Show how the service is doing.
    Status(StatusWanted),
    /// Look after the copies in object storage.
    Cloud(CloudWanted),
}

impl Command {
    /// Whether only a running service can do it, because it goes on when the answer is given.
    #[must_use]
    pub fn needs_service(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Tail(_) | Self::Events(_) | Self::Status(_) | Self::EvalBot { .. })
    }

    /// What has to work beside it where no service runs.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match self {
            Self::Sync { .. } | Self::Rebuild { .. } | Self::Replay { .. } => Needs::Files,
            Self::Cloud(CloudWanted::Backfill { .. }) => Needs::Copies,
            _ => Needs::Nothing,
        }
    }
}

/// What works beside a command where no service runs. Whatever it is, nobody is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The command does all of it.
    Nothing,
    /// What reads from the platforms and writes the files.
    Files,
    /// What copies files to object storage.
    Copies,
}

/// A message to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageWanted {
    /// The channel.
    pub channel: String,
    /// The account that writes.
    pub account: String,
    /// The person.
    pub person: String,
    /// The words.
    pub text: String,
    /// Products of the catalogue that are shown with them, by their ids.
    pub products: Vec<String>,
    /// A template instead of words, by its name; the words are its parameter then, where it has one.
    pub template: Option<String>,
    /// Whether a human writes: bots are silent afterwards.
    pub is_human: bool,
    /// Whether to wait until it is known what became of it.
    pub waits: bool,
}

/// Events of the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsWanted {
    /// Of these kinds only; empty: of all.
    pub kinds: Vec<ItemKind>,
    /// Those after this number of one merchant; `None`: what happens from now on.
    pub since: Option<i64>,
    /// Of this merchant only; without it each event says whose it is.
    pub merchant: Option<Uuid>,
}

/// What is told about a command under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// How far a read has come.
    Progress(Step),
    /// An account is done.
    Done {
        /// The channel.
        channel: String,
        /// The account.
        account: String,
    },
    /// An account could not be read now.
    Failed {
        /// The channel.
        channel: String,
        /// The account.
        account: String,
        /// Why, in words.
        reason: String,
    },
    /// Something for people.
    Said {
        /// The sentence.
        text: String,
    },
    /// Why the command was not carried out: what somebody reads, and no program.
    Refused {
        /// The sentence.
        text: String,
    },
    /// An event of the feed.
    Event {
        /// Its id; `None`: it was erased.
        id: Option<String>,
        /// All of it as JSON on one line, as the API shows it.
        json: String,
    },
    /// Nothing more comes.
    End {
        /// Whether everything went well.
        good: bool,
    },
}

/// What carrying out commands needs. Cheap to clone.
#[derive(Clone)]
pub struct CommandRunner {
    /// The journal.
    pub journal: Journal,
    /// The connected accounts.
    pub connections: Connections,
    /// The reads under way.
    pub progress: Progress,
    /// Who reads.
    pub refresh: Refresh,
    /// Who writes conversation files.
    pub conversations: Arc<Conversations>,
    /// Who writes the other documents.
    pub readers: Arc<HashMap<&'static str, Arc<dyn Reader>>>,
    /// Who changes the master key.
    pub rotation: Rotation,
    /// The keys of the API for bots.
    pub api_keys: ApiKeys,
    /// Who answers people, and what bots are told.
    pub answering: Answering,
    /// The built-in responder; `None`: it is off.
    pub responder: Option<Responder>,
    /// Who sends what was accepted.
    pub outbox: Arc<dyn Sending>,
    /// Who copies files to object storage; `None`: nobody.
    pub copies: Option<ObjectCopies>,
    /// What somebody must know of.
    pub alerts: Alerts,
    /// The time.
    pub clock: Clock,
}

impl CommandRunner {
    /// Carries out a command and tells about it. A listener that is gone does not stop it.
    pub async fn carry_out(&self, command: Command, lines: &mpsc::Sender<Line>) {
        let result = match command {
            Command::Sync { channel, account } => self.sync(channel, account, lines).await,
            Command::Rebuild { account } => self.rebuild(account, lines).await,
            Command::Replay { event, since_ms } => self.replay(event, since_ms, lines).await,
            Command::RotateKeys => self.rotate_keys(lines).await,
            Command::NewKey { account, merchant, name, scopes, days } => {
                self.new_key(account, merchant, (name, scopes, days), lines).await
            }
            Command::ListKeys { json } => self.list_keys(json, lines).await,
            Command::RevokeKey { id } => self.revoke_key(&id, lines).await,
            Command::Send(wanted) => self.send(wanted, lines).await,
            Command::Tail(wanted) => self.tail(wanted, lines).await,
            Command::EvalBot { cases, merchant } => self.eval_bot(cases, merchant, lines).await,
            Command::Events(wanted) => self.show_events(wanted, lines).await,
            Command::Status(wanted) => self.show_status(wanted, lines).await,
            Command::Cloud(wanted) => self.cloud(wanted, lines).await,
        };
        let good = match result {
            Ok(good) => good,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a command failed");
                refuse(lines, format!("failed: {error:#}")).await.unwrap_or_default()
            }
        };
        let _ = lines.send(Line::End { good }).await;
    }

    async fn chosen(&self, channel: Option<String>, account: Option<NamedAccount>) -> anyhow::Result<Vec<Connection>> {
        let mut chosen = self.connections.list().await?;
        chosen.retain(|connection| {
            channel.as_ref().is_none_or(|channel| connection.channel == *channel)
                && account.as_ref().is_none_or(|account| account.fits(connection))
        });
        Ok(chosen)
    }
}

/// Tells why a command is not carried out, and gives that as its outcome.
async fn refuse(lines: &mpsc::Sender<Line>, text: String) -> anyhow::Result<bool> {
    let _ = lines.send(Line::Refused { text }).await;
    Ok(false)
}

/// Tells that the command concerns nobody. An account that was named is not connected, and that is a failure; without a
/// name there is nothing to do yet.
async fn nobody(is_named: bool, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
    if is_named {
        return refuse(lines, "this account is not connected".to_owned()).await;
    }
    say(lines, "no account is connected yet".to_owned()).await;
    Ok(true)
}

async fn say(lines: &mpsc::Sender<Line>, text: String) {
    let _ = lines.send(Line::Said { text }).await;
}
