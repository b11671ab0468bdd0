//! Log lines that strangers can cause come at most once a second, so that nobody can fill the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One kind of line.
pub struct OncePerSecond(Mutex<Option<Last>>);

/// Lines of several kinds, whose names stand in the code: each at most once a second.
pub struct EachOncePerSecond(Mutex<BTreeMap<&'static str, Last>>);

/// When a line was written last, and how many were left out since.
#[derive(Clone, Copy)]
struct Last {
    at: Instant,
    unsaid: u64,
}

impl Last {
    /// Whether a line is to be written at this time, and how many were left out before it.
    fn next(last: &mut Option<Self>, now: Instant) -> Option<u64> {
        match last {
            Some(last) if now.saturating_duration_since(last.at) < Duration::from_secs(1) => {
                last.unsaid += 1;
                None
            }
            _ => {
                let unsaid = last.map_or(0, |last| last.unsaid);
                *last = Some(Self { at: now, unsaid: 0 });
                Some(unsaid)
            }
        }
    }
}

impl OncePerSecond {
    /// A kind of line that has not been written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether the caller should write the line now, and how many lines were left out since the last one.
    pub fn should_log(&self) -> Option<u64> {
        Last::next(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
    }
}

impl Default for OncePerSecond {
    fn default() -> Self {
        Self::new()
    }
}

impl EachOncePerSecond {
    /// No line was written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// As [`OncePerSecond::should_log`], of this kind.
    pub fn should_log(&self, kind: &'static str) -> Option<u64> {
        self.should_log_at(kind, Instant::now())
    }

    fn should_log_at(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = kinds.get(kind).copied();
        let unsaid = Last::next(&mut last, now);
        kinds.extend(last.map(|last| (kind, last)));
        unsaid
    }
}

impl Default for EachOncePerSecond {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_comes_once_a_second_and_says_how_many_were_left_out() {
        let (lines, begun) = (EachOncePerSecond::new(), Instant::now());
        let at = |kind, ms| lines.should_log_at(kind, begun + Duration::from_millis(ms));
        assert_eq!((at("one", 0), at("one", 1), at("one", 999)), (Some(0), None, None));
        assert_eq!((at("other", 1), at("other", 2)), (Some(0), None));
        assert_eq!((at("one", 1_000), at("one", 1_001), at("other", 1_001)), (Some(2), None, Some(1)));
    }
}
