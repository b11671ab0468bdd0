//! The contract between the service and its channels: what a channel is given ([`context`]) and what it gives.

pub mod about;
pub mod configured;
pub mod connect_step;
pub mod context;
pub mod dialogue;
pub mod finding;
pub mod job;
pub mod meaning;
pub mod product;
pub mod read_request;
pub mod reader;
pub mod reason;
pub mod section;
#[cfg(feature = "demo")]
pub mod simulator;
pub mod text_limit;
pub mod view;

use std::sync::Arc;

use self::about::About;
use self::configured::Configured;
use self::connect_step::ConnectStep;
use self::dialogue::Dialogue;
use self::job::Job;
use self::read_request::ReadRequest;
use self::reader::Reader;
use self::view::View;

/// What a channel gives back. What a platform does not have is `None`: there are some without polls, and some without a
/// login link.
pub struct Channel {
    /// Its name, and how its accounts and events are recognised.
    pub about: &'static About,
    /// Its routes, ready to be joined.
    pub routes: axum::Router,
    /// When its accounts are polled; `None`: they cannot be.
    pub poll: Option<Poll>,
    /// How a merchant connects an account; `None`: accounts are connected in another way than by a step of the start page.
    pub connect: Option<ConnectStep>,
    /// How its data is shown to people.
    pub view: View,
    /// How to read an account again.
    pub reader: Arc<dyn Reader>,
    /// How it takes part in conversations; `None`: nobody can be answered there.
    pub dialogue: Option<Arc<dyn Dialogue>>,
    /// Its other regular work: what concerns no single account.
    pub jobs: Vec<Job>,
    /// The account that its settings name; `None`: merchants connect accounts by logins.
    pub configured: Option<Arc<dyn Configured>>,
}

/// When accounts are polled, and what is read then.
pub struct Poll {
    /// A cron pattern of five or six fields, UTC.
    pub cron: String,
    /// The whole account, or what changed in it.
    pub request: ReadRequest,
}
