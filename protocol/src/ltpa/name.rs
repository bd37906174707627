//! Turning the name in a token into text that is safe to pass on. Implements the rules at the end of
//! ltpa.md 2.1.

use super::{Charset, Rejection, lmbcs};

/// The name as text. Call it only after the token was found genuine.
pub(super) fn decode(bytes: &[u8], charset: Charset) -> Result<String, Rejection> {
    // Most names are printable ASCII, which reads the same in both and needs no second look.
    let (plain, blank) = bytes.iter().fold((true, true), |(plain, blank), byte| {
        (plain & matches!(byte, 0x20..=0x7E), blank & (*byte == b' '))
    });
    if plain && !blank {
        return String::from_utf8(bytes.to_vec()).map_err(|_| Rejection::BadName);
    }
    let text = match charset {
        Charset::Lmbcs => lmbcs::decode(bytes),
        Charset::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
    };
    let text = text.ok_or(Rejection::BadName)?;
    check(&text)?;
    Ok(text)
}

/// Refuses control characters, which could split headers and log lines, and names that nobody can see.
pub(super) fn check(text: &str) -> Result<(), Rejection> {
    if text.chars().any(char::is_control) || text.chars().all(char::is_whitespace) {
        return Err(Rejection::BadName);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_are_refused_in_either_charset() {
        for charset in [Charset::Lmbcs, Charset::Utf8] {
            // The byte 0x14 opens a group in LMBCS; it must not slip through as ASCII.
            for name in [&b"a\x14b"[..], b"a\x7F", b"a\r\nb", b"\x00", b" \t", b"", b"   "] {
                assert_eq!(decode(name, charset), Err(Rejection::BadName), "{name:x?} {charset:?}");
            }
        }
        assert_eq!(decode(b"\x14\x00\x0A", Charset::Lmbcs), Err(Rejection::BadName));
        assert_eq!(decode("\u{85}".as_bytes(), Charset::Utf8), Err(Rejection::BadName));
    }

    #[test]
    fn ascii_with_a_group_byte_is_still_lmbcs() {
        assert_eq!(decode(b"\x14\x01\x41", Charset::Lmbcs).as_deref(), Ok("Ł"));
    }
}
