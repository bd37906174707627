//! Awareness for pages on other hosts: the mail page and the gateway usually have different names, and
//! the page's calls carry cookies. Foreign pages get nothing.
//!
//! Of the bridge only routes with `cors = "gateway"` come through here: on others, what a backend says about origins is
//! the backend's.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use super::{Body, Failure, full};
use crate::auth::origin;
use crate::config::Sso;

/// What the Sametime 12 scripts read of an answer's head (browser-side.md 3.8).
const EXPOSED: HeaderValue = HeaderValue::from_static("x-csrf-token, x-sametime-app, rtc4web-nonce");
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
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| is_preflight(request))?;
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

/// Whether a browser asks whether it may ask.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets the page read the answer, unless the answer says something about that itself.
pub(super) fn allow(response: &mut Response<Body>, page: &HeaderValue) {
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        vary(headers);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        // Beside those that a backend exposes.
        headers.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// Takes out what a backend says of who may read its answer.
pub(super) fn take_over(headers: &mut HeaderMap) {
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_MAX_AGE,
    ] {
        headers.remove(name);
    }
    // Also without an `Origin`: a cache must not give that answer to a page of another host.
    vary(headers);
}

/// The answer is another one for another page.
fn vary(headers: &mut HeaderMap) {
    let mut words = headers.get_all(header::VARY).iter().filter_map(|line| line.to_str().ok());
    let says_so = |line: &str| line.split(',').any(|word| word.trim().eq_ignore_ascii_case("origin"));
    if !words.any(says_so) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn pages_of_the_estate_may_read_answers_and_foreign_ones_are_refused() {
        let sso = Sso { domain: Some(".acme.example".into()), ..Sso::default() };
        let judge = |headers: &HeaderMap| page(headers, "im.acme.example", &sso);
        assert_eq!(
            judge(&asks("https://mail1.acme.example")).unwrap().unwrap(),
            "https://mail1.acme.example"
        );
        assert!(judge(&HeaderMap::new()).unwrap().is_none());
        for foreign in ["https://acme.example.evil.test", "null", ""] {
            assert!(matches!(judge(&asks(foreign)), Err(Failure::Origin(_))), "{foreign:?}");
        }
        let raw = HeaderValue::from_bytes(b"https://\xff.acme.example").unwrap();
        assert!(judge(&HeaderMap::from_iter([(header::ORIGIN, raw)])).is_err());
    }

    #[test]
    fn a_preflight_is_answered_and_other_requests_are_not() {
        let ask = |method: &str| {
            let request = Request::builder().method(method);
            request
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type, x-st-csrf-token")
                .body(())
                .unwrap()
        };
        let answer = preflight(&ask("OPTIONS")).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()["access-control-allow-headers"], "content-type, x-st-csrf-token");
        assert!(preflight(&ask("POST")).is_none());
        assert!(preflight(&Request::builder().method("OPTIONS").body(()).unwrap()).is_none());
    }

    #[test]
    fn credentials_are_allowed_only_with_a_named_origin() {
        let mut response = Response::new(full(""));
        allow(&mut response, &HeaderValue::from_static("https://mail1.acme.example"));
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], "https://mail1.acme.example");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "Origin");
    }
}
