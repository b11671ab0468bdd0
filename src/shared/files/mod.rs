//! The JSON files: below one folder, whole at every instant.

pub mod archive;
pub mod folders;
pub mod following;
pub mod kinds;
pub mod output;
pub mod path;
pub mod readers;
pub mod stamp;
