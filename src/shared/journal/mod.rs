//! The heart: every event once, in order of arrival, durable before the platform hears 200.
//!
//! What it promises:
//! - [`Journal::append`] returns only after its events are on disk (`synchronous=FULL`), all of them or none.
//! - An event whose key is known already changes nothing.
//! - Whoever reads from a cursor sees every event that was appended, once, in one order.
//! - Events of accounts that nobody has connected are set aside, and released by [`Journal::connect_account`].
//!
//! Here stands the log alone. The other tables of `journal.db` have a file each in [`crate::shared::store`].

pub mod acknowledged;
mod arrivals;
mod beginnings;
mod changed_files;
mod checkpoint;
mod connected_accounts;
mod conversation;
mod conversation_order;
mod cursors;
mod erase;
mod error;
mod event;
mod feed_news;
mod file_changes;
mod handle;
mod health;
mod insertion;
mod known_keys;
pub(in crate::shared) mod migrations;
mod pending_files;
mod people;
mod person_names;
mod positions;
mod pruned;
mod pruning;
mod reader;
mod readers;
mod scan;
mod sent_parts;
mod tombstones;
mod writer;

pub(in crate::shared) use arrivals::HOUR_MS;
pub use beginnings::{LostBeginning, TakenBack};
pub use changed_files::{Pace, place_of};
pub(in crate::shared) use connected_accounts::NOT_CONNECTED;
pub(in crate::shared) use conversation::conversation_number;
pub use conversation::{Account, Conversation};
pub(in crate::shared) use conversation_order::{insert_set_aside, put_in_order_with};
pub use erase::{Erased, Scope};
pub use error::JournalError;
pub(in crate::shared) use event::EffectColumns;
pub use event::{DedupeKey, Effect, Event, SentPart, Source, kept_of_no_object, short_word};
pub use file_changes::FileChanges;
pub use handle::{Journal, WriterHandle};
pub use migrations::count_migrations;
pub use pending_files::{FilesMade, PendingFile, ask_for_files};
pub(in crate::shared) use people::{list_names, resolve_person};
pub(in crate::shared) use person_names::learn_addressee;
pub use person_names::{AlsoKnown, Knowing, MovedFile};
pub(in crate::shared) use positions::{CONVERSATIONS_CURSOR, FEED_CURSOR, OVERVIEW_CURSOR, READS_CURSOR};
pub(in crate::shared) use positions::{cursor_position, in_order_up_to, newest_seq, save_cursor};
pub use pruned::Pruned;
pub(in crate::shared) use pruned::find_pruned;
pub use pruning::PruneStep;
pub use reader::JournalReader;
pub use scan::EventPlace;
pub(in crate::shared) use sent_parts::take_reports;
pub use tombstones::Unsending;
pub(in crate::shared) use tombstones::{is_taken_back, make_file_anew};
pub use writer::Appended;
