//! Instant messages between two: vp-wire.md 9.3.
//!
//! Both ends say in the ChannelCreate and ChannelAccept what they understand; whoever offers only
//! [`features::PLAIN`] is sent text and typing, nothing else.

use bytes::Bytes;

use super::prim::{DecodeError, EncodeError, Reader, UserStatus, Wire, Writer};

/// The send type of everything on the channel.
pub const SEND_TYPE: u16 = 0x0064;

/// The values of [`Invitation::features`] and [`Welcome::features`].
pub mod features {
    /// Text, and whether somebody types.
    pub const PLAIN: u32 = 0x01;
}

/// The numbers in front of what follows: their meaning is unknown, libmeanwhile sends them.
const OFFERED: u32 = 1;
const ACCEPTED: u32 = 2;

/// The additional data of a ChannelCreate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What the creator understands.
    pub features: u32,
}

impl Invitation {
    /// Decodes the data of a ChannelCreate.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        reader.u32("chat offer")?;
        Ok(Self { features: reader.u32("chat features")? })
    }

    /// The data for a ChannelCreate.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        Writer::payload(|writer| {
            writer.u32(OFFERED);
            writer.u32(self.features);
            Ok(())
        })
    }
}

/// The additional data of a ChannelAccept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What the acceptor understands.
    pub features: u32,
    /// The acceptor's status, which the creator shows beside the chat.
    pub status: UserStatus,
}

impl Welcome {
    /// Decodes the data of a ChannelAccept.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        reader.u32("chat offer")?;
        let features = reader.u32("chat features")?;
        reader.u32("chat acceptance")?;
        Ok(Self { features, status: Wire::read(&mut reader)? })
    }

    /// The data for a ChannelAccept.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        Writer::payload(|writer| {
            writer.u32(OFFERED);
            writer.u32(self.features);
            writer.u32(ACCEPTED);
            self.status.write(writer)
        })
    }
}

/// What travels on the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A line.
    Text(String),
    /// Whether the other side is typing.
    Typing(bool),
    /// Anything else; comes only to those who have said that they understand more.
    Other {
        /// 3 subject, 4 html, 5 mime, 6 time, 0x0a invitation to a place.
        kind: u32,
        /// By kind.
        subkind: u32,
        /// By kind.
        data: Bytes,
    },
}

/// In front of a text, and of everything else.
const TEXT: u32 = 1;
const DATA: u32 = 2;
/// The kind of [`Said::Typing`].
const TYPING: u32 = 1;

impl Said {
    /// Decodes the data of a ChannelSend.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        if reader.u32("chat message type")? == TEXT {
            return reader.string("chat text").map(Self::Text);
        }
        let (kind, subkind) = (reader.u32("chat data type")?, reader.u32("chat data subtype")?);
        let data = reader.opaque("chat data")?;
        Ok(match (kind, subkind) {
            (TYPING, 0 | 1) if data.is_empty() => Self::Typing(subkind == 0),
            _ => Self::Other { kind, subkind, data },
        })
    }

    /// The send type and the data for a ChannelSend.
    ///
    /// # Errors
    /// A text of more than 65,535 bytes.
    pub fn encode(&self) -> Result<(u16, Bytes), EncodeError> {
        let payload = Writer::payload(|writer| match self {
            Self::Text(text) => {
                writer.u32(TEXT);
                writer.string("chat text", text)
            }
            Self::Typing(started) => write_data(writer, TYPING, u32::from(!started), &[]),
            Self::Other { kind, subkind, data } => write_data(writer, *kind, *subkind, data),
        })?;
        Ok((SEND_TYPE, payload))
    }
}

fn write_data(writer: &mut Writer<'_>, kind: u32, subkind: u32, data: &[u8]) -> Result<(), EncodeError> {
    writer.u32(DATA);
    writer.u32(kind);
    writer.u32(subkind);
    writer.opaque("chat data", data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out from vp-wire.md 9.3.
    #[test]
    fn messages_have_the_documented_bytes() {
        let bytes = |said: &Said| said.encode().unwrap().1;
        assert_eq!(&*bytes(&Said::Text("Hi".into())), b"\0\0\0\x01\0\x02Hi");
        assert_eq!(&*bytes(&Said::Typing(true)), b"\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\0");
        assert_eq!(&*bytes(&Said::Typing(false)), b"\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\0");
        let html = Said::decode(b"\0\0\0\x02\0\0\0\x04\0\0\0\0\0\0\0\x02<b").unwrap();
        assert_eq!(html, Said::Other { kind: 4, subkind: 0, data: Bytes::from_static(b"<b") });
        let invitation = Invitation { features: features::PLAIN };
        assert_eq!(&*invitation.encode().unwrap(), b"\0\0\0\x01\0\0\0\x01");
    }

    #[test]
    fn what_is_cut_off_names_its_field() {
        for (payload, field) in [
            (&b"\0\0\0"[..], "chat message type"),
            (b"\0\0\0\x01\0\x05Hi", "chat text"),
            (b"\0\0\0\x02\0\0\0\x04", "chat data subtype"),
            (b"\0\0\0\x02\0\0\0\x04\0\0\0\0\xff\xff\xff\xff", "chat data"),
        ] {
            let error = Said::decode(payload).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
        assert!(Welcome::decode(b"\0\0\0\x01\0\0\0\x01").is_err());
    }
}
