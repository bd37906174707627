//! Whether a user has a page that can show a chat right now. A chat that nobody would see must not be taken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A page that was there so short a time ago is between two polls, or between two pages.
const BETWEEN: Duration = Duration::from_secs(10);

/// The pages of one user that can show chats.
#[derive(Debug, Default)]
pub struct Audience {
    listening: AtomicUsize,
    left: Mutex<Option<Instant>>,
}

/// One of them, as long as it listens.
#[derive(Debug)]
pub struct Listening(Arc<Audience>);

impl Audience {
    /// A page listens until the guard is dropped.
    pub fn listen(self: &Arc<Self>) -> Listening {
        self.listening.fetch_add(1, Ordering::AcqRel);
        Listening(Arc::clone(self))
    }

    /// Whether somebody would see it.
    pub fn is_there(&self) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        self.listening.load(Ordering::Acquire) > 0 || left.is_some_and(|left| left.elapsed() < BETWEEN)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.0.listening.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_is_there_between_two_polls_but_not_much_longer() {
        let audience = Arc::new(Audience::default());
        assert!(!audience.is_there());
        let (first, second) = (audience.listen(), audience.listen());
        tokio::time::sleep(BETWEEN * 5).await;
        drop(first);
        tokio::time::sleep(BETWEEN * 5).await;
        assert!(audience.is_there(), "the second one listens");
        drop(second);
        tokio::time::sleep(BETWEEN / 2).await;
        assert!(audience.is_there());
        tokio::time::sleep(BETWEEN).await;
        assert!(!audience.is_there());
    }
}
