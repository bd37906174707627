//! Content codings: a body is decoded to be read and encoded again as it was (RFC 9110 8.4).
//!
//! Decoding makes at most `STEP` bytes at a time, however small the bytes are that blow up to them.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, CompressorWriter};
use bytes::{Buf, Bytes};
use flate2::Compression;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

/// Decoded bytes at a time.
const STEP: usize = 32 << 10;
/// Quality and window (as a power of two) of brotli: small and quick, since what is encoded is sent once.
const BROTLI: (u32, u32) = (4, 18);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    /// The zlib format; some servers send the bare one.
    Deflate,
    Brotli,
}

/// The upstream's bytes are not what its `Content-Encoding` says, or end too early.
#[derive(Debug, thiserror::Error)]
#[error("the body is not what its Content-Encoding says")]
pub(super) struct Corrupt;

impl Coding {
    pub(super) fn named(name: &str) -> Option<Self> {
        [("gzip", Self::Gzip), ("x-gzip", Self::Gzip), ("deflate", Self::Deflate), ("br", Self::Brotli)]
            .into_iter()
            .find_map(|(word, coding)| word.eq_ignore_ascii_case(name).then_some(coding))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }
}

/// Bytes are fed to it and text is read from it.
pub(super) enum Decoder {
    Gzip(Box<MultiGzDecoder<Feed>>),
    /// Until its first two bytes tell which format it is.
    Deflate(Feed),
    Zlib(Box<ZlibDecoder<Feed>>),
    Raw(Box<DeflateDecoder<Feed>>),
    Brotli(Box<Brotli>),
}

/// What a decoder reads from.
#[derive(Debug, Default)]
pub(super) struct Feed {
    bytes: Bytes,
    /// Nothing follows.
    ended: bool,
}

impl Decoder {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Feed::default()))),
            Coding::Deflate => Self::Deflate(Feed::default()),
            Coding::Brotli => Self::Brotli(Box::new(Brotli::new())),
        }
    }

    /// More of the body, when everything before has been read.
    pub(super) fn feed(&mut self, bytes: Bytes) {
        let feed = self.source();
        feed.bytes = if feed.bytes.is_empty() { bytes } else { [&feed.bytes, &bytes[..]].concat().into() };
    }

    /// Nothing follows: what can still be read is the rest.
    pub(super) fn end(&mut self) {
        self.source().ended = true;
    }

    /// Some text, at most `STEP` bytes; `None` if it takes more of the body to go on, or if that was all.
    pub(super) fn read(&mut self) -> Result<Option<Bytes>, Corrupt> {
        if let Self::Deflate(feed) = self {
            let is_zlib = match feed.bytes.get(..2) {
                Some(start) => is_zlib(start),
                None if feed.ended => return Err(Corrupt),
                None => return Ok(None),
            };
            let feed = std::mem::take(feed);
            *self = if is_zlib {
                Self::Zlib(Box::new(ZlibDecoder::new(feed)))
            } else {
                Self::Raw(Box::new(DeflateDecoder::new(feed)))
            };
        }
        let text = match self {
            Self::Gzip(decoder) => read(decoder),
            Self::Zlib(decoder) => read(decoder),
            Self::Raw(decoder) => read(decoder),
            Self::Brotli(decoder) => decoder.read(),
            Self::Deflate(_) => Ok(None),
        }?;
        if text.is_none() {
            // Padding behind the end.
            self.source().bytes.clear();
        }
        Ok(text)
    }

    fn source(&mut self) -> &mut Feed {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(feed) => feed,
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Raw(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => &mut decoder.feed,
        }
    }
}

/// RFC 1950 2.2.
fn is_zlib(start: &[u8]) -> bool {
    matches!(start, [first, second] if first & 0x0F == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

fn read(decoder: &mut impl Read) -> Result<Option<Bytes>, Corrupt> {
    let mut text = vec![0; STEP];
    match decoder.read(&mut text) {
        Ok(0) => Ok(None),
        Ok(length) => {
            text.truncate(length);
            Ok(Some(Bytes::from(text)))
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(_) => Err(Corrupt),
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let length = bytes.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.ended { Err(ErrorKind::WouldBlock.into()) } else { Ok(&self.bytes) }
    }

    fn consume(&mut self, length: usize) {
        self.bytes.advance(length.min(self.bytes.len()));
    }
}

pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    feed: Feed,
    done: bool,
}

impl Brotli {
    fn new() -> Self {
        let alloc = StandardAlloc::default;
        // Strict: a window of 16 MiB at most.
        Self { state: BrotliState::new_strict(alloc(), alloc(), alloc()), feed: Feed::default(), done: false }
    }

    fn read(&mut self) -> Result<Option<Bytes>, Corrupt> {
        if self.done {
            return Ok(None);
        }
        let mut text = vec![0; STEP];
        let (mut left, mut used) = (self.feed.bytes.len(), 0);
        let (mut room, mut made, mut total) = (STEP, 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut used,
            &self.feed.bytes,
            &mut room,
            &mut made,
            &mut text,
            &mut total,
            &mut self.state,
        );
        self.feed.consume(used);
        match result {
            BrotliResult::ResultFailure => return Err(Corrupt),
            BrotliResult::NeedsMoreInput if self.feed.ended => return Err(Corrupt),
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess => self.done = true,
        }
        text.truncate(made);
        Ok((made > 0).then(|| Bytes::from(text)))
    }
}

pub(super) enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zlib(ZlibEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Deflate => Self::Zlib(ZlibEncoder::new(Vec::new(), Compression::fast())),
            Coding::Brotli => {
                let (quality, window) = BROTLI;
                Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), 4096, quality, window)))
            }
        }
    }

    /// Takes more of the body; gives what the encoder lets go by itself.
    pub(super) fn push(&mut self, text: &[u8]) -> io::Result<Bytes> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(text)?,
            Self::Zlib(encoder) => encoder.write_all(text)?,
            Self::Brotli(encoder) => encoder.write_all(text)?,
        }
        Ok(self.take())
    }

    /// Everything up to here, so that the browser can read it before more comes.
    pub(super) fn flush(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Gzip(encoder) => encoder.flush()?,
            Self::Zlib(encoder) => encoder.flush()?,
            Self::Brotli(encoder) => encoder.flush()?,
        }
        Ok(self.take())
    }

    pub(super) fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zlib(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
        }
        .map(Bytes::from)
    }

    fn take(&mut self) -> Bytes {
        let made = match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Zlib(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
        };
        Bytes::from(std::mem::take(made))
    }
}
