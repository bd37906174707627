//! Whether one upstream gets requests: counted failures, time to rest, a first try, a slow start. Knows no
//! clock and no sockets; times are milliseconds since some start, above zero.
//!
//! Every request reads it, few write: a well upstream costs two relaxed loads.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::config::Health;

/// An upstream that comes back begins with this share of 1000.
const FIRST_SHARE: u64 = 50;
/// The share of an upstream that is up and warm.
pub(in crate::bridge) const FULL_SHARE: u64 = 1000;
/// A check decides when requests may go there again.
const UNTIL_CHECKED: u64 = u64::MAX;

/// What a request may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bridge) enum Outlook {
    /// Gets requests; its share of 1000.
    Up(u64),
    /// Has rested: one request may try it, see [`Vitals::claim`].
    Rested,
    Down,
}

/// Who has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bridge) enum Witness {
    Request,
    Check,
}

#[derive(Debug)]
pub(super) struct Vitals {
    settings: Health,
    /// Zero: up. Otherwise the moment from which a request may try it.
    closed_until: AtomicU64,
    /// When it came back; zero if it was never away.
    back_since: AtomicU64,
    /// In a row.
    failures: AtomicU32,
    /// Good answers to checks in a row while it is out. Also orders the writers.
    successes: Mutex<u32>,
}

impl Vitals {
    /// Up until something else is known.
    pub(super) fn new(settings: Health) -> Self {
        let (closed_until, back_since) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { settings, closed_until, back_since, failures: AtomicU32::new(0), successes: Mutex::new(0) }
    }

    pub(super) fn outlook(&self, now: u64) -> Outlook {
        match self.closed_until.load(Ordering::Relaxed) {
            0 => Outlook::Up(self.share(now)),
            until if until <= now => Outlook::Rested,
            _ => Outlook::Down,
        }
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Takes the one try that a rested upstream has. Whoever comes next has to wait for another rest.
    pub(super) fn claim(&self, now: u64) -> bool {
        let until = self.closed_until.load(Ordering::Relaxed);
        let next = now + millis(self.settings.rest);
        (1..=now).contains(&until)
            && self.closed_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// True if this takes it out.
    pub(super) fn failed(&self, now: u64) -> bool {
        let mut successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        *successes = 0;
        let failures = self.failures.load(Ordering::Relaxed).saturating_add(1);
        self.failures.store(failures, Ordering::Relaxed);
        if failures < self.settings.failures || self.closed_until.load(Ordering::Relaxed) != 0 {
            return false;
        }
        let until = match self.settings.check {
            Some(_) => UNTIL_CHECKED,
            None => now + millis(self.settings.rest),
        };
        self.closed_until.store(until, Ordering::Relaxed);
        true
    }

    /// True if this brings it back. While checks are made, a request that began long ago does not.
    pub(super) fn succeeded(&self, now: u64, witness: Witness) -> bool {
        let closed = self.closed_until.load(Ordering::Relaxed) != 0;
        if !closed && self.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        if closed && let Some(check) = &self.settings.check {
            if witness == Witness::Request {
                return false;
            }
            *successes += 1;
            if *successes < check.successes {
                return false;
            }
        }
        *successes = 0;
        self.failures.store(0, Ordering::Relaxed);
        if closed {
            self.back_since.store(now, Ordering::Relaxed);
            self.closed_until.store(0, Ordering::Relaxed);
        }
        closed
    }

    fn share(&self, now: u64) -> u64 {
        let back = self.back_since.load(Ordering::Relaxed);
        let whole = millis(self.settings.slow_start);
        let warm = now.saturating_sub(back);
        if back == 0 || warm >= whole {
            return FULL_SHARE;
        }
        (FULL_SHARE * warm / whole.max(1)).max(FIRST_SHARE)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Check;

    fn vitals(check: bool) -> Vitals {
        let check = check.then(|| Check {
            path: "/".to_owned(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            successes: 2,
        });
        Vitals::new(Health {
            failures: 2,
            rest: Duration::from_millis(100),
            slow_start: Duration::from_millis(1000),
            check,
        })
    }

    #[test]
    fn failures_in_a_row_take_it_out_and_one_try_brings_it_back_slowly() {
        let vitals = vitals(false);
        assert!(!vitals.failed(10));
        assert!(!vitals.succeeded(11, Witness::Request));
        assert!(!vitals.failed(12), "the row was broken");
        assert!(vitals.failed(13));
        assert_eq!(vitals.outlook(14), Outlook::Down);
        assert!(!vitals.claim(14));
        assert!(!vitals.failed(20), "it is out already");
        assert_eq!(vitals.outlook(113), Outlook::Rested);
        assert!(vitals.claim(113));
        assert!(!vitals.claim(113), "one try only");
        assert_eq!(vitals.outlook(113), Outlook::Down);
        assert!(vitals.claim(213), "the first try told nothing");
        assert!(vitals.succeeded(220, Witness::Request));
        assert_eq!(vitals.outlook(221), Outlook::Up(50));
        assert_eq!(vitals.outlook(720), Outlook::Up(500));
        assert_eq!(vitals.outlook(1220), Outlook::Up(1000));
    }

    #[test]
    fn where_checks_are_made_only_they_bring_it_back() {
        let vitals = vitals(true);
        assert!(!vitals.failed(1));
        assert!(vitals.failed(2), "checks and requests count alike");
        assert!(!vitals.claim(100_000));
        assert!(!vitals.succeeded(100_000, Witness::Request));
        assert!(!vitals.succeeded(100_001, Witness::Check));
        assert!(!vitals.failed(100_002));
        assert!(!vitals.succeeded(100_003, Witness::Check), "two in a row are needed");
        assert!(vitals.succeeded(100_004, Witness::Check));
        assert_eq!(vitals.outlook(200_000), Outlook::Up(1000));
    }
}
