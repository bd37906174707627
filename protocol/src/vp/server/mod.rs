//! The server side of a session, for simulators and tests (vp-wire.md 5, 7, 11.2).
//!
//! ```text
//! AwaitingHandshake --Handshake--> AwaitingLogin --Login--> Deciding --admit--> Up
//!                                                             |  ^
//!                                                    redirect |  | LoginContinue
//!                                                             v  |
//!                                                       AwaitingContinue
//! any phase --refuse, kick, close, Destroy(0), broken rule--> Closed
//! ```
//!
//! How to drive it and what bounds its memory: [`session`](super::session). It knows no users and no
//! services: the owner checks credentials and speaks on the channels. Unlike a client it is strict: what has
//! no place in a phase ends the session.

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

pub use config::Config;
pub use event::{Closed, Credential, Event, LoginRequest};

use super::crypto::Random;
use super::crypto::dh::Keypair;
use super::message::ChannelId;
use super::prim::DecodeError;
use super::session::{ChannelTable, Input, Link, ProtocolError, Side};

/// A server session over one connection.
pub struct Server {
    config: Config,
    random: Random,
    phase: Phase,
    /// Until when the phase must be over.
    deadline: Option<Duration>,
    /// Sent in the HandshakeAck; a login secret must carry it.
    magic: u32,
    /// Made for the HandshakeAck, gone when the login is opened.
    keypair: Option<Keypair>,
    link: Link,
    channels: ChannelTable,
    events: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    AwaitingHandshake,
    AwaitingLogin,
    /// The owner decides on a Login; the client has to wait.
    Deciding,
    AwaitingContinue,
    Up,
    Closed,
}

impl Server {
    /// Starts a session on a fresh connection. The client speaks first.
    ///
    /// `random` must be fit for keys where logins are real.
    pub fn new(config: Config, random: Random, now: Duration) -> Self {
        let incoming = config.incoming.clone();
        Self {
            link: Link::new(config.max_frame_before_login, config.max_output, now),
            channels: ChannelTable::new(Side::Server, config.channels, config.accept_timeout, incoming),
            deadline: Some(now + config.login_timeout),
            config,
            random,
            phase: Phase::AwaitingHandshake,
            magic: 0,
            keypair: None,
            events: VecDeque::new(),
        }
    }

    /// Takes bytes from the client. Ignored once closed.
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
        self.finish(Closed::Transport);
    }

    /// What the client sent on a channel of that service cannot be read: it is told so, and the session ends.
    pub fn reject(&mut self, service: &'static str, error: DecodeError) {
        if !self.is_closed() {
            self.fail(ProtocolError::Payload { service, error });
        }
    }

    /// Bytes to write, drained.
    pub fn output(&mut self) -> Bytes {
        self.link.output()
    }

    /// How many bytes [`Server::output`] would give.
    pub fn output_len(&self) -> usize {
        self.link.output_len()
    }

    /// The oldest event that was not taken yet.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the user is in and the session has not ended.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether the session has ended. What is in [`Server::output`] is still worth writing.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// One event stands for any number of keepalives that were not taken yet.
    fn note_keepalive(&mut self) {
        if self.events.back() != Some(&Event::PeerKeepalive) {
            self.events.push_back(Event::PeerKeepalive);
        }
    }

    /// The client broke the protocol: say so and end.
    fn fail(&mut self, error: ProtocolError) {
        self.link.write_destroy(ChannelId::MASTER, error.reason());
        self.finish(Closed::Protocol(error));
    }

    fn finish(&mut self, why: Closed) {
        if self.is_closed() {
            return;
        }
        self.phase = Phase::Closed;
        self.deadline = None;
        self.keypair = None;
        self.channels.clear();
        self.link.shut();
        self.events.push_back(Event::Closed(why));
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("phase", &self.phase).finish_non_exhaustive()
    }
}
