//! Tokens as people have them: bare, as a cookie, or as a whole header.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use protocol::ltpa::ring::{KeyRing, SsoCookie};
use protocol::ltpa::{Format, cookie};
use protocol::secret::Secret;

/// More than any header that a server would take.
const MOST_BYTES: u64 = 64 << 10;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("{}: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    #[error("standard input: {0}")]
    Stdin(io::Error),
    #[error("the text is longer than any Cookie header")]
    TooLong,
    #[error("the text has zero bytes, so it cannot have been a cookie; save it as plain text, not as UTF-16")]
    NotText,
    #[error("there is nothing to look at; give a token, a cookie or a Cookie header")]
    Empty,
}

/// What was given: a header to look for cookies in, or a bare token that could be any cookie's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Header(String),
    Bare(String),
}

/// Reads the file, or standard input.
pub(super) fn read(path: Option<&Path>) -> Result<Shown, InputError> {
    let mut bytes = Vec::new();
    match path {
        Some(path) => File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| InputError::Unreadable(path.to_owned(), error))?,
        None => io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(InputError::Stdin)?,
    };
    if bytes.len() as u64 > MOST_BYTES {
        return Err(InputError::TooLong);
    }
    if bytes.contains(&0) {
        return Err(InputError::NotText);
    }
    // Cookies beside the token may hold anything; a token with such bytes is none.
    parse(&String::from_utf8_lossy(&bytes)).ok_or(InputError::Empty)
}

/// What a file holds as a Cookie header; a bare token counts as the cookie that Domino makes.
pub(in crate::cli) fn cookie_of_file(path: &Path) -> Result<Secret, String> {
    let shown = read(Some(path)).map_err(|error| error.to_string())?;
    Ok(Secret::new(match shown {
        Shown::Header(header) => header.into_bytes(),
        Shown::Bare(token) => format!("LtpaToken={token}").into_bytes(),
    }))
}

/// `None` for nothing but blanks.
fn parse(text: &str) -> Option<Shown> {
    let text = text.trim();
    let after = |name: &str| {
        text.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).and(text.get(name.len()..))
    };
    let (is_header, text) = match after("cookie:").or_else(|| after("set-cookie:")) {
        Some(rest) => (true, rest.trim()),
        None => (false, text),
    };
    // In base64 `=` stands at the end only; before a value it follows a name.
    let has_name = text.split(';').any(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| {
            !name.trim().is_empty() && !value.trim_matches(['=', ' ', '"']).is_empty()
        })
    });
    match text {
        "" => None,
        text if is_header || has_name => Some(Shown::Header(text.to_owned())),
        text => Some(Shown::Bare(text.to_owned())),
    }
}

impl Shown {
    /// The cookies of the ring that the text could be about, the likeliest first, each with its values.
    pub(super) fn candidates<'a>(&'a self, ring: &'a KeyRing) -> Vec<(&'a SsoCookie, Vec<&'a str>)> {
        let with_values = |cookie: &'a SsoCookie| match self {
            Self::Header(header) => (cookie, values(header, &cookie.name)),
            Self::Bare(token) => (cookie, vec![token.as_str()]),
        };
        let mut found: Vec<(_, Vec<_>)> =
            ring.cookies().iter().map(with_values).filter(|(_, values)| !values.is_empty()).collect();
        if let Self::Bare(token) = self {
            let is_domino = looks_domino(token);
            found.sort_by_key(|(cookie, _)| (cookie.verifier.format() == Format::Domino) != is_domino);
        }
        found
    }
}

/// The values of a cookie in a header that is text.
pub(super) fn values<'a>(header: &'a str, name: &'a str) -> Vec<&'a str> {
    cookie::values(header, name).filter_map(|value| str::from_utf8(value).ok()).collect()
}

/// Whether the text begins as every token of Domino's own format does (ltpa.md 1). For explanations only.
pub(super) fn looks_domino(token: &str) -> bool {
    token.trim_start_matches('"').starts_with("AAECAz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_cookies_and_bare_tokens_are_told_apart() {
        for (text, expected) in [
            ("AAECAzY5NTU=\n", Shown::Bare("AAECAzY5NTU=".into())),
            ("\"AAEC==\"", Shown::Bare("\"AAEC==\"".into())),
            ("LtpaToken=AAEC==\r\n", Shown::Header("LtpaToken=AAEC==".into())),
            ("a=b; LtpaToken=AAEC", Shown::Header("a=b; LtpaToken=AAEC".into())),
            ("Cookie: LtpaToken=AAEC", Shown::Header("LtpaToken=AAEC".into())),
            ("set-cookie: LtpaToken=AAEC; Path=/", Shown::Header("LtpaToken=AAEC; Path=/".into())),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse(" \n"), None);
    }
}
