//! What merchants read, in their language. Every sentence stands in `en.ftl`; each other language is one more file beside it.
//!
//! A sentence is made by a function of [`say`], which `build.rs` writes out of `en.ftl`: a message that is not there, or
//! one that misses a variable, does not compile. It stays a [`Sentence`] until somebody reads it: a page shows it in the
//! reader's language, logs and programs get English, and the database keeps which sentence it was.

mod language;
mod negotiation;
mod reader;
mod said;
mod sentence;
mod stored;
mod times;

pub use self::language::Language;
pub use self::negotiation::preferred;
pub use self::reader::{current, read_in};
pub use self::sentence::{Fixed, Sentence, Value, bdi};
pub use self::times::{date, date_in_full, day, moment};

/// A function for each message of `en.ftl`, with its variables as arguments.
pub mod say {
    include!(concat!(env!("OUT_DIR"), "/say.rs"));
}
