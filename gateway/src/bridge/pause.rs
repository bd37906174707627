//! A pause that has become too long: a timer that exists only while somebody waits.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

pub(super) struct Pause {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pause {
    pub(super) fn of(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// Begins with the first question, and anew after it was over.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        self.timer = None;
        Poll::Ready(())
    }

    /// Something came.
    pub(super) fn end(&mut self) {
        self.timer = None;
    }
}
