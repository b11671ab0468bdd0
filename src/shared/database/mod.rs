//! How databases are opened, and who owns them.

pub mod lock;
pub mod sqlite;
