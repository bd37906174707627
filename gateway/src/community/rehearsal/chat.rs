//! The smallest conversation there is: one plain text (vp-wire.md 9.3).

use bytes::{Bytes, BytesMut};
use protocol::vp::prim::{EncodeError, Reader, UserStatus, Wire, Writer};

/// The send type of what is said.
pub(super) const SAY: u16 = 0x0064;
/// Kind of a message that is a text.
const TEXT: u32 = 1;
/// The feature of plain text, which every client has.
const PLAIN: u32 = 1;

/// Data of the channel's creation.
pub(super) fn offer() -> Result<Bytes, EncodeError> {
    encode(|writer| {
        writer.u32(1);
        writer.u32(PLAIN);
        Ok(())
    })
}

/// Data of its acceptance.
pub(super) fn accept() -> Result<Bytes, EncodeError> {
    encode(|writer| {
        writer.u32(1);
        writer.u32(PLAIN);
        writer.u32(2);
        UserStatus::default().write(writer)
    })
}

/// A text.
pub(super) fn text(text: &str) -> Result<Bytes, EncodeError> {
    encode(|writer| {
        writer.u32(TEXT);
        writer.string("message", text)
    })
}

/// The text that was said, if it is one.
pub(super) fn said(data: &[u8]) -> Option<String> {
    let mut reader = Reader::new(data);
    let is_text = reader.u32("kind").ok()? == TEXT;
    is_text.then(|| reader.string("message").ok()).flatten()
}

fn encode(fill: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>) -> Result<Bytes, EncodeError> {
    let mut out = BytesMut::new();
    fill(&mut Writer::new(&mut out))?;
    Ok(out.freeze())
}
