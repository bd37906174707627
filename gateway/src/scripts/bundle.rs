//! A file in every form in which it is sent: as it is, gzip, Brotli. Compressed once, when it is first asked for.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderMap, header};

/// Good enough for files of this size; the best takes ten times as long for two percent.
const BROTLI_QUALITY: u32 = 9;
const BROTLI_WINDOW: u32 = 18;

/// See the module.
#[derive(Debug)]
pub(super) struct File {
    pub(super) kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
    brotli: Bytes,
    hash: u64,
}

/// How a body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Brotli,
}

impl File {
    pub(super) fn new(kind: &'static str, text: &str) -> Self {
        let plain = Bytes::copy_from_slice(text.as_bytes());
        Self { kind, gzip: gzip(&plain), brotli: brotli(&plain), hash: hash(&plain), plain }
    }

    pub(super) fn body(&self, coding: Coding) -> Bytes {
        match coding {
            Coding::Plain => self.plain.clone(),
            Coding::Gzip => self.gzip.clone(),
            Coding::Brotli => self.brotli.clone(),
        }
    }

    /// Each form has a tag of its own (RFC 9110 8.8.3.3).
    pub(super) fn tag(&self, coding: Coding) -> String {
        let form = match coding {
            Coding::Plain => "",
            Coding::Gzip => "-gz",
            Coding::Brotli => "-br",
        };
        format!("\"{:016x}{form}\"", self.hash)
    }
}

impl Coding {
    /// The smallest form that the browser takes.
    pub(super) fn accepted(request: &HeaderMap) -> Self {
        let takes = |name: &str| {
            let sent =
                request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
            sent.flat_map(|value| value.split(',')).any(|one| {
                let mut parts = one.split(';').map(str::trim);
                let named = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case(name));
                named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
            })
        };
        if takes("br") {
            Self::Brotli
        } else if takes("gzip") {
            Self::Gzip
        } else {
            Self::Plain
        }
    }

    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

// Writing to memory does not fail; if it did, the browser would get an empty script rather than none of us
// a panic.

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).and_then(|()| encoder.finish()).unwrap_or_default().into()
}

fn brotli(plain: &[u8]) -> Bytes {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    let written = encoder.write_all(plain).and_then(|()| encoder.flush());
    written.map(|()| encoder.into_inner()).unwrap_or_default().into()
}

/// FNV-1a: it only has to differ between versions.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
