//! The beginning of a URL as it stands in a page or a script: scheme, host and port, in the spellings that
//! HTML, JavaScript, JSON and query strings use for `:` and `/`.

/// How a slash is written. Both slashes of one URL are written alike.
const SLASHES: [&[u8]; 16] = [
    b"/",
    // JSON, and JSON within a string.
    b"\\/",
    b"\\\\/",
    // A URL in a query, and one in a query in a query.
    b"%2F",
    b"%2f",
    b"%252F",
    b"%252f",
    // JavaScript.
    b"\\u002F",
    b"\\u002f",
    b"\\\\u002F",
    b"\\\\u002f",
    b"\\x2F",
    b"\\x2f",
    // HTML.
    b"&#47;",
    b"&#x2F;",
    b"&#x2f;",
];

/// How a colon is written, in any case.
const COLONS: [&[u8]; 8] = [b":", b"%3a", b"%253a", b"\\u003a", b"\\\\u003a", b"\\x3a", b"&#58;", b"&#x3a;"];

/// Name, whether it means TLS, whether it is WebSocket's. A name that begins like another comes first.
const SCHEMES: [(&[u8], Scheme); 4] = [
    (b"https", Scheme { tls: true, socket: false }),
    (b"http", Scheme { tls: false, socket: false }),
    (b"wss", Scheme { tls: true, socket: true }),
    (b"ws", Scheme { tls: false, socket: true }),
];

/// Longest host name (RFC 1035).
const MAX_HOST: usize = 253;

/// A beginning that is longer than that is none: 5 for the scheme, 14 for slashes, 7 for each colon, 5 for a
/// port, and the host.
pub(super) const MAX_OPEN: usize = 5 + 7 + 14 + MAX_HOST + 7 + 5 + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) tls: bool,
    pub(super) socket: bool,
}

/// A URL up to where its path would start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    /// `None`: `//host/…`.
    pub(super) scheme: Option<Scheme>,
    /// Its colon, as it is written.
    pub(super) colon: &'a [u8],
    /// One slash, as it is written.
    pub(super) slash: &'a [u8],
    pub(super) host: &'a [u8],
    pub(super) port: Option<u16>,
    /// Length of all of it.
    pub(super) length: usize,
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading<T> {
    Is(T),
    No,
    /// It may be, if the right bytes follow.
    Open,
}

use Reading::{Is, No, Open};

impl Scheme {
    /// The scheme of the same kind with or without TLS.
    pub(super) fn word(self, tls: bool) -> &'static str {
        match (self.socket, tls) {
            (false, false) => "http",
            (false, true) => "https",
            (true, false) => "ws",
            (true, true) => "wss",
        }
    }
}

/// What marks a URL from afar: two slashes, in each spelling.
pub(super) fn separators() -> impl Iterator<Item = Vec<u8>> {
    SLASHES.iter().map(|slash| slash.repeat(2))
}

/// Where the URL starts whose two slashes follow after `before`: with its scheme, if there is one.
pub(super) fn start(before: &[u8]) -> usize {
    let Some(colon) = COLONS.iter().find(|colon| ends_with(before, colon)) else { return before.len() };
    let scheme = before.get(..before.len() - colon.len()).unwrap_or_default();
    let word = SCHEMES.iter().find(|(word, _)| ends_with(scheme, word));
    word.map_or(before.len(), |(word, _)| scheme.len() - word.len())
}

/// Whether a URL may begin with that byte.
pub(super) fn may_start(byte: u8) -> bool {
    matches!(byte, b'h' | b'H' | b'w' | b'W' | b'/' | b'\\' | b'%' | b'&')
}

/// Reads the URL at the beginning of `text`. `before` is the byte in front of it, `last` says that nothing
/// follows. The answer depends on nothing else, so that it is the same however a stream is cut.
pub(super) fn read(text: &[u8], before: Option<u8>, last: bool) -> Reading<Url<'_>> {
    match read_open(text, before, last) {
        Open if last => No,
        reading => reading,
    }
}

fn read_open(text: &[u8], before: Option<u8>, last: bool) -> Reading<Url<'_>> {
    let (scheme, colon, rest) = match read_scheme(text, before) {
        Is((scheme, rest)) => match one_of(&COLONS, rest, <[u8]>::eq_ignore_ascii_case) {
            Is(colon) => {
                let (colon, rest) = rest.split_at(colon);
                (Some(scheme), colon, rest)
            }
            No => return No,
            Open => return Open,
        },
        Open => return Open,
        No if starts_reference(before) => (None, &b""[..], text),
        No => return No,
    };
    let (slash, rest) = match one_of(&SLASHES, rest, <[u8]>::eq) {
        Is(slash) => rest.split_at(slash),
        No => return No,
        Open => return Open,
    };
    let rest = match one_of(&[slash], rest, <[u8]>::eq) {
        Is(slash) => rest.get(slash..).unwrap_or_default(),
        No => return No,
        Open => return Open,
    };
    let (host, rest) = rest.split_at(host_length(rest));
    match rest.first() {
        _ if host.len() > MAX_HOST => return No,
        None if !last => return Open,
        _ if host.is_empty() => return No,
        Some(b'@') => return No,
        _ => {}
    }
    let (port, rest) = match read_port(rest, last) {
        Is(read) => read,
        No => return No,
        Open => return Open,
    };
    Is(Url { scheme, colon, slash, host, port, length: text.len() - rest.len() })
}

fn read_scheme(text: &[u8], before: Option<u8>) -> Reading<(Scheme, &[u8])> {
    for (word, scheme) in SCHEMES {
        match one_of(&[word], text, <[u8]>::eq_ignore_ascii_case) {
            // `news://` is not WebSocket's.
            Is(_) if scheme.socket && before.is_some_and(|byte| byte.is_ascii_alphabetic()) => return No,
            Is(length) => return Is((scheme, text.get(length..).unwrap_or_default())),
            Open => return Open,
            No => {}
        }
    }
    No
}

/// As much of `text` as may be a name or an address; an IPv6 address has brackets.
fn host_length(text: &[u8]) -> usize {
    let bracketed = text.first() == Some(&b'[');
    let is_host = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'-' | b'_')
            || bracketed && matches!(byte, b'[' | b':')
    };
    let length = text.iter().position(|byte| !is_host(byte)).unwrap_or(text.len());
    if bracketed && text.get(length) == Some(&b']') { length + 1 } else { length }
}

/// After the host: a port, or no port.
fn read_port(text: &[u8], last: bool) -> Reading<(Option<u16>, &[u8])> {
    let rest = match one_of(&COLONS, text, <[u8]>::eq_ignore_ascii_case) {
        Is(colon) => text.get(colon..).unwrap_or_default(),
        Open if !last => return Open,
        _ => return Is((None, text)),
    };
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(length);
    match rest.first() {
        _ if length > 5 => return No,
        None if !last => return Open,
        // A script appends a port of its own.
        _ if length == 0 => return No,
        // Or what looks like a port is a password.
        Some(byte) if *byte == b'@' || byte.is_ascii_alphanumeric() => return No,
        _ => {}
    }
    match std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()) {
        Some(port) => Is((Some(port), rest)),
        None => No,
    }
}

/// Length of the spelling at the beginning of `text`. No spelling is the beginning of another.
fn one_of(spellings: &[&[u8]], text: &[u8], same: impl Fn(&[u8], &[u8]) -> bool) -> Reading<usize> {
    for spelling in spellings {
        let length = spelling.len().min(text.len());
        let (Some(here), Some(start)) = (text.get(..length), spelling.get(..length)) else { continue };
        if same(here, start) {
            return if length == spelling.len() { Is(length) } else { Open };
        }
    }
    No
}

/// A URL without a scheme is told from a comment or a path by what stands in front of it.
fn starts_reference(before: Option<u8>) -> bool {
    before.is_none_or(|byte| b"\"'`(=<,; \t\r\n".contains(&byte))
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    text.len()
        .checked_sub(end.len())
        .and_then(|at| text.get(at..))
        .is_some_and(|it| it.eq_ignore_ascii_case(end))
}
