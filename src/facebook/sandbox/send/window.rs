//! Whether a person may be written to now: the 24-hour window and what lasts longer.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages> (2026).

use chrono::{DateTime, TimeDelta, Utc};

use super::super::handle::{Person, Sandbox};
use super::super::page::Page;
use super::super::state::{GraphError, Thread};
use super::memory::{Reach, Sending};

/// After an action of the person.
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// After an action of the person, for what a human wrote.
const HUMAN_WINDOW: TimeDelta = TimeDelta::days(7);

/// Whether the window of this thread is open, for a human's answer if `by_human`.
pub(super) fn check(
    sending: &Sending,
    thread: &Thread,
    by_human: bool,
    is_instagram: bool,
    now: DateTime<Utc>,
) -> Result<(), GraphError> {
    let age = |since_ms: i64| TimeDelta::milliseconds(now.timestamp_millis() - since_ms);
    let window = if by_human { HUMAN_WINDOW } else { WINDOW };
    let by_action = thread.acted_ms.is_some_and(|acted_ms| age(acted_ms) < window);
    let by_ad =
        sending.ad_window_days.zip(thread.ad_ms).is_some_and(|(days, ad_ms)| age(ad_ms) < TimeDelta::days(days));
    if by_action || by_ad {
        return Ok(());
    }
    let subcode = if is_instagram { 2_534_022 } else { 2_018_278 };
    Err(GraphError::new(10, "(#10) This message is sent outside of allowed window.").subcode(subcode))
}

/// Whether the person can be written to at all.
pub(super) fn check_reach(reach: Reach) -> Result<(), GraphError> {
    let unavailable = "This person isn't available right now.";
    match reach {
        Reach::Open => Ok(()),
        Reach::Blocked => Err(GraphError::new(551, format!("(#551) {unavailable}")).subcode(1_545_041)),
        Reach::Deactivated => Err(GraphError::new(200, format!("(#200) {unavailable}")).subcode(1_545_041)),
        Reach::CannotReceive => {
            let message = "(#10) This person can't receive messages right now.";
            Err(GraphError::new(10, message).subcode(2_018_108))
        }
    }
}

impl Sandbox {
    /// Whether the app was reviewed for the tag `HUMAN_AGENT`. It was not, until this is called.
    pub fn allow_human_agent(&self, yes: bool) {
        self.core.platform().sending.human_agent = yes;
    }

    /// How many days the window is open after a person's first message from an ad. Until this is called, and with `None`,
    /// it is the ordinary window.
    pub fn set_ad_window(&self, days: Option<i64>) {
        self.core.platform().sending.ad_window_days = days;
    }
}

impl Page {
    /// Whether this person can be written to. A message of the person makes it [`Reach::Open`] again.
    pub fn set_reach(&self, person: &Person, reach: Reach) {
        self.with_thread(person, |thread| thread.reach = reach);
    }
}
