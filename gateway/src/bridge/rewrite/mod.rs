//! Answers in the page's terms: the upstreams' addresses in HTML, JavaScript, CSS and JSON become those
//! under which the page knows them, while the body streams (browser-side.md 1.4, 2.3).
//!
//! `engine` does it to a stream of bytes, `url` reads an address in its spellings, `names` knows who is who:
//! the three are pure. `pipeline` adds content codings and the vendor's scripts, `body` is the HTTP body
//! around it. `content` and `validators` are about headers. Everything that is not such text passes through
//! untouched.

mod body;
mod coding;
mod content;
mod engine;
mod host_variables;
mod names;
mod pipeline;
mod url;
mod validators;

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE, TRANSFER_ENCODING,
};
use http::{Method, Request, StatusCode, response};
use http_body_util::BodyExt;

pub use engine::{Rewriter, rewrite};
pub use names::{Names, Page};

use body::Rewritten;
use host_variables::VendorScript;
use pipeline::Pipeline;
use validators::Mark;

use super::download::Download;
use super::endless::is_tunnel;
use crate::config::UpstreamRoute;
use crate::http::{Body, RequestContext};

/// Digests of the bytes that the upstream sent.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// What has to be known of a request to rewrite its answer.
pub(super) struct Rewriting {
    /// What the browser accepts; the upstream was asked for nothing but identity.
    accepted: Option<HeaderValue>,
    /// The browser asks whether what it has, and was rewritten, is still good.
    revalidates: bool,
    script: Option<VendorScript>,
    to_head: bool,
}

impl Rewriting {
    /// Prepares a request for an answer that can be rewritten. `None` where bodies are not to be.
    pub(super) fn prepare<B>(
        request: &mut Request<B>,
        context: &RequestContext,
        route: &UpstreamRoute,
    ) -> Option<Self> {
        if !route.rewrite.bodies || is_tunnel(request.uri().path()) {
            return None;
        }
        let to_head = *request.method() == Method::HEAD;
        let script = VendorScript::at(request.uri().path());
        let headers = request.headers_mut();
        let revalidates = is_conditional(headers) && mark(context, route).take_off(headers);
        let accepted = headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if script.is_some() {
            headers.remove(RANGE);
        }
        Some(Self { accepted, revalidates, script, to_head })
    }

    /// Makes the answer's head fit a rewritten body, and the body one.
    pub(super) fn answer(
        self,
        parts: &mut response::Parts,
        body: Download,
        context: &RequestContext,
        route: &UpstreamRoute,
        names: impl FnOnce() -> Arc<Names>,
    ) -> Body {
        if parts.status == StatusCode::NOT_MODIFIED && self.revalidates {
            mark(context, route).put_on(&mut parts.headers);
        }
        let coding = content::coding(&parts.headers);
        let (Ok(from), true) = (coding, is_whole_text(parts)) else { return body.boxed_unsync() };
        let to = from.filter(|coding| content::accepts(self.accepted.as_ref(), *coding));
        mark(context, route).put_on(&mut parts.headers);
        describe(&mut parts.headers, to.map(coding::Coding::name));
        if from.is_some() {
            // What comes out depends on what the browser takes, whatever the upstream thinks.
            content::vary_by_coding(&mut parts.headers);
        }
        if self.to_head {
            return body.boxed_unsync();
        }
        let pipeline = Pipeline::new(names(), from, to, self.script);
        Rewritten::new(body, pipeline).boxed_unsync()
    }
}

/// What tells answers that are rewritten for such a page from all others.
fn mark(context: &RequestContext, route: &UpstreamRoute) -> Mark {
    let protocol = route.sametime_protocol as u8;
    Mark::of((&route.rewrite, protocol, context.scheme.name(), &context.host, &context.route.path))
}

/// The request may name an answer that was rewritten.
fn is_conditional(headers: &HeaderMap) -> bool {
    [IF_NONE_MATCH, IF_MATCH, IF_RANGE].iter().any(|name| headers.contains_key(name))
}

/// A part cannot be rewritten: what is cut off may matter.
fn is_whole_text(parts: &response::Parts) -> bool {
    let has_body = !matches!(
        parts.status,
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT
    );
    has_body
        && parts.status != StatusCode::PARTIAL_CONTENT
        && !parts.headers.contains_key(CONTENT_RANGE)
        && content::is_text(&parts.headers)
}

/// Nothing that was true of the upstream's bytes only.
fn describe(headers: &mut HeaderMap, coding: Option<&'static str>) {
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING].iter().chain(&DIGESTS) {
        headers.remove(name);
    }
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
}
