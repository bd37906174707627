//! Answers with their headers and cookies. An answer is never a redirect: scripts take a bare 401 for "log in
//! again" (browser-side.md 3.2).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use protocol::webapi::{Code, answer};
use serde_json::Value;

use super::request::SID;
use crate::http::{Body, Scheme, full};

/// The name that was logged in with, for scripts to read.
const LOGIN_NAME: &str = "loginName";

pub(super) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    with_body(status, full(value.to_string()))
}

/// A JSON answer with that body.
pub(super) fn with_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(super) fn refuse(status: StatusCode, code: Code) -> Response<Body> {
    json(status, &answer::refused(status.as_u16(), code))
}

pub(super) fn bad_parameter(name: &str) -> Response<Body> {
    json(StatusCode::BAD_REQUEST, &answer::bad_parameter(name))
}

/// The answer to whoever has failed too often.
pub(super) fn too_often(wait: Duration) -> Response<Body> {
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, Code::ServiceUnavailable);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    response
}

/// The answer to a login, with the cookies of the session.
pub(super) fn logged_in(value: &Value, sid: &str, name: &str, scheme: Scheme) -> Response<Body> {
    let mut response = json(StatusCode::OK, value);
    set_cookie(&mut response, SID, sid, &format!("; HttpOnly{}", flags(scheme)));
    set_cookie(&mut response, LOGIN_NAME, &encoded(name), flags(scheme));
    response
}

/// The answer to a logout, which takes the cookies away.
pub(super) fn logged_out(scheme: Scheme) -> Response<Body> {
    let mut response = json(StatusCode::OK, &answer::done());
    for name in [SID, LOGIN_NAME] {
        set_cookie(&mut response, name, "", &format!("; Max-Age=0{}", flags(scheme)));
    }
    response
}

/// Pages of http hosts may embed an https gateway: to a browser that is another site. The nonce, not the
/// cookie, is what keeps foreign pages out.
fn flags(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "",
        Scheme::Https => "; Secure; SameSite=None",
    }
}

fn set_cookie(response: &mut Response<Body>, name: &str, value: &str, rest: &str) {
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(format!("{name}={value}; Path=/{rest}"))) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Names have blanks and commas, cookies have not.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_fit_their_scheme_and_cannot_be_broken_by_a_name() {
        let cookies = |scheme: Scheme| -> Vec<String> {
            let response = logged_in(&Value::Null, "6f0c", "CN=Ann; Ex\r\nSet-Cookie: x=y", scheme);
            let values = response.headers().get_all(header::SET_COOKIE).iter();
            values.map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(cookies(Scheme::Http)[0], "sid=6f0c; Path=/; HttpOnly");
        let https = cookies(Scheme::Https);
        assert_eq!(https[0], "sid=6f0c; Path=/; HttpOnly; Secure; SameSite=None");
        assert_eq!(
            https[1],
            "loginName=CN%3DAnn%3B%20Ex%0D%0ASet-Cookie%3A%20x%3Dy; Path=/; Secure; SameSite=None"
        );
    }
}
