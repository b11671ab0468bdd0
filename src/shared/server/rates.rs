//! How often one address may do something: a bucket of tokens each, filled again as time passes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::peer::household;

/// How many addresses are remembered. Past that, all others share one bucket: memory has an end.
const MAX_ADDRESSES: usize = 10_000;

const MINUTE: Duration = Duration::from_secs(60);

/// So often at once, and so often in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// In the long run.
    pub per_minute: u32,
}

/// The buckets of all addresses.
pub struct Rates {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// A bucket of tokens: how many were in it when it was last looked at.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    at: Instant,
    tokens: f64,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self { at: now, tokens: f64::from(rate.burst) }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// When there is none: how long it takes until there is one.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.tokens = self.filled(rate, now);
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / per_second(rate).max(f64::MIN_POSITIVE)).min(MINUTE))
    }

    /// Whether it is full by now: then nobody needs to remember it.
    #[must_use]
    pub fn is_full(&self, rate: Rate, now: Instant) -> bool {
        self.filled(rate, now) >= f64::from(rate.burst)
    }

    /// What is in it by now.
    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + passed * per_second(rate)).min(f64::from(rate.burst))
    }
}

fn per_second(rate: Rate) -> f64 {
    f64::from(rate.per_minute) / MINUTE.as_secs_f64()
}

impl Rates {
    /// All buckets are full.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes a token of this address; `false` if it has none left.
    pub fn allow(&self, address: IpAddr) -> bool {
        self.allow_at(address, Instant::now())
    }

    fn allow_at(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = household(address);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| !bucket.is_full(self.rate, now));
            if buckets.len() >= MAX_ADDRESSES {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        buckets.entry(key).or_insert(Bucket::full(self.rate, now)).take(self.rate, now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i5_a_bucket_empties_fills_again_and_is_one_addresss_own() {
        let rates = Rates::new(Rate { burst: 2, per_minute: 60 });
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let now = Instant::now();
        assert_eq!([0, 0, 0].map(|_| rates.allow_at(one, now)), [true, true, false]);
        assert!(rates.allow_at(other, now));
        assert!(rates.allow_at(one, now + Duration::from_secs(1)));
        assert!(!rates.allow_at(one, now + Duration::from_secs(1)));
        assert_eq!([0, 0, 0].map(|_| rates.allow_at(one, now + Duration::from_secs(3600))), [true, true, false]);
    }

    #[test]
    fn i5_all_addresses_of_a_household_share_a_bucket_and_memory_has_an_end() {
        let rates = Rates::new(Rate { burst: 1, per_minute: 1 });
        let now = Instant::now();
        assert!(rates.allow_at("2001:db8::1".parse().unwrap(), now));
        assert!(!rates.allow_at("2001:db8::2".parse().unwrap(), now));
        for n in 0..20_000u32 {
            rates.allow_at(IpAddr::V4(n.into()), now);
        }
        assert!(rates.buckets.lock().unwrap().len() <= MAX_ADDRESSES + 1);
        assert!(!rates.allow_at(IpAddr::V4(19_999.into()), now), "newcomers share a bucket, and it is empty");
    }
}
