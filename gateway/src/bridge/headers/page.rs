//! What an upstream is told of the page that asks. Servers check `Origin` and `Referer` against their own name,
//! which the page does not know: for pages of the gateway itself, and for those that it lets read answers, both name
//! the upstream. What foreign pages send stays as it is, for the upstream to refuse (browser-side.md 6).

use http::header::{HeaderMap, HeaderValue, ORIGIN, REFERER};

use crate::config::{Cors, Origin, OriginHeader, UpstreamRoute};
use crate::http::RequestContext;

/// Which of the two headers are to name the upstream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::bridge) struct OwnPage {
    origin: bool,
    /// Path and query of the page, as the upstream knows it.
    referer: Option<String>,
}

impl OwnPage {
    pub(in crate::bridge) fn of(
        headers: &HeaderMap,
        context: &RequestContext,
        route: &UpstreamRoute,
    ) -> Self {
        if route.pages.origin_header == OriginHeader::Page {
            return Self::default();
        }
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let (origin, referer) = (text(ORIGIN), text(REFERER));
        if origin.is_none() && referer.is_none() {
            return Self::default();
        }
        let own = Origin::parse(&format!("{}://{}", context.scheme.name(), context.host));
        let page = origin.and_then(Origin::parse);
        let is_allowed = route.pages.cors == Cors::Gateway && context.page_allowed;
        let (from, path) = referer.map(split).unwrap_or_default();
        let from = Origin::parse(from);
        let referer = if from.is_some() && from == own {
            Some(above_affinity(path, &route.rewrite.affinity).to_owned())
        } else if from.is_some() && is_allowed && from == page {
            // Its path means nothing there.
            Some("/".to_owned())
        } else {
            None
        };
        Self { origin: page.is_some() && (page == own || is_allowed), referer }
    }

    /// `authority` is what `Host` says.
    pub(in crate::bridge) fn tell(&self, headers: &mut HeaderMap, tls: bool, authority: &HeaderValue) {
        if !self.origin && self.referer.is_none() {
            return;
        }
        let Ok(authority) = authority.to_str() else { return };
        let origin = format!("{}://{authority}", if tls { "https" } else { "http" });
        if let Some(Ok(referer)) =
            self.referer.as_ref().map(|path| HeaderValue::try_from(format!("{origin}{path}")))
        {
            headers.insert(REFERER, referer);
        }
        if let (true, Ok(origin)) = (self.origin, HeaderValue::try_from(origin)) {
            headers.insert(ORIGIN, origin);
        }
    }
}

/// Origin, and path with query.
fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| start + at);
    url.split_at(end)
}

fn above_affinity<'p>(path: &'p str, affinity: &str) -> &'p str {
    let rest =
        path.split_at_checked(affinity.len()).filter(|(start, _)| start.eq_ignore_ascii_case(affinity));
    match rest {
        Some((_, rest)) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{PageRules, Route, Serve};
    use crate::http::Scheme;

    /// `Origin` and `Referer` as they reach `http://st1.example:8088`.
    fn told(rules: PageRules, page_allowed: bool, origin: &str, referer: &str) -> (String, String) {
        let mut upstreams = UpstreamRoute::to(Vec::new());
        upstreams.pages = rules;
        upstreams.rewrite.affinity = "/st01".to_owned();
        let context = RequestContext {
            request_id: 1,
            client: [127, 0, 0, 1].into(),
            scheme: Scheme::Https,
            host: "im.example:8443".to_owned(),
            route: Arc::new(Route::bare("/st01", Serve::Builtin(String::new()))),
            identity: None,
            page_allowed,
            worker: 0,
        };
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(REFERER, referer.parse().unwrap());
        let page = OwnPage::of(&headers, &context, &upstreams);
        page.tell(&mut headers, false, &HeaderValue::from_static("st1.example:8088"));
        let text = |name| headers[name].to_str().unwrap().to_owned();
        (text(ORIGIN), text(REFERER))
    }

    #[test]
    fn pages_of_the_gateway_are_the_upstreams_own_and_foreign_ones_are_not() {
        let rules = PageRules::default();
        let own = told(rules, false, "https://IM.example:8443", "https://im.example:8443/ST01/a?b");
        assert_eq!(own, ("http://st1.example:8088".into(), "http://st1.example:8088/a?b".into()));
        let elsewhere = told(rules, false, "https://im.example:8443", "https://im.example:8443/mail");
        assert_eq!(elsewhere.1, "http://st1.example:8088/mail");
        for (origin, referer) in [
            ("https://evil.example", "https://evil.example/st01/"),
            ("http://im.example:8443", "http://im.example:8443/"),
            ("https://im.example", "https://im.example/st01/a"),
            ("https://mail1.example", "https://mail1.example/mail"),
            ("null", "about:blank"),
            ("https://im.example:8443.evil", "https://im.example:8443@evil.example/"),
        ] {
            assert_eq!(told(rules, false, origin, referer), (origin.to_owned(), referer.to_owned()));
        }
    }

    #[test]
    fn pages_that_the_gateway_lets_read_are_the_upstreams_own_too() {
        let rules = PageRules { cors: Cors::Gateway, ..PageRules::default() };
        let mail = told(rules, true, "https://mail1.example", "https://mail1.example/mail/ann.nsf");
        assert_eq!(mail, ("http://st1.example:8088".into(), "http://st1.example:8088/".into()));
        let keep = PageRules { origin_header: OriginHeader::Page, ..rules };
        let kept = told(keep, true, "https://im.example:8443", "https://im.example:8443/st01/");
        assert_eq!(kept, ("https://im.example:8443".into(), "https://im.example:8443/st01/".into()));
    }
}
