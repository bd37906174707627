//! Time: phase limits, waiting channels, keepalive.

use std::time::Duration;

use super::{Client, Closed, Phase};

impl Client {
    /// Does what is due. Harmless when nothing is.
    pub fn tick(&mut self, now: Duration) {
        if self.is_closed() {
            return;
        }
        self.link.advance(now);
        if self.deadline.is_some_and(|deadline| deadline <= self.link.now()) {
            return self.close(Closed::Timeout(self.phase.name()));
        }
        self.channels.tick(&mut self.link, &mut self.events);
        self.link.tick();
    }

    /// When [`Client::tick`] wants to be called; `None` if there is nothing to wait for.
    pub fn next_wake(&self) -> Option<Duration> {
        if self.is_closed() {
            return None;
        }
        [self.deadline, self.channels.next_wake(), self.link.next_wake()].into_iter().flatten().min()
    }
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Handshaking { .. } => "handshake",
            Self::LoggingIn => "login",
            Self::Up => "up",
            Self::Closed => "closed",
        }
    }
}
