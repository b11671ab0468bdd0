//! The tables of `tokens.db`, `sessions.db` and `search.db`, and those of `journal.db` that are no log: a file each, with all its SQL.
//! Every row carries its channel, so a new channel needs no migration, and every query names the merchant or account that
//! it is about. What stands in `journal.db` is written by the journal's writer, so its calls are calls of
//! [`crate::shared::journal::Journal`].

mod account_cursors;
mod addressees;
pub mod alert_posts;
pub mod api_keys;
mod attachments;
mod connection;
pub mod connections;
mod conversation_states;
pub mod erased;
pub mod erasures;
mod event_log;
mod event_status;
mod far_ahead;
mod feed;
mod found_connections;
mod history_walks;
mod inspection;
pub mod installation;
pub mod keys;
mod known_connections;
mod left_accounts;
pub mod login_states;
mod named_account;
mod object_copies;
mod outgoing;
mod overview;
mod poll_comparison;
pub mod push;
mod read_requests;
mod record_changes;
mod records;
mod reports;
pub mod responder;
pub mod search;
mod sending_blocks;
mod sending_pauses;
pub mod sessions;
mod set_aside;
mod staging;
mod still_to_come;
mod threads;
mod token;
mod unread_conversations;
pub mod uploads;

pub use api_keys::ApiKeys;
pub use attachments::{Attached, Attachment, Copied, IndexedMedia, KeptCopy, WantedMedia};
pub use connection::{Connection, SendingBlock, Status, Trouble, TroubleSource};
pub use connections::{Connections, NewConnection};
pub use conversation_states::{Advertising, ConversationState, Pause, PausedBy, Standing};
pub use erasures::Erasures;
pub use event_log::{EventFilter, EventPage, LARGEST_PAGE};
pub use event_status::{EventOutcome, EventStatus};
pub use far_ahead::LONGEST_WAIT_MS;
pub use feed::{
    AccountStatus, By, FeedEnds, FeedEvent, FeedItem, FeedPage, FeedPlaces, FeedQuery, FeedRules, FeedStep, Incoming,
    ItemKind, NextForFeed, Past, PastItem, ProductSources, ReadMeaning, StatusTold, Taken, Takeover, TakeoverState,
    Takeovers, handover_alert,
};
pub use history_walks::{History, HistoryWalk, Listed, Older, Unreadable, WalkKind, WalkPlace, WalkStart, Walked};
pub use inspection::{Inspection, has_check_value, inspect};
pub use keys::Keys;
pub use login_states::LoginStates;
pub use named_account::NamedAccount;
pub use object_copies::{CopiesWaiting, CopyOutcome, CopyResult, DueCopy};
pub use outgoing::{
    Acceptance, Asked, Author, DueOutgoing, Looked, NewMessage, Outcome, Outgoing, OutgoingPart, Overtaken, PartState,
    Uncopied,
};
pub use overview::{Arrivals, Consumer, Counts, Failure, SetAside, Totals, Work};
pub use read_requests::{DueRead, NextTry, PendingRead};
pub use record_changes::{RecordChange, RecordPlace};
pub use records::{Change, Edit, Record, RecordPage};
pub use reports::{KeptReport, PollReport, Subscriptions};
pub use sending_blocks::blocked_alert;
pub use sessions::{Session, Sessions};
pub use staging::{Children, Part, Staging};
pub use still_to_come::StillToCome;
pub use threads::{Found, Item, Thread, ThreadPage, ThreadPlace};
pub use token::{Token, TokenAge, TokenKind, Tokens};
pub use unread_conversations::{Unread, UnreadConversation};

/// The migrations of `tokens.db`, in order. Append only.
pub const TOKENS_MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/tokens/0001_initial.sql"),
    include_str!("../../../migrations/tokens/0002_seals.sql"),
    include_str!("../../../migrations/tokens/0003_erasure.sql"),
    include_str!("../../../migrations/tokens/0004_token_age.sql"),
    include_str!("../../../migrations/tokens/0005_alert_posts.sql"),
    include_str!("../../../migrations/tokens/0006_trouble_source.sql"),
    include_str!("../../../migrations/tokens/0007_alert_causes.sql"),
    include_str!("../../../migrations/tokens/0008_api_keys.sql"),
    include_str!("../../../migrations/tokens/0009_installation.sql"),
    include_str!("../../../migrations/tokens/0010_push.sql"),
    include_str!("../../../migrations/tokens/0012_left_accounts.sql"),
    include_str!("../../../migrations/tokens/0013_erased_objects.sql"),
    include_str!("../../../migrations/tokens/0014_erased.sql"),
    include_str!("../../../migrations/tokens/0015_sending_blocks.sql"),
];

/// The migrations of `sessions.db`, in order. Append only.
pub const SESSIONS_MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sessions/0001_initial.sql"),
    include_str!("../../../migrations/sessions/0002_households.sql"),
];
