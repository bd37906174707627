//! Reads a request path the way any backend might, so that no spelling of a path reaches a backend on
//! another route than its plain spelling would.
//!
//! Two readings are made. The strict one decodes each segment and nothing else. The loose one also takes
//! encoded slashes and backslashes as separators and merges empty segments, as some servers do. The
//! router refuses a path whose readings lead to different routes.

use std::borrow::Cow;

/// Why a path is refused (400).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    #[error("the path has an incomplete escape")]
    Escape,
    #[error("the path has a control character")]
    Control,
    #[error("the path has a dot segment")]
    DotSegment,
}

/// Both readings, decoded, without `;parameters`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Readings<'a> {
    pub(super) strict: Cow<'a, [u8]>,
    pub(super) loose: Cow<'a, [u8]>,
}

/// Reads `path` as sent (without the query).
pub(super) fn read(path: &str) -> Result<Readings<'_>, PathError> {
    let sent = path.as_bytes();
    if sent.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute);
    }
    if is_plain(sent) {
        return Ok(Readings { strict: Cow::Borrowed(sent), loose: Cow::Borrowed(sent) });
    }
    let mut strict = Vec::with_capacity(sent.len());
    for segment in sent.split(|byte| *byte == b'/').skip(1) {
        strict.push(b'/');
        strict.extend(decode(without_parameters(segment))?);
    }
    let whole = decode(sent)?;
    if whole.iter().any(u8::is_ascii_control) {
        return Err(PathError::Control);
    }
    let loose = merge(&whole);
    // Some servers decode twice: what they would see must have no dot segment either.
    let twice = decode(&loose).map(|again| merge(&again));
    if [&whole, &loose].into_iter().chain(twice.as_ref().ok()).any(|path| has_dot_segment(path)) {
        return Err(PathError::DotSegment);
    }
    Ok(Readings { strict: Cow::Owned(strict), loose: Cow::Owned(loose) })
}

/// Nothing that any server would read in another way.
fn is_plain(path: &[u8]) -> bool {
    let special = |byte: &u8| matches!(byte, b'%' | b'\\' | b';') || byte.is_ascii_control();
    !path.iter().any(special) && !path.windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

fn separates(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

fn without_parameters(segment: &[u8]) -> &[u8] {
    segment.split(|byte| *byte == b';').next().unwrap_or(segment)
}

fn has_dot_segment(path: &[u8]) -> bool {
    path.split(separates).any(|segment| matches!(without_parameters(segment), b"." | b".."))
}

/// Separators made one, empty segments and parameters dropped.
fn merge(path: &[u8]) -> Vec<u8> {
    let mut merged = Vec::with_capacity(path.len());
    for segment in path.split(separates).map(without_parameters).filter(|segment| !segment.is_empty()) {
        merged.push(b'/');
        merged.extend_from_slice(segment);
    }
    if merged.is_empty() || path.last().is_some_and(separates) {
        merged.push(b'/');
    }
    merged
}

fn decode(text: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else { return Err(PathError::Escape) };
                u8::try_from(high * 16 + low).map_err(|_| PathError::Escape)?
            }
            plain => *plain,
        });
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(path: &str) -> Result<(String, String), PathError> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        read(path).map(|readings| (text(&readings.strict), text(&readings.loose)))
    }

    #[test]
    fn a_path_is_read_strictly_and_loosely() {
        for (path, strict, loose) in [
            ("/", "/", "/"),
            ("/a/b", "/a/b", "/a/b"),
            ("/a/b/", "/a/b/", "/a/b/"),
            ("/%61/b", "/a/b", "/a/b"),
            ("/a%2Fb", "/a/b", "/a/b"),
            ("/a//b", "/a//b", "/a/b"),
            ("//a", "//a", "/a"),
            ("/a\\b", "/a\\b", "/a/b"),
            ("/a%5cb", "/a\\b", "/a/b"),
            ("/a;x=1/b", "/a/b", "/a/b"),
            ("/a/b;jsessionid=0001:2", "/a/b", "/a/b"),
            ("/a.b/..c/...", "/a.b/..c/...", "/a.b/..c/..."),
            ("/100%25", "/100%", "/100%"),
        ] {
            assert_eq!(readings(path), Ok((strict.to_owned(), loose.to_owned())), "{path}");
        }
    }

    #[test]
    fn what_could_climb_or_cut_is_refused() {
        use PathError::{Control, DotSegment, Escape, NotAbsolute};
        for (path, error) in [
            ("*", NotAbsolute),
            ("", NotAbsolute),
            ("/a/../b", DotSegment),
            ("/a/./b", DotSegment),
            ("/..", DotSegment),
            ("/a/%2e%2e/b", DotSegment),
            ("/a/.%2E", DotSegment),
            ("/a%2f..%2fb", DotSegment),
            ("/a%5c..%5cb", DotSegment),
            ("/a/..;x/b", DotSegment),
            ("/a/..%3bx/b", DotSegment),
            ("/a/%252e%252e/b", DotSegment),
            ("/a%252f..%252fb", DotSegment),
            ("/a%00", Control),
            ("/a%0d%0a", Control),
            ("/a%7f", Control),
            ("/a%", Escape),
            ("/a%2", Escape),
            ("/a%zz", Escape),
            ("/a%+1", Escape),
        ] {
            assert_eq!(readings(path), Err(error), "{path}");
        }
    }
}
