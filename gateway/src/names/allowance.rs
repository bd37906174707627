//! How many names may be looked up, one after the other: a number at once, then so many a second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Names that may be asked for at once: a page full of them.
const AT_ONCE: u32 = 1000;

/// Turns for whoever shares it.
#[derive(Debug)]
pub struct Allowance {
    gap: Duration,
    /// When the next turn would be if all came evenly.
    next: Mutex<Instant>,
}

impl Allowance {
    /// So many a second; at least one.
    pub fn new(per_second: u32) -> Self {
        Self { gap: Duration::from_secs(1) / per_second.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Waits for a turn.
    pub async fn take(&self) {
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = (*next).max(now);
            *next = mine + self.gap;
            mine
        };
        let early = self.gap * AT_ONCE;
        if turn > now + early {
            sleep_until(turn - early).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_is_free_and_what_follows_is_paced() {
        let (start, allowance) = (Instant::now(), Allowance::new(20));
        for _ in 0..AT_ONCE {
            allowance.take().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            allowance.take().await;
        }
        let waited = start.elapsed();
        assert!((Duration::from_millis(900)..Duration::from_millis(1200)).contains(&waited), "{waited:?}");
    }
}
