//! The frames that a browser sends (RFC 6455 5). Between whole messages nothing is kept.

/// Bytes of a mask.
const MASK: usize = 4;
/// Largest payload of a control frame (RFC 6455 5.5).
const CONTROL: u64 = 125;

/// See the module.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Longest message.
    limit: usize,
    /// The beginning of a frame that is not whole, as it came. Never longer than a frame and one read.
    part: Vec<u8>,
    /// What there is of a message in several frames.
    message: Option<Vec<u8>>,
}

/// What a browser has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input<'a> {
    /// A whole message.
    Text(&'a str),
    Ping(&'a [u8]),
    Pong,
    /// The payload begins with the code, if there is one. What comes after it has no meaning.
    Close(&'a [u8]),
}

/// What a browser may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Breach {
    #[error("a binary message")]
    Binary,
    #[error("a text that is not UTF-8")]
    NotUtf8,
    #[error("a message over the size limit")]
    TooBig,
    /// Unmasked, reserved bits or opcodes, wrong order, control frames that are long or in pieces.
    #[error("an illegal frame")]
    Illegal,
}

/// The head of a frame.
struct Head {
    last: bool,
    opcode: u8,
    /// Bytes before the mask.
    before: usize,
    payload: usize,
}

impl Decoder {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, part: Vec::new(), message: None }
    }

    /// `part` came before the first piece. Of the buffer that it came in nothing is kept.
    pub(super) fn with(mut part: Vec<u8>, limit: usize) -> Self {
        part.shrink_to_fit();
        Self { part, ..Self::new(limit) }
    }

    /// Takes the next piece, whose bytes are unmasked in place, and hands over what is whole.
    pub(super) fn take(&mut self, piece: &mut [u8], mut each: impl FnMut(Input<'_>)) -> Result<(), Breach> {
        if self.part.is_empty() {
            let used = self.frames(piece, &mut each)?;
            self.part.extend_from_slice(piece.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut part = std::mem::take(&mut self.part);
        part.extend_from_slice(piece);
        let used = self.frames(&mut part, &mut each)?;
        part.drain(..used);
        if !part.is_empty() {
            self.part = part;
        }
        Ok(())
    }

    /// How many bytes whole frames took.
    fn frames(&mut self, bytes: &mut [u8], each: &mut impl FnMut(Input<'_>)) -> Result<usize, Breach> {
        let mut used = 0;
        while let Some(rest) = bytes.get_mut(used..)
            && let Some(head) = self.head(rest)?
        {
            let start = head.before + MASK;
            let end = start + head.payload;
            let Some(frame) = rest.get_mut(head.before..end) else { break };
            let Some((mask, payload)) = frame.split_first_chunk_mut::<MASK>() else { break };
            unmask(payload, *mask);
            used += end;
            self.frame(&head, payload, each)?;
        }
        Ok(used)
    }

    /// `None` until it is all there. Whatever the length says is judged before anything is kept for it.
    fn head(&self, bytes: &[u8]) -> Result<Option<Head>, Breach> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        let is_control = opcode & 0x08 != 0;
        let is_masked = second & 0x80 != 0;
        if first & 0x70 != 0 || !is_masked {
            return Err(Breach::Illegal);
        }
        let (before, payload) = match second & 0x7f {
            126 => match rest.first_chunk() {
                Some(length) => (4, u64::from(u16::from_be_bytes(*length))),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(length) => (10, u64::from_be_bytes(*length)),
                None => return Ok(None),
            },
            short => (2, u64::from(short)),
        };
        match opcode {
            0 if self.message.is_none() => return Err(Breach::Illegal),
            1 if self.message.is_some() => return Err(Breach::Illegal),
            2 => return Err(Breach::Binary),
            8..=10 if !last || payload > CONTROL => return Err(Breach::Illegal),
            0 | 1 | 8..=10 => {}
            _ => return Err(Breach::Illegal),
        }
        let begun = self.message.as_ref().map_or(0, Vec::len);
        let payload = usize::try_from(payload).map_err(|_| Breach::TooBig)?;
        if !is_control && payload > self.limit.saturating_sub(begun) {
            return Err(Breach::TooBig);
        }
        Ok(Some(Head { last, opcode, before, payload }))
    }

    fn frame(&mut self, head: &Head, payload: &[u8], each: &mut impl FnMut(Input<'_>)) -> Result<(), Breach> {
        match head.opcode {
            8 => each(Input::Close(payload)),
            9 => each(Input::Ping(payload)),
            10 => each(Input::Pong),
            _ => match (head.last, self.message.take()) {
                (true, None) => each(Input::Text(text(payload)?)),
                (last, begun) => {
                    let mut message = begun.unwrap_or_default();
                    message.extend_from_slice(payload);
                    if last {
                        each(Input::Text(text(&message)?));
                    } else {
                        self.message = Some(message);
                    }
                }
            },
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str, Breach> {
    std::str::from_utf8(bytes).map_err(|_| Breach::NotUtf8)
}

fn unmask(payload: &mut [u8], mask: [u8; MASK]) {
    let wide = u64::from_ne_bytes([mask, mask].concat().try_into().unwrap_or_default());
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*word) {
            word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
        }
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x11, 0x22, 0x33, 0x44];
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend((long as u16).to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// What comes out, as text, and how it ends.
    fn decode(bytes: &[u8], size: usize) -> (Vec<String>, Result<(), Breach>, Decoder) {
        let (mut decoder, mut inputs) = (Decoder::new(1000), Vec::new());
        for piece in bytes.chunks(size) {
            if let Err(breach) = decoder.take(&mut piece.to_vec(), |input| inputs.push(format!("{input:?}")))
            {
                return (inputs, Err(breach), decoder);
            }
        }
        (inputs, Ok(()), decoder)
    }

    #[test]
    fn any_cut_gives_the_same() {
        let long = "é".repeat(400);
        let bytes = [
            frame(0x81, b"one"),
            frame(0x89, b"hi"),
            frame(0x01, b"tw"),
            frame(0x8a, b""),
            frame(0x80, b"o"),
            frame(0x81, long.as_bytes()),
            frame(0x01, &long.as_bytes()[..3]),
            frame(0x80, &long.as_bytes()[3..]),
            frame(0x88, &[3, 232]),
        ]
        .concat();
        for size in 1..bytes.len() {
            let (inputs, ended, decoder) = decode(&bytes, size);
            let long = format!("Text({long:?})");
            let expected = [
                "Text(\"one\")",
                "Ping([104, 105])",
                "Pong",
                "Text(\"two\")",
                &long,
                &long,
                "Close([3, 232])",
            ];
            assert_eq!((ended, inputs), (Ok(()), expected.map(str::to_owned).to_vec()), "{size}");
            assert_eq!(decoder.part.capacity(), 0, "an idle socket holds nothing");
            assert!(decoder.message.is_none());
        }
    }

    #[test]
    fn what_came_before_is_heard_and_its_buffer_is_not_kept() {
        let mut decoder = Decoder::with(Vec::with_capacity(8192), 1000);
        decoder.take(&mut [], |_| {}).unwrap();
        assert_eq!(decoder.part.capacity(), 0);
        let (mut second, mut heard) = (frame(0x81, b"two"), Vec::new());
        let mut decoder = Decoder::with([&frame(0x81, b"one"), &second[..1]].concat(), 1000);
        decoder.take(&mut [], |input| heard.push(format!("{input:?}"))).unwrap();
        decoder.take(&mut second[1..], |input| heard.push(format!("{input:?}"))).unwrap();
        assert_eq!(heard, ["Text(\"one\")", "Text(\"two\")"]);
        assert_eq!(decoder.part.capacity(), 0);
    }

    #[test]
    fn what_is_illegal_is_refused_at_its_head() {
        let cases: [(&[u8], Breach); 12] = [
            (&[0x82, 0x81], Breach::Binary),
            (&[0x81, 0x01], Breach::Illegal),
            (&[0xc1, 0x81], Breach::Illegal),
            (&[0x83, 0x81], Breach::Illegal),
            (&[0x8b, 0x81], Breach::Illegal),
            (&[0x80, 0x81], Breach::Illegal),
            (&[0x09, 0x81], Breach::Illegal),
            (&[0x89, 0xfe, 0, 126], Breach::Illegal),
            (&[0x81, 0xfe, 3, 233], Breach::TooBig),
            (&[0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255], Breach::TooBig),
            (&[0x01, 0xff, 0, 0, 0, 0, 0, 0, 3, 233], Breach::TooBig),
            (&[0x81, 0x80, 0, 0, 0, 0, 0x81, 0x00], Breach::Illegal),
        ];
        for (bytes, breach) in cases {
            assert_eq!(decode(bytes, bytes.len()).1, Err(breach), "{bytes:?}");
            assert_eq!(decode(bytes, 1).1, Err(breach), "{bytes:?} byte by byte");
        }
        let new_in_the_middle = [frame(0x01, b"a"), frame(0x81, b"b")].concat();
        assert_eq!(decode(&new_in_the_middle, 99).1, Err(Breach::Illegal));
        let pieces = [frame(0x01, &[b'x'; 600]), frame(0x80, &[b'x'; 401])].concat();
        assert_eq!(decode(&pieces, 99).1, Err(Breach::TooBig));
        assert_eq!(decode(&frame(0x81, b"\xc3"), 99).1, Err(Breach::NotUtf8));
    }
}
