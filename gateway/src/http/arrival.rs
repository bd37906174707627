//! Which single sign-on cookies reach the gateway from a page: browsers do not tell a page why they withheld
//! one (Secure, SameSite, Domain), so its script asks (docs/mixed-estates.md).
//!
//! Names only. Nothing is proved here, so nothing is learnt about a token.

use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use protocol::ltpa::cookie;

use super::{Body, Scheme, full};
use crate::config::Sso;

const PATH: &str = "/livename/v1/arrival";

/// The answer, if that is asked for.
pub(super) fn answer<B>(request: &Request<B>, scheme: Scheme, sso: &Sso) -> Option<Response<Body>> {
    if request.method() != Method::GET || !request.uri().path().ends_with(PATH) {
        return None;
    }
    let delegated = sso.delegated.as_ref().map(|delegation| delegation.cookie.as_str());
    let mut expected: Vec<&str> =
        sso.cookies.iter().map(|cookie| cookie.name.as_str()).chain(delegated).collect();
    expected.dedup();
    let arrived: Vec<&str> =
        expected.iter().copied().filter(|name| is_there(request.headers(), name)).collect();
    let body = serde_json::json!({"scheme": scheme.name(), "expected": expected, "arrived": arrived});
    let mut response = Response::new(full(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

fn is_there(headers: &HeaderMap, name: &str) -> bool {
    let mut sent = headers.get_all(header::COOKIE).iter();
    sent.any(|header| cookie::values(header.as_bytes(), name).any(|value| !value.is_empty()))
}
