//! The settings of answering.

use std::time::Duration;

use crate::shared::settings::Settings;
use crate::shared::store::Takeovers;

/// The longest pause and the longest retention that a setting may want.
const MOST_MINUTES: u64 = 7 * 24 * 60;
const MOST_DAYS: u32 = 3_650;

/// How answering is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweringSettings {
    /// Who silences bots by answering, and for how long.
    pub takeovers: Takeovers,
    /// For how long a message waits for another one of the same person.
    pub settle: Duration,
    /// For how many days the feed is kept.
    pub retention_days: u32,
}

impl Default for AnsweringSettings {
    fn default() -> Self {
        Self { takeovers: Takeovers::default(), settle: Duration::from_secs(2), retention_days: 30 }
    }
}

impl AnsweringSettings {
    /// Reads them.
    #[must_use]
    pub fn from_settings(settings: &mut Settings<'_>) -> Self {
        let default = Self::default();
        let minutes = settings.parsed_or("BOT_PAUSE_MINUTES", 60, "a number of minutes up to 10080", |text| {
            text.parse().ok().filter(|minutes| *minutes <= MOST_MINUTES)
        });
        let (by_human, by_app) =
            settings.parsed_or("BOT_PAUSE_ON", (true, true), "human, app, human,app or none", |text| {
                if text == "none" {
                    return Some((false, false));
                }
                let words: Vec<&str> = text.split(',').map(str::trim).collect();
                let known = words.iter().all(|word| matches!(*word, "human" | "app"));
                known.then(|| (words.contains(&"human"), words.contains(&"app")))
            });
        let settle = settings.parsed_or("FEED_SETTLE_SECONDS", 2, "a number of seconds from 0 to 15", |text| {
            text.parse().ok().filter(|seconds| *seconds <= 15)
        });
        let retention_days = settings.parsed_or(
            "FEED_RETENTION_DAYS",
            default.retention_days,
            "a number of days from 1 to 3650",
            |text| text.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days)),
        );
        Self {
            takeovers: Takeovers { pause: Duration::from_secs(minutes * 60), by_human, by_app },
            settle: Duration::from_secs(settle),
            retention_days,
        }
    }
}
