//! What a server says on an awareness channel: vp-wire.md 8.1 and 8.2.

use bytes::Bytes;

use super::block::Overrun;
use super::{Block, send_type};
use crate::vp::prim::{AwareId, DecodeError, EncodeError, Reader, Wire, Writer};

/// Room made in advance for the blocks of a snapshot.
const SNAPSHOT_ROOM: usize = 256;

/// A payload from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToClient {
    /// The state of several users: the answer to an ADD, or part of it.
    Snapshot(Vec<Block>),
    /// The state of one user changed.
    Update(Block),
    /// A watched group is known; its members follow as blocks.
    Group(AwareId),
    /// A user set an attribute.
    AttributeSet(AttributeSet),
    /// A user withdrew an attribute.
    AttributeUnset(AttributeUnset),
    /// A send type that says nothing of use: an echo of the client's own attributes, or unknown.
    Ignored(u16),
}

/// A user set an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeSet {
    /// Who.
    pub id: AwareId,
    /// Which attribute (vp-wire.md 8.4).
    pub key: u32,
    /// Its content.
    pub value: Bytes,
    /// Three numbers of unknown meaning, in the order of the wire.
    pub unknown: [u32; 3],
}

/// A user withdrew an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeUnset {
    /// Who.
    pub id: AwareId,
    /// Which attribute.
    pub key: u32,
    /// A number of unknown meaning.
    pub unknown: u32,
}

impl ToClient {
    /// Decodes the data of a ChannelSend.
    pub fn decode(send_type: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        Self::read(send_type, payload, Overrun::Reject)
    }

    /// Decodes the data of a ChannelSend as libmeanwhile does: a block whose end offset lies behind the end of the
    /// payload ends there. For clients, which gain nothing from dropping such a block.
    pub fn decode_tolerant(send_type: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        Self::read(send_type, payload, Overrun::Clip)
    }

    fn read(send_type: u16, payload: &[u8], overrun: Overrun) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        Ok(match send_type {
            send_type::SNAPSHOT => Self::Snapshot(read_snapshot(&mut reader, overrun)?),
            send_type::UPDATE => Self::Update(Block::read(&mut reader, overrun)?),
            send_type::GROUP => Self::Group(Wire::read(&mut reader)?),
            send_type::ATTRIBUTE_SET => Self::AttributeSet(Wire::read(&mut reader)?),
            send_type::ATTRIBUTE_UNSET => Self::AttributeUnset(Wire::read(&mut reader)?),
            other => Self::Ignored(other),
        })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        Ok((self.send_type(), Writer::payload(|writer| self.write(writer))?))
    }

    fn send_type(&self) -> u16 {
        match self {
            Self::Snapshot(_) => send_type::SNAPSHOT,
            Self::Update(_) => send_type::UPDATE,
            Self::Group(_) => send_type::GROUP,
            Self::AttributeSet(_) => send_type::ATTRIBUTE_SET,
            Self::AttributeUnset(_) => send_type::ATTRIBUTE_UNSET,
            Self::Ignored(send_type) => *send_type,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let origin = writer.position();
        match self {
            Self::Snapshot(blocks) => {
                writer.count("snapshot", blocks.len())?;
                blocks.iter().try_for_each(|block| block.write(writer, origin))
            }
            Self::Update(block) => block.write(writer, origin),
            Self::Group(id) => id.write(writer),
            Self::AttributeSet(set) => set.write(writer),
            Self::AttributeUnset(unset) => unset.write(writer),
            Self::Ignored(_) => Ok(()),
        }
    }
}

fn read_snapshot(reader: &mut Reader<'_>, overrun: Overrun) -> Result<Vec<Block>, DecodeError> {
    let count = reader.count("snapshot", Block::MIN_SIZE)?;
    let mut blocks = Vec::with_capacity(count.min(SNAPSHOT_ROOM));
    for _ in 0..count {
        blocks.push(Block::read(reader, overrun)?);
    }
    Ok(blocks)
}

impl Wire for AttributeSet {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let first = reader.u32("attribute unknown u32")?;
        let id = Wire::read(reader)?;
        let second = reader.u32("attribute unknown u32")?;
        let len = reader.u32("attribute length")?;
        let third = reader.u32("attribute unknown u32")?;
        let key = reader.u32("attribute key")?;
        let value = if len == 0 { Bytes::new() } else { reader.opaque("attribute value")? };
        Ok(Self { id, key, value, unknown: [first, second, third] })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let [first, second, third] = self.unknown;
        writer.u32(first);
        self.id.write(writer)?;
        writer.u32(second);
        writer.count("attribute length", self.value.len())?;
        writer.u32(third);
        writer.u32(self.key);
        if self.value.is_empty() { Ok(()) } else { writer.opaque("attribute value", &self.value) }
    }
}

impl Wire for AttributeUnset {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            unknown: reader.u32("attribute unknown u32")?,
            id: Wire::read(reader)?,
            key: reader.u32("attribute key")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(self.unknown);
        self.id.write(writer)?;
        writer.u32(self.key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerant_client_takes_an_end_offset_behind_the_end() {
        let block = Block { id: AwareId::user("CN=Bob"), ..Block::default() };
        let (send_type, payload) = ToClient::Update(block.clone()).encode().unwrap();
        let mut payload = payload.to_vec();
        payload[0] = 0x7f;
        assert!(matches!(ToClient::decode(send_type, &payload), Err(DecodeError::EndOffset { .. })));
        assert_eq!(ToClient::decode_tolerant(send_type, &payload), Ok(ToClient::Update(block)));
    }

    #[test]
    fn what_nobody_needs_is_ignored() {
        for send_type in [0x01f7, 0x025b, 0x025d, 0x025e, 0x025f, 0x7777] {
            assert_eq!(ToClient::decode(send_type, b"\xff"), Ok(ToClient::Ignored(send_type)));
        }
    }
}
