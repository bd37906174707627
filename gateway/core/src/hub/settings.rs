//! Patience and paces of a scope.

use std::time::Duration;

use crate::watchset::Pace;

/// How a scope treats its persons and its community. All times must be above zero.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a watch stays upstream after its last viewer has gone. Default 5 min.
    pub linger: Duration,
    /// How long a state is believed after its login was lost, and how long a person that was never
    /// heard of stays silent, before it is published as unknown. Default 5 s.
    pub unknown_after: Duration,
    /// Batches of one login. Default: 250 ids, 4 in flight, answered within 30 s.
    pub pace: Pace,
    /// Watches that one login may hold; `None` is no limit.
    pub watches_per_login: Option<usize>,
    /// First and longest wait before a person that every login ignored is asked for again. Default 10 s
    /// and 5 min.
    pub retry: (Duration, Duration),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(300),
            unknown_after: Duration::from_secs(5),
            pace: Pace { batch: 250, batches_in_flight: 4, answer_timeout: Duration::from_secs(30) },
            watches_per_login: None,
            retry: (Duration::from_secs(10), Duration::from_secs(300)),
        }
    }
}

impl Settings {
    /// The wait after the given number of tries.
    pub(super) fn retry_after(&self, tries: u32) -> Duration {
        let (first, longest) = self.retry;
        first.saturating_mul(1 << tries.min(16)).min(longest).max(Duration::from_millis(1))
    }
}
