//! Files served to browsers, embedded in the program.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::http::{Body, full};

/// The module for pages that use the event channel.
const EVENTS: &str = include_str!("events.js");

/// The file that the request asks for, if there is one of that name.
pub fn answer<B>(request: &Request<B>) -> Option<Response<Body>> {
    let wanted = matches!(*request.method(), Method::GET | Method::HEAD);
    (wanted && request.uri().path().ends_with("/livename/v1/events.js")).then(|| events(request.headers()))
}

fn events(request: &HeaderMap) -> Response<Body> {
    static TAG: LazyLock<HeaderValue> = LazyLock::new(|| entity_tag(EVENTS));
    let known = request.get(header::IF_NONE_MATCH).is_some_and(|tag| *tag == *TAG);
    let mut response =
        Response::new(full(if known { Bytes::new() } else { Bytes::from_static(EVENTS.as_bytes()) }));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, TAG.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// FNV-1a over the text: it only has to differ between versions.
fn entity_tag(text: &str) -> HeaderValue {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    HeaderValue::from_str(&format!("\"{hash:016x}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}
