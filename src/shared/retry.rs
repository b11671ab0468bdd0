//! The one formula of pauses between tries: each pause is twice as long as the one before it, up to a longest one.

use std::time::Duration;

/// A first pause, which is doubled, and the longest pause.
#[derive(Debug, Clone, Copy)]
pub struct Doubling {
    first: Duration,
    longest: Duration,
}

impl Doubling {
    /// Pauses that begin with `first` and never become longer than `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// The first pause after it was doubled so many times; a negative number counts as 0.
    #[must_use]
    pub fn after(self, doublings: i64) -> Duration {
        // 2^31 times even a millisecond is longer than any longest pause.
        let doublings = u32::try_from(doublings.clamp(0, 31)).unwrap_or(0);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }

    /// Full jitter: anything up to the pause after so many doublings, so that many who failed at once do not come back at
    /// once.
    #[must_use]
    pub fn jittered(self, doublings: i64) -> Duration {
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        self.after(doublings).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// [`Doubling::after`] in whole milliseconds, as times are stored.
    #[must_use]
    pub fn after_ms(self, doublings: i64) -> i64 {
        i64::try_from(self.after(doublings).as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_never_overflow() {
        let pauses = Doubling::new(Duration::from_millis(500), Duration::from_secs(600));
        let seconds: Vec<f64> = [0, 1, 2, 10, 11].map(|times| pauses.after(times).as_secs_f64()).to_vec();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 512.0, 600.0]);
        for extreme in [32, 63, 64, 1000, i64::MAX] {
            assert_eq!(pauses.after(extreme), Duration::from_secs(600));
        }
        assert_eq!(pauses.after(-1), Duration::from_millis(500));
        assert_eq!(pauses.after_ms(3), 4000);
        let endless = Doubling::new(Duration::from_secs(u64::MAX / 2), Duration::MAX);
        assert_eq!(endless.after(31), Duration::MAX);
        assert_eq!(endless.after_ms(31), i64::MAX);
    }
}
