//! Whether a server that sends signs of life has fallen silent (vp-wire.md 11.3).
//!
//! Servers need not send any, so a server that never did is not judged: for it there are the limits of TCP.

use std::time::Duration;

/// So many times the longest silence so far are too long.
const PATIENCE: u32 = 3;

/// How long a server has said nothing.
#[derive(Debug)]
pub(super) struct Silence {
    heard: Duration,
    longest: Duration,
}

impl Silence {
    /// `usual` is how often signs of life are expected at least; a server that was found to be slower gets
    /// more time.
    pub(super) fn new(usual: Duration, now: Duration) -> Self {
        Self { heard: now, longest: usual }
    }

    /// Something came.
    pub(super) fn broken(&mut self, now: Duration) {
        self.longest = self.longest.max(now.saturating_sub(self.heard));
        self.heard = now;
    }

    /// When to give the server up.
    pub(super) fn too_long_at(&self) -> Duration {
        self.heard.saturating_add(self.longest.saturating_mul(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_server_gets_more_time() {
        let seconds = Duration::from_secs;
        let mut silence = Silence::new(seconds(60), seconds(10));
        assert_eq!(silence.too_long_at(), seconds(10 + 180));
        silence.broken(seconds(20));
        assert_eq!(silence.too_long_at(), seconds(20 + 180));
        silence.broken(seconds(120));
        assert_eq!(silence.too_long_at(), seconds(120 + 300));
    }
}
