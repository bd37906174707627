//! Names to directory ids: the resolve service, vp-wire.md 9.1.

use bytes::Bytes;

use super::prim::{DecodeError, EncodeError, Listed, Reader, Wire, Writer};

/// The send type of requests and responses.
pub const SEND_TYPE: u16 = 0x0002;

/// The bits of [`Request::flags`].
pub mod flags {
    /// Only a name that has one match.
    pub const UNIQUE: u32 = 0x01;
    /// Only the first match.
    pub const FIRST: u32 = 0x02;
    /// Look in all directories.
    pub const ALL_DIRECTORIES: u32 = 0x04;
    /// Look for users.
    pub const USERS: u32 = 0x08;
    /// Look for groups.
    pub const GROUPS: u32 = 0x10;
}

/// The values of [`Response::code`] and [`Answer::code`].
pub mod code {
    /// Found.
    pub const OK: u32 = 0;
    /// Some of the names were found.
    pub const PARTIAL: u32 = 0x0001_0000;
    /// The name has several matches.
    pub const NOT_UNIQUE: u32 = 0x8002_0000;
    /// The name cannot be a name.
    pub const BAD_FORMAT: u32 = 0x8003_0000;
}

/// The names to look up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Comes back in the response.
    pub id: u32,
    /// The names.
    pub names: Vec<String>,
    /// Bits of [`flags`].
    pub flags: u32,
}

impl Request {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        reader.u32("resolve length")?;
        Ok(Self {
            id: reader.u32("resolve request id")?,
            names: reader.list("resolve names")?,
            flags: reader.u32("resolve flags")?,
        })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| {
            // Said to be the length of all this; libmeanwhile sends 0, and servers were content.
            writer.u32(0);
            writer.u32(self.id);
            writer.list("resolve names", &self.names)?;
            writer.u32(self.flags);
            Ok(())
        })?;
        Ok((SEND_TYPE, payload))
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The id of the request.
    pub id: u32,
    /// One of [`code`].
    pub code: u32,
    /// One answer for each name.
    pub results: Vec<Answer>,
}

impl Response {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        reader.u32("resolve unknown u32")?;
        Ok(Self {
            id: reader.u32("resolve request id")?,
            code: reader.u32("resolve code")?,
            results: reader.list("resolve results")?,
        })
    }

    /// The send type and the data for a ChannelSend.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| {
            writer.u32(0);
            writer.u32(self.id);
            writer.u32(self.code);
            writer.list("resolve results", &self.results)
        })?;
        Ok((SEND_TYPE, payload))
    }
}

/// What was found for one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// One of [`code`].
    pub code: u32,
    /// The name, as in the request.
    pub name: String,
    /// What it may mean.
    pub matches: Vec<Match>,
}

impl Wire for Answer {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u32("resolve unknown u32")?;
        Ok(Self {
            code: reader.u32("resolve result code")?,
            name: reader.string("resolve name")?,
            matches: reader.list("resolve matches")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(0);
        writer.u32(self.code);
        writer.string("resolve name", &self.name)?;
        writer.list("resolve matches", &self.matches)
    }
}

impl Listed for Answer {
    const MIN_SIZE: usize = 14;
}

/// A user or group that a name may mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Directory id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What tells it from others of that name.
    pub desc: String,
    /// [`Match::USER`] or [`Match::GROUP`].
    pub kind: u32,
}

impl Match {
    /// A user.
    pub const USER: u32 = 1;
    /// A group.
    pub const GROUP: u32 = 2;
}

impl Wire for Match {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.string("match id")?,
            name: reader.string("match name")?,
            desc: reader.string("match description")?,
            kind: reader.u32("match type")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string("match id", &self.id)?;
        writer.string("match name", &self.name)?;
        writer.string("match description", &self.desc)?;
        writer.u32(self.kind);
        Ok(())
    }
}

impl Listed for Match {
    const MIN_SIZE: usize = 10;
}
