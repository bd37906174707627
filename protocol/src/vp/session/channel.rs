//! Words about channels that both machines share: what a new channel is, how one is accepted, how many there
//! may be.

use bytes::Bytes;

use crate::vp::crypto::channel::Wish;
use crate::vp::message::{ChannelId, EncryptionChoice, EncryptionOffer};
use crate::vp::prim::{IdBlock, LoginInfo};
use crate::vp::service::Service;

/// An end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Server,
}

impl Side {
    /// The first id this side gives out.
    pub(crate) const fn first_id(self) -> u32 {
        match self {
            Self::Client => 1,
            Self::Server => 0x8000_0001,
        }
    }

    /// Whether this side gives out the id. The master channel is nobody's.
    pub(crate) fn owns(self, channel: ChannelId) -> bool {
        channel != ChannelId::MASTER && channel.is_server_side() == (self == Self::Server)
    }
}

/// A channel to be created.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// The service it belongs to.
    pub service: Service,
    /// To whom; empty to let the service type decide.
    pub target: IdBlock,
    /// Additional data, by service.
    pub data: Bytes,
    /// Who creates it. Only servers fill this in; its login id is this end's key for RC2/40.
    pub creator: Option<LoginInfo>,
    /// What to offer.
    pub encryption: OfferedEncryption,
}

impl NewChannel {
    /// An unencrypted channel to a service: awareness, resolve, storage.
    pub fn to_service(service: Service) -> Self {
        Self {
            service,
            target: IdBlock::default(),
            data: Bytes::new(),
            creator: None,
            encryption: OfferedEncryption::default(),
        }
    }
}

/// Encryption in a ChannelCreate.
#[derive(Clone, Debug)]
pub enum OfferedEncryption {
    /// This end encrypts and decrypts.
    Own(Wish),
    /// This end passes on what another login offers and never sees the plaintext.
    Relayed(EncryptionOffer),
}

impl Default for OfferedEncryption {
    fn default() -> Self {
        Self::Own(Wish::Clear)
    }
}

/// How a channel that the peer created is accepted.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    /// Additional data, by service.
    pub data: Bytes,
    /// Who accepts. Only servers fill this in; its login id is this end's key for RC2/40.
    pub acceptor: Option<LoginInfo>,
    /// What to answer to the offer.
    pub encryption: AnsweredEncryption,
}

/// Encryption in a ChannelAccept.
#[derive(Clone, Debug)]
pub enum AnsweredEncryption {
    /// This end chooses from the offer, encrypts and decrypts.
    Own(Wish),
    /// This end passes on what another login chose and never sees the plaintext.
    Relayed(EncryptionChoice),
}

impl Default for AnsweredEncryption {
    fn default() -> Self {
        Self::Own(Wish::Clear)
    }
}

/// What happens to a channel that the peer creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The machine destroys it at once with 0x8000000d. Servers probe clients this way (vp-wire.md 4), so it
    /// must be answered, and this is an answer.
    Refuse,
    /// Channels of these services (by number) become events, others are refused.
    Only(Vec<u32>),
    /// All become events. Each must be accepted or destroyed; the machine destroys it when `accept_timeout`
    /// is over.
    Ask,
}

impl Incoming {
    pub(crate) fn wants(&self, service: u32) -> bool {
        match self {
            Self::Refuse => false,
            Self::Only(services) => services.contains(&service),
            Self::Ask => true,
        }
    }
}

/// Bounds of one session's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Channels at a time, of both sides together.
    pub channels: usize,
    /// Bytes that wait, over all channels together, for a ChannelAccept; each message counts 64 bytes more
    /// than its payload.
    pub waiting_bytes: usize,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self { channels: 256, waiting_bytes: 1024 * 1024 }
    }
}
