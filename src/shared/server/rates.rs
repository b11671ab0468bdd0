//! How often one address may do something: a bucket of tokens each, filled again as time passes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many addresses are remembered. Past that, all others share one bucket: memory has an end.
const MAX_ADDRESSES: usize = 10_000;

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

/// When the bucket was last looked at, and what was in it then.
struct Bucket {
    at: Instant,
    tokens: f64,
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
            buckets.retain(|_, bucket| self.filled(bucket, now) < f64::from(self.rate.burst));
            if buckets.len() >= MAX_ADDRESSES {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { at: now, tokens: f64::from(self.rate.burst) });
        bucket.tokens = self.filled(bucket, now);
        bucket.at = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }

    /// What is in a bucket by now.
    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let per_second = f64::from(self.rate.per_minute) / Duration::from_secs(60).as_secs_f64();
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + passed * per_second).min(f64::from(self.rate.burst))
    }
}

/// Whoever has one IPv6 address has 2⁶⁴ of them.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
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
