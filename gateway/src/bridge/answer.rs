//! The head of an answer on its way down: without what belongs to the upstream's connection, with one
//! framing, and with the upstream's own addresses and cookie flags turned into those of the page
//! (browser-side.md 1.4). Bodies are `rewrite`'s.

mod cookies;
mod csp;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, REFRESH,
    SET_COOKIE, TRANSFER_ENCODING,
};
use http::{Method, StatusCode, response};
use http_body::Body as _;
use hyper::body::Incoming;

use super::headers;
use super::rewrite::{self, Names, Page};
use crate::config::{SametimeProtocol, Upstream, UpstreamRoute};
use crate::http::{RequestContext, Scheme};

pub(super) use cookies::Reach;

/// Would send browsers past the gateway to another port of the upstream.
const ALT_SVC: HeaderName = HeaderName::from_static("alt-svc");

/// Headers in which upstreams name themselves.
static NAMING: [HeaderName; 8] = [
    LOCATION,
    CONTENT_LOCATION,
    REFRESH,
    LINK,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY,
    SET_COOKIE,
];

/// What the page calls the upstream that answered.
pub(super) fn names(context: &RequestContext, route: &UpstreamRoute, answered: &Upstream) -> Arc<Names> {
    let scheme = match route.sametime_protocol {
        SametimeProtocol::Page => context.scheme,
        SametimeProtocol::Http => Scheme::Http,
        SametimeProtocol::Https => Scheme::Https,
    };
    // The port belongs to the page's scheme; the other scheme is taken to be on its usual one.
    let authority =
        if scheme == context.scheme { context.host.as_str() } else { without_port(&context.host) };
    let page = Page {
        tls: context.scheme == Scheme::Https,
        sametime_tls: scheme == Scheme::Https,
        authority: authority.to_owned(),
    };
    Arc::new(Names::new(route.rewrite.known.clone(), answered.tls, page, &route.rewrite.affinity))
}

/// `names` is asked for only where a header may name the upstream.
pub(super) fn to_downstream(
    parts: &mut response::Parts,
    body: &Incoming,
    method: &Method,
    names: impl FnOnce() -> Arc<Names>,
    reach: Reach,
) {
    // Whatever the upstream spoke, the browser's connection writes its own version.
    parts.version = http::Version::HTTP_11;
    let ambiguous = parts.headers.contains_key(TRANSFER_ENCODING);
    headers::remove_hop_by_hop(&mut parts.headers);
    parts.headers.remove(ALT_SVC);
    frame(&mut parts.headers, body, ambiguous, *method == Method::HEAD, parts.status);
    if parts.headers.keys().any(|name| NAMING.contains(name)) {
        let names = names();
        name_page(&mut parts.headers, &names);
        csp::for_page(&mut parts.headers, &names);
        cookies::for_page(&mut parts.headers, &names, reach);
    }
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

/// Headers with URLs.
fn name_page(headers: &mut HeaderMap, names: &Arc<Names>) {
    for name in [LOCATION, CONTENT_LOCATION] {
        replace(headers, name, |value| rewritten(value, names).or_else(|| below_affinity(value, names)));
    }
    for (name, mark) in [(REFRESH, "url="), (LINK, "<")] {
        replace(headers, name, |value| {
            let new = rewritten(value, names);
            marked_below_affinity(new.as_ref().unwrap_or(value), mark, names).or(new)
        });
    }
    replace(headers, ACCESS_CONTROL_ALLOW_ORIGIN, |value| rewritten(value, names));
}

/// Every line of that name; `None` keeps a line.
fn replace(headers: &mut HeaderMap, name: HeaderName, with: impl Fn(&HeaderValue) -> Option<HeaderValue>) {
    if let http::header::Entry::Occupied(mut lines) = headers.entry(name) {
        for line in lines.iter_mut() {
            if let Some(new) = with(line) {
                *line = new;
            }
        }
    }
}

/// The value with the page's addresses; `None` if there is nothing to change.
fn rewritten(value: &HeaderValue, names: &Arc<Names>) -> Option<HeaderValue> {
    let old = value.as_bytes();
    let new = rewrite::rewrite(Bytes::copy_from_slice(old.trim_ascii()), names);
    if new == old { None } else { HeaderValue::from_maybe_shared(new).ok() }
}

/// A path of the upstream, as the page has to ask for it.
fn below_affinity(value: &HeaderValue, names: &Names) -> Option<HeaderValue> {
    let path = value.to_str().ok()?;
    let affinity = names.affinity();
    if affinity.is_empty() || !path.starts_with('/') || path.starts_with("//") || is_below(path, affinity) {
        return None;
    }
    HeaderValue::try_from(format!("{affinity}{path}")).ok()
}

/// The same for paths that follow after a mark, in any case of letters.
fn marked_below_affinity(value: &HeaderValue, mark: &str, names: &Names) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let affinity = names.affinity();
    if affinity.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + affinity.len());
    let mut done = 0;
    for (at, _) in text.to_ascii_lowercase().match_indices(mark) {
        let path = text.get(at + mark.len()..)?;
        let quotes = path.len() - path.trim_start_matches(['"', '\'', ' ']).len();
        let path = path.get(quotes..)?;
        if path.starts_with('/') && !path.starts_with("//") && !is_below(path, affinity) {
            let start = at + mark.len() + quotes;
            out.push_str(text.get(done..start)?);
            out.push_str(affinity);
            done = start;
        }
    }
    out.push_str(text.get(done..)?);
    (done > 0).then(|| HeaderValue::try_from(out).ok()).flatten()
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '>', '"', '\'']))
}

/// Of `host:port`, also for `[v6]:port`.
fn without_port(authority: &str) -> &str {
    authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests;
