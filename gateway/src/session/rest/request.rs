//! Reads a request: verb, path, parameters of query and form, and what names and proves the session.

use std::time::Duration;

use http::{HeaderMap, Method, Request, header};
use hyper::body::Incoming;
use protocol::ltpa::cookie;
use protocol::webapi::{Command, Parameters, Verb, Wrong, answer::NONCE};

use crate::http::{Failure, read_body};
use crate::session::SessionError;

/// Where the interface begins, in any case.
const BASE: &str = "/stwebapi/";
/// A body that does not come in by then is not worth waiting for.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// The cookie of the session.
pub(super) const SID: &str = "sid";
/// Session cookies that are tried; other products use the name too.
const SIDS: usize = 8;

/// See the module.
pub(super) struct Asked {
    /// A GET that wants something changed: nothing of that without a nonce.
    pub(super) by_get: bool,
    /// It is about logging in, so there is no session yet.
    pub(super) is_login: bool,
    pub(super) nonce: Option<String>,
    /// Sessions that the request may mean: of the path or parameters, then of the cookies.
    pub(super) sids: Vec<String>,
    pub(super) origin: bool,
    pub(super) referer: Option<String>,
    pub(super) is_cross_site: bool,
}

/// Whether a path is of the interface and yet nothing that is answered here, with or without chats: where there
/// is a Sametime Proxy too, it may know.
pub fn is_foreign(path: &str, chat: bool) -> bool {
    below(path).is_some_and(|resource| !Command::is_known(resource, chat))
}

/// What follows the base of the interface in a path.
pub(in crate::session) fn below(path: &str) -> Option<&str> {
    let at = path.to_ascii_lowercase().find(BASE)?;
    path.get(at + BASE.len()..)
}

impl Asked {
    /// Reads the whole request, whose body may have so many bytes.
    pub(super) async fn read(
        request: Request<Incoming>,
        path: &str,
        bytes: usize,
    ) -> Result<(Self, Result<Command, Wrong>), Failure> {
        let (head, body) = request.into_parts();
        let verb = match head.method {
            Method::GET | Method::HEAD => Verb::Get,
            Method::POST => Verb::Post,
            Method::PUT => Verb::Put,
            Method::DELETE => Verb::Delete,
            _ => return Err(SessionError::Method.into()),
        };
        let mut all = Parameters::default();
        all.add(head.uri.query().unwrap_or_default());
        if verb != Verb::Get {
            let body = read_body(body, bytes, BODY_LIMIT).await?;
            if is_form(&head.headers) {
                all.add(&String::from_utf8_lossy(&body));
            }
        }
        let (verb, by_get) = verb.overridden(&all);
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let nonce =
            text(NONCE).or_else(|| all.text_any_case(NONCE)).or_else(|| all.text_any_case("rtc4webNonce"));
        let asked = Self {
            by_get,
            is_login: verb == Verb::Post && path.trim_end_matches('/') == "user/connect",
            nonce: nonce.map(str::to_owned),
            sids: sids(&head.headers, path, &all),
            origin: head.headers.contains_key(header::ORIGIN),
            referer: text("referer").map(str::to_owned),
            is_cross_site: text("sec-fetch-site") == Some("cross-site"),
        };
        Ok((asked, Command::read(verb, path, &all)))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("application/x-www-form-urlencoded"))
}

fn sids(headers: &HeaderMap, path: &str, all: &Parameters) -> Vec<String> {
    let in_path = path.strip_prefix("RTCServlet/").and_then(|rest| rest.split_once('/')).map(|(sid, _)| sid);
    let named = in_path.or_else(|| all.text("sid")).or_else(|| all.text("sessionid"));
    let cookies = headers.get_all(header::COOKIE).iter();
    let in_cookies = cookies
        .flat_map(|line| cookie::values(line.as_bytes(), SID))
        .filter_map(|value| str::from_utf8(value).ok());
    named.into_iter().chain(in_cookies).take(SIDS).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_is_found_below_any_route_in_any_case() {
        assert_eq!(below("/stwebapi/user/connect"), Some("user/connect"));
        assert_eq!(below("/st01/STWebApi/RTCServlet"), Some("RTCServlet"));
        assert_eq!(below("/stwebapix/user"), None);
        assert_eq!(below("/stwebapi"), None);
    }
}
