//! The head of an answer on its way down: without what belongs to the upstream's connection, with one
//! framing, and with the upstream's own addresses and cookie flags turned into those of the page
//! (browser-side.md 1.4). `Domain` and `Path` of cookies, and bodies, are left as they are.

use http::header::{
    CONTENT_LENGTH, CONTENT_LOCATION, HeaderMap, HeaderName, HeaderValue, LOCATION, REFRESH, SET_COOKIE,
    TRANSFER_ENCODING,
};
use http::{Method, StatusCode, response};
use http_body::Body as _;
use hyper::body::Incoming;

use super::headers;
use crate::config::{SametimeProtocol, Upstream, UpstreamRoute};
use crate::http::{RequestContext, Scheme};

/// Would send browsers past the gateway to another port of the upstream.
const ALT_SVC: HeaderName = HeaderName::from_static("alt-svc");

/// How the page sees the upstream that answered.
pub(super) struct View<'a> {
    pub(super) page: Scheme,
    /// Scheme and host (with port, if any) under which the page knows what the upstreams offer.
    pub(super) scheme: &'static str,
    pub(super) authority: &'a str,
    pub(super) upstreams: &'a [Upstream],
    pub(super) answered: &'a Upstream,
}

impl<'a> View<'a> {
    pub(super) fn new(context: &'a RequestContext, route: &'a UpstreamRoute, answered: &'a Upstream) -> Self {
        let scheme = match route.sametime_protocol {
            SametimeProtocol::Page => context.scheme.name(),
            SametimeProtocol::Http => Scheme::Http.name(),
            SametimeProtocol::Https => Scheme::Https.name(),
        };
        // The port belongs to the page's scheme; the other scheme is taken to be on its usual one.
        let authority = if scheme == context.scheme.name() {
            context.host.as_str()
        } else {
            split_port(&context.host).map_or(context.host.as_str(), |(host, _)| host)
        };
        Self { page: context.scheme, scheme, authority, upstreams: &route.upstreams, answered }
    }
}

pub(super) fn to_downstream(parts: &mut response::Parts, body: &Incoming, method: &Method, view: &View<'_>) {
    // Whatever the upstream spoke, the browser's connection writes its own version.
    parts.version = http::Version::HTTP_11;
    let ambiguous = parts.headers.contains_key(TRANSFER_ENCODING);
    headers::remove_hop_by_hop(&mut parts.headers);
    parts.headers.remove(ALT_SVC);
    frame(&mut parts.headers, body, ambiguous, *method == Method::HEAD, parts.status);
    for name in [LOCATION, CONTENT_LOCATION] {
        replace(&mut parts.headers, name, |value| url_for_page(value, view));
    }
    replace(&mut parts.headers, REFRESH, |value| refresh_for_page(value, view));
    flag_cookies(&mut parts.headers, view);
}

/// A length that the body will have, or none. An answer to HEAD and a 304 have no body but tell the length
/// of one.
fn frame(headers: &mut HeaderMap, body: &Incoming, ambiguous: bool, head: bool, status: StatusCode) {
    if head || status == StatusCode::NOT_MODIFIED {
        if ambiguous || headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
            headers.remove(CONTENT_LENGTH);
        }
        return;
    }
    headers.remove(CONTENT_LENGTH);
    let no_body = status == StatusCode::NO_CONTENT || status.is_informational();
    if let (Some(length), false) = (body.size_hint().exact(), no_body) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

fn replace(headers: &mut HeaderMap, name: HeaderName, with: impl Fn(&str) -> Option<String>) {
    let Some(value) = headers.get(&name).and_then(|value| value.to_str().ok()) else { return };
    if let Some(Ok(value)) = with(value).map(HeaderValue::try_from) {
        headers.insert(name, value);
    }
}

/// `None`: the URL is not one of ours, or relative, and stays as it is.
fn url_for_page(url: &str, view: &View<'_>) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = match url.split_once("//") {
        Some(("", rest)) => (None, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http:") => (Some(false), rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https:") => (Some(true), rest),
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let tls = scheme.unwrap_or(view.answered.tls);
    if !leads_upstream(tls, authority, view) {
        return None;
    }
    if view.authority.is_empty() {
        // The browser did not say what it calls us.
        return Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") });
    }
    Some(match scheme {
        None => format!("//{}{path}", view.authority),
        Some(_) => format!("{}://{}{path}", view.scheme, view.authority),
    })
}

/// The URL names an upstream of the route by its address, or this gateway by the upstream's scheme (an
/// upstream that builds URLs from `X-Forwarded-Host` but does not know the page's scheme).
fn leads_upstream(tls: bool, authority: &str, view: &View<'_>) -> bool {
    let default = if tls { 443 } else { 80 };
    let (host, port) = match split_port(authority) {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => return false,
        },
        None => (authority, default),
    };
    let unbracketed = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let host = unbracketed(host);
    let by_address = view
        .upstreams
        .iter()
        .any(|upstream| upstream.tls == tls && upstream.port == port && unbracketed(&upstream.host) == host);
    let by_name = tls == view.answered.tls && authority.eq_ignore_ascii_case(view.authority);
    by_address || by_name
}

/// `host:port`, also for `[v6]:port`; `None` without a port.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'))
}

/// `5; url=http://…`, with or without quotes.
fn refresh_for_page(value: &str, view: &View<'_>) -> Option<String> {
    let at = value.to_ascii_lowercase().find("url=")? + "url=".len();
    let (start, url) = value.split_at_checked(at)?;
    let bare = url.trim().trim_matches(['"', '\'']);
    let url = url_for_page(bare, view)?;
    Some(format!("{start}{url}"))
}

/// `Secure` follows the page: with it a browser on http refuses the cookie, without it a cookie of an https
/// page would travel in the clear as well.
fn flag_cookies(headers: &mut HeaderMap, view: &View<'_>) {
    let secure = match (view.page, view.answered.tls) {
        (Scheme::Http, true) => false,
        (Scheme::Https, false) => true,
        _ => return,
    };
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in &cookies {
        let flagged = if secure { with_secure(cookie) } else { without_secure(cookie) };
        headers.append(SET_COOKIE, flagged);
    }
}

fn with_secure(cookie: &HeaderValue) -> HeaderValue {
    if attributes(cookie).skip(1).any(|attribute| attribute.eq_ignore_ascii_case(b"secure")) {
        return cookie.clone();
    }
    HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat()).unwrap_or_else(|_| cookie.clone())
}

/// `SameSite=None` goes with it: browsers refuse such a cookie without `Secure`.
fn without_secure(cookie: &HeaderValue) -> HeaderValue {
    let is_samesite_none = |attribute: &[u8]| {
        let compact: Vec<u8> = attribute.iter().filter(|byte| **byte != b' ').copied().collect();
        compact.eq_ignore_ascii_case(b"samesite=none")
    };
    let kept: Vec<&[u8]> = attributes(cookie)
        .enumerate()
        .filter(|(position, attribute)| {
            *position == 0 || !(attribute.eq_ignore_ascii_case(b"secure") || is_samesite_none(attribute))
        })
        .map(|(_, attribute)| attribute)
        .collect();
    HeaderValue::from_bytes(&kept.join(&b"; "[..])).unwrap_or_else(|_| cookie.clone())
}

/// The first is the cookie's name and value.
fn attributes(cookie: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    cookie.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
