//! Whether changes at a rate are made when they are due. Whoever measures how long they take has to know when
//! the delay was on this side.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Since the rate was set last.
#[derive(Debug, Default)]
pub(super) struct Punctuality {
    due: AtomicU64,
    missed: AtomicU64,
    /// In microseconds.
    latest: AtomicU64,
}

impl Punctuality {
    /// Another rate.
    pub(super) fn begin(&self) {
        for number in [&self.due, &self.missed, &self.latest] {
            number.store(0, Ordering::Relaxed);
        }
    }

    /// A change was due so many microseconds ago, and was made now or not at all.
    pub(super) fn was_due(&self, made: bool, late: u64) {
        self.due.fetch_add(1, Ordering::Relaxed);
        self.missed.fetch_add(u64::from(!made), Ordering::Relaxed);
        self.latest.fetch_max(late, Ordering::Relaxed);
    }

    /// So many changes are too late to be made.
    pub(super) fn gave_up(&self, count: u64) {
        self.due.fetch_add(count, Ordering::Relaxed);
        self.missed.fetch_add(count, Ordering::Relaxed);
    }

    /// Due, missed, and the longest delay.
    pub(super) fn since(&self) -> (u64, u64, Duration) {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (read(&self.due), read(&self.missed), Duration::from_micros(read(&self.latest)))
    }
}
