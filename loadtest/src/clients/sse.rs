//! Server-sent events (WHATWG HTML 9.2) in the body of an answer.

use super::body::Body;
use crate::measure::FailureKind;

/// Reads events from pieces of any size.
#[derive(Debug)]
pub(super) struct Decoder {
    body: Body,
    /// Text that is no whole event yet.
    text: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(body: Body) -> Self {
        Self { body, text: Vec::new() }
    }

    /// Takes the next piece and hands the data of each whole event to `each`. `true`: the body has ended.
    pub(super) fn take(&mut self, piece: &[u8], mut each: impl FnMut(&[u8])) -> Result<bool, FailureKind> {
        let mut text = std::mem::take(&mut self.text);
        self.body.take(piece, &mut text)?;
        let mut used = 0;
        while let Some(rest) = text.get(used..)
            && let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n")
        {
            used += end + 2;
            if let Some(data) = rest.get(..end).and_then(data) {
                each(data);
            }
        }
        text.drain(..used);
        if !text.is_empty() {
            self.text = text;
        }
        Ok(self.body.has_ended())
    }
}

/// The data of an event; our servers write it on one line. `None`: a comment.
fn data(event: &[u8]) -> Option<&[u8]> {
    let line = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data:"))?;
    Some(line.strip_prefix(b" ").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_events() {
        let body = b"9\r\ndata: one\r\n2\r\n\n\n\r\n3\r\n:\n\n\r\n13\r\nid: 7\ndata: {two}\n\n\r\n0\r\n\r\n";
        for size in [1, 2, 5, body.len()] {
            let (mut decoder, mut events, mut ended) = (Decoder::new(Body::Length(0)), Vec::new(), false);
            for piece in body.chunks(size) {
                let mut each = |data: &[u8]| events.push(String::from_utf8(data.to_vec()).unwrap());
                ended |= decoder.take(piece, &mut each).unwrap();
            }
            assert_eq!((events.join(" "), ended), ("one {two}".to_owned(), true), "pieces of {size}");
            assert_eq!(decoder.text.capacity(), 0, "an idle page holds nothing");
        }
    }

    #[test]
    fn a_body_without_chunks_is_read_as_it_is() {
        let mut events = 0;
        let mut decoder = Decoder::new(Body::Endless);
        decoder.take(b"data: a\n\ndata: b\n\nda", |_| events += 1).unwrap();
        assert_eq!((events, decoder.text.as_slice()), (2, b"da".as_slice()));
        assert_eq!(Decoder::new(Body::Length(0)).take(b"zz\r\n", |_| {}), Err(FailureKind::BadAnswer));
    }
}
