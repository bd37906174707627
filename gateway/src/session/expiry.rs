//! When a page's token ends.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The end of the newest token that the page has shown; `None` without one. It is only ever put off, so whoever waits for
/// it looks again when the time has come, and need not be told before.
pub(super) struct Expiry(Mutex<Option<Instant>>);

impl Expiry {
    pub(super) fn new(end: Option<Instant>) -> Self {
        Self(Mutex::new(end))
    }

    /// A fresh token ends then. An older one than that at hand changes nothing, and where none was needed none ends.
    pub(super) fn put_off(&self, end: Instant) {
        let mut current = self.locked();
        *current = current.map(|current| current.max(end));
    }

    /// How much time there is.
    pub(super) fn left(&self) -> Option<Duration> {
        self.locked().map(|end| end.saturating_duration_since(Instant::now()))
    }

    pub(super) fn is_over(&self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Waits for the end; for ever if there is none.
    pub(super) async fn passed(&self) {
        while let Some(left) = self.left() {
            if left.is_zero() {
                return;
            }
            sleep_until(Instant::now() + left).await;
        }
        std::future::pending().await
    }

    fn locked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn it_is_put_off_while_somebody_waits_and_never_brought_forward() {
        let begun = Instant::now();
        let expiry = Expiry::new(Some(begun + HOUR));
        let passed = expiry.passed();
        tokio::pin!(passed);
        assert!(tokio::time::timeout(HOUR / 2, passed.as_mut()).await.is_err());
        expiry.put_off(begun + 2 * HOUR);
        expiry.put_off(begun + HOUR / 2);
        passed.await;
        assert!(expiry.is_over());
        assert!((2 * HOUR..3 * HOUR).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_token_nothing_ends() {
        let expiry = Expiry::new(None);
        expiry.put_off(Instant::now() + HOUR);
        assert!(tokio::time::timeout(1000 * HOUR, expiry.passed()).await.is_err());
        assert_eq!((expiry.left(), expiry.is_over()), (None, false));
    }
}
