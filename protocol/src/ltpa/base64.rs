//! The text around a token: undoing what clients and proxies do to a cookie value, then strict base64.
//! Implements ltpa.md 2.2.

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Rejection;

/// Longest accepted cookie value in bytes. Real ones have 80 to 900 (ltpa.md 6).
pub const MAX_TEXT: usize = 4096;

/// A cookie value as its issuer wrote it. A copy, where one had to be made, is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Normal<'a>(Text<'a>);

#[derive(Clone)]
enum Text<'a> {
    AsSent(&'a str),
    Mended(Zeroizing<String>),
}

impl Deref for Normal<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::AsSent(text) => text,
            Self::Mended(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl fmt::Debug for Normal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Normal(…)")
    }
}

/// The value as its issuer wrote it: one pair of quotes stripped, `%2B`, `%2F` and `%3D` decoded once, lost
/// padding restored. Whether it is base64 is [`decode`]'s question.
///
/// # Errors
/// [`Rejection::TooLong`] beyond [`MAX_TEXT`], [`Rejection::Empty`] for nothing, [`Rejection::BadBase64`] for
/// bytes that are no text.
pub fn normalise<V: AsRef<[u8]> + ?Sized>(value: &V) -> Result<Normal<'_>, Rejection> {
    let value = value.as_ref();
    if value.len() > MAX_TEXT {
        return Err(Rejection::TooLong);
    }
    let value = str::from_utf8(value).map_err(|_| Rejection::BadBase64)?;
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    if bare.is_empty() {
        return Err(Rejection::Empty);
    }
    let is_escaped = holds(bare, b'%');
    let plain = is_escaped.then(|| unescape(bare));
    let text = plain.as_ref().map_or(bare, |plain| plain);
    let lost = match text.len() % 4 {
        2 if !holds(text, b'=') => "==",
        3 if !holds(text, b'=') => "=",
        _ => "",
    };
    Ok(Normal(match plain {
        None if lost.is_empty() => Text::AsSent(bare),
        None => Text::Mended(Zeroizing::new([bare, lost].concat())),
        Some(mut plain) => {
            plain.push_str(lost);
            Text::Mended(plain)
        }
    }))
}

/// A search that looks at every byte: on texts this short the compiler makes that the quickest way.
fn holds(text: &str, wanted: u8) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte == wanted))
}

/// Decodes the three escapes that base64 can need, in one pass, so that nothing is decoded twice.
fn unescape(text: &str) -> Zeroizing<String> {
    // With room for the padding, so that it never moves and leaves a copy behind.
    let mut plain = Zeroizing::new(String::with_capacity(text.len() + 2));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let octet = match after.get(..2) {
            Some("2B" | "2b") => '+',
            Some("2F" | "2f") => '/',
            Some("3D" | "3d") => '=',
            _ => {
                plain.push('%');
                rest = after;
                continue;
            }
        };
        plain.push(octet);
        rest = after.get(2..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// Decodes into `buffer` and returns the bytes. Standard alphabet, exact padding, spare bits zero.
///
/// # Errors
/// [`Rejection::Empty`], [`Rejection::BadBase64`], or [`Rejection::TooLong`] if the buffer cannot hold the
/// longest result that text of this length can have; then nothing was decoded.
pub fn decode<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], Rejection> {
    if text.is_empty() {
        return Err(Rejection::Empty);
    }
    if text.len().div_ceil(4) * 3 > buffer.len() {
        return Err(Rejection::TooLong);
    }
    let length = STANDARD.decode_slice(text, buffer).map_err(|_| Rejection::BadBase64)?;
    buffer.get(..length).ok_or(Rejection::BadBase64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_escapes_are_decoded_and_only_once() {
        assert_eq!(&*normalise("a%2Bb%2f%3d").unwrap(), "a+b/=");
        assert_eq!(&*normalise("a%252Bb=").unwrap(), "a%252Bb=");
        assert_eq!(&*normalise("%41%2=%").unwrap(), "%41%2=%");
        assert_eq!(&*normalise("%2é=").unwrap(), "%2é=");
    }

    #[test]
    fn padding_is_restored_only_where_none_is_left() {
        assert_eq!(&*normalise("QQ").unwrap(), "QQ==");
        assert_eq!(&*normalise("QUI").unwrap(), "QUI=");
        assert_eq!(&*normalise("QQ=").unwrap(), "QQ=");
        assert_eq!(&*normalise("A").unwrap(), "A");
    }

    #[test]
    fn one_pair_of_quotes_is_stripped() {
        assert_eq!(&*normalise("\"QUJD\"").unwrap(), "QUJD");
        assert_eq!(&*normalise("\"\"QUI=\"\"").unwrap(), "\"QUI=\"");
        assert_eq!(&*normalise("\"QUI=").unwrap(), "\"QUI=");
        assert_eq!(normalise("\"\""), Err(Rejection::Empty));
    }

    #[test]
    fn bytes_that_are_no_text_are_no_base64() {
        assert_eq!(normalise(b"QUI\xE9"), Err(Rejection::BadBase64));
        assert_eq!(format!("{:?}", normalise("QUI").unwrap()), "Normal(…)");
    }

    #[test]
    fn text_beyond_the_cap_is_not_touched() {
        assert_eq!(normalise(&"A".repeat(MAX_TEXT + 1)), Err(Rejection::TooLong));
        assert_eq!(decode("QUJDRA==", &mut [0; 5]), Err(Rejection::TooLong));
    }

    #[test]
    fn decoding_is_strict() {
        let mut buffer = [0; 16];
        assert_eq!(decode("QUI=", &mut buffer).unwrap(), b"AB");
        for text in ["QUI", "QUJ=", "QU I", "QUI=\n", "Q-_=", "QUI==", "====", "é+=="] {
            assert_eq!(decode(text, &mut buffer), Err(Rejection::BadBase64), "{text:?}");
        }
    }
}
