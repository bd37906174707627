//! Cuts the byte stream into frames and keepalive bytes, and writes frames: vp-wire.md 1.1.
//!
//! Knows nothing of what a frame holds.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The keepalive byte, sent by either side between items (vp-wire.md 11.3).
pub const KEEPALIVE: u8 = 0x80;

/// Bytes of a frame's length field.
const LENGTH: usize = 4;

/// One item of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A message: 1 to `max_frame` bytes, without the length.
    Frame(Bytes),
    /// The peer is alive.
    Keepalive,
    /// The draft's sequence byte, 0x81 to 0xff. To be skipped; its value is not to be checked.
    Counter(u8),
}

/// Why the stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The peer announced a frame that is larger than allowed at this time.
    #[error("the peer announced a frame of {len} bytes, {max} are allowed")]
    TooLarge {
        /// Announced length.
        len: usize,
        /// The limit.
        max: usize,
    },
}

/// Cuts a stream into items, however it is chunked.
///
/// Drain it after every push: it then holds no more than one incomplete frame and one chunk. Nothing is
/// allocated for a frame before its bytes arrive.
#[derive(Debug)]
pub struct Splitter {
    max_frame: usize,
    buffer: BytesMut,
    failed: Option<FrameError>,
}

impl Splitter {
    /// A splitter that refuses frames of more than `max_frame` bytes.
    pub fn new(max_frame: usize) -> Self {
        Self { max_frame, buffer: BytesMut::new(), failed: None }
    }

    /// Changes the limit, as after login. Applies from the next frame that is looked at.
    pub fn set_max_frame(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
    }

    /// Bytes that are held and do not make an item yet, or were not asked for yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Takes bytes from the transport. After an error they are dropped.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// The next item; `None` when more bytes are needed. Frames of length 0 are skipped. An error is final: the
    /// limits of what follows are unknown.
    #[allow(clippy::should_implement_trait, reason = "an iterator that errs and resumes would mislead")]
    pub fn next(&mut self) -> Result<Option<Item>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        loop {
            match self.buffer.first() {
                None => return Ok(None),
                Some(&KEEPALIVE) => {
                    self.buffer.advance(1);
                    return Ok(Some(Item::Keepalive));
                }
                Some(&counter @ 0x81..) => {
                    self.buffer.advance(1);
                    return Ok(Some(Item::Counter(counter)));
                }
                Some(_) => {}
            }
            let Some(length) = self.buffer.first_chunk::<LENGTH>() else { return Ok(None) };
            let len = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            if len > self.max_frame {
                let error = FrameError::TooLarge { len, max: self.max_frame };
                self.failed = Some(error);
                self.buffer = BytesMut::new();
                return Err(error);
            }
            if self.buffer.len() - LENGTH < len {
                return Ok(None);
            }
            self.buffer.advance(LENGTH);
            if len > 0 {
                return Ok(Some(Item::Frame(self.buffer.split_to(len).freeze())));
            }
        }
    }
}

/// Appends a frame that holds `message`. A message is at most 2 GiB - 1 long, which every limit on
/// what we send keeps far away from; a longer one would be cut.
pub fn frame(message: &[u8], out: &mut BytesMut) {
    let len = u32::try_from(message.len()).unwrap_or(u32::MAX).min(i32::MAX.cast_unsigned());
    out.reserve(LENGTH + message.len());
    out.put_u32(len);
    out.put_slice(message.get(..len as usize).unwrap_or(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_too_large_is_refused_by_its_length_alone() {
        let mut splitter = Splitter::new(8);
        splitter.push(&[0, 0, 0, 9]);
        let error = FrameError::TooLarge { len: 9, max: 8 };
        assert_eq!(splitter.next(), Err(error));
        splitter.push(&[0; 100]);
        assert_eq!(splitter.buffered(), 0);
        assert_eq!(splitter.next(), Err(error));
    }

    #[test]
    fn the_limit_can_be_raised_between_frames() {
        let mut splitter = Splitter::new(1);
        splitter.push(&[0, 0, 0, 1, 7, 0, 0, 0, 2]);
        assert_eq!(splitter.next(), Ok(Some(Item::Frame(Bytes::from_static(&[7])))));
        splitter.set_max_frame(2);
        assert_eq!(splitter.next(), Ok(None));
        splitter.push(&[8, 9]);
        assert_eq!(splitter.next(), Ok(Some(Item::Frame(Bytes::from_static(&[8, 9])))));
    }

    #[test]
    fn what_is_framed_is_split_again() {
        let mut out = BytesMut::new();
        frame(b"one", &mut out);
        out.put_u8(KEEPALIVE);
        frame(b"", &mut out);
        frame(b"two", &mut out);
        let mut splitter = Splitter::new(3);
        splitter.push(&out);
        assert_eq!(splitter.next(), Ok(Some(Item::Frame(Bytes::from_static(b"one")))));
        assert_eq!(splitter.next(), Ok(Some(Item::Keepalive)));
        assert_eq!(splitter.next(), Ok(Some(Item::Frame(Bytes::from_static(b"two")))));
        assert_eq!((splitter.next(), splitter.buffered()), (Ok(None), 0));
    }
}
