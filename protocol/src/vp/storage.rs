//! A user's stored values, among them the buddy list: vp-wire.md 9.2.
//!
//! What a value means is not read here.

use bytes::Bytes;

use super::prim::{DecodeError, EncodeError, Reader, Writer};

/// The send types.
pub mod send_type {
    /// Client to server.
    pub const LOAD: u16 = 4;
    /// Server to client.
    pub const LOADED: u16 = 5;
    /// Client to server.
    pub const SAVE: u16 = 6;
    /// Server to client.
    pub const SAVED: u16 = 7;
}

/// Keys with a known meaning. Those up to 100000 are reserved.
pub mod key {
    /// The buddy list.
    pub const BUDDY_LIST: u32 = 0x00;
    /// Text of chat invitations.
    pub const CHAT_INVITE: u32 = 0x06;
    /// Text of meeting invitations.
    pub const MEETING_INVITE: u32 = 0x0e;
    /// The last status texts for "away".
    pub const AWAY_TEXTS: u32 = 0x50;
    /// The last status texts for "busy".
    pub const BUSY_TEXTS: u32 = 0x5a;
    /// The last status texts for "active".
    pub const ACTIVE_TEXTS: u32 = 0x64;
}

/// What precedes a value's bytes, counted in the size that is sent with it.
const ITEM_OVERHEAD: usize = 20;

/// Asks for a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Comes back in the answer.
    pub id: u32,
    /// Which value.
    pub key: u32,
}

impl Load {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let id = reader.u32("storage request id")?;
        read_single(&mut reader)?;
        Ok(Self { id, key: reader.u32("storage key")? })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| {
            writer.u32(self.id);
            writer.u32(1);
            writer.u32(self.key);
            Ok(())
        })?;
        Ok((send_type::LOAD, payload))
    }
}

/// The answer to [`Load`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The id of the request.
    pub id: u32,
    /// 0, or why there is no value.
    pub result: u32,
    /// The value, if there is one.
    pub value: Option<Value>,
}

impl Loaded {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let id = reader.u32("storage request id")?;
        let result = reader.u32("storage result")?;
        let count = reader.u32("storage count")?;
        let value = if count == 0 { None } else { Some(Value::read(&mut reader)?) };
        Ok(Self { id, result, value })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| {
            writer.u32(self.id);
            writer.u32(self.result);
            writer.u32(u32::from(self.value.is_some()));
            self.value.as_ref().map_or(Ok(()), |value| value.write(writer))
        })?;
        Ok((send_type::LOADED, payload))
    }
}

/// Stores a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Save {
    /// Comes back in the answer.
    pub id: u32,
    /// The value.
    pub value: Value,
}

impl Save {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let id = reader.u32("storage request id")?;
        read_single(&mut reader)?;
        Ok(Self { id, value: Value::read(&mut reader)? })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| {
            writer.u32(self.id);
            writer.u32(1);
            self.value.write(writer)
        })?;
        Ok((send_type::SAVE, payload))
    }
}

/// The answer to [`Save`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The id of the request.
    pub id: u32,
    /// 0, or why it was not stored.
    pub result: u32,
}

impl Saved {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        Ok(Self { id: reader.u32("storage request id")?, result: reader.u32("storage result")? })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| {
            writer.u32(self.id);
            writer.u32(self.result);
            Ok(())
        })?;
        Ok((send_type::SAVED, payload))
    }
}

/// A key with its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// Which value.
    pub key: u32,
    /// A string or a u32, as the wire has them.
    pub data: Bytes,
}

impl Value {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u32("storage item size")?;
        Ok(Self { key: reader.u32("storage key")?, data: reader.opaque("storage value")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.count("storage item size", ITEM_OVERHEAD + self.data.len())?;
        writer.u32(self.key);
        writer.opaque("storage value", &self.data)
    }
}

/// Requests name one value at a time; nobody was seen sending more.
fn read_single(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match reader.u32("storage count")? {
        1 => Ok(()),
        value => Err(DecodeError::Unexpected { field: "storage count", value }),
    }
}
