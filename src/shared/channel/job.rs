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

/// Checks a cron pattern of the settings: it is understood, and its time comes.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_cron(pattern: &str) -> Result<String, String> {
    let cron = parse_cron(pattern).map_err(|_| "must be a cron pattern of five or six fields")?;
    match cron.find_next_occurrence(&chrono::Utc::now(), false) {
        Ok(_) => Ok(pattern.to_owned()),
        Err(_) => Err("is a cron pattern whose time never comes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_whose_time_never_comes_is_refused() {
        for good in ["17 3 * * *", "0 17 3 * * *", "0 0 29 2 *", "0 0 31 12 *"] {
            assert!(check_cron(good).is_ok(), "{good}");
        }
        for bad in ["0 0 30 2 *", "0 0 31 4 *", "0 0 0 31 11 *", "daily", "", "61 3 * * *"] {
            assert!(check_cron(bad).is_err(), "{bad}");
        }
    }
}
