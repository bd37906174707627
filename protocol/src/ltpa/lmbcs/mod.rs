//! Names as Domino writes them: LMBCS optimised for group 1, to text. Implements ltpa.md 2.1.
//!
//! Only what names need: when reading, the exception table of rare Latin letters (groups 1, 2 and 6 with a
//! following byte below 0x80) is refused; when writing, what code page 850 lacks is written as UTF-16.

mod pages;

use encoding_rs::Encoding;
use pages::Page;

/// Next two bytes: a UTF-16BE unit.
const UNICODE: u8 = 0x14;
/// After [`UNICODE`]: the unit's low byte is zero and this stands where zero may not.
const UNICODE_ZERO: u8 = 0xF6;

/// The text, or `None` if a sequence is incomplete, unknown or has no character.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len() * 2);
    let mut rest = bytes.iter().copied();
    while let Some(lead) = rest.next() {
        text.push(match lead {
            0x20..=0x7F => char::from(lead),
            0x80..=0xFF => upper_half(&pages::CP850, lead)?,
            UNICODE => unicode(&mut rest)?,
            group => match Page::of_group(group)? {
                Page::Table(table) => upper_half(table, rest.next()?)?,
                Page::Single(page) => only_char(page, &[rest.next().filter(|byte| *byte >= 0x80)?])?,
                Page::Double(page) => {
                    let (first, second) = (rest.next()?, rest.next()?);
                    if first == group {
                        only_char(page, &[second])?
                    } else {
                        only_char(page, &[first, second])?
                    }
                }
            },
        });
    }
    Some(text)
}

/// The bytes of a name, for minting: code page 850 where it has the character, UTF-16 units otherwise.
/// Private-use characters from U+F600 to U+F6FF have no bytes and are left out.
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for char in text.chars() {
        if char.is_ascii() {
            bytes.push(char as u8);
        } else if let Some(index) = pages::CP850.iter().position(|known| *known == char) {
            bytes.push(0x80 + index as u8);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                match unit.to_be_bytes() {
                    [UNICODE_ZERO, _] => {}
                    [high, 0] => bytes.extend([UNICODE, UNICODE_ZERO, high]),
                    [high, low] => bytes.extend([UNICODE, high, low]),
                }
            }
        }
    }
    bytes
}

fn upper_half(table: &[char; 128], byte: u8) -> Option<char> {
    let index = byte.checked_sub(0x80)?;
    table.get(usize::from(index)).copied().filter(|char| *char != char::REPLACEMENT_CHARACTER)
}

/// One UTF-16 unit, or two of them that form a pair; each has its own group byte.
fn unicode(rest: &mut impl Iterator<Item = u8>) -> Option<char> {
    let first = unit(rest)?;
    if let Some(char) = char::from_u32(first.into()) {
        return Some(char);
    }
    if rest.next()? != UNICODE {
        return None;
    }
    char::decode_utf16([first, unit(rest)?]).next()?.ok()
}

fn unit(rest: &mut impl Iterator<Item = u8>) -> Option<u16> {
    let (high, low) = (rest.next()?, rest.next()?);
    Some(if high == UNICODE_ZERO { u16::from_be_bytes([low, 0]) } else { u16::from_be_bytes([high, low]) })
}

/// Decodes bytes that must be exactly one character of the page.
fn only_char(page: &'static Encoding, bytes: &[u8]) -> Option<char> {
    let mut room = [0_u8; 16];
    let mut decoder = page.new_decoder_without_bom_handling();
    let (result, read, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut room, true);
    if result != encoding_rs::DecoderResult::InputEmpty || read != bytes.len() {
        return None;
    }
    let mut chars = str::from_utf8(room.get(..written)?).ok()?.chars();
    let char = chars.next()?;
    chars.next().is_none().then_some(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_reads_its_code_page() {
        let samples: [(&[u8], &str); 17] = [
            (b"CN=Ada", "CN=Ada"),
            (b"Bj\x94rn", "Björn"),
            (b"\x01\x94", "ö"),
            (b"\x02\xA4\x02\xA5", "ΑΒ"),
            (b"\x03\xE0", "א"),
            (b"\x04\xC7", "ا"),
            (b"\x05\xC8", "И"),
            (b"\x06\x9D", "Ł"),
            (b"\x08\xFE", "ş"),
            (b"\x0B\xA1", "ก"),
            (b"\x10\x93\xFA\x10\x10\xB1", "日ｱ"),
            (b"\x11\xB1\xE8", "김"),
            (b"\x12\xA4\xA4", "中"),
            (b"\x13\xD5\xC5", "张"),
            (b"\x14\x20\xAC", "€"),
            (b"\x14\xF6\x4E", "\u{4E00}"),
            (b"\x14\xD8\x3D\x14\xDE\x00", "😀"),
        ];
        for (bytes, text) in samples {
            assert_eq!(decode(bytes).as_deref(), Some(text), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for name in [
            "CN=Ada",
            "CN=Björn Ångström",
            "CN=Tuğba Ķ",
            "CN=鈴木一郎/O=Acme",
            "CN=Ā\u{3000}",
            "CN=\u{1F600}",
        ] {
            assert_eq!(decode(&encode(name)).as_deref(), Some(name));
        }
        assert_eq!(encode("ö"), b"\x94");
        assert_eq!(encode("Ā"), b"\x14\xF6\x01");
    }

    #[test]
    fn what_is_cut_short_or_unknown_has_no_text() {
        let bad: [&[u8]; 16] = [
            b"\x00",
            b"\x01",
            b"\x01A",
            b"\x02\x91",
            b"\x05A",
            b"\x07\x80",
            b"\x0Fa",
            b"\x10\x93",
            b"\x10AB",
            b"\x10\x10",
            b"\x13\xD5",
            b"\x14\x20",
            b"\x14\xD8\x3D",
            b"\x14\xD8\x3D\x14\x00\x41",
            b"\x14\xDC\x00",
            b"\x1F",
        ];
        for bytes in bad {
            assert_eq!(decode(bytes), None, "{bytes:x?}");
        }
    }
}
