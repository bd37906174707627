//! Files served to browsers, embedded in the program: the module for new pages, and drop-ins for pages that
//! were written for Sametime Links or the Sametime Proxy (browser-side.md 2, 3.7; docs/pages.md).
//!
//! The files are what stands below this folder, joined, without comments: what a browser shows can be read.

mod bundle;
mod catalogue;
mod icons;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::http::{Body, full};

use bundle::{Coding, File};

/// Browsers ask again after ten minutes; meanwhile a new version is fetched behind the page's back.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=600, stale-while-revalidate=86400");

/// The file that the request asks for, if there is one of that name.
pub fn answer<B>(request: &Request<B>) -> Option<Response<Body>> {
    let wanted = matches!(*request.method(), Method::GET | Method::HEAD);
    wanted.then(|| catalogue::find(request.uri().path()))?.map(|file| respond(file, request.headers()))
}

fn respond(file: &File, request: &HeaderMap) -> Response<Body> {
    let coding = Coding::accepted(request);
    let tag = file.tag(coding);
    let known = is_known(request, &tag);
    let mut response = Response::new(full(if known { Bytes::new() } else { file.body(coding) }));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let (false, Some(name)) = (known, coding.name()) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    headers.insert(header::CACHE_CONTROL, CACHING);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Pages on other hosts load them; there is nothing in them to protect.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

/// Whether the browser has this very version (RFC 9110 13.1.2).
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let sent = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
