//! The message header: vp-wire.md 1.2.

use std::fmt;

use bytes::Bytes;

use crate::vp::prim::{DecodeError, EncodeError, Reader, Writer};

/// A channel of one connection. Ids mean nothing on another connection (vp-wire.md 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

impl ChannelId {
    /// The channel that the session itself uses.
    pub const MASTER: Self = Self(0);

    /// Whether the id is one that the side which accepted the TCP connection gives out: its top bit is set.
    pub fn is_server_side(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// What precedes a message, except its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Option bits. [`Header::ATTRIBUTES`] follows from `attributes` when a header is written.
    pub options: u16,
    /// The channel that the message is for.
    pub channel: ChannelId,
    /// Attributes have no known content for clients: read past them, send none.
    pub attributes: Option<Bytes>,
}

impl Header {
    /// Option: attributes follow the header.
    pub const ATTRIBUTES: u16 = 0x8000;
    /// Option: the data of a ChannelSend is ciphertext.
    pub const ENCRYPTED: u16 = 0x4000;

    /// A plain header for the master channel.
    pub fn master() -> Self {
        Self::default()
    }

    /// A plain header for a channel.
    pub fn on(channel: ChannelId) -> Self {
        Self { channel, ..Self::default() }
    }

    /// The same header, marking the data as ciphertext.
    pub fn encrypted(mut self) -> Self {
        self.options |= Self::ENCRYPTED;
        self
    }

    /// Whether the data is ciphertext.
    pub fn is_encrypted(&self) -> bool {
        self.options & Self::ENCRYPTED != 0
    }

    /// Reads the message type and the header.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<(u16, Self), DecodeError> {
        let kind = reader.u16("message type")?;
        let options = reader.u16("message options")?;
        let channel = ChannelId(reader.u32("message channel")?);
        let attributes =
            if options & Self::ATTRIBUTES != 0 { Some(reader.opaque("message attributes")?) } else { None };
        Ok((kind, Self { options, channel, attributes }))
    }

    pub(super) fn write(&self, kind: u16, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let plain = self.options & !Self::ATTRIBUTES;
        writer.u16(kind);
        writer.u16(if self.attributes.is_some() { plain | Self::ATTRIBUTES } else { plain });
        writer.u32(self.channel.0);
        match &self.attributes {
            Some(attributes) => writer.opaque("message attributes", attributes),
            None => Ok(()),
        }
    }
}
