//! The contract between the service and its channels.

pub mod finding;
pub mod simulator;
pub mod view;
