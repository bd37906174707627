//! Hierarchical names: canonical (`CN=Mail1/O=Renovation`), abbreviated (`Mail1/Renovation`), and as a
//! distinguished name of LDAP (`CN=Mail1,O=Renovation`).
//!
//! `/` separates and `,` does not in the first two, the reverse holds in the third. A component may hold
//! either: in a canonical name only a `/` in front of `KEY=` separates, in an abbreviated one a component's
//! own `/` is written `\/`, and in a distinguished name a component's own `,` is written `\,`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The name of a server or a person. Compared without regard to case, as Domino does.
#[derive(Clone, Debug)]
pub struct NotesName {
    /// (`CN`, `Mail1`), (`O`, `Renovation`): the most specific first.
    parts: Vec<(String, String)>,
}

/// Why a text is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("the name is empty")]
    Empty,
    #[error("a component of the name is empty")]
    EmptyComponent,
    #[error("the name holds a control character")]
    Control,
    #[error("one component of the name is not of the form KEY=value")]
    Mixed,
    #[error("this is a host name, not a server name; write it as \"Name/Organization\"")]
    Host,
}

/// The attribute types that separate components (`/OU=`); numbered ones (`OU1`) as well.
const KEYS: &[&str] = &["CN", "OU", "OU1", "OU2", "OU3", "OU4", "O", "C", "G", "I", "S", "Q", "P", "A", "DC"];

impl NotesName {
    /// `CN=Mail1/O=Renovation`: what is stored in the directory.
    pub fn canonical(&self) -> String {
        self.joined("/", |value| value.to_owned())
    }

    /// `Mail1/Renovation`: what people type.
    pub fn abbreviated(&self) -> String {
        let values = self.parts.iter().map(|(_, value)| value.replace('\\', "\\\\").replace('/', "\\/"));
        values.collect::<Vec<_>>().join("/")
    }

    /// `CN=Mail1,O=Renovation`: the entry in LDAP, escaped as RFC 4514 asks.
    pub fn dn(&self) -> String {
        self.joined(",", escaped)
    }

    /// The common name.
    pub fn common(&self) -> &str {
        self.parts.first().map_or("", |(_, value)| value)
    }

    /// Whether there is more than a common name. Connection documents need that (domino-directory.md 1.2).
    pub fn is_hierarchical(&self) -> bool {
        self.parts.len() > 1
    }

    /// What two spellings of the same name have in common.
    pub fn folded(&self) -> String {
        self.canonical().to_lowercase()
    }

    fn joined(&self, separator: &str, value: impl Fn(&str) -> String) -> String {
        let parts = self.parts.iter().map(|(key, text)| format!("{key}={}", value(text)));
        parts.collect::<Vec<_>>().join(separator)
    }
}

impl FromStr for NotesName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(BadName::Control);
        }
        let parts = if !starts_with_key(text) {
            abbreviated(text)
        } else if is_canonical(text) {
            typed(split_before_keys(text))?
        } else {
            typed(split_dn(text))?
        };
        if parts.iter().any(|(_, value)| value.is_empty()) {
            return Err(BadName::EmptyComponent);
        }
        // `mail1.renovation.example` is the mistake that everybody makes once.
        if let [(_, only)] = parts.as_slice()
            && only.contains('.')
            && !only.contains(' ')
        {
            return Err(BadName::Host);
        }
        Ok(Self { parts })
    }
}

impl fmt::Display for NotesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl PartialEq for NotesName {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for NotesName {}

impl Hash for NotesName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

impl Ord for NotesName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl PartialOrd for NotesName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether the text begins with `KEY=`.
fn starts_with_key(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(key, _)| KEYS.iter().any(|known| key.trim().eq_ignore_ascii_case(known)))
}

/// A typed name is canonical if a `/` separates, or if there is nothing that could separate a DN.
fn is_canonical(text: &str) -> bool {
    split_before_keys(text).len() > 1 || split_dn(text).iter().skip(1).all(|part| !starts_with_key(part))
}

/// Splits at every `/` that a known key follows: `CN=A/B Team/O=Acme` has two components.
fn split_before_keys(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in text.split('/') {
        match parts.last_mut() {
            Some(last) if !starts_with_key(piece) => {
                last.push('/');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
}

/// Splits a distinguished name at `,` and undoes the escapes of RFC 4514.
fn split_dn(text: &str) -> Vec<String> {
    let mut parts = vec![Vec::new()];
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        let taken = match byte {
            b',' => {
                parts.push(Vec::new());
                continue;
            }
            b'\\' => {
                let first = rest.next().unwrap_or(b'\\');
                let second = rest.peek().and_then(|next| hex_digit(*next));
                match (hex_digit(first), second) {
                    (Some(high), Some(low)) => {
                        rest.next();
                        high * 16 + low
                    }
                    _ => first,
                }
            }
            byte => byte,
        };
        if let Some(last) = parts.last_mut() {
            last.push(taken);
        }
    }
    parts.into_iter().map(|part| String::from_utf8_lossy(&part).trim().to_owned()).collect()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn typed(parts: Vec<String>) -> Result<Vec<(String, String)>, BadName> {
    let typed = parts.iter().map(|part| {
        let (key, value) = part.split_once('=').filter(|_| starts_with_key(part)).ok_or(BadName::Mixed)?;
        Ok((key.trim().to_uppercase(), value.trim().to_owned()))
    });
    typed.collect()
}

/// First the common name, last the organization, organizational units between. A country cannot be told
/// from an organization without its key.
fn abbreviated(text: &str) -> Vec<(String, String)> {
    let mut values = vec![String::new()];
    let mut escaped = false;
    for char in text.chars() {
        match (char, values.last_mut()) {
            ('\\', _) if !escaped => {
                escaped = true;
                continue;
            }
            ('/', _) if !escaped => values.push(String::new()),
            (char, Some(last)) => last.push(char),
            (_, None) => {}
        }
        escaped = false;
    }
    let last = values.len() - 1;
    let key = |index: usize| match index {
        0 => "CN",
        index if index == last => "O",
        _ => "OU",
    };
    values.iter().enumerate().map(|(index, value)| (key(index).to_owned(), value.trim().to_owned())).collect()
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, char) in value.chars().enumerate() {
        let edge = (char == ' ' && (index == 0 || index == last)) || (char == '#' && index == 0);
        if edge || matches!(char, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> NotesName {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_spelling_means_the_same_name() {
        for text in
            ["CN=Mail1/OU=West/O=Renovation", "Mail1/West/Renovation", "cn=mail1, ou=WEST, o=renovation"]
        {
            assert_eq!(name(text), name("Mail1/West/Renovation"), "{text}");
        }
        assert_eq!(name("Mail1/West/Renovation").canonical(), "CN=Mail1/OU=West/O=Renovation");
        assert_eq!(name("CN=Mail1/OU=West/O=Renovation").dn(), "CN=Mail1,OU=West,O=Renovation");
        assert_eq!(name("cn=Ann/o=Acme/c=DE").canonical(), "CN=Ann/O=Acme/C=DE");
        assert_ne!(name("Mail1/Renovation"), name("Mail2/Renovation"));
    }

    #[test]
    fn separators_inside_a_component_stay_inside() {
        let comma = name("CN=Smith, Ann/O=Renovation");
        assert_eq!(comma.dn(), "CN=Smith\\, Ann,O=Renovation");
        assert_eq!(name(&comma.dn()), comma);
        assert_eq!(name("Smith, Ann/Renovation"), comma);
        let slash = name("CN=A/B Team/O=Renovation");
        assert_eq!(slash.common(), "A/B Team");
        assert_eq!(slash.abbreviated(), "A\\/B Team/Renovation");
        for text in [slash.abbreviated(), slash.canonical(), slash.dn()] {
            assert_eq!(name(&text).canonical(), slash.canonical(), "{text}");
        }
        assert_eq!(name("CN=a=b,c/O=Acme").dn(), "CN=a\\=b\\,c,O=Acme");
        assert_eq!(name("CN=L\\c3\\b3pez,O=Acme").canonical(), "CN=López/O=Acme");
    }

    #[test]
    fn characters_outside_of_ascii_are_kept_and_folded() {
        let polish = name("Łukasz Żółć/Acme");
        assert_eq!(polish.canonical(), "CN=Łukasz Żółć/O=Acme");
        assert_eq!(polish, name("łukasz żółć/acme"));
        for text in ["漢字 太郎/Acme", "Ann 🙂/Acme", "\u{f8a0} Corporate/Acme", "e\u{301}/Acme"] {
            assert_eq!(name(text).abbreviated(), text);
            assert_eq!(name(&name(text).dn()), name(text));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, expected) in [
            ("", BadName::Empty),
            ("Ann//Acme", BadName::EmptyComponent),
            ("CN=/O=Acme", BadName::EmptyComponent),
            ("Ann\n/Acme", BadName::Control),
            ("mail1.renovation.example", BadName::Host),
        ] {
            assert_eq!(text.parse::<NotesName>().unwrap_err(), expected, "{text}");
        }
        assert!(!name("Mail1").is_hierarchical());
    }
}
