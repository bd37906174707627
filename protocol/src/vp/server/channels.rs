//! Commands about channels.

use bytes::Bytes;

use super::Server;
use crate::vp::message::ChannelId;
use crate::vp::reason::Reason;
use crate::vp::session::{Acceptance, ChannelError, NewChannel, Payload};

impl Server {
    /// Creates a channel to the client. Data may be sent at once: it waits until the channel is accepted.
    /// [`Event::Accepted`](super::Event::Accepted) or [`Event::Destroyed`](super::Event::Destroyed) follows
    /// within `accept_timeout`.
    ///
    /// # Errors
    /// [`ChannelError::NotUp`], [`ChannelError::TooMany`], [`ChannelError::Backlog`],
    /// [`ChannelError::TooLarge`].
    pub fn create(&mut self, new: NewChannel) -> Result<ChannelId, ChannelError> {
        self.require_up()?;
        self.channels.create(new, &mut self.link, &mut self.random)
    }

    /// Accepts a channel of the client.
    ///
    /// # Errors
    /// [`ChannelError::Unknown`] if it is gone, [`ChannelError::NotWaiting`], [`ChannelError::Encryption`] (the
    /// channel is then destroyed), [`ChannelError::TooLarge`].
    pub fn accept(&mut self, channel: ChannelId, acceptance: Acceptance) -> Result<(), ChannelError> {
        self.require_up()?;
        self.channels.accept(channel, acceptance, &mut self.link, &mut self.random, &mut self.events)
    }

    /// Sends data on a channel, encrypted if that was agreed on.
    ///
    /// # Errors
    /// [`ChannelError::Unknown`] if it is gone, [`ChannelError::QueueFull`] if it is not accepted yet,
    /// [`ChannelError::NotWaiting`] if this side has not accepted it, [`ChannelError::Backlog`],
    /// [`ChannelError::TooLarge`].
    pub fn send(&mut self, channel: ChannelId, send_type: u16, data: Bytes) -> Result<(), ChannelError> {
        self.require_up()?;
        self.channels.send(channel, Payload { send_type, data, sealed: false }, &mut self.link)
    }

    /// Passes on ciphertext of another login on a relayed channel, as it is.
    ///
    /// # Errors
    /// As [`Server::send`].
    pub fn send_sealed(
        &mut self,
        channel: ChannelId,
        send_type: u16,
        data: Bytes,
    ) -> Result<(), ChannelError> {
        self.require_up()?;
        self.channels.send(channel, Payload { send_type, data, sealed: true }, &mut self.link)
    }

    /// Destroys a channel. No event follows.
    ///
    /// # Errors
    /// [`ChannelError::Unknown`] if it is gone already.
    pub fn destroy(&mut self, channel: ChannelId, reason: Reason) -> Result<(), ChannelError> {
        self.require_up()?;
        self.channels.destroy(channel, reason, &mut self.link)
    }
}
