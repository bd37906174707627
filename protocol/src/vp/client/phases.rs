//! What each message of the server means in each phase.

use bytes::Bytes;

use super::{Client, Closed, Event, Follow, Phase};
use crate::vp::crypto::login::{self, AuthError, Offer};
use crate::vp::message::{
    AcceptedLogin, ChannelId, Handshake, HandshakeAck, Header, Login, LoginRedirect, Message,
};
use crate::vp::reason::Reason;
use crate::vp::session::{Payload, ProtocolError};

/// How often one login may be redirected (vp-wire.md 5.1).
const MAX_REDIRECTS: usize = 3;

impl Client {
    /// The first message of a connection.
    pub(super) fn shake_hands(&mut self) {
        let (version, login_type) = (self.config.version, self.config.login_type);
        let handshake = Handshake { version, login_type, ..Handshake::default() };
        let named = Handshake { local_host: self.config.local_host.clone(), ..handshake.clone() };
        if self.link.write(&Header::master(), &Message::Handshake(named)).is_err() {
            // The host name does not fit into a string. Nobody misses it.
            let _fits = self.link.write(&Header::master(), &Message::Handshake(handshake));
        }
        self.deadline = Some(self.link.now() + self.config.handshake_timeout);
    }

    pub(super) fn frame(&mut self, frame: &Bytes) -> Result<(), ProtocolError> {
        if self.phase == Phase::LoggingIn
            && let Some((_, accepted)) = AcceptedLogin::decode(frame)?
        {
            self.logged_in(accepted);
            return Ok(());
        }
        let (header, message) = Message::decode(frame)?;
        match message {
            Message::HandshakeAck(ack) => return self.hands_shaken(&ack),
            Message::LoginAck(_) => return Err(out_of_order("LoginAck")),
            Message::LoginRedirect(redirect) => return self.redirected(redirect),
            Message::ChannelDestroy(destroy) if header.channel == ChannelId::MASTER => {
                self.ended_by_server(destroy.reason);
            }
            Message::ChannelCreate(_)
            | Message::ChannelAccept(_)
            | Message::ChannelSend(_)
            | Message::ChannelDestroy(_) => return self.channel_message(&header, message),
            Message::SetUserStatus(status) => self.events.push_back(Event::StatusEcho(status)),
            Message::SetPrivacyList(privacy) => self.events.push_back(Event::PrivacyEcho(privacy)),
            Message::SenseService(service) => self.events.push_back(Event::ServiceUp(service)),
            Message::Announce(announce) => self.events.push_back(Event::Announcement(announce)),
            Message::Admin(text) => self.events.push_back(Event::Admin(text)),
            // Messages of a client, one-time data (which no service of ours uses) and unknown ones: skipped.
            Message::Handshake(_)
            | Message::Login(_)
            | Message::LoginContinue
            | Message::OneTime(_)
            | Message::Unknown { .. } => {}
        }
        Ok(())
    }

    fn hands_shaken(&mut self, ack: &HandshakeAck) -> Result<(), ProtocolError> {
        let Phase::Handshaking { continued } = self.phase else { return Err(out_of_order("HandshakeAck")) };
        if ack.version.major < self.config.version.major {
            return Err(ProtocolError::Version(ack.version));
        }
        if !continued {
            self.send_login(ack)?;
        }
        self.phase = Phase::LoggingIn;
        self.deadline = Some(self.link.now() + self.config.login_timeout);
        Ok(())
    }

    fn send_login(&mut self, ack: &HandshakeAck) -> Result<(), ProtocolError> {
        // Taken, so that the secret is wiped as soon as it is used.
        let Some(who) = self.login.take() else { return Err(out_of_order("HandshakeAck")) };
        let offer = Offer { magic: ack.magic, public_key: &ack.public_key };
        let (auth_type, auth_data) =
            login::build(&who.auth, Some(offer), &mut self.random).map_err(ProtocolError::Auth)?;
        let login_type = self.config.login_type;
        let login = Login { login_type, name: who.name, auth_data, auth_type };
        let written = self.link.write(&Header::master(), &Message::Login(login));
        written.map_err(|_| ProtocolError::Auth(AuthError::TooLong))
    }

    fn logged_in(&mut self, accepted: AcceptedLogin) {
        let AcceptedLogin { login, privacy, status } = accepted;
        self.phase = Phase::Up;
        self.deadline = None;
        self.redirects = Vec::new();
        self.link.come_up(self.config.max_frame, self.config.keepalive);
        self.channels.set_own_id(login.login_id.clone());
        self.events.push_back(Event::LoggedIn { info: login, status, privacy });
    }

    fn redirected(&mut self, redirect: LoginRedirect) -> Result<(), ProtocolError> {
        if self.phase != Phase::LoggingIn {
            return Err(out_of_order("LoginRedirect"));
        }
        let LoginRedirect { host, server_id } = redirect;
        let in_circles = self.redirects.contains(&host) || self.redirects.len() >= MAX_REDIRECTS;
        self.events.push_back(Event::Redirected { host: host.clone(), server_id });
        match self.config.follow {
            Follow::Reconnect => self.close(Closed::Redirected),
            Follow::Continue if in_circles => return Err(ProtocolError::RedirectLoop),
            Follow::Continue => {
                self.redirects.push(host);
                // A message without content always fits.
                let _fits = self.link.write(&Header::master(), &Message::LoginContinue);
                self.phase = Phase::Handshaking { continued: true };
                self.deadline = Some(self.link.now() + self.config.handshake_timeout);
            }
        }
        Ok(())
    }

    /// Answers with the same destroy, as libmeanwhile does (vp-wire.md 3).
    fn ended_by_server(&mut self, reason: Reason) {
        self.link.write_destroy(ChannelId::MASTER, reason);
        self.close(Closed::ByServer(reason));
    }

    fn channel_message(&mut self, header: &Header, message: Message) -> Result<(), ProtocolError> {
        let channel = header.channel;
        let Self { channels, link, events, phase, .. } = self;
        match message {
            Message::ChannelCreate(create) if create.channel == ChannelId::MASTER => {
                return Err(ProtocolError::MasterChannel);
            }
            // Nobody can name this login yet, but a create is always answered.
            Message::ChannelCreate(create) if *phase != Phase::Up => {
                link.write_destroy(create.channel, Reason::NOT_LOGGED_IN);
            }
            Message::ChannelCreate(create) => channels.created(create, link, events),
            Message::ChannelAccept(_) if channel == ChannelId::MASTER => {
                return Err(ProtocolError::MasterChannel);
            }
            Message::ChannelAccept(accept) => channels.accepted(channel, accept, link, events),
            Message::ChannelSend(send) => {
                let payload = Payload::new(send, header);
                channels.received(channel, payload, link, events);
            }
            Message::ChannelDestroy(destroy) => channels.destroyed(channel, destroy, events),
            _ => {}
        }
        Ok(())
    }
}

fn out_of_order(message: &'static str) -> ProtocolError {
    ProtocolError::OutOfOrder { message }
}
