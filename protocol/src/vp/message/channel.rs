//! The life of a channel: vp-wire.md 3 and 7.

use bytes::Bytes;

use super::{ChannelId, EncryptionChoice, EncryptionOffer};
use crate::vp::prim::{DecodeError, EncodeError, IdBlock, LoginInfo, Reader, Wire, Writer};
use crate::vp::reason::Reason;
use crate::vp::service::Service;

/// Opens a channel. Travels on the master channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelCreate {
    /// Always 0.
    pub reserved: u32,
    /// The new channel; its id is the creator's choice.
    pub channel: ChannelId,
    /// Whom it leads to; empty for services of the server.
    pub target: IdBlock,
    /// What is spoken on it.
    pub service: Service,
    /// Always 0.
    pub options: u32,
    /// What the service wants to know first.
    pub data: Bytes,
    /// Who creates it; filled in by the server that relays it.
    pub creator: Option<LoginInfo>,
    /// The ciphers that may be used.
    pub encryption: EncryptionOffer,
}

impl Wire for ChannelCreate {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            reserved: reader.u32("channel create reserved u32")?,
            channel: ChannelId(reader.u32("new channel")?),
            target: Wire::read(reader)?,
            service: Wire::read(reader)?,
            options: reader.u32("channel create options")?,
            data: reader.opaque("channel create data")?,
            creator: reader.optional("channel creator flag")?,
            encryption: Wire::read(reader)?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(self.reserved);
        writer.u32(self.channel.0);
        self.target.write(writer)?;
        self.service.write(writer)?;
        writer.u32(self.options);
        writer.opaque("channel create data", &self.data)?;
        writer.optional(self.creator.as_ref())?;
        self.encryption.write(writer)
    }
}

/// Takes a channel. Travels on the channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelAccept {
    /// What is spoken on it; may be all zero.
    pub service: Service,
    /// What the service has to say first.
    pub data: Bytes,
    /// Who accepts it; filled in by the server that relays it.
    pub acceptor: Option<LoginInfo>,
    /// The cipher that is used.
    pub encryption: EncryptionChoice,
}

impl Wire for ChannelAccept {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            service: Wire::read(reader)?,
            data: reader.opaque("channel accept data")?,
            acceptor: reader.optional("channel acceptor flag")?,
            encryption: Wire::read(reader)?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.service.write(writer)?;
        writer.opaque("channel accept data", &self.data)?;
        writer.optional(self.acceptor.as_ref())?;
        self.encryption.write(writer)
    }
}

/// Data on a channel. With [`super::Header::ENCRYPTED`] it is ciphertext.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelSend {
    /// What the data is; every service has its own numbers.
    pub send_type: u16,
    /// The data.
    pub data: Bytes,
}

impl Wire for ChannelSend {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { send_type: reader.u16("send type")?, data: reader.opaque("channel data")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.send_type);
        writer.opaque("channel data", &self.data)
    }
}

/// Ends a channel. On the master channel it ends the session: a logout, a refused login, a kick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelDestroy {
    /// Why.
    pub reason: Reason,
    /// What the service has to say about it.
    pub data: Bytes,
}

impl Wire for ChannelDestroy {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { reason: Reason(reader.u32("reason")?), data: reader.opaque("channel destroy data")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(self.reason.0);
        writer.opaque("channel destroy data", &self.data)
    }
}
