//! The client side of a session: handshake, login, redirects, channels (vp-wire.md 5, 7, 11.1).
//!
//! ```text
//! Handshaking --HandshakeAck--> LoggingIn --LoginAck--> Up --Destroy(0)--> Closed
//!                                   |
//!                                   '--LoginRedirect--> Closed, or Handshaking again after LoginContinue
//! ```
//!
//! How to drive it and what bounds its memory: [`session`](super::session). It does not know any service:
//! what travels on channels is for the caller to encode and decode.
//!
//! A client forgives what does not hurt: unknown messages, data for channels that are gone, a LoginAck with an
//! unknown tail. What cannot be read ends the session with a [`ProtocolError`] that names itself.

mod channels;
mod commands;
mod config;
mod event;
mod phases;
mod timers;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

pub use config::{Auth, Config, Follow, Login, TokenForm};
pub use event::{Closed, Event};

use super::crypto::Random;
use super::message::ChannelId;
use super::prim::DecodeError;
use super::session::{ChannelTable, Input, Link, ProtocolError, Side};

/// A client session over one connection.
pub struct Client {
    config: Config,
    login: Option<Login>,
    random: Random,
    phase: Phase,
    /// Until when the phase must be over.
    deadline: Option<Duration>,
    /// Hosts this login was redirected to.
    redirects: Vec<String>,
    link: Link,
    channels: ChannelTable,
    events: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Handshake or LoginContinue sent. `continued` if a Login was sent before.
    Handshaking { continued: bool },
    /// Login sent.
    LoggingIn,
    /// Logged in.
    Up,
    /// Over.
    Closed,
}

impl Client {
    /// Starts a session on a fresh connection. The Handshake is in [`Client::output`] at once.
    ///
    /// `random` must be fit for keys.
    pub fn new(config: Config, login: Login, random: Random, now: Duration) -> Self {
        let incoming = config.incoming.clone();
        let mut client = Self {
            link: Link::new(config.max_frame_before_login, config.max_output, now),
            channels: ChannelTable::new(Side::Client, config.channels, config.accept_timeout, incoming),
            config,
            login: Some(login),
            random,
            phase: Phase::Handshaking { continued: false },
            deadline: None,
            redirects: Vec::new(),
            events: VecDeque::new(),
        };
        client.shake_hands();
        client
    }

    /// Takes bytes from the server. Ignored once closed.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        if self.is_closed() {
            return;
        }
        self.link.advance(now);
        self.link.push(bytes);
        while !self.is_closed() {
            let taken = match self.link.next_input() {
                Ok(None) => break,
                Ok(Some(Input::Frame(frame))) => self.frame(&frame),
                Ok(Some(Input::Keepalive)) => {
                    self.note_keepalive();
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                self.fail(error);
            }
        }
    }

    /// The transport has ended.
    pub fn closed(&mut self, now: Duration) {
        self.link.advance(now);
        self.close(Closed::Transport);
    }

    /// What the server sent on a channel of that service cannot be read: it is told so, and the session ends.
    pub fn reject(&mut self, service: &'static str, error: DecodeError) {
        if !self.is_closed() {
            self.fail(ProtocolError::Payload { service, error });
        }
    }

    /// Bytes to write, drained.
    pub fn output(&mut self) -> Bytes {
        self.link.output()
    }

    /// How many bytes [`Client::output`] would give.
    pub fn output_len(&self) -> usize {
        self.link.output_len()
    }

    /// The oldest event that was not taken yet.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the login succeeded and the session has not ended.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether the session has ended. What is in [`Client::output`] is still worth writing.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// One event stands for any number of keepalives that were not taken yet.
    fn note_keepalive(&mut self) {
        if self.events.back() != Some(&Event::PeerKeepalive) {
            self.events.push_back(Event::PeerKeepalive);
        }
    }

    /// The server broke the protocol: say so and end.
    fn fail(&mut self, error: ProtocolError) {
        self.link.write_destroy(ChannelId::MASTER, error.reason());
        self.close(Closed::Protocol(error));
    }

    fn close(&mut self, why: Closed) {
        if self.is_closed() {
            return;
        }
        self.phase = Phase::Closed;
        self.deadline = None;
        self.login = None;
        self.redirects = Vec::new();
        self.channels.clear();
        self.link.shut();
        self.events.push_back(Event::Closed(why));
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("phase", &self.phase).finish_non_exhaustive()
    }
}
