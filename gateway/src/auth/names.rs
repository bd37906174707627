//! The two spellings of one distinguished name: Domino's `CN=Ann Example/O=Acme` and LDAP's
//! `CN=Ann Example,O=Acme` (ltpa.md 5, *Map names in LTPA tokens*).
//!
//! Only separators and escapes change. Whom a name belongs to is the directory's knowledge: attribute types,
//! order and letters stay.

use crate::config::NameForm;

/// Characters that LDAP escapes inside a value (RFC 4514 2.4).
const SPECIAL: &str = ",+\"\\<>;";

/// The name in the wanted spelling; a name that is not distinguished stays as it is. `None` if it can be read
/// in both spellings, or cannot be spelled so: it could become somebody else's.
pub(crate) fn spelled(name: String, form: NameForm) -> Option<String> {
    let (own, other) = match form {
        NameForm::AsIs => return Some(name),
        NameForm::Domino => (parts(&name, '/'), parts(&name, ',')),
        NameForm::Ldap => (parts(&name, ','), parts(&name, '/')),
    };
    match (own, other, form) {
        (Some(_), Some(_), _) => None,
        (_, None, _) => Some(name),
        (None, Some(parts), NameForm::Ldap) => {
            Some(parts.into_iter().map(ldap).collect::<Vec<_>>().join(","))
        }
        (None, Some(parts), _) => Some(parts.into_iter().map(domino).collect::<Option<Vec<_>>>()?.join("/")),
    }
}

/// The components, if there are at least two and each is `type=value`. In LDAP's spelling a backslash
/// protects the separator; Domino's has no escapes.
fn parts(name: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, char) in name.char_indices() {
        if escaped {
            escaped = false;
        } else if char == '\\' && separator == ',' {
            escaped = true;
        } else if char == separator {
            parts.push(name.get(start..at)?.trim());
            start = at + char.len_utf8();
        }
    }
    parts.push(name.get(start..)?.trim());
    let is_kind = |kind: &str| {
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    let is_component = |part: &&str| part.split_once('=').is_some_and(|(kind, _)| is_kind(kind));
    (parts.len() > 1 && parts.iter().all(is_component)).then_some(parts)
}

/// One component without LDAP's escapes. A slash would be read as a separator.
fn domino(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let next = rest.next()?;
        if !next.is_ascii_hexdigit() {
            bytes.push(next);
            continue;
        }
        let digits = [next, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    let plain = String::from_utf8(bytes).ok()?;
    let is_safe = !plain.contains('/') && !plain.chars().any(char::is_control);
    is_safe.then_some(plain)
}

/// One component with LDAP's escapes.
fn ldap(part: &str) -> String {
    let (kind, value) = part.split_once('=').unwrap_or((part, ""));
    let mut text = format!("{kind}=");
    for (index, char) in value.char_indices() {
        if SPECIAL.contains(char) || index == 0 && char == '#' {
            text.push('\\');
        }
        text.push(char);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(name: &str, form: NameForm) -> Option<String> {
        super::spelled(name.to_owned(), form)
    }

    #[test]
    fn separators_and_escapes_change_and_nothing_else() {
        for (ldap, domino) in [
            ("CN=Ann Example,O=Acme", "CN=Ann Example/O=Acme"),
            ("uid=jdoe,cn=sales,dc=acme,dc=com", "uid=jdoe/cn=sales/dc=acme/dc=com"),
            ("cn=Doe\\, Jane,o=Acme", "cn=Doe, Jane/o=Acme"),
            ("cn=\\#1 \\\\ \\+,o=Äcme", "cn=#1 \\ +/o=Äcme"),
        ] {
            assert_eq!(spelled(ldap, NameForm::Domino).as_deref(), Some(domino));
            assert_eq!(spelled(domino, NameForm::Ldap).as_deref(), Some(ldap));
            for form in [NameForm::Domino, NameForm::Ldap] {
                let once = spelled(ldap, form).unwrap();
                assert_eq!(spelled(&once, form).as_deref(), Some(once.as_str()), "twice");
            }
        }
        assert_eq!(spelled("cn=a, o=b", NameForm::Domino).as_deref(), Some("cn=a/o=b"));
        assert_eq!(spelled("cn=M\\c3\\bcller,o=b", NameForm::Domino).as_deref(), Some("cn=Müller/o=b"));
    }

    #[test]
    fn names_that_are_not_distinguished_stay() {
        for name in ["Ann Example", "ann@acme.example", "a/b", "Example, Ann", "CN=Ann", ""] {
            for form in [NameForm::Domino, NameForm::Ldap, NameForm::AsIs] {
                assert_eq!(spelled(name, form).as_deref(), Some(name));
            }
        }
    }

    #[test]
    fn nobody_becomes_somebody_else() {
        for name in [
            "cn=a/o=Boss,o=Acme",
            "cn=a\\2fo=Boss,o=Acme",
            "cn=a\\00,o=b",
            "cn=a\\",
            "cn=a,o=b\\",
            "cn=a,o=b\\f",
        ] {
            assert!(spelled(name, NameForm::Domino).is_none_or(|spelled| spelled == name), "{name}");
        }
        for form in [NameForm::Domino, NameForm::Ldap] {
            assert_eq!(spelled("cn=a/o=Boss,o=Acme", form), None, "two readings");
        }
        assert_eq!(spelled("CN=Doe, Jane/O=Acme", NameForm::Domino).as_deref(), Some("CN=Doe, Jane/O=Acme"));
    }
}
