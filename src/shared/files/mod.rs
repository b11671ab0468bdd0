//! The JSON files: below one folder, whole at every instant.

pub mod blocked;
mod comparing;
pub mod folders;
pub mod following;
pub mod incoming;
pub mod kinds;
pub mod output;
pub mod path;
pub mod readers;
pub mod stamp;
