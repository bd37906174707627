//! Appends fields to a buffer.

use bytes::{BufMut, BytesMut};

use super::{EncodeError, Listed, Wire};

/// The longest string, in bytes. A longer one is refused: writing its length modulo 65536, as
/// libmeanwhile does, breaks the whole message (vp-wire.md 2).
const MAX_STRING: usize = u16::MAX as usize;

/// The longest opaque and the greatest count.
const MAX_OPAQUE: usize = u32::MAX as usize;

/// Appends to a buffer. After an error the buffer may hold part of a value; [`Writer::encode`]
/// takes that part back.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut BytesMut,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }

    /// Appends what `write` writes to `out`, or nothing if it fails.
    pub fn encode(
        out: &mut BytesMut,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let written = write(&mut Writer::new(out));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The bytes that `write` writes.
    pub fn payload(
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Result<bytes::Bytes, EncodeError> {
        let mut out = BytesMut::new();
        write(&mut Writer::new(&mut out))?;
        Ok(out.freeze())
    }

    /// Bytes in the buffer, including those from before this writer.
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.put_u8(value);
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, value: u16) {
        self.out.put_u16(value);
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, value: u32) {
        self.out.put_u32(value);
    }

    /// One byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.out.put_u8(u8::from(value));
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    /// A string.
    pub fn string(&mut self, field: &'static str, text: &str) -> Result<(), EncodeError> {
        self.string_bytes(field, text.as_bytes())
    }

    /// A string given as bytes.
    pub fn string_bytes(&mut self, field: &'static str, text: &[u8]) -> Result<(), EncodeError> {
        let Ok(len) = u16::try_from(text.len()) else {
            return Err(EncodeError::TooLong { field, len: text.len(), max: MAX_STRING });
        };
        self.u16(len);
        self.bytes(text);
        Ok(())
    }

    /// An opaque.
    pub fn opaque(&mut self, field: &'static str, content: &[u8]) -> Result<(), EncodeError> {
        self.count(field, content.len())?;
        self.bytes(content);
        Ok(())
    }

    /// An opaque with the content that `write` writes.
    pub fn nested(
        &mut self,
        field: &'static str,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let slot = self.slot();
        let start = self.position();
        write(self)?;
        let len = self.position() - start;
        self.fill(slot, field, len)
    }

    /// A 4-byte length or count.
    pub fn count(&mut self, field: &'static str, len: usize) -> Result<(), EncodeError> {
        self.u32(checked(field, len)?);
        Ok(())
    }

    /// A count and the items.
    pub fn list<T: Listed>(&mut self, field: &'static str, items: &[T]) -> Result<(), EncodeError> {
        self.count(field, items.len())?;
        items.iter().try_for_each(|item| item.write(self))
    }

    /// A flag, and the value if there is one.
    pub fn optional<T: Wire>(&mut self, value: Option<&T>) -> Result<(), EncodeError> {
        self.bool(value.is_some());
        value.map_or(Ok(()), |value| value.write(self))
    }

    /// Leaves room for a 4-byte number that is known later; returns its place for [`Writer::fill`].
    pub fn slot(&mut self) -> usize {
        let slot = self.position();
        self.u32(0);
        slot
    }

    /// Writes a length or offset into a slot.
    pub fn fill(&mut self, slot: usize, field: &'static str, value: usize) -> Result<(), EncodeError> {
        let value = checked(field, value)?;
        if let Some(room) = self.out.get_mut(slot..slot + 4) {
            room.copy_from_slice(&value.to_be_bytes());
        }
        Ok(())
    }
}

fn checked(field: &'static str, len: usize) -> Result<u32, EncodeError> {
    u32::try_from(len).map_err(|_| EncodeError::TooLong { field, len, max: MAX_OPAQUE })
}
