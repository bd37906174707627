//! What a client says on an awareness channel: vp-wire.md 8.1.

use bytes::Bytes;

use super::send_type;
use crate::vp::prim::{AwareId, DecodeError, EncodeError, Reader, Writer};

/// A payload from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToServer {
    /// Watch these.
    Add(Vec<AwareId>),
    /// Watch these no longer. Not answered.
    Remove(Vec<AwareId>),
    /// Publish an attribute of mine.
    SetAttribute {
        /// Which (vp-wire.md 8.4).
        key: u32,
        /// Its content.
        value: Bytes,
    },
    /// Withdraw an attribute of mine.
    UnsetAttribute {
        /// Which.
        key: u32,
    },
    /// Watch these attributes. Replaces the set of before.
    WatchAttributes(Vec<u32>),
    /// A send type without a known meaning.
    Ignored(u16),
}

impl ToServer {
    /// Decodes the data of a ChannelSend.
    pub fn decode(send_type: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        Ok(match send_type {
            send_type::ADD => Self::Add(reader.list("ids to watch")?),
            send_type::REMOVE => Self::Remove(reader.list("ids to drop")?),
            send_type::SET_ATTRIBUTE => {
                reader.u32("attribute reserved u32")?;
                // The length is told twice; the opaque's own is the one that counts.
                reader.u32("attribute length")?;
                reader.u32("attribute reserved u32")?;
                Self::SetAttribute {
                    key: reader.u32("attribute key")?,
                    value: reader.opaque("attribute value")?,
                }
            }
            send_type::UNSET_ATTRIBUTE => {
                reader.u32("attribute reserved u32")?;
                Self::UnsetAttribute { key: reader.u32("attribute key")? }
            }
            send_type::WATCH_ATTRIBUTES => {
                reader.u32("attribute reserved u32")?;
                Self::WatchAttributes(reader.list("attributes to watch")?)
            }
            other => Self::Ignored(other),
        })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        Ok((self.send_type(), Writer::payload(|writer| self.write(writer))?))
    }

    fn send_type(&self) -> u16 {
        match self {
            Self::Add(_) => send_type::ADD,
            Self::Remove(_) => send_type::REMOVE,
            Self::SetAttribute { .. } => send_type::SET_ATTRIBUTE,
            Self::UnsetAttribute { .. } => send_type::UNSET_ATTRIBUTE,
            Self::WatchAttributes(_) => send_type::WATCH_ATTRIBUTES,
            Self::Ignored(send_type) => *send_type,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Add(ids) => writer.list("ids to watch", ids),
            Self::Remove(ids) => writer.list("ids to drop", ids),
            Self::SetAttribute { key, value } => {
                writer.u32(0);
                writer.count("attribute length", value.len())?;
                writer.u32(0);
                writer.u32(*key);
                writer.opaque("attribute value", value)
            }
            Self::UnsetAttribute { key } => {
                writer.u32(0);
                writer.u32(*key);
                Ok(())
            }
            Self::WatchAttributes(keys) => {
                writer.u32(0);
                writer.list("attributes to watch", keys)
            }
            Self::Ignored(_) => Ok(()),
        }
    }
}
