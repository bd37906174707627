//! A login as a browser does it: name and password to the mail server, a cookie back (C14).

use http::{Method, StatusCode};
use protocol::secret::Secret;

use crate::directory::{Answer, Client, DirectoryError};

/// What a login gives.
#[derive(Debug)]
pub struct Session {
    /// `LtpaToken=…; LtpaToken2=…`, for a Cookie header.
    pub cookies: Secret,
    /// The `Domain` of the cookie, as the server wrote it.
    pub domain: Option<String>,
    /// Names of the token cookies.
    pub names: Vec<String>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Unreachable(#[from] DirectoryError),
    #[error("the server answers 500: single sign-on is not configured, or could not be loaded")]
    NotConfigured,
    #[error(
        "the answer ({0}) has no LtpaToken cookie: wrong password, or no multi-server session authentication"
    )]
    NoToken(StatusCode),
}

/// Logs in at `/names.nsf?Login`. The form's field names are inferred (domino-directory.md 5, C14).
pub async fn log_in(client: &mut Client, user: &str, password: &Secret) -> Result<Session, LoginError> {
    let mut form = Vec::with_capacity(1024);
    form.extend_from_slice(b"Username=");
    escape(user.as_bytes(), &mut form);
    form.extend_from_slice(b"&Password=");
    escape(password.expose(), &mut form);
    form.extend_from_slice(b"&RedirectTo=%2Fnames.nsf");
    let form = Secret::new(form);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = client.send(Method::POST, "/names.nsf?Login", &headers, form.expose()).await?;
    if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        return Err(LoginError::NotConfigured);
    }
    session(&answer).ok_or(LoginError::NoToken(answer.status))
}

fn session(answer: &Answer) -> Option<Session> {
    let mut session = Session { cookies: Secret::default(), domain: None, names: Vec::new() };
    let mut pairs = Vec::new();
    for cookie in answer.headers.get_all("set-cookie") {
        let Ok(text) = cookie.to_str() else { continue };
        let mut parts = text.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
        if !matches!(name, "LtpaToken" | "LtpaToken2") || value.is_empty() {
            continue;
        }
        let domain = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("domain"));
        session.domain = domain.map(|(_, value)| value.to_owned()).or(session.domain);
        session.names.push(name.to_owned());
        pairs.push(format!("{name}={value}"));
    }
    session.cookies = Secret::new(pairs.join("; ").into_bytes());
    (!session.names.is_empty()).then_some(session)
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}
