//! How much of its allowance the app and each Page have used up, and what that means for the next call.
//!
//! Meta tells the use in headers of every answer. From 75 % on, background calls are spread out; at 90 % they pause, and
//! what is left stays for people who wait. Reads for people are never held back; messages are from 98 % on, because a call
//! over the limit makes the platform's block longer. Every Page has a budget of its own, so a Page in trouble does not slow
//! another; only the app's own limit concerns all of them.
//! Source: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting> and
//! <https://developers.facebook.com/docs/messenger-platform/overview/rate-limiting> (2026).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::id::Id;
use crate::shared::clock::Clock;
use crate::shared::outgoing::http::{ApiError, Budget, Patience};

/// From this percentage on, background calls are spread out.
const SLOW_FROM: u32 = 75;

/// From this percentage on, background calls pause.
const PAUSE_FROM: u32 = 90;

/// From this percentage on, messages wait, too.
const FULL_FROM: u32 = 98;

/// How long messages wait where the platform does not say how long; then one asks again.
const FULL_PAUSE: Duration = Duration::from_secs(60);

/// How much is added to the distance of two background calls with each percent from [`SLOW_FROM`] on.
const SLOWER_BY: Duration = Duration::from_millis(500);

/// How long to pause where the platform does not say how long.
pub const PAUSE: Duration = Duration::from_secs(5 * 60);

/// The longest pause that is obeyed; then one call asks again. The platform's longest window is 24 hours.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// Whose allowance a call uses.
#[derive(Debug, Clone, Copy)]
pub enum Lane<'a> {
    /// The app's: calls with the app's token or a person's.
    App,
    /// This Page's.
    Page(&'a Id),
    /// This Page's, and the Conversations API's own limit of calls per second and Page.
    Conversations(&'a Id),
}

impl<'a> Lane<'a> {
    pub(super) fn page(self) -> Option<&'a Id> {
        match self {
            Self::App => None,
            Self::Page(page) | Self::Conversations(page) => Some(page),
        }
    }
}

/// All budgets. Cheap to clone.
#[derive(Clone)]
pub struct Budgets {
    buckets: Arc<Mutex<BTreeMap<Option<Id>, Bucket>>>,
    /// The least distance of two calls of the Conversations API for one Page.
    distance: Duration,
    clock: Clock,
}

#[derive(Default)]
struct Bucket {
    used_percent: Option<u32>,
    told_at: Option<i64>,
    paused_until: Option<i64>,
    /// Until when messages wait: nothing is left for them.
    full_until: Option<i64>,
    pauses: u64,
    calls: u64,
    /// When the last background call started.
    last_call: Option<i64>,
    /// When the next call of the Conversations API may start.
    next_conversations: i64,
}

impl Budgets {
    /// Nothing used yet. `calls_per_second`: what one Page may ask the Conversations API; 0 is no limit.
    #[must_use]
    pub fn new(clock: Clock, calls_per_second: u32) -> Self {
        let distance = Duration::from_secs(1).checked_div(calls_per_second).unwrap_or_default();
        Self { buckets: Arc::default(), distance, clock }
    }

    /// Waits for the moment at which a call may start.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] while background calls pause: whoever waits for that has better things to do.
    pub async fn wait(&self, lane: Lane<'_>, patience: Patience) -> Result<(), ApiError> {
        let wait = self.reserve(lane, patience == Patience::Background)?;
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        Ok(())
    }

    /// Takes the next free moment, and tells how far away it is.
    fn reserve(&self, lane: Lane<'_>, in_background: bool) -> Result<Duration, ApiError> {
        let now = self.clock.now_ms();
        let mut buckets = self.lock();
        if in_background {
            let lanes = [None, lane.page().cloned()];
            let paused = lanes.iter().filter_map(|of| buckets.get_mut(of)?.paused_until(now)).max();
            if let Some(until) = paused {
                return Err(ApiError::RateLimited { retry_after: Duration::from_millis((until - now).unsigned_abs()) });
            }
        }
        // The app's limit concerns every call, so where it is near, all of them are spread out.
        let used = buckets.get(&None).and_then(|app| app.used_percent);
        let bucket = buckets.entry(lane.page().cloned()).or_default();
        bucket.calls += 1;
        let mut at = now;
        let gap = slowing(used.max(bucket.used_percent));
        if in_background && !gap.is_zero() {
            at = bucket.last_call.map_or(at, |last_call| at.max(last_call + millis(gap)));
        }
        if let Lane::Conversations(_) = lane {
            at = at.max(bucket.next_conversations);
            bucket.next_conversations = at + millis(self.distance);
        }
        if in_background {
            bucket.last_call = Some(at);
        }
        Ok(Duration::from_millis((at - now).unsigned_abs()))
    }

    /// Reads the usage headers of an answer. What cannot be read is ignored: they are hints, and a call went well without.
    pub fn note(&self, lane: Lane<'_>, headers: &HeaderMap) {
        let read = |name: &str| -> Option<Value> { serde_json::from_str(headers.get(name)?.to_str().ok()?).ok() };
        let now = self.clock.now_ms();
        let mut buckets = self.lock();
        let own = || lane.page().cloned();
        let mut told: Vec<(Option<Id>, Usage)> = Vec::new();
        told.extend(read("x-app-usage").and_then(|usage| Some((None, Usage::read(&usage)?))));
        told.extend(read("x-page-usage").and_then(|usage| Some((own(), Usage::read(&usage)?))));
        for (id, uses) in read("x-business-use-case-usage").as_ref().and_then(Value::as_object).into_iter().flatten() {
            // The ids are those of Pages or of businesses. A business is not known here: its use is that of whom it told.
            let of = Id::parse(id).map(Some).filter(|of| buckets.contains_key(of)).unwrap_or_else(own);
            let uses = uses.as_array().map(Vec::as_slice).unwrap_or_default();
            told.extend(uses.iter().filter_map(Usage::read).map(|usage| (of.clone(), usage)));
        }
        let mut worst: BTreeMap<Option<Id>, Usage> = BTreeMap::new();
        for (of, usage) in told {
            worst.entry(of).or_default().worsen(usage);
        }
        for (of, usage) in worst {
            buckets.entry(of.clone()).or_default().use_is(usage, now, of.as_ref());
        }
    }

    /// The platform refused a call because there were too many. `for_all`: it is the app's limit that was reached.
    pub fn refused(&self, lane: Lane<'_>, for_all: bool, retry_after: Duration) {
        let of = lane.page().filter(|_| !for_all).cloned();
        let until = self.clock.now_ms() + millis(retry_after);
        self.lock().entry(of.clone()).or_default().pause(until, of.as_ref());
    }

    /// How long background calls of this lane still pause.
    #[must_use]
    pub fn pause_of(&self, lane: Lane<'_>) -> Option<Duration> {
        let now = self.clock.now_ms();
        let until = self.lock().get_mut(&lane.page().cloned())?.paused_until(now)?;
        Some(Duration::from_millis((until - now).unsigned_abs()))
    }

    /// How long messages of this lane wait, because nothing of its allowance, or of the app's, is left.
    #[must_use]
    pub fn full_for(&self, lane: Lane<'_>) -> Option<Duration> {
        let now = self.clock.now_ms();
        let buckets = self.lock();
        let lanes = [None, lane.page().cloned()];
        let until = lanes.iter().filter_map(|of| buckets.get(of)?.full_until).max()?;
        (until > now).then(|| Duration::from_millis((until - now).unsigned_abs()))
    }

    /// What is known of all allowances: the app's, then each Page's.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Budget> {
        let now = self.clock.now_ms();
        self.lock()
            .iter_mut()
            .map(|(page, bucket)| Budget {
                account: page.as_ref().map_or_else(String::new, |page| page.as_str().to_owned()),
                paused_until: bucket.paused_until(now),
                used_percent: bucket.used_percent,
                told_at: bucket.told_at,
                pauses: bucket.pauses,
                calls: bucket.calls,
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Option<Id>, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    /// Until when it pauses. After a pause, what was said before it counts no longer.
    fn paused_until(&mut self, now: i64) -> Option<i64> {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            self.used_percent = None;
        }
        self.paused_until
    }

    fn use_is(&mut self, usage: Usage, now: i64, of: Option<&Id>) {
        self.used_percent = Some(usage.percent);
        self.told_at = Some(now);
        self.full_until = (usage.percent >= FULL_FROM).then(|| now + millis(usage.pause_or(FULL_PAUSE)));
        if usage.percent >= PAUSE_FROM || !usage.regain.is_zero() {
            self.pause(now + millis(usage.pause_or(PAUSE)), of);
        }
    }

    /// A longer pause is never cut short by a shorter one.
    fn pause(&mut self, until: i64, of: Option<&Id>) {
        if self.paused_until.is_none() {
            self.pauses += 1;
            let account = of.map_or("", Id::as_str);
            tracing::warn!(account, used_percent = self.used_percent, "Meta's limit of calls is near; reading pauses");
        }
        self.paused_until = self.paused_until.max(Some(until));
    }
}

/// What one counter of a header says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    percent: u32,
    regain: Duration,
}

impl Usage {
    fn read(usage: &Value) -> Option<Self> {
        let usage = usage.as_object()?;
        let number = |name: &str| usage.get(name).and_then(Value::as_f64).filter(|number| *number > 0.0);
        let counters = ["call_count", "total_time", "total_cputime"];
        let percent = counters.into_iter().filter_map(number).fold(0.0, f64::max);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let percent = percent.min(1000.0) as u32;
        // Minutes in this header.
        let minutes = number("estimated_time_to_regain_access").unwrap_or(0.0).min(LONGEST_PAUSE.as_secs_f64() / 60.0);
        Some(Self { percent, regain: Duration::from_secs_f64(minutes * 60.0) })
    }

    /// How long to pause, as the platform says, else for this long.
    fn pause_or(&self, otherwise: Duration) -> Duration {
        if self.regain.is_zero() { otherwise } else { self.regain }
    }

    fn worsen(&mut self, other: Self) {
        self.percent = self.percent.max(other.percent);
        self.regain = self.regain.max(other.regain);
    }
}

/// The distance of two background calls at this use.
fn slowing(used_percent: Option<u32>) -> Duration {
    match used_percent {
        Some(percent) if percent >= SLOW_FROM => SLOWER_BY * (percent.min(PAUSE_FROM) - SLOW_FROM + 1),
        _ => Duration::ZERO,
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn budgets() -> (Budgets, Clock) {
        let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("a time"));
        (Budgets::new(clock.clone(), 2), clock)
    }

    fn page(text: &str) -> Id {
        Id::parse(text).expect("an id")
    }

    fn told(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().expect("a header"))])
    }

    fn wait(budgets: &Budgets, lane: Lane<'_>) -> Result<u128, u64> {
        match budgets.reserve(lane, true) {
            Ok(wait) => Ok(wait.as_millis()),
            Err(ApiError::RateLimited { retry_after }) => Err(retry_after.as_secs()),
            Err(_) => unreachable!(),
        }
    }

    #[test]
    fn two_calls_of_the_conversations_api_start_each_second_and_page() {
        let (budgets, clock) = budgets();
        let (one, two) = (page("1"), page("2"));
        let waits: Vec<_> = (0..4).map(|_| wait(&budgets, Lane::Conversations(&one))).collect();
        assert_eq!(waits, [Ok(0), Ok(500), Ok(1000), Ok(1500)]);
        assert_eq!(wait(&budgets, Lane::Conversations(&two)), Ok(0));
        assert_eq!(wait(&budgets, Lane::Page(&one)), Ok(0));
        clock.advance(Duration::from_millis(2200));
        assert_eq!(wait(&budgets, Lane::Conversations(&one)), Ok(0));
        let unlimited = Budgets::new(clock, 0);
        assert_eq!((0..9).filter_map(|_| wait(&unlimited, Lane::Conversations(&one)).ok()).max(), Some(0));
    }

    #[test]
    fn messages_wait_where_nothing_is_left_for_as_long_as_the_platform_says() {
        let (one, two) = (page("1"), page("2"));
        let full = |budgets: &Budgets, of| budgets.full_for(Lane::Page(of)).map(|wait| wait.as_secs());
        let cases = [
            ("x-page-usage", r#"{"call_count":97}"#, (None, None)),
            ("x-page-usage", r#"{"call_count":100}"#, (Some(60), None)),
            ("x-app-usage", r#"{"total_time":98}"#, (Some(60), Some(60))),
            (
                "x-business-use-case-usage",
                r#"{"1":[{"call_count":100,"estimated_time_to_regain_access":7}]}"#,
                (Some(420), None),
            ),
            (
                "x-business-use-case-usage",
                r#"{"1":[{"call_count":40,"estimated_time_to_regain_access":7}]}"#,
                (None, None),
            ),
        ];
        for (name, value, expected) in cases {
            let (budgets, clock) = budgets();
            budgets.note(Lane::Page(&one), &told(name, value));
            assert_eq!((full(&budgets, &one), full(&budgets, &two)), expected, "{name}: {value}");
            clock.advance(Duration::from_secs(420));
            assert_eq!((full(&budgets, &one), full(&budgets, &two)), (None, None), "{name}: it is over");
        }
        let (budgets, _) = budgets();
        budgets.note(Lane::Page(&one), &told("x-page-usage", r#"{"call_count":100}"#));
        budgets.note(Lane::Page(&one), &told("x-page-usage", r#"{"call_count":90}"#));
        assert_eq!(full(&budgets, &one), None, "a newer answer knows better");
    }

    #[test]
    fn each_header_slows_down_from_75_percent_and_pauses_at_90() {
        let one = page("100000000000101");
        let business = |percent: u32, regain: u32| {
            format!(
                r#"{{"100000000000101":[{{"type":"pages","call_count":1}},
                    {{"type":"messenger","call_count":{percent},"estimated_time_to_regain_access":{regain}}}]}}"#
            )
            .replace('\n', "")
        };
        let simple = |percent: u32| format!(r#"{{"call_count":3,"total_time":{percent},"total_cputime":25}}"#);
        let cases = [
            ("x-app-usage", simple(74), Ok([0, 0])),
            ("x-app-usage", simple(75), Ok([0, 500])),
            ("x-page-usage", simple(89), Ok([0, 7500])),
            ("x-page-usage", simple(90), Err(300)),
            ("x-app-usage", simple(100), Err(300)),
            ("x-business-use-case-usage", business(80, 0), Ok([0, 3000])),
            ("x-business-use-case-usage", business(96, 0), Err(300)),
            ("x-business-use-case-usage", business(96, 17), Err(17 * 60)),
            ("x-business-use-case-usage", business(1, 2), Err(120)),
            ("x-business-use-case-usage", business(1, 100_000), Err(24 * 3600)),
            ("x-business-use-case-usage", r#"{"555":[{"call_count":91}]}"#.to_owned(), Err(300)),
            ("x-app-usage", "nonsense".to_owned(), Ok([0, 0])),
            ("x-app-usage", r#"["call_count"]"#.to_owned(), Ok([0, 0])),
            ("x-business-use-case-usage", r#"{"555":{"call_count":91}}"#.to_owned(), Ok([0, 0])),
            ("x-page-usage", r#"{"call_count":"96","total_time":-5,"total_cputime":null}"#.to_owned(), Ok([0, 0])),
        ];
        for (name, value, expected) in cases {
            let (budgets, clock) = budgets();
            budgets.note(Lane::Page(&one), &told(name, &value));
            let found =
                wait(&budgets, Lane::Page(&one)).and_then(|first| Ok([first, wait(&budgets, Lane::Page(&one))?]));
            assert_eq!(found, expected, "{name}: {value}");
            // A person is never held back.
            assert_eq!(budgets.reserve(Lane::Page(&one), false), Ok(Duration::ZERO));
            if let Err(seconds) = expected {
                clock.advance(Duration::from_secs(seconds - 1));
                assert_eq!(wait(&budgets, Lane::Page(&one)), Err(1));
                clock.advance(Duration::from_secs(1));
                assert_eq!(wait(&budgets, Lane::Page(&one)), Ok(0), "{name}: {value}");
                assert_eq!(wait(&budgets, Lane::Page(&one)), Ok(0), "what was said before the pause is forgotten");
            }
        }
    }

    #[test]
    fn a_page_in_trouble_does_not_slow_another_and_the_app_slows_all() {
        let (budgets, _) = budgets();
        let (one, two) = (page("1"), page("2"));
        assert_eq!(wait(&budgets, Lane::Page(&two)), Ok(0));
        budgets.note(Lane::Page(&one), &told("x-page-usage", r#"{"call_count":95}"#));
        budgets.refused(Lane::Page(&one), false, Duration::from_secs(1000));
        assert_eq!(wait(&budgets, Lane::Page(&one)), Err(1000));
        assert_eq!((wait(&budgets, Lane::Page(&two)), wait(&budgets, Lane::App)), (Ok(0), Ok(0)));
        // The header of one Page's answer may tell of another Page.
        budgets.note(Lane::App, &told("x-business-use-case-usage", r#"{"2":[{"call_count":99}]}"#));
        assert_eq!((wait(&budgets, Lane::Page(&two)), wait(&budgets, Lane::App)), (Err(300), Ok(0)));
        budgets.refused(Lane::Page(&two), true, Duration::from_secs(2000));
        assert_eq!((wait(&budgets, Lane::Page(&page("3"))), wait(&budgets, Lane::App)), (Err(2000), Err(2000)));
        let shown: Vec<_> =
            budgets.snapshot().into_iter().map(|budget| (budget.account, budget.used_percent, budget.pauses)).collect();
        let of = |id: &str| id.to_owned();
        assert_eq!(shown, [(of(""), None, 1), (of("1"), Some(95), 1), (of("2"), Some(99), 1)]);
    }
}
