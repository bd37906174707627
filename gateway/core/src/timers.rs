//! Deadlines in order, each of which can be cancelled exactly: nothing stays behind when its reason has
//! gone.

use std::collections::BTreeMap;
use std::time::Duration;

/// Names one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId {
    at: Duration,
    number: u64,
}

impl TimerId {
    /// When it is due.
    pub(crate) fn at(self) -> Duration {
        self.at
    }
}

/// Deadlines and what they are for.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    due: BTreeMap<(Duration, u64), T>,
    next: u64,
}

impl<T> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self { due: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn set(&mut self, at: Duration, purpose: T) -> TimerId {
        let number = self.next;
        self.next += 1;
        self.due.insert((at, number), purpose);
        TimerId { at, number }
    }

    pub(crate) fn cancel(&mut self, timer: Option<TimerId>) {
        if let Some(TimerId { at, number }) = timer {
            self.due.remove(&(at, number));
        }
    }

    /// The first deadline that has passed.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_not_early() {
        let second = Duration::from_secs;
        let mut timers = Timers::new();
        timers.set(second(2), 'b');
        timers.set(second(1), 'a');
        let gone = timers.set(second(1), 'x');
        timers.cancel(Some(gone));
        assert_eq!(timers.next(), Some(second(1)));
        assert_eq!(timers.pop(second(0)), None);
        assert_eq!(
            (timers.pop(second(3)), timers.pop(second(3)), timers.pop(second(3))),
            (Some('a'), Some('b'), None)
        );
        assert_eq!(timers.len(), 0);
    }
}
