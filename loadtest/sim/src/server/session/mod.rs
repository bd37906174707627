//! One connection's session: the protocol machine on one side, the community on the other. Turns the
//! machine's events into the model's and the model's effects into the machine's commands
//! (vp-wire.md 7, 8, 9). No sockets, no waiting.

mod effects;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::vp::awareness::ToServer;
use protocol::vp::message::{ChannelAccept, ChannelCreate, ChannelId};
use protocol::vp::prim::DecodeError;
use protocol::vp::reason::Reason;
use protocol::vp::server::{Closed, Config, Credential, Event as Said, LoginRequest, Server};
use protocol::vp::service::Service;
use protocol::vp::session::{Acceptance, ChannelError, NewChannel};
use protocol::vp::{resolve, storage};
use tracing::debug;

use super::switchboard::Switchboard;
use super::token::TokenCheck;
use crate::model::{Chat, ChatId, Effect, Event, LogIn, LoginId, Proof};

/// A session and its channels.
pub(super) struct Session {
    machine: Server,
    board: Arc<Switchboard>,
    place: Place,
    login: LoginId,
    /// What each open channel is for.
    uses: HashMap<ChannelId, Use>,
    channels: HashMap<ChatId, ChannelId>,
    closed: Option<Closed>,
}

/// Where a connection arrived.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The id of the server it came to.
    pub(super) server: String,
    /// IPv4 address of the client.
    pub(super) address: u32,
    pub(super) tokens: TokenCheck,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Awareness,
    Resolve,
    Storage,
    Chat(ChatId),
    /// Only there to see whether the client answers.
    Probe,
}

/// A service that no client knows.
const PROBE: Service = Service::new(0x0000_7ffe, 0, 0);

impl Session {
    pub(super) fn new(config: Config, board: Arc<Switchboard>, place: Place, login: LoginId) -> Self {
        let config = Config { client_ip: place.address, ..config };
        // Without random bytes there is no secrecy here, and a simulator needs none.
        let random = Box::new(|bytes: &mut [u8]| getrandom::fill(bytes).unwrap_or_default());
        let machine = Server::new(config, random, board.now());
        let (uses, channels) = (HashMap::new(), HashMap::new());
        Self { machine, board, place, login, uses, channels, closed: None }
    }

    /// The client sent something.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.machine.receive(bytes, self.board.now());
        self.listen();
    }

    /// The client is gone.
    pub(super) fn hung_up(&mut self) {
        self.machine.closed(self.board.now());
        self.listen();
    }

    /// Time has passed.
    pub(super) fn tick(&mut self) {
        self.machine.tick(self.board.now());
        self.listen();
    }

    pub(super) fn next_wake(&self) -> Option<Duration> {
        self.machine.next_wake()
    }

    /// What is to be written.
    pub(super) fn output(&mut self) -> Bytes {
        self.machine.output()
    }

    /// Why it ended, if it did.
    pub(super) fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    fn listen(&mut self) {
        while let Some(said) = self.machine.next_event() {
            match said {
                Said::Login(request) => self.log_in(request),
                Said::Continue => self.do_it(Event::Continue),
                Said::SetStatus(status) => self.do_it(Event::SetStatus(words::status_from(&status))),
                Said::SetPrivacy(list) => self.do_it(Event::SetPrivacy(words::privacy_from(list))),
                Said::Sense(service) => self.do_it(Event::Sense(service)),
                Said::Create { channel, create } => self.opened(channel, create),
                Said::Accepted { channel, accept } => self.accepted(channel, accept),
                Said::Received { channel, send_type, data, sealed } => {
                    self.received(channel, send_type, data, sealed);
                }
                Said::Destroyed { channel, reason, data } => self.destroyed(channel, reason, data),
                Said::Announce(announce) => self.do_it(Event::Announce {
                    may_reply: announce.may_reply,
                    text: announce.text,
                    recipients: announce.recipients,
                }),
                // Nothing that a client needs an answer to.
                Said::Handshake(_) | Said::OneTime(_) | Said::PeerKeepalive => {}
                Said::Closed(closed) => self.closed = Some(closed),
            }
        }
    }

    fn do_it(&self, event: Event) {
        self.board.apply(self.login, event);
    }

    fn log_in(&mut self, request: LoginRequest) {
        self.board.note_auth(request.auth_type);
        let proof = match request.credential {
            Credential::Password(password) => Proof::Password(password),
            Credential::Anonymous => Proof::Anonymous,
            Credential::Token(token) => match self.place.tokens.check(&token) {
                Ok(user) => Proof::Vouched(user),
                Err(reason) => return self.tell(Effect::Refused(reason)),
            },
        };
        self.do_it(Event::LogIn(LogIn {
            name: request.name,
            proof,
            login_type: request.login_type,
            server: self.place.server.clone(),
            address: self.place.address,
        }));
    }

    /// The client creates a channel: a service of ours, or a chat with somebody.
    fn opened(&mut self, channel: ChannelId, create: ChannelCreate) {
        let service = create.service;
        let wanted = match service.id {
            id if id == Service::AWARENESS.id => Use::Awareness,
            id if id == Service::RESOLVE.id => Use::Resolve,
            id if id == Service::STORAGE.id => Use::Storage,
            _ => {
                let chat = ChatId(self.board.number());
                self.uses.insert(channel, Use::Chat(chat));
                self.channels.insert(chat, channel);
                return self.do_it(Event::OpenChat(Chat {
                    chat,
                    target: create.target.user,
                    service,
                    data: create.data,
                    offer: create.encryption,
                }));
            }
        };
        // One list of watches per login.
        let second = wanted == Use::Awareness && self.uses.values().any(|open| *open == Use::Awareness);
        let refusal = if !self.board.read(|community| community.serves(service.id)) {
            Some(Reason::SERVICE_UNSUPPORTED)
        } else {
            second.then_some(Reason::CHANNEL_EXISTS)
        };
        if let Some(reason) = refusal {
            let destroyed = self.machine.destroy(channel, reason);
            return self.check(destroyed);
        }
        self.uses.insert(channel, wanted);
        let accepted = self.machine.accept(channel, Acceptance::default());
        self.check(accepted);
    }

    fn accepted(&mut self, channel: ChannelId, accept: ChannelAccept) {
        if let Some(Use::Chat(chat)) = self.uses.get(&channel).copied() {
            self.do_it(Event::AcceptChat { chat, data: accept.data, choice: accept.encryption });
        }
    }

    fn received(&mut self, channel: ChannelId, send_type: u16, data: Bytes, sealed: bool) {
        let (service, event) = match self.uses.get(&channel) {
            Some(Use::Chat(chat)) => {
                ("chat", Ok(Some(Event::SendChat { chat: *chat, send_type, encrypted: sealed, data })))
            }
            Some(Use::Awareness) => ("awareness", awareness(send_type, &data)),
            Some(Use::Resolve) => ("resolve", resolve_names(send_type, &data)),
            Some(Use::Storage) => ("storage", stored(send_type, &data)),
            Some(Use::Probe) | None => return,
        };
        match event {
            Ok(Some(event)) => self.do_it(event),
            Ok(None) => {}
            Err(error) => self.machine.reject(service, error),
        }
    }

    fn destroyed(&mut self, channel: ChannelId, reason: Reason, data: Bytes) {
        match self.uses.remove(&channel) {
            Some(Use::Chat(chat)) => {
                self.channels.remove(&chat);
                self.do_it(Event::CloseChat { chat, reason, data });
            }
            Some(Use::Awareness) => self.do_it(Event::StopWatching),
            // An answer of any kind is fine (vp-wire.md 4); what real servers say to a client that gives
            // none is not known.
            Some(Use::Probe) if reason == Reason::CONNECTION_TIMED_OUT => {
                self.machine.kick(Reason::USER_RESTRICTED);
            }
            Some(Use::Resolve | Use::Storage | Use::Probe) | None => {}
        }
    }

    /// Creates a channel that the client has to answer, if the rules want that.
    fn probe(&mut self) {
        if !self.board.read(|community| community.settings().probe_clients) {
            return;
        }
        let created = self.machine.create(NewChannel::to_service(PROBE));
        let kept = created.map(|channel| self.uses.insert(channel, Use::Probe));
        self.check(kept.map(|_| ()));
    }

    /// A command may fail because the channel is gone meanwhile, which is nobody's fault. What cannot
    /// be told for want of room ends the session: nothing may be left out.
    fn check(&mut self, result: Result<(), ChannelError>) {
        match result {
            Err(ChannelError::Backlog | ChannelError::QueueFull) => self.machine.kick(Reason::NO_BUFFERS),
            Err(error) => debug!(%error, "not told"),
            Ok(()) => {}
        }
    }
}

fn awareness(send_type: u16, data: &[u8]) -> Result<Option<Event>, DecodeError> {
    let watches = |ids: Vec<_>| ids.into_iter().map(words::watch_from).collect();
    Ok(match ToServer::decode(send_type, data)? {
        ToServer::Add(ids) => Some(Event::Watch(watches(ids))),
        ToServer::Remove(ids) => Some(Event::Unwatch(watches(ids))),
        ToServer::SetAttribute { key, value } => Some(Event::SetAttribute { key, value }),
        ToServer::UnsetAttribute { key } => Some(Event::UnsetAttribute(key)),
        ToServer::WatchAttributes(keys) => Some(Event::WatchAttributes(keys)),
        ToServer::Ignored(_) => None,
    })
}

fn resolve_names(send_type: u16, data: &[u8]) -> Result<Option<Event>, DecodeError> {
    if send_type != resolve::SEND_TYPE {
        return Ok(None);
    }
    let resolve::Request { id, names, flags } = resolve::Request::decode(data)?;
    Ok(Some(Event::Resolve { request: id, names, flags }))
}

fn stored(send_type: u16, data: &[u8]) -> Result<Option<Event>, DecodeError> {
    Ok(match send_type {
        storage::send_type::LOAD => {
            let storage::Load { id, key } = storage::Load::decode(data)?;
            Some(Event::Load { request: id, key })
        }
        storage::send_type::SAVE => {
            let storage::Save { id, value } = storage::Save::decode(data)?;
            Some(Event::Save { request: id, key: value.key, value: value.data })
        }
        _ => None,
    })
}
