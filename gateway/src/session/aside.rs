//! A future of rare events beside a busy one.
//!
//! A channel's task is woken for every change it delivers. What else it waits for (the own login, a
//! log-out, the end of the token, drain) happens once in hours, and asking each time takes locks that all
//! channels share. An [`Aside`] is asked only when it has been woken itself.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// See the module.
pub(super) struct Aside<'a, F> {
    future: Pin<&'a mut F>,
    bell: Arc<Bell>,
    waker: Waker,
}

struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl<'a, F: Future> Aside<'a, F> {
    pub(super) fn new(future: Pin<&'a mut F>) -> Self {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() });
        let waker = Waker::from(Arc::clone(&bell));
        Self { future, bell, waker }
    }

    /// As [`Future::poll`]; not to be called again once it was ready.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<F::Output> {
        self.bell.task.register(cx.waker());
        // Cleared before the future is asked: what happens meanwhile rings again.
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn it_is_asked_only_when_it_was_woken_itself() {
        let (rare, asked) = (Notify::new(), AtomicUsize::new(0));
        let mut happens = pin!(rare.notified());
        let future = pin!(poll_fn(|cx| {
            asked.fetch_add(1, Ordering::Relaxed);
            happens.as_mut().poll(cx)
        }));
        let mut aside = Aside::new(future);
        let mut turns = 0;
        poll_fn(|cx| {
            turns += 1;
            if turns == 10 {
                rare.notify_one();
            }
            let polled = aside.poll(cx);
            if turns < 10 {
                assert!(polled.is_pending());
                // The task is woken for something else.
                cx.waker().wake_by_ref();
            }
            polled
        })
        .await;
        assert_eq!((turns, asked.into_inner()), (10, 2));
    }
}
