//! The points that each shop lets us spend: how many there are, how large a page may be, who waits for whom.
//!
//! Size and rate of a bucket are learned from its answers, and so is what a page costs. One shop's bucket is no other's
//! business.
//!
//! Source: <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits> (2026).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::payload::ShopDomain;
use crate::shared::clock::Clock;
use crate::shared::outgoing::http::{Budget, Patience};

/// No query may cost more, on any plan. It is checked before the query runs.
const MAX_COST: f64 = 1000.0;

/// The part of a bucket that is left to whoever is not in the background: a merchant who logs in waits for nobody.
const RESERVE: f64 = 0.1;

/// The longest that a query waits before it is sent all the same: the shop has the last word.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The longest that a query waits for which a person waits.
const PERSON_WAIT: Duration = Duration::from_secs(2);

/// How long a query in the background steps aside for one that a person waits for, before it looks again.
const STEP_ASIDE: Duration = Duration::from_millis(100);

/// How a list is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// How many items a page has where points allow it.
    pub largest: u32,
    /// What an item costs as far as the documents tell, with its part of the rest of the query.
    pub points: f64,
}

/// What a query cost, as its answer says.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    #[serde(default)]
    requested_query_cost: Option<f64>,
    #[serde(default)]
    actual_query_cost: Option<f64>,
    #[serde(default)]
    throttle_status: Option<Throttle>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttle {
    currently_available: f64,
    restore_rate: f64,
    #[serde(default)]
    maximum_available: f64,
}

impl Cost {
    /// The pause after which the same query can be paid for: at least a second.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let seconds = self.throttle_status.as_ref().and_then(|throttle| {
            let missing = self.requested_query_cost? - throttle.currently_available;
            (throttle.restore_rate > 0.0).then(|| missing / throttle.restore_rate)
        });
        seconds_of(seconds.unwrap_or(1.0).clamp(1.0, 60.0))
    }
}

#[derive(Default)]
struct Bucket {
    available: f64,
    restore_rate: f64,
    maximum: f64,
    at_ms: i64,
    /// What one item of a page costs, or a query without pages, by the query's name.
    points: HashMap<&'static str, f64>,
    /// Queries under way for which a person waits.
    foreground: usize,
    calls: u64,
    throttled: u64,
}

impl Bucket {
    fn available(&self, now_ms: i64) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of one process's life")]
        let elapsed = (now_ms - self.at_ms).max(0) as f64 / 1000.0;
        (self.available + elapsed * self.restore_rate).min(self.maximum)
    }

    /// How long a person waits for a query of this cost: not at all where it is not a matter of a moment.
    fn short_wait(&self, cost: f64, now_ms: i64) -> Duration {
        if self.restore_rate <= 0.0 {
            return Duration::ZERO;
        }
        let missing = cost.min(self.maximum) - self.available(now_ms);
        let wait = seconds_of((missing / self.restore_rate).max(0.0));
        if wait <= PERSON_WAIT { wait } else { Duration::ZERO }
    }

    /// How long until a query of this cost can be paid for, the reserve left aside.
    fn wait(&self, cost: f64, now_ms: i64) -> Duration {
        if self.restore_rate <= 0.0 {
            return Duration::ZERO;
        }
        let wanted = (cost + self.maximum * RESERVE).min(self.maximum);
        seconds_of(((wanted - self.available(now_ms)) / self.restore_rate).max(0.0))
    }
}

/// While it is held, the background leaves the shop's points alone.
pub struct Foreground {
    budgets: Budgets,
    shop: ShopDomain,
}

impl Drop for Foreground {
    fn drop(&mut self) {
        self.budgets.with(&self.shop, |bucket| bucket.foreground = bucket.foreground.saturating_sub(1));
    }
}

/// The buckets of all shops. Cheap to clone.
#[derive(Clone)]
pub struct Budgets {
    clock: Clock,
    buckets: Arc<Mutex<HashMap<ShopDomain, Bucket>>>,
}

/// A query under way. While one of the foreground is held, the background waits.
pub struct Turn<'a> {
    budgets: &'a Budgets,
    shop: &'a ShopDomain,
    patience: Patience,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.patience != Patience::Background {
            self.budgets.with(self.shop, |bucket| bucket.foreground = bucket.foreground.saturating_sub(1));
        }
    }
}

impl Budgets {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, buckets: Arc::default() }
    }

    /// How many items may be asked for at once, so that the query costs neither more than any query may nor more than the
    /// shop's bucket holds.
    #[must_use]
    pub fn page_size(&self, shop: &ShopDomain, query: &'static str, page: Page) -> u32 {
        self.with(shop, |bucket| {
            let limit = if bucket.maximum > 0.0 { MAX_COST.min(bucket.maximum) } else { MAX_COST };
            let points = bucket.points.get(query).copied().unwrap_or(page.points).max(0.01);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped first")]
            let size = (limit / points).clamp(1.0, f64::from(page.largest)) as u32;
            size
        })
    }

    /// Waits until the query can be paid for, as far as that is known. `items`: the size of its page, 1 without pages.
    /// `price`: what one of them costs until the shop has told it. Who waits in person is made to wait here only where a
    /// moment is enough, and may spend what is kept back from the background.
    pub async fn turn<'a>(
        &'a self,
        shop: &'a ShopDomain,
        query: &'static str,
        price: f64,
        items: u32,
        patience: Patience,
    ) -> Turn<'a> {
        let mut waited = Duration::ZERO;
        loop {
            let now_ms = self.clock.now_ms();
            let wait = self.with(shop, |bucket| {
                let cost = bucket.points.get(query).copied().unwrap_or(price) * f64::from(items);
                let wait = if patience != Patience::Background {
                    let wait = if waited.is_zero() { bucket.short_wait(cost, now_ms) } else { Duration::ZERO };
                    bucket.foreground += usize::from(wait.is_zero());
                    wait
                } else if bucket.foreground > 0 {
                    STEP_ASIDE
                } else {
                    bucket.wait(cost, now_ms)
                };
                if wait.is_zero() {
                    bucket.available = bucket.available(now_ms) - cost;
                    bucket.at_ms = now_ms;
                }
                wait
            });
            if wait.is_zero() || waited >= LONGEST_WAIT {
                return Turn { budgets: self, shop, patience };
            }
            // A hair longer, so that rounding does not make for a second look.
            let wait = wait.min(LONGEST_WAIT) + Duration::from_millis(1);
            self.clock.sleep(wait).await;
            waited += wait;
        }
    }

    /// A person is at work with this shop: until what is given back is dropped, the background steps aside, also between the
    /// person's queries.
    #[must_use]
    pub fn in_person(&self, shop: &ShopDomain) -> Foreground {
        self.with(shop, |bucket| bucket.foreground += 1);
        Foreground { budgets: self.clone(), shop: shop.clone() }
    }

    /// How long it takes until this many points were there to be spent; `None` where nothing is known of the shop's bucket.
    #[must_use]
    pub fn time_for(&self, shop: &ShopDomain, points: f64) -> Option<Duration> {
        let now_ms = self.clock.now_ms();
        self.with(shop, |bucket| {
            let missing = points - bucket.available(now_ms);
            (bucket.restore_rate > 0.0).then(|| seconds_of((missing / bucket.restore_rate).max(0.0)))
        })
    }

    /// Learns from an answer.
    pub fn note(&self, shop: &ShopDomain, query: &'static str, items: u32, cost: &Cost) {
        let now_ms = self.clock.now_ms();
        self.with(shop, |bucket| {
            if let Some(requested) = cost.requested_query_cost.filter(|requested| *requested > 0.0) {
                bucket.points.insert(query, requested / f64::from(items.max(1)));
            }
            bucket.calls += 1;
            bucket.throttled += u64::from(cost.actual_query_cost.is_none());
            if let Some(throttle) = &cost.throttle_status {
                bucket.available = throttle.currently_available;
                bucket.restore_rate = throttle.restore_rate;
                bucket.maximum = throttle.maximum_available;
                bucket.at_ms = now_ms;
            }
        });
    }

    /// A page was too dear, and the shop does not say how dear: from now on an item counts twice.
    pub fn note_too_dear(&self, shop: &ShopDomain, query: &'static str, items: u32) {
        self.with(shop, |bucket| {
            let at_least = 2.0 * MAX_COST / f64::from(items.max(1));
            let points = bucket.points.entry(query).or_insert(at_least);
            *points = points.max(at_least);
        });
    }

    /// What is known of every shop's bucket, for the operator.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Budget> {
        let now_ms = self.clock.now_ms();
        let buckets = self.lock();
        let mut all: Vec<Budget> = buckets
            .iter()
            .map(|(shop, bucket)| Budget {
                account: shop.to_string(),
                used_percent: (bucket.maximum > 0.0).then(|| {
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage")]
                    let percent = (100.0 * (1.0 - bucket.available(now_ms) / bucket.maximum)).clamp(0.0, 100.0) as u32;
                    percent
                }),
                told_at: (bucket.maximum > 0.0).then_some(bucket.at_ms),
                paused_until: None,
                pauses: bucket.throttled,
                calls: bucket.calls,
            })
            .collect();
        all.sort_by(|a, b| a.account.cmp(&b.account));
        all
    }

    fn with<T>(&self, shop: &ShopDomain, look: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.lock();
        match buckets.get_mut(shop) {
            Some(bucket) => look(bucket),
            None => look(buckets.entry(shop.clone()).or_default()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ShopDomain, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A platform's number of seconds, whatever it is.
fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAGE: Page = Page { largest: 50, points: 13.0 };

    fn budgets() -> (Budgets, ShopDomain) {
        let clock = Clock::manual("2026-11-21T12:00:00Z".parse().expect("a time"));
        (Budgets::new(clock), ShopDomain::parse("demo.myshopify.com").expect("a shop"))
    }

    fn cost(requested: f64, available: f64, maximum: f64) -> Cost {
        serde_json::from_value(
            json!({ "requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": {
            "currentlyAvailable": available, "maximumAvailable": maximum, "restoreRate": 100.0,
        } }),
        )
        .expect("a cost")
    }

    #[test]
    fn a_page_is_as_large_as_query_and_bucket_allow() {
        let (budgets, shop) = budgets();
        assert_eq!(budgets.page_size(&shop, "P", PAGE), 50);
        budgets.note(&shop, "P", 50, &cost(2000.0, 500.0, 2000.0));
        assert_eq!(budgets.page_size(&shop, "P", PAGE), 25, "40 points each, 1,000 at once");
        budgets.note(&shop, "P", 25, &cost(1000.0, 100.0, 400.0));
        assert_eq!(budgets.page_size(&shop, "P", PAGE), 10, "a bucket of 400");
        budgets.note(&shop, "P", 1, &cost(5000.0, 100.0, 400.0));
        assert_eq!(budgets.page_size(&shop, "P", PAGE), 1);
        budgets.note_too_dear(&shop, "Q", 50);
        budgets.note(&shop, "other", 1, &cost(1.0, 100.0, 2000.0));
        assert_eq!(budgets.page_size(&shop, "Q", PAGE), 25, "half of it, where the shop does not say");
    }

    #[tokio::test]
    async fn the_background_waits_for_points_and_for_people() {
        let (budgets, shop) = budgets();
        budgets.note(&shop, "P", 50, &cost(650.0, 50.0, 2000.0));
        drop(budgets.turn(&shop, "P", 0.0, 50, Patience::Person).await);
        assert_eq!(budgets.clock.slept(), Duration::ZERO, "a person waits for nothing");
        budgets.note(&shop, "P", 50, &cost(650.0, 50.0, 2000.0));
        drop(budgets.turn(&shop, "P", 0.0, 50, Patience::Background).await);
        let slept = budgets.clock.slept();
        assert!((8_000..8_100).contains(&slept.as_millis()), "650 and a tenth of 2,000: {slept:?}");
        let person = budgets.turn(&shop, "cheap", 0.0, 1, Patience::Person).await;
        let both =
            async { tokio::join!(budgets.turn(&shop, "cheap", 0.0, 1, Patience::Background), async { drop(person) }) };
        both.await;
        assert!(budgets.clock.slept() - slept >= STEP_ASIDE);
        let snapshot = budgets.snapshot();
        assert_eq!((snapshot.len(), snapshot[0].calls, snapshot[0].used_percent), (1, 2, Some(89)));
    }

    #[tokio::test]
    async fn what_was_never_answered_has_the_price_of_the_documents() {
        let (budgets, shop) = budgets();
        budgets.note(&shop, "first", 1, &cost(1.0, 300.0, 1000.0));
        drop(budgets.turn(&shop, "never asked", 13.0, 50, Patience::Background).await);
        let slept = budgets.clock.slept();
        assert!((4_500..4_600).contains(&slept.as_millis()), "650 and a tenth of 1,000: {slept:?}");
    }

    #[tokio::test]
    async fn a_person_waits_a_moment_and_the_background_for_the_whole_of_it() {
        let (budgets, shop) = budgets();
        budgets.note(&shop, "P", 1, &cost(60.0, 0.0, 2000.0));
        drop(budgets.turn(&shop, "P", 0.0, 1, Patience::Person).await);
        let slept = budgets.clock.slept();
        assert!((600..700).contains(&slept.as_millis()), "60 of 100 a second, and no reserve: {slept:?}");
        let person = budgets.in_person(&shop);
        let looked = budgets.clock.slept();
        let both = async {
            tokio::join!(budgets.turn(&shop, "P", 0.0, 1, Patience::Background), async {
                budgets.clock.sleep(STEP_ASIDE * 30).await;
                drop(person);
            })
        };
        both.await;
        assert!(budgets.clock.slept() - looked >= STEP_ASIDE * 30, "it steps aside between the person's queries, too");
        assert_eq!(budgets.time_for(&shop, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn a_pause_is_a_second_at_least_and_never_nonsense() {
        assert_eq!(cost(652.0, 112.0, 2000.0).pause(), Duration::from_secs_f64(5.4));
        assert_eq!(cost(10.0, 112.0, 2000.0).pause(), Duration::from_secs(1));
        let odd: Cost = serde_json::from_value(json!({ "requestedQueryCost": 1e308, "throttleStatus": {
            "currentlyAvailable": -1e308, "maximumAvailable": 0, "restoreRate": 1e-300,
        } }))
        .expect("a cost");
        assert_eq!(odd.pause(), Duration::from_secs(60));
    }
}
