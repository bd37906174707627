//! The byte side of a session, the same for both machines: frames in, frames out, time and keepalive.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{ChannelError, ProtocolError};
use crate::vp::frame::{Item, KEEPALIVE, Splitter};
use crate::vp::message::{ChannelDestroy, ChannelId, Header, Message};
use crate::vp::reason::Reason;

/// Input and output of one connection.
pub(crate) struct Link {
    splitter: Splitter,
    output: BytesMut,
    max_output: usize,
    now: Duration,
    keepalive: Option<Keepalive>,
}

struct Keepalive {
    every: Duration,
    next: Duration,
}

/// What the peer sent.
pub(crate) enum Input {
    /// The content of a frame, not decoded yet.
    Frame(Bytes),
    /// It is alive.
    Keepalive,
}

impl Link {
    /// A link that accepts frames up to `max_frame` bytes and promises no more than `max_output` waiting
    /// bytes to those who ask with [`Link::has_room`].
    pub(crate) fn new(max_frame: usize, max_output: usize, now: Duration) -> Self {
        Self { splitter: Splitter::new(max_frame), output: BytesMut::new(), max_output, now, keepalive: None }
    }

    /// The newest time that was handed in. Time never runs backwards here.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes);
    }

    /// The next thing in the input. Counter bytes carry no meaning and are skipped (vp-wire.md 1.1).
    pub(crate) fn next_input(&mut self) -> Result<Option<Input>, ProtocolError> {
        loop {
            match self.splitter.next()? {
                None => return Ok(None),
                Some(Item::Counter(_)) => {}
                Some(Item::Keepalive) => return Ok(Some(Input::Keepalive)),
                Some(Item::Frame(bytes)) => return Ok(Some(Input::Frame(bytes))),
            }
        }
    }

    /// From the login on frames may be larger, and keepalives flow.
    pub(crate) fn come_up(&mut self, max_frame: usize, keepalive: Duration) {
        self.splitter.set_max_frame(max_frame);
        if !keepalive.is_zero() {
            self.keepalive = Some(Keepalive { every: keepalive, next: self.now + keepalive });
        }
    }

    /// No more keepalives, and input that was not looked at yet is dropped.
    pub(crate) fn shut(&mut self) {
        self.splitter = Splitter::new(0);
        self.keepalive = None;
    }

    /// Writes the keepalive byte if it is due.
    pub(crate) fn tick(&mut self) {
        let Some(keepalive) = &mut self.keepalive else { return };
        if keepalive.next > self.now {
            return;
        }
        keepalive.next = self.now + keepalive.every;
        // Output that still waits proves life better than one byte more.
        if self.output.is_empty() {
            self.output.extend_from_slice(&[KEEPALIVE]);
        }
    }

    pub(crate) fn next_wake(&self) -> Option<Duration> {
        self.keepalive.as_ref().map(|keepalive| keepalive.next)
    }

    pub(crate) fn write(&mut self, header: &Header, message: &Message) -> Result<(), ChannelError> {
        message.encode_frame(header, &mut self.output).map_err(|_| ChannelError::TooLarge)
    }

    /// Destroys a channel, or with the master channel the session.
    pub(crate) fn write_destroy(&mut self, channel: ChannelId, reason: Reason) {
        let destroy = ChannelDestroy { reason, data: Bytes::new() };
        // Fails only for what is too large, and this never is.
        let _fits = self.write(&Header::on(channel), &Message::ChannelDestroy(destroy));
    }

    pub(crate) fn has_room(&self) -> Result<(), ChannelError> {
        if self.output.len() < self.max_output { Ok(()) } else { Err(ChannelError::Backlog) }
    }

    pub(crate) fn output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    pub(crate) fn output_len(&self) -> usize {
        self.output.len()
    }
}
