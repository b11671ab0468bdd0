//! The contract between the service and its channels: what a channel is given ([`context`]) and what it gives.

pub mod connect_step;
pub mod context;
pub mod finding;
pub mod job;
pub mod reader;
#[cfg(feature = "demo")]
pub mod simulator;
pub mod view;

use std::sync::Arc;

use self::connect_step::ConnectStep;
use self::job::Job;
use self::reader::Reader;
use self::view::View;

/// What a channel gives back.
pub struct Channel {
    /// Its name in paths, tables and files: `facebook`.
    pub name: &'static str,
    /// Its routes, ready to be joined.
    pub router: axum::Router,
    /// When its accounts are polled: a cron pattern of five or six fields, UTC.
    pub poll_cron: String,
    /// What a poll reads again: the whole account (empty), or what the channel calls its daily look.
    pub poll_object: &'static str,
    /// How a merchant connects an account.
    pub connect: ConnectStep,
    /// How its data is shown to people.
    pub view: View,
    /// How to read an account again.
    pub reader: Arc<dyn Reader>,
    /// Its other regular work: what concerns no single account.
    pub jobs: Vec<Job>,
}
