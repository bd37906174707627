//! Text that peers send: UTF-8, or Java's "modified UTF-8" (vp-wire.md 2).

/// Decodes text leniently. Plain UTF-8 passes through; a supplementary character written as two 3-byte
/// surrogates (CESU-8) and U+0000 written as `C0 80` are understood; every other bad sequence
/// becomes U+FFFD. Text is never a reason to drop a connection.
pub fn decode_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => {
                let (valid, bad) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
                text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                let (character, len) = java_character(bad)
                    .unwrap_or((char::REPLACEMENT_CHARACTER, error.error_len().unwrap_or(bad.len())));
                text.push(character);
                // `len` is at least 1, so the loop ends.
                rest = bad.get(len.max(1)..).unwrap_or_default();
            }
        }
    }
}

/// The character that only modified UTF-8 writes this way, and its length in bytes.
fn java_character(bytes: &[u8]) -> Option<(char, usize)> {
    match *bytes {
        [0xc0, 0x80, ..] => Some(('\0', 2)),
        [0xed, a @ 0xa0..=0xaf, b @ 0x80..=0xbf, 0xed, c @ 0xb0..=0xbf, d @ 0x80..=0xbf, ..] => {
            let high = (u32::from(a & 0x0f) << 6) | u32::from(b & 0x3f);
            let low = (u32::from(c & 0x0f) << 6) | u32::from(d & 0x3f);
            char::from_u32(0x1_0000 + (high << 10) + low).map(|character| (character, 6))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_utf8_passes_through() {
        assert_eq!(decode_text("Zoë 鈴木 😀".as_bytes()), "Zoë 鈴木 😀");
        assert_eq!(decode_text(b""), "");
    }

    #[test]
    fn java_surrogate_pairs_and_nul_are_understood() {
        assert_eq!(decode_text(b"a\xed\xa0\xbd\xed\xb8\x80b"), "a😀b");
        assert_eq!(decode_text(b"\xed\xaf\xbf\xed\xbf\xbf"), "\u{10ffff}");
        assert_eq!(decode_text(b"a\xc0\x80b"), "a\0b");
    }

    #[test]
    fn bad_sequences_are_replaced_and_the_rest_kept() {
        assert_eq!(decode_text(b"a\xffb\xc3"), "a\u{fffd}b\u{fffd}");
        let lone_surrogate = decode_text(b"x\xed\xa0\xbdy");
        assert!(lone_surrogate.starts_with("x\u{fffd}") && lone_surrogate.ends_with('y'));
    }
}
