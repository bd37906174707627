//! A queue whose items arrive later, never out of order. Two pipes overtake each other freely.

use std::collections::VecDeque;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Pipe<T> {
    items: VecDeque<(Duration, T)>,
    /// Nothing arrives before.
    not_before: Duration,
}

impl<T> Pipe<T> {
    pub(crate) fn new() -> Self {
        Self { items: VecDeque::new(), not_before: Duration::ZERO }
    }

    pub(crate) fn push(&mut self, at: Duration, item: T) {
        self.not_before = self.not_before.max(at);
        self.items.push_back((self.not_before, item));
    }

    /// Whatever is pushed from now on arrives after that time.
    pub(crate) fn stall(&mut self, until: Duration) {
        self.not_before = self.not_before.max(until);
    }

    /// Loses what is on the way, and what stalled it.
    pub(crate) fn clear(&mut self, now: Duration) {
        self.items.clear();
        self.not_before = now;
    }

    pub(crate) fn due(&self) -> Option<Duration> {
        self.items.front().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        if self.due()? > now {
            return None;
        }
        self.items.pop_front().map(|(_, item)| item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
