//! Makes JSON safe to parse in bounded memory: cuts long strings while they pass by, limits nesting and size,
//! and knows line and column of what was read.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

/// Bytes of one string that are passed on; the rest is swallowed up to its closing quote.
pub(super) const MOST_STRING: u64 = 16 << 10;
/// Objects and lists inside one another.
pub(super) const MOST_NESTING: u32 = 100;
/// Bytes of one file.
const MOST_BYTES: u64 = 4 << 30;

/// How far the reading has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    /// From 1 on, as soon as anything was read.
    pub line: u64,
    pub column: u64,
    /// Why the guard ended the reading, if it did.
    pub stopped: Option<&'static str>,
}

/// The reader between file and parser.
pub(super) struct Guard<'p, R> {
    source: R,
    position: &'p Cell<Position>,
    bytes: u64,
    nesting: u32,
    state: State,
}

/// Where in the JSON text the next byte stands.
#[derive(Clone, Copy)]
enum State {
    Between,
    /// In a string, after so many bytes of it.
    Text {
        length: u64,
        cut: bool,
        pair: bool,
    },
    /// After a backslash.
    Escape {
        length: u64,
        cut: bool,
    },
    /// In the four digits after `\u`; `left` are to come, `code` is what they say so far.
    Unicode {
        length: u64,
        cut: bool,
        left: u8,
        code: u32,
    },
}

impl<'p, R: BufRead> Guard<'p, R> {
    pub(super) fn new(source: R, position: &'p Cell<Position>) -> Self {
        position.set(Position { line: 1, ..Position::default() });
        Self { source, position, bytes: 0, nesting: 0, state: State::Between }
    }

    /// The next byte of the file; none at its end.
    fn next(&mut self) -> io::Result<Option<u8>> {
        let Some(byte) = self.source.fill_buf()?.first().copied() else { return Ok(None) };
        self.source.consume(1);
        self.bytes += 1;
        let mut position = self.position.get();
        if byte == b'\n' {
            (position.line, position.column) = (position.line + 1, 0);
        } else {
            position.column += 1;
        }
        self.position.set(position);
        if self.bytes > MOST_BYTES {
            return Err(self.stop("more than 4 GiB; record again, for one page only"));
        }
        Ok(Some(byte))
    }

    /// Whether the parser gets the byte.
    fn pass(&mut self, byte: u8) -> io::Result<bool> {
        let passed;
        (self.state, passed) = match self.state {
            State::Between => (self.between(byte)?, true),
            State::Text { .. } if byte == b'"' => (State::Between, true),
            State::Text { length, cut, pair } => {
                // A cut falls between characters, and never between the halves of an escaped one.
                let whole = byte & 0xc0 != 0x80 && !pair;
                let cut = cut || (length >= MOST_STRING && whole);
                let length = length.saturating_add(1);
                let state = if byte == b'\\' {
                    State::Escape { length, cut }
                } else {
                    State::Text { length, cut, pair: false }
                };
                (state, !cut)
            }
            State::Escape { length, cut } => {
                let length = length.saturating_add(1);
                let state = match byte {
                    b'u' => State::Unicode { length, cut, left: 4, code: 0 },
                    _ => State::Text { length, cut, pair: false },
                };
                (state, !cut)
            }
            State::Unicode { length, cut, left, code } => {
                let code = code << 4 | char::from(byte).to_digit(16).unwrap_or(0);
                let (length, left) = (length.saturating_add(1), left - 1);
                let state = match left {
                    0 => State::Text { length, cut, pair: (0xd800..0xdc00).contains(&code) },
                    _ => State::Unicode { length, cut, left, code },
                };
                (state, !cut)
            }
        };
        Ok(passed)
    }

    fn between(&mut self, byte: u8) -> io::Result<State> {
        match byte {
            b'"' => return Ok(State::Text { length: 0, cut: false, pair: false }),
            b'{' | b'[' => self.nesting += 1,
            b'}' | b']' => self.nesting = self.nesting.saturating_sub(1),
            _ => {}
        }
        if self.nesting > MOST_NESTING {
            return Err(self.stop("nested deeper than any recording of a browser"));
        }
        Ok(State::Between)
    }

    fn stop(&self, why: &'static str) -> io::Error {
        self.position.set(Position { stopped: Some(why), ..self.position.get() });
        io::Error::new(io::ErrorKind::InvalidData, why)
    }
}

impl<R: BufRead> Read for Guard<'_, R> {
    /// Gives one byte at a time, so that the position is that of the parser. The parser asks for no more.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(slot) = buffer.first_mut() else { return Ok(0) };
        if self.bytes == 0 && self.source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            self.source.consume(3);
        }
        loop {
            let Some(byte) = self.next()? else { return Ok(0) };
            if self.pass(byte)? {
                *slot = byte;
                return Ok(1);
            }
        }
    }
}
