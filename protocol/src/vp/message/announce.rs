//! A text for several users: vp-wire.md 3.

use crate::vp::prim::{DecodeError, EncodeError, LoginInfo, Reader, Wire, Writer};

/// An announcement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announce {
    /// Who sent it; clients leave it to the server.
    pub sender: Option<LoginInfo>,
    /// Meaning unknown, 0.
    pub reserved: u16,
    /// Whether the sender wants to hear an answer.
    pub may_reply: bool,
    /// The text.
    pub text: String,
    /// `@U user id` or `@G group`, in the order of the wire. The order has no meaning.
    pub recipients: Vec<String>,
}

impl Wire for Announce {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sender = reader.optional("announce sender flag")?;
        let reserved = reader.u16("announce reserved u16")?;
        let mut content = reader.nested("announcement")?;
        Ok(Self {
            sender,
            reserved,
            may_reply: content.bool("announce reply flag")?,
            text: content.string("announce text")?,
            recipients: reader.list("announce recipients")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.optional(self.sender.as_ref())?;
        writer.u16(self.reserved);
        writer.nested("announcement", |writer| {
            writer.bool(self.may_reply);
            writer.string("announce text", &self.text)
        })?;
        writer.list("announce recipients", &self.recipients)
    }
}
