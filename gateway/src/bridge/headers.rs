//! The head of a request on its way up.
//!
//! What reaches an upstream is canonical: HTTP/1.1, one framing that is derived from the body, one
//! `Cookie` line, no header of the connection it came by, and nothing that claims an identity or an
//! origin which this gateway did not establish (browser-side.md 4; RFC 9110 7.6.1, RFC 9113 8.2.3).

mod cookies;
mod page;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    self, CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE, VIA,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

pub(super) use page::OwnPage;

use super::error::{BridgeError, Fault};
use super::upload::Upload;
use crate::config::{Serve, UpstreamRoute};
use crate::http::RequestContext;

/// RFC 9110 7.6.1 and what older software still sends. `Trailer` is not among them: trailers pass.
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("http2-settings"),
];

/// Beginnings and whole names of headers by which proxies vouch for somebody, with `-` for `_`, since many
/// servers do not tell the two apart. `$ws`: the WebSphere plug-in's, which Domino and WebSphere believe
/// (`$WSRU` is the user). `iv-`: WebSEAL. `sm-`: SiteMinder. `proxy` becomes `HTTP_PROXY` in CGI.
const UNBELIEVED_PREFIXES: [&str; 5] = ["$ws", "x-forwarded-", "x-livename-", "iv-", "sm-"];
const UNBELIEVED: [&str; 11] = [
    "forwarded",
    "remote-user",
    "remote-groups",
    "x-remote-user",
    "x-real-ip",
    "x-original-url",
    "x-rewrite-url",
    "proxy",
    // Made anew from what was understood. Spelled with `_`, or as trailers, they could be read again.
    "host",
    "content-length",
    "transfer-encoding",
];

/// Our name in `Via`.
const PSEUDONYM: &str = "livename";
/// More passes than that through a gateway of this name are a loop.
const MAX_PASSES: usize = 3;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The request as an upstream gets it, but for `Host`, which depends on the upstream. `upgrade` is the
/// protocol that the browser may switch to.
pub(super) fn to_upstream(
    request: Request<Incoming>,
    context: &RequestContext,
    route: &UpstreamRoute,
    upgrade: Option<&HeaderValue>,
) -> Result<Request<Upload>, BridgeError> {
    let (mut parts, body) = request.into_parts();
    // At once for what is added below.
    parts.headers.reserve(8);
    check_host(&context.host)?;
    check_loop(&parts.headers)?;

    let trailers = accepts_trailers(&parts.headers);
    remove_hop_by_hop(&mut parts.headers);
    remove_unbelieved(&mut parts.headers);
    let mut upload = if body.is_end_stream() { Upload::empty() } else { Upload::stream(body) };
    let wanted = expects_continue(&mut parts.headers, parts.version, &upload);

    cookies::join(&mut parts.headers);
    if let Some(identity) = &context.identity {
        cookies::keep_accepted(&mut parts.headers, identity);
    }
    frame(&mut parts.headers, &parts.method, &upload);
    connect(&mut parts.headers, upgrade, trailers);
    vouch(&mut parts.headers, parts.version, context);
    name_user(&mut parts.headers, context);

    let mut outgoing = Request::new(Upload::empty());
    *outgoing.method_mut() = parts.method;
    *outgoing.uri_mut() = origin_form(parts.uri, &route.rewrite.affinity)?;
    *outgoing.headers_mut() = parts.headers;
    if let Some(wanted) = wanted {
        upload.wait_for(wanted.clone());
        hyper::ext::on_informational(&mut outgoing, move |informational| {
            if informational.status() == http::StatusCode::CONTINUE {
                wanted.cancel();
            }
        });
    }
    *outgoing.body_mut() = upload;
    Ok(outgoing)
}

/// Removes what belongs to one connection, and what its `Connection` lines name.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        // The usual words name no header, or one of the list below.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect();
    // Most heads have one of them or none, and looking for each by its name would take longer.
    let doomed: Vec<HeaderName> =
        headers.keys().filter(|name| HOP_BY_HOP.contains(name) || named.contains(name)).cloned().collect();
    for name in &doomed {
        headers.remove(name);
    }
}

/// Removes what only this gateway, or nobody, may say to an upstream.
pub(super) fn remove_unbelieved(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> =
        headers.keys().filter(|name| is_unbelieved(name.as_str())).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

fn is_unbelieved(name: &str) -> bool {
    let same = |ours: &str, theirs: &str| {
        ours.len() == theirs.len()
            && ours
                .bytes()
                .eq(theirs.bytes().map(|byte| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }))
    };
    UNBELIEVED_PREFIXES.iter().any(|prefix| name.get(..prefix.len()).is_some_and(|start| same(prefix, start)))
        || UNBELIEVED.iter().any(|whole| same(whole, name))
}

/// Any of these could end a quoted string or a URL early where the name is repeated.
fn check_host(host: &str) -> Result<(), BridgeError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if host.bytes().all(plain) { Ok(()) } else { Err(BridgeError::judged(Fault::Malformed("Host"))) }
}

fn check_loop(headers: &HeaderMap) -> Result<(), BridgeError> {
    let passes = headers
        .get_all(VIA)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter(|pass| pass.split_whitespace().nth(1) == Some(PSEUDONYM))
        .count();
    if passes > MAX_PASSES { Err(BridgeError::judged(Fault::Loop)) } else { Ok(()) }
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    let mut words =
        headers.get_all(TE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    words.any(|word| word.trim().eq_ignore_ascii_case("trailers"))
}

/// `Expect: 100-continue` goes up when there is a body to wait for; the token is cancelled when the
/// upstream wants it. RFC 9110 10.1.1: it means nothing in HTTP/1.0 or without a body.
fn expects_continue(headers: &mut HeaderMap, version: Version, upload: &Upload) -> Option<CancellationToken> {
    let expected = headers.get(EXPECT)?.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !expected {
        return None;
    }
    if upload.is_empty() || version == Version::HTTP_10 {
        headers.remove(EXPECT);
        return None;
    }
    Some(CancellationToken::new())
}

/// One framing, from the body as it was understood, whatever the browser wrote.
fn frame(headers: &mut HeaderMap, method: &Method, upload: &Upload) {
    headers.remove(CONTENT_LENGTH);
    match upload.size_hint().exact() {
        Some(0) => {
            // RFC 9110 8.6: where a body would be expected, none is said so.
            if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        }
        Some(length) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        // Stated, since hyper takes it that a GET of unknown length has no body, and drops it.
        None => {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// The headers of our own connection.
fn connect(headers: &mut HeaderMap, upgrade: Option<&HeaderValue>, trailers: bool) {
    if let Some(protocol) = upgrade {
        headers.insert(UPGRADE, protocol.clone());
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    let named = match (upgrade.is_some(), trailers) {
        (true, true) => "upgrade, te",
        (true, false) => "upgrade",
        (false, true) => "te",
        (false, false) => return,
    };
    headers.insert(CONNECTION, HeaderValue::from_static(named));
}

/// Says where the request comes from, in both dialects: the older one has parts of what the newer one says.
fn vouch(headers: &mut HeaderMap, version: Version, context: &RequestContext) {
    let scheme = context.scheme.name();
    let host = &context.host;
    let v6 = context.client.is_ipv6();
    let mut text = Vec::with_capacity(80 + host.len());
    text.extend_from_slice(if v6 { b"for=\"[" } else { b"for=" });
    let client = text.len()..put_address(&mut text, context.client);
    text.extend_from_slice(if v6 { b"]\";proto=" } else { b";proto=" });
    text.extend_from_slice(scheme.as_bytes());
    if !host.is_empty() {
        text.extend_from_slice(b";host=\"");
        text.extend_from_slice(host.as_bytes());
        text.push(b'"');
    }
    let text = Bytes::from(text);
    set(headers, X_FORWARDED_FOR, text.slice(client));
    if !host.is_empty() {
        let end = text.len() - 1;
        set(headers, X_FORWARDED_HOST, text.slice(end - host.len()..end));
    }
    set(headers, header::FORWARDED, text);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    let via = match version {
        Version::HTTP_2 => "2 livename",
        Version::HTTP_10 => "1.0 livename",
        _ => "1.1 livename",
    };
    headers.append(VIA, HeaderValue::from_static(via));
}

/// As it is displayed, for a tenth of the time. Where it ends in the text.
fn put_address(text: &mut Vec<u8>, address: IpAddr) -> usize {
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    text.push(b'.');
                }
                if octet >= 100 {
                    text.push(b'0' + octet / 100);
                }
                if octet >= 10 {
                    text.push(b'0' + octet / 10 % 10);
                }
                text.push(b'0' + octet % 10);
            }
        }
        IpAddr::V6(address) => text.extend_from_slice(address.to_string().as_bytes()),
    }
    text.len()
}

/// Says whom the token proves, where the route is configured so. What the browser sent under that name has been
/// removed with everything else that nobody believes.
fn name_user(headers: &mut HeaderMap, context: &RequestContext) {
    let Serve::Upstream(UpstreamRoute { identity_header: Some(name), .. }) = &context.route.serve else {
        return;
    };
    // Names have no control characters; the rest is UTF-8, which HeaderValue lets through.
    let user =
        context.identity.as_ref().and_then(|identity| HeaderValue::from_bytes(identity.user.as_bytes()).ok());
    if let Some(mut user) = user {
        user.set_sensitive(true);
        headers.insert(name.clone(), user);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Bytes) {
    if let Ok(value) = HeaderValue::from_maybe_shared(value) {
        headers.insert(name, value);
    }
}

/// Path and query only: an absolute URI, or the authority of HTTP/2, could contradict `Host`. Without the
/// affinity id (`/st01`, or empty), of which nothing but the first segment is taken off.
fn origin_form(uri: Uri, affinity: &str) -> Result<Uri, BridgeError> {
    let path = uri.into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    if affinity.is_empty() {
        return Ok(Uri::from(path));
    }
    let rest = path.as_str().split_at_checked(affinity.len()).and_then(|(start, rest)| {
        let rest = match rest.bytes().next() {
            Some(b'/') => rest.to_owned(),
            None | Some(b'?') => format!("/{rest}"),
            // Parameters of the segment, which the router does not count.
            Some(_) => return None,
        };
        start.eq_ignore_ascii_case(affinity).then_some(rest)
    });
    // Or a spelling that the router understood and that cannot be cut off as it stands.
    let path: Option<PathAndQuery> = rest.and_then(|rest| rest.parse().ok());
    path.map(Uri::from).ok_or(BridgeError::judged(Fault::Malformed("path")))
}

#[cfg(test)]
mod tests;
