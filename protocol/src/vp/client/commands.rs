//! Commands on the master channel.

use std::time::Duration;

use super::{Client, Closed};
use crate::vp::message::{Announce, ChannelId, Header, Message};
use crate::vp::prim::{PrivacyInfo, UserStatus};
use crate::vp::reason::Reason;
use crate::vp::session::ChannelError;

impl Client {
    /// Sets the user's status, for all logins of the user.
    ///
    /// # Errors
    /// [`ChannelError::NotUp`], [`ChannelError::Backlog`], [`ChannelError::TooLarge`].
    pub fn set_status(&mut self, status: UserStatus) -> Result<(), ChannelError> {
        self.tell(&Message::SetUserStatus(status))
    }

    /// Sets who may see the user.
    ///
    /// # Errors
    /// As [`Client::set_status`].
    pub fn set_privacy(&mut self, privacy: PrivacyInfo) -> Result<(), ChannelError> {
        self.tell(&Message::SetPrivacyList(privacy))
    }

    /// Asks to be told with [`Event::ServiceUp`](super::Event::ServiceUp) when a service (by number) is up.
    ///
    /// # Errors
    /// As [`Client::set_status`].
    pub fn sense(&mut self, service: u32) -> Result<(), ChannelError> {
        self.tell(&Message::SenseService(service))
    }

    /// Sends a text to users and groups. The sender is left out: the server fills it in.
    ///
    /// # Errors
    /// As [`Client::set_status`].
    pub fn announce(&mut self, announce: Announce) -> Result<(), ChannelError> {
        self.tell(&Message::Announce(Announce { sender: None, ..announce }))
    }

    /// Ends the session politely: every channel, then the master channel (vp-wire.md 11.1).
    pub fn logout(&mut self, now: Duration) {
        if self.is_closed() {
            return;
        }
        self.link.advance(now);
        self.channels.destroy_all(Reason::OK, &mut self.link);
        self.link.write_destroy(ChannelId::MASTER, Reason::OK);
        self.close(Closed::LoggedOut);
    }

    fn tell(&mut self, message: &Message) -> Result<(), ChannelError> {
        self.require_up()?;
        self.link.has_room()?;
        self.link.write(&Header::master(), message)
    }

    pub(super) fn require_up(&self) -> Result<(), ChannelError> {
        if self.is_up() { Ok(()) } else { Err(ChannelError::NotUp) }
    }
}
