//! Commands on the master channel.

use super::{Closed, Phase, Server};
use crate::vp::message::{Announce, ChannelId, Header, LoginAck, LoginRedirect, Message};
use crate::vp::prim::{LoginInfo, PrivacyInfo, UserStatus};
use crate::vp::reason::Reason;
use crate::vp::session::ChannelError;

impl Server {
    /// Lets the user in. `login` should be in full form, with a login id of at least 5 bytes.
    ///
    /// # Errors
    /// [`ChannelError::NotWaiting`] unless a Login or a LoginContinue waits for its answer: the client may have
    /// gone meanwhile. [`ChannelError::TooLarge`] if a text does not fit; the login then still waits.
    pub fn admit(
        &mut self,
        login: LoginInfo,
        privacy: PrivacyInfo,
        status: UserStatus,
    ) -> Result<(), ChannelError> {
        self.require(Phase::Deciding)?;
        let login_id = login.login_id.clone();
        let ack = LoginAck { login, privacy, status, ..LoginAck::default() };
        self.link.write(&Header::master(), &Message::LoginAck(ack))?;
        self.phase = Phase::Up;
        self.keypair = None;
        self.channels.set_peer_id(login_id);
        self.link.come_up(self.config.max_frame, self.config.keepalive);
        Ok(())
    }

    /// Sends the user to the home server. The client goes there, or insists with
    /// [`Event::Continue`](super::Event::Continue).
    ///
    /// # Errors
    /// As [`Server::admit`].
    pub fn redirect(&mut self, host: &str, server_id: &str) -> Result<(), ChannelError> {
        self.require(Phase::Deciding)?;
        let redirect = LoginRedirect { host: host.to_owned(), server_id: server_id.to_owned() };
        self.link.write(&Header::master(), &Message::LoginRedirect(redirect))?;
        self.phase = Phase::AwaitingContinue;
        self.deadline = Some(self.link.now() + self.config.login_timeout);
        Ok(())
    }

    /// Refuses the login and ends the session.
    ///
    /// # Errors
    /// [`ChannelError::NotWaiting`] unless a Login or a LoginContinue waits for its answer.
    pub fn refuse(&mut self, reason: Reason) -> Result<(), ChannelError> {
        self.require(Phase::Deciding)?;
        self.kick(reason);
        Ok(())
    }

    /// Ends the session in whatever phase and tells the client why.
    pub fn kick(&mut self, reason: Reason) {
        if self.is_closed() {
            return;
        }
        self.link.write_destroy(ChannelId::MASTER, reason);
        self.finish(Closed::ByServer(reason));
    }

    /// Ends the session without a complaint.
    pub fn close(&mut self) {
        self.kick(Reason::OK);
    }

    /// Tells the client its user's status.
    ///
    /// # Errors
    /// [`ChannelError::NotUp`], [`ChannelError::Backlog`], [`ChannelError::TooLarge`].
    pub fn status_echo(&mut self, status: UserStatus) -> Result<(), ChannelError> {
        self.tell(&Message::SetUserStatus(status))
    }

    /// Tells the client who may see its user.
    ///
    /// # Errors
    /// As [`Server::status_echo`].
    pub fn privacy_echo(&mut self, privacy: PrivacyInfo) -> Result<(), ChannelError> {
        self.tell(&Message::SetPrivacyList(privacy))
    }

    /// Sends a text of another user, or of the server.
    ///
    /// # Errors
    /// As [`Server::status_echo`].
    pub fn announce(&mut self, announce: Announce) -> Result<(), ChannelError> {
        self.tell(&Message::Announce(announce))
    }

    /// Sends a text of the administrators.
    ///
    /// # Errors
    /// As [`Server::status_echo`].
    pub fn admin(&mut self, text: &str) -> Result<(), ChannelError> {
        self.tell(&Message::Admin(text.to_owned()))
    }

    /// Tells the client that a service (by number) is up.
    ///
    /// # Errors
    /// As [`Server::status_echo`].
    pub fn service_up(&mut self, service: u32) -> Result<(), ChannelError> {
        self.tell(&Message::SenseService(service))
    }

    /// Sends any message on the master channel, as faulty as the caller likes. For simulators.
    ///
    /// # Errors
    /// [`ChannelError::NotUp`] if the session has ended, [`ChannelError::Backlog`], [`ChannelError::TooLarge`].
    pub fn inject(&mut self, message: &Message) -> Result<(), ChannelError> {
        if self.is_closed() {
            return Err(ChannelError::NotUp);
        }
        self.link.has_room()?;
        self.link.write(&Header::master(), message)
    }

    fn tell(&mut self, message: &Message) -> Result<(), ChannelError> {
        self.require_up()?;
        self.inject(message)
    }

    pub(super) fn require_up(&self) -> Result<(), ChannelError> {
        if self.is_up() { Ok(()) } else { Err(ChannelError::NotUp) }
    }

    fn require(&self, phase: Phase) -> Result<(), ChannelError> {
        if self.phase == phase { Ok(()) } else { Err(ChannelError::NotWaiting) }
    }
}
