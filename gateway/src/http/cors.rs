//! Awareness for pages on other hosts: the mail page and the gateway usually have different names, and
//! the page's calls carry cookies. Foreign pages get nothing.
//!
//! The bridge does not come through here: what a backend says about origins is the backend's.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use super::{Body, Failure, full};
use crate::auth::origin;
use crate::config::Sso;

/// How long a browser may remember a preflight, in seconds. Chromium's own maximum.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origin of an allowed page on another host; `None` for the gateway's own and for no page at all.
pub(super) fn page(headers: &HeaderMap, host: &str, sso: &Sso) -> Result<Option<HeaderValue>, Failure> {
    let Some(sent) = headers.get(header::ORIGIN) else { return Ok(None) };
    // What is not text is no page's origin; the check says so for the empty one.
    origin::check(Some(sent.to_str().unwrap_or_default()), host, sso)?;
    Ok(Some(sent.clone()))
}

/// The answer to a browser that asks whether it may ask. Has no cookies, so it comes before any token
/// check.
pub(super) fn preflight<B>(request: &Request<B>) -> Option<Response<Body>> {
    let headers = request.headers();
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let allowed = response.headers_mut();
    allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
    if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        allowed.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    allowed.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
    Some(response)
}

/// Lets the page read the answer, unless the answer says something about that itself.
pub(super) fn allow(response: &mut Response<Body>, page: &HeaderValue) {
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}
