//! When the next of something is due that happens evenly at a rate.

use std::time::Duration;

use tokio::time::Instant;

/// Rarer than once in some months is never.
const NEVER: f64 = 1e-7;

/// An open loop at a rate that may change at any time.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    per_second: f64,
    due: Instant,
}

impl Pace {
    /// Nothing is due.
    pub fn still() -> Self {
        Self { per_second: 0.0, due: Instant::now() }
    }

    /// Another rate. After none at all something is due at once; otherwise the part of the gap that has passed stays
    /// passed, however often this is called.
    pub fn set(&mut self, per_second: f64) {
        let (before, now) = (self.per_second, Instant::now());
        self.per_second = if per_second > NEVER { per_second } else { 0.0 };
        if before <= 0.0 {
            self.due = now;
        } else if self.per_second > 0.0 && self.due > now {
            self.due = now + (self.due - now).mul_f64(before / self.per_second);
        }
    }

    /// When something is due; `None`: never.
    pub fn due(&self) -> Option<Instant> {
        (self.per_second > 0.0).then_some(self.due)
    }

    /// How many more are due at this time than may be at once. They are given up.
    pub fn give_up(&mut self, now: Instant, most: f64) -> u64 {
        let behind = now.saturating_duration_since(self.due).as_secs_f64() * self.per_second - most;
        if behind < 1.0 {
            return 0;
        }
        self.due += Duration::from_secs_f64(behind.floor() / self.per_second);
        behind as u64
    }

    /// When the next is due, if that is by this time; from then on it is the one after it.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due().filter(|due| *due <= now)?;
        self.due += Duration::from_secs_f64(1.0 / self.per_second);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are due in so many seconds, with `set` called each second.
    async fn count(rates: impl IntoIterator<Item = f64>) -> usize {
        let (mut pace, mut count) = (Pace::still(), 0);
        for rate in rates {
            pace.set(rate);
            tokio::time::advance(Duration::from_secs(1)).await;
            count += std::iter::from_fn(|| pace.take(Instant::now())).count();
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_changes_each_second_is_kept() {
        assert_eq!(count([10.0; 20]).await, 201);
        assert_eq!(count([0.1; 99]).await, 10, "less than one a second");
        let rising = count((0..100).map(|second| f64::from(second) / 10.0)).await;
        assert!((493..=498).contains(&rising), "{rising}");
        assert_eq!(count([0.001, 0.0, 5.0]).await, 7, "the first at once, and at once again after nothing");
        assert_eq!(count([1e-300, f64::MIN_POSITIVE, 0.0]).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_far_behind_is_given_up() {
        let mut pace = Pace::still();
        pace.set(100.0);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(pace.give_up(Instant::now(), 2000.0), 0);
        assert_eq!(pace.give_up(Instant::now(), 300.0), 700);
        assert_eq!(std::iter::from_fn(|| pace.take(Instant::now())).count(), 301);
    }
}
