//! The code pages that LMBCS groups name (ltpa.md 2.1).
//!
//! The three DOS pages are written out here because the browsers' encodings, which `encoding_rs` has, do
//! not include them; everything else comes from there.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, WINDOWS_874, WINDOWS_1251, WINDOWS_1254, WINDOWS_1255,
    WINDOWS_1256,
};

/// How the bytes that follow a group byte become a character.
#[derive(Clone, Copy)]
pub(super) enum Page {
    /// One byte from 0x80; the table has the upper half. U+FFFD marks a byte without a meaning.
    Table(&'static [char; 128]),
    /// One byte from 0x80.
    Single(&'static Encoding),
    /// Two bytes, or the group byte again and one byte.
    Double(&'static Encoding),
}

impl Page {
    /// The page of a group byte.
    pub(super) fn of_group(group: u8) -> Option<Self> {
        Some(match group {
            0x01 => Self::Table(&CP850),
            0x02 => Self::Table(&CP851),
            0x03 => Self::Single(WINDOWS_1255),
            0x04 => Self::Single(WINDOWS_1256),
            0x05 => Self::Single(WINDOWS_1251),
            0x06 => Self::Table(&CP852),
            0x08 => Self::Single(WINDOWS_1254),
            0x0B => Self::Single(WINDOWS_874),
            0x10 => Self::Double(SHIFT_JIS),
            0x11 => Self::Double(EUC_KR),
            0x12 => Self::Double(BIG5),
            0x13 => Self::Double(GBK),
            _ => return None,
        })
    }
}

/// Latin 1 on DOS: the group that needs no group byte.
#[rustfmt::skip]
pub(super) static CP850: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å',
    'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', 'ø', '£', 'Ø', '×', 'ƒ',
    'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '®', '¬', '½', '¼', '¡', '«', '»',
    '░', '▒', '▓', '│', '┤', 'Á', 'Â', 'À', '©', '╣', '║', '╗', '╝', '¢', '¥', '┐',
    '└', '┴', '┬', '├', '─', '┼', 'ã', 'Ã', '╚', '╔', '╩', '╦', '╠', '═', '╬', '¤',
    'ð', 'Ð', 'Ê', 'Ë', 'È', 'ı', 'Í', 'Î', 'Ï', '┘', '┌', '█', '▄', '¦', 'Ì', '▀',
    'Ó', 'ß', 'Ô', 'Ò', 'õ', 'Õ', 'µ', 'þ', 'Þ', 'Ú', 'Û', 'Ù', 'ý', 'Ý', '¯', '´',
    '\u{AD}', '±', '‗', '¾', '¶', '§', '÷', '¸', '°', '¨', '·', '¹', '³', '²', '■', '\u{A0}',
];

/// Greek on DOS.
#[rustfmt::skip]
pub(super) static CP851: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'Ά', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'Έ', 'Ä', 'Ή',
    'Ί', '\u{FFFD}', 'Ό', 'ô', 'ö', 'Ύ', 'û', 'ù', 'Ώ', 'Ö', 'Ü', 'ά', '£', 'έ', 'ή', 'ί',
    'ϊ', 'ΐ', 'ό', 'ύ', 'Α', 'Β', 'Γ', 'Δ', 'Ε', 'Ζ', 'Η', '½', 'Θ', 'Ι', '«', '»',
    '░', '▒', '▓', '│', '┤', 'Κ', 'Λ', 'Ν', 'Μ', '╣', '║', '╗', '╝', 'Ξ', 'Ο', '┐',
    '└', '┴', '┬', '├', '─', '┼', 'Π', 'Ρ', '╚', '╔', '╩', '╦', '╠', '═', '╬', 'Σ',
    'Τ', 'Υ', 'Φ', 'Χ', 'Ψ', 'Ω', 'α', 'β', 'γ', '┘', '┌', '█', '▄', 'δ', 'ε', '▀',
    'ζ', 'η', 'θ', 'ι', 'κ', 'λ', 'μ', 'ν', 'ξ', 'ο', 'π', 'ρ', 'σ', 'ς', 'τ', '´',
    '\u{AD}', '±', 'υ', 'φ', 'χ', '§', 'ψ', '˛', '°', '¨', 'ω', 'ϋ', 'ΰ', 'ώ', '■', '\u{A0}',
];

/// Latin 2 on DOS.
#[rustfmt::skip]
pub(super) static CP852: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'ů', 'ć', 'ç', 'ł', 'ë', 'Ő', 'ő', 'î', 'Ź', 'Ä', 'Ć',
    'É', 'Ĺ', 'ĺ', 'ô', 'ö', 'Ľ', 'ľ', 'Ś', 'ś', 'Ö', 'Ü', 'Ť', 'ť', 'Ł', '×', 'č',
    'á', 'í', 'ó', 'ú', 'Ą', 'ą', 'Ž', 'ž', 'Ę', 'ę', '¬', 'ź', 'Č', 'ş', '«', '»',
    '░', '▒', '▓', '│', '┤', 'Á', 'Â', 'Ě', 'Ş', '╣', '║', '╗', '╝', 'Ż', 'ż', '┐',
    '└', '┴', '┬', '├', '─', '┼', 'Ă', 'ă', '╚', '╔', '╩', '╦', '╠', '═', '╬', '¤',
    'đ', 'Đ', 'Ď', 'Ë', 'ď', 'Ň', 'Í', 'Î', 'ě', '┘', '┌', '█', '▄', 'Ţ', 'Ů', '▀',
    'Ó', 'ß', 'Ô', 'Ń', 'ń', 'ň', 'Š', 'š', 'Ŕ', 'Ú', 'ŕ', 'Ű', 'ý', 'Ý', 'ţ', '´',
    '\u{AD}', '˝', '˛', 'ˇ', '˘', '§', '÷', '¸', '°', '¨', '˙', 'ű', 'Ř', 'ř', '■', '\u{A0}',
];
