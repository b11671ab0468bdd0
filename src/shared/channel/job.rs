//! Work that is done again and again, at times that a cron pattern gives.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Work to be done again and again.
#[derive(Clone)]
pub struct Job {
    /// Its name, in the log and in the journal.
    pub name: String,
    /// When: a cron pattern of five or six fields, UTC.
    pub cron: String,
    /// What.
    pub run: Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>,
}

/// Reads a cron pattern of five or six fields.
///
/// # Errors
/// When it is none.
pub fn parse_cron(pattern: &str) -> anyhow::Result<Cron> {
    Ok(CronParser::builder().seconds(Seconds::Optional).build().parse(pattern)?)
}
