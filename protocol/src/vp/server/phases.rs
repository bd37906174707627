//! What each message of the client means in each phase.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::{Closed, Event, LoginRequest, Phase, Server};
use crate::vp::crypto::dh::{KEY_LEN, Keypair};
use crate::vp::crypto::login;
use crate::vp::message::{ChannelId, Handshake, HandshakeAck, Header, Login, Message};
use crate::vp::session::{Payload, ProtocolError};

impl Server {
    pub(super) fn frame(&mut self, frame: &Bytes) -> Result<(), ProtocolError> {
        let (header, message) = Message::decode(frame)?;
        match (self.phase, message) {
            // Newer clients may say more than this machine knows.
            (_, Message::Unknown { .. }) => Ok(()),
            (_, Message::ChannelDestroy(destroy)) if header.channel == ChannelId::MASTER => {
                self.finish(Closed::ByClient(destroy.reason));
                Ok(())
            }
            (Phase::AwaitingHandshake, Message::Handshake(handshake)) => self.shake_hands(handshake),
            (Phase::AwaitingLogin, Message::Login(login)) => self.log_in(login),
            (Phase::AwaitingContinue, Message::LoginContinue) => {
                self.acknowledge_handshake();
                self.decide(Event::Continue);
                Ok(())
            }
            (Phase::Up, message) => self.message_when_up(&header, message),
            (_, message) => Err(out_of_order(&message)),
        }
    }

    fn shake_hands(&mut self, handshake: Handshake) -> Result<(), ProtocolError> {
        if handshake.version.major != self.config.version.major {
            return Err(ProtocolError::Version(handshake.version));
        }
        if self.config.version.has_key() {
            let mut magic = [0; 4];
            (self.random)(&mut magic);
            self.magic = u32::from_be_bytes(magic);
            let mut private = Zeroizing::new([0; KEY_LEN]);
            (self.random)(&mut private[..]);
            self.keypair = Some(Keypair::new(&private));
        }
        self.acknowledge_handshake();
        self.phase = Phase::AwaitingLogin;
        self.events.push_back(Event::Handshake(handshake));
        Ok(())
    }

    /// Also the answer to a LoginContinue, then on behalf of the home server.
    fn acknowledge_handshake(&mut self) {
        let public_key = self.keypair.as_ref().map(|pair| Bytes::copy_from_slice(&pair.public().to_bytes()));
        let ack = HandshakeAck {
            version: self.config.version,
            client_ip: self.config.client_ip,
            magic: self.magic,
            public_key: public_key.unwrap_or_default(),
        };
        // Every field has a fixed size, so it always fits.
        let _fits = self.link.write(&Header::master(), &Message::HandshakeAck(ack));
    }

    fn log_in(&mut self, login: Login) -> Result<(), ProtocolError> {
        let Login { login_type, name, auth_data, auth_type } = login;
        let opened = login::open(auth_type, auth_data.expose(), self.keypair.as_ref(), self.magic);
        let credential = opened.map_err(ProtocolError::Credential)?;
        self.decide(Event::Login(LoginRequest { name, login_type, credential, auth_type }));
        Ok(())
    }

    /// From here on the owner takes its time; no limit of ours applies to it.
    fn decide(&mut self, question: Event) {
        self.phase = Phase::Deciding;
        self.deadline = None;
        self.events.push_back(question);
    }

    fn message_when_up(&mut self, header: &Header, message: Message) -> Result<(), ProtocolError> {
        let channel = header.channel;
        let Self { channels, link, events, .. } = self;
        match message {
            Message::ChannelCreate(create) if create.channel == ChannelId::MASTER => {
                return Err(ProtocolError::MasterChannel);
            }
            Message::ChannelAccept(_) if channel == ChannelId::MASTER => {
                return Err(ProtocolError::MasterChannel);
            }
            Message::ChannelCreate(create) => channels.created(create, link, events),
            Message::ChannelAccept(accept) => channels.accepted(channel, accept, link, events),
            Message::ChannelSend(send) => {
                let payload = Payload::new(send, header);
                channels.received(channel, payload, link, events);
            }
            Message::ChannelDestroy(destroy) => channels.destroyed(channel, destroy, events),
            Message::SetUserStatus(status) => events.push_back(Event::SetStatus(status)),
            Message::SetPrivacyList(privacy) => events.push_back(Event::SetPrivacy(privacy)),
            Message::SenseService(service) => events.push_back(Event::Sense(service)),
            Message::Announce(announce) => events.push_back(Event::Announce(announce)),
            Message::OneTime(one_time) => events.push_back(Event::OneTime(one_time)),
            message => return Err(out_of_order(&message)),
        }
        Ok(())
    }
}

fn out_of_order(message: &Message) -> ProtocolError {
    ProtocolError::OutOfOrder { message: message.name() }
}
