//! The settings of answering.

use std::time::Duration;

use crate::shared::settings::Settings;
use crate::shared::store::Takeovers;

/// The longest pause and the longest retention that a setting may want.
const MOST_MINUTES: u64 = 7 * 24 * 60;
const MOST_DAYS: u32 = 3_650;
const MOST_SECONDS: u64 = 86_400;

/// How answering is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweringSettings {
    /// Who silences bots by answering, and for how long.
    pub takeovers: Takeovers,
    /// For how long a message waits for another one of the same person.
    pub settle: Duration,
    /// For how many days the feed is kept.
    pub retention_days: u32,
    /// When it is looked for a part of which nobody knows whether it was sent: for the first and the second time, and when
    /// nobody looks any longer; in seconds.
    pub resolve_seconds: [u64; 3],
    /// How long the copy of something that was sent is awaited, in seconds.
    pub echo_seconds: u64,
    /// Whether accounts send no more than their platforms allow. Not a setting: a benchmark measures without.
    pub is_paced: bool,
    /// How many messages of one account may wait. Not a setting: the contract names it.
    pub most_waiting: usize,
}

impl Default for AnsweringSettings {
    fn default() -> Self {
        Self {
            takeovers: Takeovers::default(),
            settle: Duration::from_secs(2),
            retention_days: 30,
            resolve_seconds: [20, 120, 900],
            echo_seconds: 60,
            is_paced: true,
            most_waiting: 10_000,
        }
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
            resolve_seconds: settings.parsed_or(
                "REPLY_RESOLVE_SECONDS",
                default.resolve_seconds,
                "three growing numbers of seconds up to 86400, such as 20,120,900",
                three_growing,
            ),
            echo_seconds: settings.parsed_or("REPLY_ECHO_SECONDS", 60, "a number of seconds from 1 to 86400", |text| {
                text.parse().ok().filter(|seconds| (1..=MOST_SECONDS).contains(seconds))
            }),
            is_paced: default.is_paced,
            most_waiting: default.most_waiting,
        }
    }

    /// [`AnsweringSettings::resolve_seconds`] in milliseconds.
    #[must_use]
    pub fn resolve_after_ms(&self) -> [i64; 3] {
        self.resolve_seconds.map(milliseconds)
    }

    /// [`AnsweringSettings::echo_seconds`] in milliseconds.
    #[must_use]
    pub fn echo_after_ms(&self) -> i64 {
        milliseconds(self.echo_seconds)
    }
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}

fn three_growing(text: &str) -> Option<[u64; 3]> {
    let seconds: Vec<u64> = text.split(',').map(|one| one.trim().parse().ok()).collect::<Option<_>>()?;
    let seconds: [u64; 3] = seconds.try_into().ok()?;
    let grows = seconds.windows(2).all(|pair| pair[0] < pair[1]);
    (grows && (1..=MOST_SECONDS).contains(&seconds[0]) && seconds[2] <= MOST_SECONDS).then_some(seconds)
}
