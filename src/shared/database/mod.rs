//! How databases are opened, and who owns them.

pub mod db;
pub(in crate::shared) mod known_file;
pub mod lock;
pub mod sqlite;
