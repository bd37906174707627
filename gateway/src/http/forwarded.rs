//! `Forwarded` (RFC 7239), read from its right end: what the nearest proxy wrote cannot be changed by anything
//! that stands to the left of it, an open quote least of all.

/// What one proxy says of who asked it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// `for`: an address, perhaps with a port, or a word that hides it.
    pub(super) client: Option<String>,
    /// `proto`, in lower case.
    pub(super) scheme: Option<String>,
    pub(super) host: Option<String>,
}

/// The hops, the nearest proxy's first, up to the first that cannot be read.
pub(super) fn hops(text: &str) -> Vec<Hop> {
    split_from_right(text, b',').into_iter().map_while(hop).collect()
}

/// `None` if it is not of the form, or says something twice.
fn hop(element: &str) -> Option<Hop> {
    let mut hop = Hop::default();
    for pair in split_from_right(element, b';') {
        let (name, value) = pair.trim().split_once('=')?;
        let value = unquoted(value)?;
        let place = match name.to_ascii_lowercase().as_str() {
            "for" => &mut hop.client,
            "proto" => &mut hop.scheme,
            "host" => &mut hop.host,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    hop.scheme = hop.scheme.map(|scheme| scheme.to_ascii_lowercase());
    Some(hop)
}

/// The pieces between separators that are not within quotes, the last one first.
fn split_from_right(text: &str, separator: u8) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut pieces, mut end, mut quoted) = (Vec::new(), text.len(), false);
    for (at, byte) in bytes.iter().enumerate().rev() {
        let is_escaped = || {
            let before = bytes.get(..at).unwrap_or_default();
            before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
        };
        if *byte == b'"' && !(quoted && is_escaped()) {
            quoted = !quoted;
        } else if *byte == separator && !quoted {
            pieces.extend(text.get(at + 1..end));
            end = at;
        }
    }
    pieces.extend(text.get(..end));
    pieces
}

/// The value of a token or of a quoted string.
fn unquoted(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else {
        let is_token = !value.is_empty() && !value.contains(['"', '\\', ' ', ',', ';']);
        return is_token.then(|| value.to_owned());
    };
    let mut characters = rest.strip_suffix('"')?.chars();
    let mut plain = String::new();
    while let Some(one) = characters.next() {
        plain.push(match one {
            '\\' => characters.next()?,
            '"' => return None,
            one => one,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(text: &str) -> Vec<String> {
        hops(text).into_iter().map(|hop| hop.client.unwrap_or_default()).collect()
    }

    #[test]
    fn hops_are_read_from_the_nearest_on() {
        let [near, far] =
            &hops("For=192.0.2.7;Proto=HTTPS;host=\"im.example:8443\";by=_x , for=\"[2001:db8::7]:80\"")[..]
        else {
            panic!()
        };
        assert_eq!(near, &Hop { client: Some("[2001:db8::7]:80".into()), ..Hop::default() });
        let host = Some("im.example:8443".into());
        assert_eq!(far, &Hop { client: Some("192.0.2.7".into()), scheme: Some("https".into()), host });
        assert_eq!(clients("for=\"a\\\"b, c\\\\\", for=d"), ["d", "a\"b, c\\"]);
    }

    #[test]
    fn what_stands_to_the_left_changes_nothing() {
        for left in
            ["for=\"", "for=\"\\", "\"", "for=6.6.6.6;x=\"", "for=6.6.6.6;for=7.7.7.7", "x", "", ";;", "=\""]
        {
            assert_eq!(clients(&format!("{left}, for=192.0.2.7"))[0], "192.0.2.7", "{left}");
            assert_eq!(clients(&format!("{left}, for=\"[2001:db8::7]\""))[0], "[2001:db8::7]", "{left}");
        }
        assert_eq!(clients("for=a b"), [""; 0]);
        assert_eq!(clients(""), [""; 0]);
    }
}
