//! Bodies of answers: in chunks (RFC 9112 7.1), of a known length, or as long as the connection.

use super::http::Head;
use crate::measure::FailureKind;

/// Longest body or piece of one that a browser takes.
pub(super) const LONGEST: usize = 16 << 20;

/// Where in a body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Until the server closes.
    Endless,
    /// So many bytes left, of the body or of a chunk.
    Rest(usize),
    /// In the line with the length of a chunk, so much of which was read.
    Length(usize),
    Inside(usize),
    /// In the line break behind a chunk.
    Behind,
    /// In the line behind the last chunk.
    Last,
    End,
}

impl Body {
    pub(super) fn of(head: &Head) -> Self {
        match head {
            Head { chunked: true, .. } => Self::Length(0),
            Head { length: Some(0), .. } => Self::End,
            Head { length: Some(length), .. } => Self::Rest(*length),
            _ => Self::Endless,
        }
    }

    pub(super) fn has_ended(self) -> bool {
        self == Self::End
    }

    /// Takes the next piece and appends what of it is content.
    pub(super) fn take(&mut self, mut piece: &[u8], content: &mut Vec<u8>) -> Result<(), FailureKind> {
        while let [byte, rest @ ..] = piece {
            match self {
                Self::Endless => {
                    content.extend_from_slice(piece);
                    return room(content);
                }
                Self::Inside(left) | Self::Rest(left) => {
                    let taken = piece.len().min(*left);
                    content.extend_from_slice(piece.get(..taken).unwrap_or_default());
                    piece = piece.get(taken..).unwrap_or_default();
                    *left -= taken;
                    match self {
                        Self::Inside(0) => *self = Self::Behind,
                        Self::Rest(0) => *self = Self::End,
                        _ => {}
                    }
                    room(content)?;
                    continue;
                }
                Self::Behind => match byte {
                    b'\r' => {}
                    b'\n' => *self = Self::Length(0),
                    _ => return Err(FailureKind::BadAnswer),
                },
                Self::Length(length) => match byte {
                    b'\n' if *length == 0 => *self = Self::Last,
                    b'\n' => *self = Self::Inside(*length),
                    b'\r' => {}
                    _ => {
                        let digit = char::from(*byte).to_digit(16).ok_or(FailureKind::BadAnswer)?;
                        *length = *length * 16 + digit as usize;
                        if *length > LONGEST {
                            return Err(FailureKind::BadAnswer);
                        }
                    }
                },
                // Our servers have no trailers.
                Self::Last if *byte == b'\n' => *self = Self::End,
                Self::Last => {}
                Self::End => return Ok(()),
            }
            piece = rest;
        }
        Ok(())
    }
}

fn room(content: &[u8]) -> Result<(), FailureKind> {
    if content.len() > LONGEST { Err(FailureKind::BadAnswer) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(mut body: Body, bytes: &[u8], size: usize) -> (String, bool) {
        let mut content = Vec::new();
        for piece in bytes.chunks(size) {
            body.take(piece, &mut content).unwrap();
        }
        (String::from_utf8(content).unwrap(), body.has_ended())
    }

    #[test]
    fn any_cut_gives_the_same_content() {
        for size in [1, 2, 3, 100] {
            let chunks = b"3\r\none\r\n6\r\n, two,\r\n0\r\n\r\n";
            assert_eq!(taken(Body::Length(0), chunks, size), ("one, two,".to_owned(), true));
            assert_eq!(taken(Body::Rest(5), b"12345", size), ("12345".to_owned(), true));
            assert_eq!(taken(Body::Endless, b"12345", size), ("12345".to_owned(), false));
        }
    }

    #[test]
    fn what_is_no_chunk_or_too_long_is_refused() {
        let take = |bytes: &[u8]| Body::Length(0).take(bytes, &mut Vec::new());
        assert_eq!(take(b"zz\r\n"), Err(FailureKind::BadAnswer));
        assert_eq!(take(b"fffffff\r\n"), Err(FailureKind::BadAnswer));
        assert_eq!(take(b"1\r\nab"), Err(FailureKind::BadAnswer));
    }
}
