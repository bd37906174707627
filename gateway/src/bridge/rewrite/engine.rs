//! Turns the upstreams' addresses in a stream of bytes into what the page calls them.
//!
//! Pure: bytes in, bytes out. However the stream is cut into chunks, the joined result is the same; doing
//! it twice is the same as doing it once; bytes outside of such addresses stay as they are. A chunk without
//! one passes without a copy. At most `MAX_OPEN` bytes are held back: an address that the next chunk may
//! complete.

use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use bytes::{BufMut, Bytes, BytesMut};

use super::names::{Names, Target};
use super::url::{self, MAX_OPEN, Reading, Url};

/// Finds what marks a URL. Few bytes of a page are such, so that most are only looked at by the search. Of the kinds of
/// search this is the one that looks at sixteen bytes or more at a time.
#[allow(clippy::expect_used, reason = "the patterns are constants, and a test builds them")]
static SEPARATORS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(url::separators());
    search.expect("sixteen short patterns")
});

/// Rewrites one stream.
#[derive(Debug)]
pub struct Rewriter {
    names: Arc<Names>,
    /// The beginning of an address, perhaps.
    held: Vec<u8>,
    /// The last byte that was let go.
    before: Option<u8>,
    count: u64,
}

impl Rewriter {
    pub fn new(names: Arc<Names>) -> Self {
        Self { names, held: Vec::new(), before: None, count: 0 }
    }

    /// What can be said of the stream so far.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let text = self.with_held(chunk);
        self.rewrite(text, false)
    }

    /// Whether something is held back.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// What was held back, as it is: for when nothing has followed for too long. An address that goes on after
    /// all is not seen then; nothing else changes.
    pub fn release(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        self.before = held.last().copied().or(self.before);
        Bytes::from(held)
    }

    /// The rest, when nothing follows any more.
    pub fn finish(&mut self) -> Bytes {
        let text = self.with_held(Bytes::new());
        self.rewrite(text, true)
    }

    /// Addresses that were turned so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn with_held(&mut self, chunk: Bytes) -> Bytes {
        if self.held.is_empty() {
            return chunk;
        }
        let mut joined = std::mem::take(&mut self.held);
        joined.extend_from_slice(&chunk);
        Bytes::from(joined)
    }

    fn rewrite(&mut self, text: Bytes, last: bool) -> Bytes {
        let mut out = BytesMut::new();
        let mut done = 0;
        for separator in SEPARATORS.find_iter(&text) {
            let (before, _) = text.split_at(separator.start());
            let at = url::start(before);
            if at < done {
                continue;
            }
            let Reading::Is(url) = self.read(&text, at, last) else { continue };
            let Some(target) = self.names.target(&url) else { continue };
            if out.is_empty() {
                out.reserve(text.len() + 64);
            }
            out.extend_from_slice(text.get(done..at).unwrap_or_default());
            write(&url, &target, &mut out);
            done = at + url.length;
            self.count += 1;
        }
        let end = if last { text.len() } else { self.open_end(&text, done) };
        if let Some(before) = end.checked_sub(1).and_then(|at| text.get(at)) {
            self.before = Some(*before);
        }
        self.held.extend_from_slice(text.get(end..).unwrap_or_default());
        if done == 0 {
            return text.slice(..end);
        }
        out.extend_from_slice(text.get(done..end).unwrap_or_default());
        out.freeze()
    }

    /// Where the address starts that more bytes may complete; the length of `text` if there is none.
    fn open_end(&self, text: &[u8], done: usize) -> usize {
        let first = done.max(text.len().saturating_sub(MAX_OPEN));
        let is_open = |at: &usize| {
            text.get(*at).is_some_and(|byte| url::may_start(*byte))
                && matches!(self.read(text, *at, false), Reading::Open)
        };
        (first..text.len()).find(is_open).unwrap_or(text.len())
    }

    fn read<'t>(&self, text: &'t [u8], at: usize, last: bool) -> Reading<Url<'t>> {
        let (before, text) = text.split_at(at);
        url::read(text, before.last().copied().or(self.before), last)
    }
}

/// All of a short text, such as a header's value.
pub fn rewrite(text: Bytes, names: &Arc<Names>) -> Bytes {
    Rewriter::new(names.clone()).rewrite(text, true)
}

/// Writes `target` in the spelling of `url`.
fn write(url: &Url<'_>, target: &Target<'_>, out: &mut BytesMut) {
    let colon = if url.colon.is_empty() { b":" } else { url.colon };
    if let Some(scheme) = target.scheme {
        out.put(scheme.as_bytes());
        out.put(colon);
    }
    out.put(url.slash);
    out.put(url.slash);
    if target.host.contains(':') {
        out.put_u8(b'[');
        out.put(target.host.as_bytes());
        out.put_u8(b']');
    } else {
        out.put(target.host.as_bytes());
    }
    if let Some(port) = target.port {
        out.put(colon);
        out.put(port.to_string().as_bytes());
    }
    for segment in target.affinity.split('/').skip(1) {
        out.put(url.slash);
        out.put(segment.as_bytes());
    }
}

#[cfg(test)]
mod tests;
