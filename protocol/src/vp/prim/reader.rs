//! Reads fields from a byte slice. Every error names the field.

use bytes::Bytes;

use super::{DecodeError, Listed, Wire, decode_text};

/// Room made in advance for a list; longer lists grow as their items are read, so that a count alone
/// costs the sender's peer no memory.
const LIST_ROOM: usize = 256;

/// A position in a payload.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    payload: &'a [u8],
    at: usize,
    /// The buffer that `payload` lies in, if opaque fields may share it.
    owner: Option<&'a Bytes>,
}

impl<'a> Reader<'a> {
    /// Reads from a slice; opaque fields are copied.
    pub fn new(payload: &'a [u8]) -> Self {
        Self { payload, at: 0, owner: None }
    }

    /// Reads from a shared buffer; opaque fields share it.
    pub fn shared(payload: &'a Bytes) -> Self {
        Self { payload, at: 0, owner: Some(payload) }
    }

    /// Bytes read or skipped so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Length of the whole payload.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether the whole payload has no bytes.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.payload.len().saturating_sub(self.at)
    }

    /// Skips to a position counted from the start of the payload; a position before the present one or
    /// past the end is not taken.
    pub fn seek(&mut self, position: usize) {
        if position > self.at && position <= self.payload.len() {
            self.at = position;
        }
    }

    /// The next bytes, unread.
    pub fn rest(&self) -> &'a [u8] {
        self.payload.get(self.at..).unwrap_or_default()
    }

    /// The next `needed` bytes.
    pub fn take(&mut self, field: &'static str, needed: usize) -> Result<&'a [u8], DecodeError> {
        let Some(bytes) = self.rest().get(..needed) else {
            return Err(DecodeError::Truncated { field, needed, left: self.left() });
        };
        self.at += needed;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some(bytes) = self.rest().first_chunk::<N>() else {
            return Err(DecodeError::Truncated { field, needed: N, left: self.left() });
        };
        self.at += N;
        Ok(*bytes)
    }

    /// One byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array(field)?))
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    /// One byte; anything but zero is true.
    pub fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.u8(field)? != 0)
    }

    /// The bytes of a string: a 2-byte length and as many bytes.
    pub fn string_bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.u16(field)?;
        self.take(field, usize::from(len))
    }

    /// A string, decoded leniently: bad text never fails (see [`decode_text`]).
    pub fn string(&mut self, field: &'static str) -> Result<String, DecodeError> {
        self.string_bytes(field).map(decode_text)
    }

    /// The content of an opaque: a 4-byte length and as many bytes.
    pub fn opaque_bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.u32(field)?;
        // A length that does not fit the address space cannot be at hand either.
        self.take(field, usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// The content of an opaque, sharing the buffer where there is one.
    pub fn opaque(&mut self, field: &'static str) -> Result<Bytes, DecodeError> {
        self.opaque_bytes(field).map(|content| self.share(content))
    }

    /// A reader for the content of an opaque.
    pub fn nested(&mut self, field: &'static str) -> Result<Reader<'a>, DecodeError> {
        let payload = self.opaque_bytes(field)?;
        Ok(Reader { payload, at: 0, owner: self.owner })
    }

    /// All bytes that are left, sharing the buffer where there is one.
    pub fn remainder(&mut self) -> Bytes {
        let rest = self.rest();
        self.at = self.payload.len();
        self.share(rest)
    }

    /// A 4-byte count of items of at least `min_size` bytes each; refused if they cannot be there.
    pub fn count(&mut self, field: &'static str, min_size: usize) -> Result<usize, DecodeError> {
        let count = self.u32(field)?;
        let left = self.left();
        match usize::try_from(count) {
            Ok(items) if items <= left / min_size.max(1) => Ok(items),
            _ => Err(DecodeError::Count { field, count, left }),
        }
    }

    /// A 4-byte count and as many items.
    pub fn list<T: Listed>(&mut self, field: &'static str) -> Result<Vec<T>, DecodeError> {
        let count = self.count(field, T::MIN_SIZE)?;
        let mut items = Vec::with_capacity(count.min(LIST_ROOM));
        for _ in 0..count {
            items.push(T::read(self)?);
        }
        Ok(items)
    }

    /// A flag, and a value only if it is set.
    pub fn optional<T: Wire>(&mut self, flag: &'static str) -> Result<Option<T>, DecodeError> {
        if self.bool(flag)? { T::read(self).map(Some) } else { Ok(None) }
    }

    fn share(&self, part: &[u8]) -> Bytes {
        match self.owner {
            // `part` lies inside the owner: both come from the same constructor argument.
            Some(owner) => owner.slice_ref(part),
            None => Bytes::copy_from_slice(part),
        }
    }
}
