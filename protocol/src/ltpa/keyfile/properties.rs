//! Just enough of Java's properties text for a key file: comments, escapes, continued lines.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// The keys and values; of a repeated key the last one counts, as in Java.
pub(super) fn parse(text: &str) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        skip_blanks(&mut chars);
        match chars.peek() {
            Some('#' | '!') => skip_line(&mut chars),
            Some('\r' | '\n') => {
                chars.next();
            }
            _ => {
                let key = word(&mut chars, |char| matches!(char, '=' | ':' | ' ' | '\t' | '\x0C'));
                skip_blanks(&mut chars);
                if chars.next_if(|char| matches!(char, '=' | ':')).is_some() {
                    skip_blanks(&mut chars);
                }
                let value = word(&mut chars, |_| false);
                properties.insert(key, value);
            }
        }
    }
    properties
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|char| matches!(char, ' ' | '\t' | '\x0C')).is_some() {}
}

fn skip_line(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|char| !matches!(char, '\r' | '\n')).is_some() {}
}

/// Reads up to the end of the logical line or to a character that ends the word, and resolves escapes.
fn word(chars: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> String {
    let mut word = String::new();
    while let Some(char) = chars.next_if(|char| !matches!(char, '\r' | '\n') && !ends(*char)) {
        if char != '\\' {
            word.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => word.push('\n'),
            Some('r') => word.push('\r'),
            Some('t') => word.push('\t'),
            Some('f') => word.push('\x0C'),
            Some('u') => word.push(unicode(chars)),
            Some(line_end @ ('\r' | '\n')) => {
                if line_end == '\r' {
                    chars.next_if_eq(&'\n');
                }
                skip_blanks(chars);
            }
            Some(other) => word.push(other),
            None => {}
        }
    }
    word
}

/// Four hex digits; anything else becomes a character that no key or realm has.
fn unicode(chars: &mut Peekable<Chars<'_>>) -> char {
    let unit = (0..4).try_fold(0, |sum, _| {
        chars.next_if(char::is_ascii_hexdigit).and_then(|digit| Some(sum << 4 | digit.to_digit(16)?))
    });
    unit.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_spellings_are_understood() {
        let text = "# a=b\r\n ! c=d\n\n  key\\ 1 = a\\=b\\:c\\\\d\nkey2:x=y\\\r\n   z\rkey3 v\\u0041\nkey3 w\nkey4\nend\\";
        let properties = parse(text);
        let expected = [("key 1", "a=b:c\\d"), ("key2", "x=yz"), ("key3", "w"), ("key4", ""), ("end", "")];
        assert_eq!(properties.len(), expected.len(), "{properties:?}");
        for (key, value) in expected {
            assert_eq!(properties.get(key).map(String::as_str), Some(value), "{key}");
        }
    }

    #[test]
    fn broken_escapes_do_no_harm() {
        assert_eq!(parse("a=\\u00e9\\u12").get("a").map(String::as_str), Some("é\u{FFFD}"));
        assert_eq!(parse("a=\\uD800x").get("a").map(String::as_str), Some("\u{FFFD}x"));
        assert_eq!(parse("=\n").len(), 1);
    }
}
