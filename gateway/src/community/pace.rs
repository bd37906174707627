//! How fast to try: a budget of logins per second for a whole community, and growing waits for one login.
//!
//! After an outage thousands of logins are due at once; the community's own directory would be the next
//! to fall over if they all came at once.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// The login budget of one community.
#[derive(Debug)]
pub(super) struct Pace {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(logins_per_second: u32) -> Self {
        Self { gap: Duration::from_secs(1) / logins_per_second.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Waits for this login's turn.
    pub(super) async fn turn(&self) {
        let mine = {
            let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mine = (*next).max(Instant::now());
            *next = mine + self.gap;
            mine
        };
        tokio::time::sleep_until(mine).await;
    }
}

/// How much of a budget a [`Share`] is.
const PART: u32 = 4;

/// A part of a budget, for logins that anybody can bring about: however many wait, the rest of it is for others.
#[derive(Debug)]
pub(super) struct Share(Pace);

impl Share {
    pub(super) fn new(logins_per_second: u32) -> Self {
        Self(Pace::new(logins_per_second / PART))
    }

    /// Waits for a turn among these logins, and then for one of the whole budget.
    pub(super) async fn turn(&self, whole: &Pace) {
        self.0.turn().await;
        whole.turn().await;
    }
}

/// Tries that count after a login that may not last.
const EASED: u32 = 3;

/// Exponential waits with jitter for one login.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    tries: u32,
}

impl Backoff {
    pub(super) fn new((first, longest): (Duration, Duration)) -> Self {
        Self { first, longest, tries: 0 }
    }

    /// The next wait: somewhere between half and all of what doubling gives.
    pub(super) fn wait(&mut self) -> Duration {
        let ceiling = self.first.saturating_mul(1 << self.tries.min(16)).min(self.longest);
        self.tries = self.tries.saturating_add(1);
        ceiling.mul_f64(0.5 + 0.5 * fraction())
    }

    /// All is well: the next wait is a first one.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }

    /// It worked, but for how long? The next wait is not as long as the last ones were.
    pub(super) fn ease(&mut self) {
        self.tries = self.tries.min(EASED);
    }
}

/// A random number in `0.0..1.0`.
fn fraction() -> f64 {
    // Without a random source the jitter is lost, and nothing else.
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_start_again() {
        let mut backoff = Backoff::new((Duration::from_secs(1), Duration::from_secs(10)));
        let waits: Vec<_> = (0..8).map(|_| backoff.wait()).collect();
        for (index, wait) in waits.iter().enumerate() {
            let ceiling = Duration::from_secs((1_u64 << index).min(10));
            assert!(*wait >= ceiling / 2 && *wait <= ceiling, "{index}: {wait:?}");
        }
        backoff.ease();
        let eased = backoff.wait();
        assert!(eased >= Duration::from_secs(4) && eased <= Duration::from_secs(8), "{eased:?}");
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn logins_keep_their_distance() {
        let pace = Pace::new(10);
        let start = Instant::now();
        for _ in 0..11 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed().as_millis() / 100, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_in_its_share_does_not_hold_up_the_others() {
        let (whole, share) = (std::sync::Arc::new(Pace::new(40)), std::sync::Arc::new(Share::new(40)));
        for _ in 0..100 {
            let (whole, share) = (std::sync::Arc::clone(&whole), std::sync::Arc::clone(&share));
            tokio::spawn(async move { share.turn(&whole).await });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        for _ in 0..30 {
            whole.turn().await;
        }
        assert!(start.elapsed() <= Duration::from_millis(1050), "{:?}", start.elapsed());
    }
}
