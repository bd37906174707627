//! Frames of a WebSocket client (RFC 6455 5.2). Nothing is kept between whole frames.

use crate::measure::FailureKind;

/// Longest message a browser takes.
const LONGEST: usize = 16 << 20;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The key of every handshake: nothing here depends on it.
pub(super) const KEY: &str = "bGl2ZW5hbWUtbG9hZCEhIQ==";

/// Reads frames from pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The beginning of a frame that is not whole.
    part: Vec<u8>,
    /// The beginning of a message of several frames.
    message: Vec<u8>,
}

/// What has to be done about what was read, beside the messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Frames to write: answers to pings.
    pub(super) answer: Vec<u8>,
    /// The server closes.
    pub(super) closed: bool,
}

impl Decoder {
    /// Takes the next piece and hands each whole text message to `each`.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        asked: &mut Asked,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), FailureKind> {
        if self.part.is_empty() {
            let used = self.frames(piece, asked, &mut each)?;
            self.part.extend_from_slice(piece.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut part = std::mem::take(&mut self.part);
        part.extend_from_slice(piece);
        let used = self.frames(&part, asked, &mut each)?;
        part.drain(..used);
        if !part.is_empty() {
            self.part = part;
        }
        Ok(())
    }

    /// How many bytes whole frames took.
    fn frames(
        &mut self,
        bytes: &[u8],
        asked: &mut Asked,
        each: &mut impl FnMut(&[u8]),
    ) -> Result<usize, FailureKind> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..)
            && let Some(Frame { first, payload, length }) = frame(rest)?
        {
            used += length;
            let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
            match opcode {
                CLOSE => asked.closed = true,
                PING => asked.answer.extend(encode(PONG, payload)),
                PONG => {}
                0 | TEXT if last && self.message.is_empty() => each(payload),
                0 | TEXT => {
                    if self.message.len() + payload.len() > LONGEST {
                        return Err(FailureKind::BadAnswer);
                    }
                    self.message.extend_from_slice(payload);
                    if last {
                        each(&std::mem::take(&mut self.message));
                    }
                }
                _ => return Err(FailureKind::BadAnswer),
            }
        }
        Ok(used)
    }
}

/// A text message as one masked frame.
pub(super) fn text(message: &str) -> Vec<u8> {
    encode(TEXT, message.as_bytes())
}

/// A close frame: the page goes away (1001).
pub(super) fn close() -> Vec<u8> {
    encode(CLOSE, &1001_u16.to_be_bytes())
}

/// A whole frame; `length` is all of it.
struct Frame<'a> {
    first: u8,
    payload: &'a [u8],
    length: usize,
}

/// The first frame, if it is all there.
fn frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, FailureKind> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // A server never masks (RFC 6455 5.1).
    let (extra, length) = match second {
        126 => match rest.first_chunk::<2>() {
            Some(length) => (2, u64::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(length) => (8, u64::from_be_bytes(*length)),
            None => return Ok(None),
        },
        0..126 => (0, u64::from(*second)),
        128.. => return Err(FailureKind::BadAnswer),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or(FailureKind::BadAnswer)?;
    let payload = rest.get(extra..extra + length);
    Ok(payload.map(|payload| Frame { first: *first, payload, length: 2 + extra + length }))
}

/// A frame with a mask of zeros: legal, and nothing has to be computed.
fn encode(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..126), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        if payload.len() < 126 {
            frame.push(payload.len() as u8);
        } else {
            frame.push(126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        let long = "x".repeat(300);
        let mut bytes = server(0x81, b"one");
        bytes.extend(server(0x89, b"hi"));
        bytes.extend(server(0x01, b"tw"));
        bytes.extend(server(0x80, b"o"));
        bytes.extend(server(0x81, long.as_bytes()));
        bytes.extend(server(0x88, &[3, 233]));
        for size in [1, 2, 3, 7, 100, bytes.len()] {
            let (mut decoder, mut asked, mut messages) = (Decoder::default(), Asked::default(), Vec::new());
            for piece in bytes.chunks(size) {
                let mut each = |message: &[u8]| messages.push(String::from_utf8(message.to_vec()).unwrap());
                decoder.take(piece, &mut asked, &mut each).unwrap();
            }
            assert_eq!(messages, ["one", "two", &long]);
            assert_eq!(asked, Asked { answer: encode(PONG, b"hi"), closed: true });
            assert_eq!(decoder.part.capacity() + decoder.message.capacity(), 0, "an idle page holds nothing");
        }
    }

    #[test]
    fn masked_and_endless_frames_are_refused() {
        let take = |bytes: &[u8]| Decoder::default().take(bytes, &mut Asked::default(), |_| {});
        assert_eq!(take(&[0x81, 0x80, 0, 0, 0, 0]), Err(FailureKind::BadAnswer));
        assert_eq!(take(&[0x81, 127, 255, 0, 0, 0, 0, 0, 0, 0]), Err(FailureKind::BadAnswer));
    }

    #[test]
    fn lengths_are_written_as_the_standard_says() {
        assert_eq!(text("hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(text(&"x".repeat(200))[..4], [0x81, 0xfe, 0, 200]);
        assert_eq!(text(&"x".repeat(70_000))[..10], [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }
}
