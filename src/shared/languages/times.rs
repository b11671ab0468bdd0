//! Days and hours as each language writes them, in UTC. With the script, pages show them in the reader's zone.

use chrono::{DateTime, Datelike, Timelike, Utc};
use maud::{Markup, html};

use super::{Sentence, say};

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

fn year_month_day(at: &DateTime<Utc>) -> (String, i64, i64) {
    (at.year().to_string(), i64::from(at.month()), i64::from(at.day()))
}

/// A date: "21 Nov 2026".
#[must_use]
pub fn date(ms: i64) -> Sentence {
    let (year, month, day) = year_month_day(&at(ms));
    say::date(day, month, year)
}

/// A date with its month written out: "21 November 2026".
#[must_use]
pub fn date_in_full(ms: i64) -> Sentence {
    let (year, month, day) = year_month_day(&at(ms));
    say::date_in_full(day, month, year)
}

/// A date with its day of the week: "Saturday, 21 November 2026".
#[must_use]
pub fn day(ms: i64) -> Sentence {
    let at = at(ms);
    let (year, month, day) = year_month_day(&at);
    say::day(i64::from(at.weekday().number_from_monday()), day, month, year)
}

/// A date and an hour: "21 Nov 2026, 12:00 UTC".
#[must_use]
pub fn moment(ms: i64) -> Sentence {
    let at = at(ms);
    let (year, month, day) = year_month_day(&at);
    say::moment(day, month, year, format!("{:02}:{:02}", at.hour(), at.minute()))
}

/// The same as an element of a page.
pub(super) fn element(ms: i64) -> Markup {
    html! { time datetime=(at(ms).format("%Y-%m-%dT%H:%M:%SZ")) data-moment { (moment(ms)) } }
}
