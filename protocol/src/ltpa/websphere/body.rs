//! The grammar of a decrypted WebSphere token: body, expiry, signature, and the attributes in the body.
//! Implements ltpa.md 4.

use std::borrow::Cow;

use super::super::{Rejection, name};

/// A decrypted token cut into its parts, none of them believed yet.
pub(super) struct Plain<'p> {
    /// What the signature covers, as received.
    pub(super) body: &'p [u8],
    /// The expiry outside the signature.
    pub(super) outer: Option<&'p [u8]>,
    /// Base64 text.
    pub(super) signature: &'p [u8],
}

impl<'p> Plain<'p> {
    /// Splits from the right: digits and base64 have no `%`, names may have an escaped one.
    pub(super) fn split(plain: &'p [u8]) -> Option<Self> {
        let (rest, signature) = split_last_percent(plain)?;
        Some(match split_last_percent(rest) {
            Some((body, outer)) if !ends_in_escape(body) => Self { body, outer: Some(outer), signature },
            _ => Self { body: rest, outer: None, signature },
        })
    }
}

fn split_last_percent(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|byte| *byte == b'%')?;
    let (before, after) = text.split_at_checked(at)?;
    Some((before, after.get(1..)?))
}

/// An odd number of backslashes at the end escapes what follows.
fn ends_in_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// A time in milliseconds: digits only, library parsers let a sign through.
pub(super) fn milliseconds(text: &[u8]) -> Result<u64, Rejection> {
    let digits = str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(Rejection::BadTime)
}

/// The attributes of a body, in its order. Read them only after the signature was found good.
pub struct Attributes<'b>(Vec<(Cow<'b, str>, &'b str)>);

impl<'b> Attributes<'b> {
    /// # Errors
    /// [`Rejection::BadName`] for text that is not UTF-8, [`Rejection::BadBody`] for a part without a
    /// name, [`Rejection::DuplicateAttribute`].
    pub(super) fn parse(body: &'b [u8]) -> Result<Self, Rejection> {
        let mut rest = Some(str::from_utf8(body).map_err(|_| Rejection::BadName)?);
        let mut attributes: Vec<(Cow<'b, str>, &'b str)> = Vec::new();
        while let Some(text) = rest {
            let (attribute, next) = split(text, b'$');
            let (name, value) = split(attribute, b':');
            let (name, value) = (unescape(name), value.ok_or(Rejection::BadBody)?);
            if attributes.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Rejection::DuplicateAttribute);
            }
            attributes.push((name, value));
            rest = next;
        }
        Ok(Self(attributes))
    }

    /// All names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.0.iter().map(|(name, value)| (&**name, values(name, value)))
    }

    fn raw(&self, wanted: &str) -> Option<&'b str> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value)
    }

    /// Realm and unique id out of `u`, an access id of the type `user:`.
    pub(super) fn user(&self) -> Result<(String, String), Rejection> {
        let access_id = unescape(self.raw("u").ok_or(Rejection::NoUser)?);
        let (realm, id) = access_id
            .strip_prefix("user:")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(realm, id)| !realm.is_empty() && !id.is_empty())
            .ok_or(Rejection::BadName)?;
        name::check(realm)?;
        name::check(id)?;
        Ok((realm.to_owned(), id.to_owned()))
    }

    /// The expiry inside the signature.
    pub(super) fn expire(&self) -> Option<Result<u64, Rejection>> {
        self.raw("expire").map(|digits| milliseconds(digits.as_bytes()))
    }
}

/// In `u` a bar is data.
fn values(name: &str, value: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = Some(value);
    while let Some(text) = rest {
        let (value, next) = if name == "u" { (text, None) } else { split(text, b'|') };
        values.push(unescape(value).into_owned());
        rest = next;
    }
    values
}

/// Splits at the first separator that is not escaped.
fn split(text: &str, separator: u8) -> (&str, Option<&str>) {
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == separator {
            return (text.get(..at).unwrap_or_default(), text.get(at + 1..));
        }
        if byte == b'\\' {
            bytes.next_if(|(_, next)| is_special(*next));
        }
    }
    (text, None)
}

/// A backslash before any other character is only itself.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'$' | b':' | b'%' | b'|')
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let escaped =
            (char == '\\').then(|| chars.next_if(|next| u8::try_from(*next).is_ok_and(is_special))).flatten();
        plain.push(escaped.unwrap_or(char));
    }
    Cow::Owned(plain)
}

/// Writes a name or value so that [`Attributes`] reads it back.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if u8::try_from(char).is_ok_and(is_special) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split_plain(text: &str) -> Option<(&str, Option<&str>, &str)> {
        let plain = Plain::split(text.as_bytes())?;
        let text = |bytes| str::from_utf8(bytes).unwrap();
        Some((text(plain.body), plain.outer.map(text), text(plain.signature)))
    }

    #[test]
    fn an_escaped_percent_does_not_split() {
        assert_eq!(split_plain("u:a%12%QQ=="), Some(("u:a", Some("12"), "QQ==")));
        assert_eq!(split_plain("u:a\\%12%QQ=="), Some(("u:a\\%12", None, "QQ==")));
        assert_eq!(split_plain("u:a\\\\%12%QQ=="), Some(("u:a\\\\", Some("12"), "QQ==")));
        assert_eq!(split_plain("u:a%QQ=="), Some(("u:a", None, "QQ==")));
        assert_eq!(split_plain("u:a"), None);
    }

    #[test]
    fn times_are_plain_digits() {
        assert_eq!(milliseconds(b"1767225600000"), Ok(1_767_225_600_000));
        for text in [&b""[..], b"+1", b"-1", b" 1", b"1e3", b"18446744073709551616", b"\xFF"] {
            assert_eq!(milliseconds(text), Err(Rejection::BadTime));
        }
    }

    #[test]
    fn a_backslash_before_an_ordinary_letter_is_itself() {
        assert_eq!(unescape("a\\b\\\\c\\$\\"), "a\\b\\c$\\");
    }

    #[test]
    fn an_attribute_without_a_name_is_a_bad_body() {
        for body in ["", "u", "u:x$", "$u:x", "u\\:x"] {
            assert_eq!(Attributes::parse(body.as_bytes()).err(), Some(Rejection::BadBody), "{body}");
        }
    }

    #[test]
    fn a_bar_separates_values_but_not_in_the_user() {
        let attributes = Attributes::parse(b"a:1|2\\|3|$u:x|y").unwrap();
        let all: Vec<_> = attributes.iter().collect();
        assert_eq!(all[0], ("a", vec!["1".to_owned(), "2|3".to_owned(), String::new()]));
        assert_eq!(all[1], ("u", vec!["x|y".to_owned()]));
    }

    proptest! {
        #[test]
        fn what_was_escaped_is_read_back(name in "[a-z$:%|\\\\]{1,8}", value in "\\PC{0,20}") {
            let body = format!("{}:{}$other:1", escape(&name), escape(&value));
            prop_assume!(name != "other");
            let attributes = Attributes::parse(body.as_bytes()).unwrap();
            let first = attributes.iter().next().unwrap();
            prop_assert_eq!((first.0, first.1), (&*name, vec![value]));
        }
    }
}
