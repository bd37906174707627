//! The clock that stamps changes: the system's, or one that is so much ahead of it.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// In microseconds. What is later than the grain of timers was late: its stamp is the time it was due.
const GRAIN: u64 = 5_000;

/// A clock. Another machine's has its own idea of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    ahead: i64,
}

impl Clock {
    /// So many microseconds ahead of the system's.
    pub const fn ahead(micros: i64) -> Self {
        Self { ahead: micros }
    }

    /// Whether it is the system's clock.
    pub fn is_ours(self) -> bool {
        self.ahead == 0
    }

    /// Microseconds since 1970.
    pub fn now(self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(now.as_micros()).unwrap_or(u64::MAX).saturating_add_signed(self.ahead)
    }

    /// The stamp of a change that is made now and was due then, in microseconds since 1970, and how late it is.
    ///
    /// A change that its maker delays has been delayed for whoever waits for it.
    pub fn due_at(self, due: Instant) -> (u64, u64) {
        let now = self.now();
        let late = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
        (if late > GRAIN { now.saturating_sub(late) } else { now }, late)
    }
}

/// What tells the machines of a network apart, until the next start: processes of one machine have one clock.
pub fn machine() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_late_is_stamped_with_the_time_it_was_due() {
        let (due, clock) = (Instant::now(), Clock::default());
        let (on_time, late) = clock.due_at(due);
        assert_eq!(late, 0);
        tokio::time::advance(Duration::from_secs(100)).await;
        let (stamp, late) = clock.due_at(due);
        assert_eq!(late, 100_000_000);
        assert!(stamp < on_time - 90_000_000, "{stamp} {on_time}");
    }

    #[test]
    fn another_clock_is_ahead_or_behind() {
        let now = Clock::default().now();
        assert!(Clock::ahead(60_000_000).now() >= now + 60_000_000);
        assert!(Clock::ahead(-60_000_000).now() < now);
        assert!(Clock::default().is_ours() && !Clock::ahead(-1).is_ours());
    }
}
