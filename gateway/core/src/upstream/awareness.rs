//! The awareness channel of a session: open, or waiting for the service to come back (vp-wire.md 8.6).

use std::time::Duration;

use protocol::vp::message::ChannelId;

/// A channel that stood that long was a good one: the next loss is a first one again.
const STEADY: Duration = Duration::from_secs(60);
/// First and longest pause before the channel is opened again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// A server that does not answer a SenseService is asked for the channel anyway after this time.
const SENSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Awareness {
    state: State,
    /// Losses and refusals since the last steady channel.
    failures: u32,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    None,
    Opening(ChannelId),
    Open {
        channel: ChannelId,
        since: Duration,
    },
    /// Asked the server to say when the service is up.
    Waiting {
        /// Not opened earlier, even if the service is up.
        not_before: Duration,
        /// When to open, as far as known.
        due: Duration,
    },
}

impl Awareness {
    pub(super) fn opening(&mut self, channel: ChannelId) {
        self.state = State::Opening(channel);
    }

    /// Whether it was the channel being opened.
    pub(super) fn opened(&mut self, channel: ChannelId, now: Duration) -> bool {
        let ours = matches!(self.state, State::Opening(opening) if opening == channel);
        if ours {
            self.state = State::Open { channel, since: now };
        }
        ours
    }

    /// The channel is gone, or could not be opened. The first time the server's word that the service is up
    /// is enough; a channel that is lost again and again is opened at growing pauses.
    pub(super) fn wait(&mut self, now: Duration) {
        if matches!(self.state, State::Open { since, .. } if now.saturating_sub(since) >= STEADY) {
            self.failures = 0;
        }
        let (first, longest) = PAUSE;
        let doubled = self.failures.checked_sub(1).map(|times| first.saturating_mul(1 << times.min(16)));
        self.failures = self.failures.saturating_add(1);
        let not_before = now + doubled.unwrap_or_default().min(longest);
        self.state = State::Waiting { not_before, due: not_before.max(now + SENSE) };
    }

    pub(super) fn service_up(&mut self, now: Duration) {
        if let State::Waiting { not_before, due } = &mut self.state {
            *due = (*not_before).max(now);
        }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        matches!(self.state, State::Waiting { due, .. } if due <= now)
    }

    pub(super) fn next_wake(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { due, .. } => Some(due),
            _ => None,
        }
    }

    /// The channel, if it is open.
    pub(super) fn channel(&self) -> Option<ChannelId> {
        match self.state {
            State::Open { channel, .. } => Some(channel),
            _ => None,
        }
    }

    /// Whether it is the awareness channel, open or not yet.
    pub(super) fn owns(&self, channel: ChannelId) -> bool {
        match self.state {
            State::Opening(ours) | State::Open { channel: ours, .. } => ours == channel,
            State::None | State::Waiting { .. } => false,
        }
    }

    /// Whether it was open.
    pub(super) fn close(&mut self) -> bool {
        let was_open = self.channel().is_some();
        self.state = State::None;
        was_open
    }
}
