//! One connection to a community: the VP client machine (vp-wire.md 5 and 11.1) with what the hub needs
//! on top: the awareness channel that is opened, watched over and opened again (vp-wire.md 8.5 and 8.6),
//! and the user's own status (8.7).
//!
//! **A session never sets a status by itself.** After a login it adopts the one in the LoginAck, so a
//! do-not-disturb that the user set elsewhere stays; [`Session::set_status`] is for what the user does.
//!
//! To the hub every awareness channel is a login of its own: the owner of a session makes a new
//! [`LoginId`](crate::LoginId) at [`Told::ServiceUp`] and reports it down at
//! [`Told::ServiceDown`]. So a command or an entry of an earlier channel can never reach the next.
//!
//! Driven like the machine inside (see [`protocol::vp::session`]): hand in bytes and time, then take all
//! events and write the output, and call [`Session::tick`] at [`Session::next_wake`]. It does not dial,
//! does not come back after its end, and knows neither hub nor scope.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::presence::{PersonId, Presence, Status};
use protocol::vp::awareness::{ToClient, ToServer, status_from_word, status_word};
use protocol::vp::client::{self, Client, Closed, Config, Login};
use protocol::vp::crypto::Random;
use protocol::vp::prim::{AwareId, DecodeError, LoginInfo, PrivacyInfo, UserStatus};
use protocol::vp::service::Service;
use protocol::vp::session::ChannelError;

mod awareness;

use crate::watchset::Command;
use awareness::Awareness;

/// What a session tells its owner, in order; the last is [`Told::Closed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The login succeeded.
    LoggedIn {
        /// The login as the server knows it.
        info: LoginInfo,
        /// The user's status as it is now, from other logins if there are any.
        own: Presence,
        /// Who may see the user, if the server says so.
        privacy: Option<PrivacyInfo>,
    },
    /// The user's home is another server; dial there. [`Told::Closed`] follows unless the session may
    /// go on here.
    Redirected {
        /// The home server as the community advertises it.
        host: String,
    },
    /// An awareness channel is open: a new login for the hub.
    ServiceUp,
    /// It is gone, and so is that login. Also comes before [`Told::Closed`] if the channel was open.
    ServiceDown,
    /// What the community says about persons, for the hub.
    Entries {
        /// In the order of arrival.
        entries: Vec<(PersonId, Presence)>,
        /// Whether it was a snapshot: the answer to an ADD.
        snapshot: bool,
        /// When they were decoded.
        decoded_at: Duration,
    },
    /// The user's own status has changed, here or at another login of the user.
    Own(Presence),
    /// Anything else, not of the core's business: announcements, chats, privacy, channels of the owner.
    Other(client::Event),
    /// The session is over.
    Closed(Closed),
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    client: Client,
    awareness: Awareness,
    /// The status that the user asked for and the server has not been told.
    wish: Option<UserStatus>,
    /// The user's display name, for their own presence.
    name: Arc<str>,
    now: Duration,
    events: VecDeque<Told>,
    /// The server sends signs of life.
    kept_alive: bool,
}

impl Session {
    /// Starts on a fresh connection; the handshake is in [`Session::output`] at once. `random` must be fit
    /// for keys.
    pub fn new(config: Config, login: Login, random: Random, now: Duration) -> Self {
        Self {
            client: Client::new(config, login, random, now),
            awareness: Awareness::default(),
            wish: None,
            name: "".into(),
            now,
            events: VecDeque::new(),
            kept_alive: false,
        }
    }

    /// Takes bytes from the server.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        self.advance(now);
        self.client.receive(bytes, now);
        self.digest();
    }

    /// The connection has ended.
    pub fn closed(&mut self, now: Duration) {
        self.advance(now);
        self.client.closed(now);
        self.digest();
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) {
        self.advance(now);
        self.client.tick(now);
        self.digest();
        if self.awareness.is_due(self.now) {
            self.open_awareness();
        }
    }

    /// When [`Session::tick`] wants to be called; ask again after every call.
    pub fn next_wake(&self) -> Option<Duration> {
        if self.client.is_closed() {
            return None;
        }
        [self.client.next_wake(), self.awareness.next_wake()].into_iter().flatten().min()
    }

    /// Bytes to write, drained.
    pub fn output(&mut self) -> Bytes {
        self.client.output()
    }

    /// The oldest event that was not taken yet.
    pub fn next_event(&mut self) -> Option<Told> {
        self.events.pop_front()
    }

    /// Whether the session is over; its last output is still worth writing.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends what the hub wants. Without an open awareness channel it was meant for an earlier one, and
    /// nothing is done. A server that takes nothing more loses the session: the hub believes that its
    /// commands are under way.
    pub fn command(&mut self, command: &Command, now: Duration) {
        self.advance(now);
        let Some(channel) = self.awareness.channel() else { return };
        let ids = |persons: &[PersonId]| persons.iter().map(|id| AwareId::user(id.as_str())).collect();
        let message = match command {
            Command::Add(persons) => ToServer::Add(ids(persons)),
            Command::Remove(persons) => ToServer::Remove(ids(persons)),
        };
        let sent = match message.encode() {
            Ok((send_type, data)) => self.client.send(channel, send_type, data),
            Err(_) => Err(ChannelError::TooLarge),
        };
        self.insist(sent);
    }

    /// Sets the user's status, for all logins of the user, because the user said so. Said before the login
    /// is through, it is sent after it.
    pub fn set_status(&mut self, status: Status, text: &str, now: Duration) {
        self.advance(now);
        self.wish = Some(UserStatus { status: status_word(status, false), time: 0, desc: text.to_owned() });
        self.grant_wish();
    }

    /// The machine inside, for what the core does not know: announcements, privacy, other channels.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// What the server sent on one of the owner's channels, to that service, cannot be read: ends the session.
    pub fn reject(&mut self, service: &'static str, error: DecodeError, now: Duration) {
        self.advance(now);
        self.client.reject(service, error);
        self.digest();
    }

    /// Ends the session politely.
    pub fn logout(&mut self, now: Duration) {
        self.advance(now);
        self.client.logout(now);
        self.digest();
    }

    /// Whether the server was seen sending signs of life, so that its silence may be judged
    /// (vp-wire.md 11.3).
    pub fn is_kept_alive(&self) -> bool {
        self.kept_alive
    }

    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    fn digest(&mut self) {
        while let Some(event) = self.client.next_event() {
            self.take(event);
        }
    }

    fn take(&mut self, event: client::Event) {
        match event {
            client::Event::LoggedIn { info, status, privacy } => {
                self.name = info.user_name.as_str().into();
                // A server that does not say takes a new login for active (vp-wire.md 8.7).
                let own = status.map_or(self.own(Status::Active, false, ""), |status| self.adopt(&status));
                self.events.push_back(Told::LoggedIn { info, own, privacy });
                self.open_awareness();
                self.grant_wish();
            }
            client::Event::StatusEcho(status) => {
                let own = self.adopt(&status);
                self.events.push_back(Told::Own(own));
            }
            client::Event::Redirected { host, .. } => {
                self.events.push_back(Told::Redirected { host });
            }
            client::Event::Opened { channel, .. } if self.awareness.opened(channel, self.now) => {
                self.events.push_back(Told::ServiceUp);
            }
            client::Event::Destroyed { channel, .. } if self.awareness.owns(channel) => self.lost_awareness(),
            client::Event::Received { channel, send_type, data } if self.awareness.owns(channel) => {
                self.awareness_payload(send_type, &data);
            }
            client::Event::ServiceUp(service) if service == Service::AWARENESS.id => {
                self.awareness.service_up(self.now);
                if self.awareness.is_due(self.now) {
                    self.open_awareness();
                }
            }
            client::Event::PeerKeepalive => self.kept_alive = true,
            client::Event::Closed(why) => {
                if self.awareness.close() {
                    self.events.push_back(Told::ServiceDown);
                }
                self.events.push_back(Told::Closed(why));
            }
            other => self.events.push_back(Told::Other(other)),
        }
    }

    fn awareness_payload(&mut self, send_type: u16, data: &[u8]) {
        let (snapshot, blocks) = match ToClient::decode_tolerant(send_type, data) {
            Ok(ToClient::Snapshot(blocks)) => (true, blocks),
            Ok(ToClient::Update(block)) => (false, vec![block]),
            Ok(_) => return,
            // What else this server says about persons would be worth as little; the next connection asks anew.
            Err(error) => return self.client.reject("awareness", error),
        };
        let asked = |id: &AwareId| id.kind == AwareId::USER && id.community.is_empty();
        let entries: Vec<(PersonId, Presence)> = blocks
            .into_iter()
            .filter(|block| asked(&block.id))
            .map(|block| (PersonId::from(block.id.user.as_str()), block.presence()))
            .collect();
        if !entries.is_empty() {
            self.events.push_back(Told::Entries { entries, snapshot, decoded_at: self.now });
        }
    }

    fn open_awareness(&mut self) {
        if self.client.is_closed() {
            return;
        }
        match self.client.open(Service::AWARENESS, Default::default(), Bytes::new()) {
            Ok(channel) => self.awareness.opening(channel),
            Err(_) => self.sense_awareness(),
        }
    }

    /// The service went away, or did not let us in.
    fn lost_awareness(&mut self) {
        let was_open = self.awareness.channel().is_some();
        self.sense_awareness();
        if was_open {
            self.events.push_back(Told::ServiceDown);
        }
    }

    fn sense_awareness(&mut self) {
        self.awareness.wait(self.now);
        // If even this cannot be sent, the wait ends by its time limit.
        let _ = self.client.sense(Service::AWARENESS.id);
    }

    fn grant_wish(&mut self) {
        if self.client.is_up()
            && let Some(status) = self.wish.take()
        {
            let sent = self.client.set_status(status);
            self.insist(sent);
        }
    }

    /// What cannot be sent ends the session.
    fn insist(&mut self, sent: Result<(), ChannelError>) {
        if sent.is_err() {
            self.client.closed(self.now);
            self.digest();
        }
    }

    fn adopt(&self, status: &UserStatus) -> Presence {
        match status_from_word(status.status) {
            // Nobody has set one; the user is here all the same.
            (Status::Offline, _) => self.own(Status::Active, false, ""),
            (word, mobile) => self.own(word, mobile, &status.desc),
        }
    }

    fn own(&self, status: Status, mobile: bool, text: &str) -> Presence {
        Presence { status, mobile, text: text.into(), name: Arc::clone(&self.name) }
    }
}

#[cfg(test)]
mod tests;
