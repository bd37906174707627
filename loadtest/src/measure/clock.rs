//! The clock that stamps the changes, and how far it is ahead of ours where it is another machine's.
//!
//! Both ends of a time from change to browser have to be read from one clock. The community tells what its clock
//! says; when it said so is known to half of the round trip of the question.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use loadtest_sim::Clock;
use serde::{Deserialize, Serialize};

/// A process plays one test, and all its threads read the clock of that test's community.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// Two clocks drift apart by no more than this part of the time; what was measured long ago is worth less.
const DRIFT: f64 = 100e-6;

/// Microseconds since 1970, by the clock that stamps the changes.
pub fn micros() -> u64 {
    clock().now()
}

/// The clock that stamps the changes.
pub fn clock() -> Clock {
    Clock::ahead(AHEAD.load(Ordering::Relaxed))
}

/// From now on it is known to be so far ahead of ours.
pub fn follow(offset: Offset) {
    AHEAD.store((offset.ahead * 1e6).round() as i64, Ordering::Relaxed);
}

/// How far the community's clock is ahead of ours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offset {
    /// In seconds; less than nothing if it is behind.
    pub ahead: f64,
    /// The truth is no further away than this, in seconds.
    pub error: f64,
}

/// What is known of the community's clock, at the start and at the end of a test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clocks {
    /// Community and generator run on one machine: there is nothing to correct.
    pub same: bool,
    pub first: Offset,
    pub last: Offset,
    /// The greatest error of those that were used, in seconds.
    pub error: f64,
}

impl Offset {
    /// From a question sent and answered at these times of ours, and what the other clock said in between; in
    /// microseconds since 1970.
    pub fn of_exchange(sent: u64, said: u64, received: u64) -> Self {
        let half = received.saturating_sub(sent) as f64 / 2e6;
        let ahead = i128::from(said) - i128::from(sent);
        Self { ahead: ahead as f64 / 1e6 - half, error: half }
    }

    /// Whether it is worth more than one that is so old.
    pub fn is_better_than(self, other: Self, age: Duration) -> bool {
        self.error <= other.error + age.as_secs_f64() * DRIFT
    }
}

impl Clocks {
    /// After the first measurement.
    pub fn new(first: Offset, same: bool) -> Self {
        Self { same, first, last: first, error: first.error }
    }

    /// The offset in use is replaced by another one.
    pub fn add(&mut self, offset: Offset) {
        self.last = offset;
        self.error = self.error.max(offset.error);
    }

    /// How far the clocks have drifted apart, as far as it is more than the errors.
    pub fn drift(&self) -> Option<f64> {
        let drift = self.last.ahead - self.first.ahead;
        (drift.abs() > self.last.error + self.first.error).then_some(drift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_was_given_at_half_the_round_trip_or_so() {
        let offset = Offset::of_exchange(1_000_000, 3_000_150, 1_000_200);
        assert!((offset.ahead - 2.000_05).abs() < 1e-9 && (offset.error - 0.0001).abs() < 1e-9);
        let behind = Offset::of_exchange(3_000_000, 1_000_000, 3_000_000);
        assert_eq!((behind.ahead, behind.error), (-2.0, 0.0));
    }

    #[test]
    fn a_worse_measurement_is_better_than_an_old_one() {
        let offset = |error| Offset { ahead: 0.0, error };
        let (good, bad) = (offset(0.0001), offset(0.001));
        assert!(
            good.is_better_than(bad, Duration::ZERO) && !bad.is_better_than(good, Duration::from_secs(5))
        );
        assert!(bad.is_better_than(good, Duration::from_secs(10)));
    }

    #[test]
    fn a_drift_is_what_exceeds_the_errors() {
        let mut clocks = Clocks::new(Offset { ahead: 1.0, error: 0.001 }, false);
        clocks.add(Offset { ahead: 1.002, error: 0.002 });
        assert_eq!((clocks.drift(), clocks.error), (None, 0.002));
        clocks.add(Offset { ahead: 1.003, error: 0.001 });
        assert!((clocks.drift().unwrap() - 0.003).abs() < 1e-9 && clocks.error == 0.002);
    }
}
