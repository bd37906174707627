//! Cookies on their way down: the page keeps them, and sends them back (browser-side.md 1.4 and 4).
//!
//! `Secure` follows the page: with it a browser on http refuses the cookie, without it a cookie of an https
//! page would travel in the clear as well. `Domain` is dropped where it is not one of the page's host, `Path`
//! gets the affinity id in front.

use http::header::{HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};

use super::{is_below, replace};
use crate::bridge::rewrite::Names;

/// From where the browser will send the cookie back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bridge) enum Reach {
    /// From pages of the same scheme: browsers' default will do.
    SameSite,
    /// From an http page of the same estate, which to an https server is another site (schemeful same-site).
    OtherScheme,
}

impl Reach {
    /// `host` is the gateway's as the page knows it, `tls` whether it was asked by https.
    pub(in crate::bridge) fn of(headers: &HeaderMap, tls: bool, host: &str) -> Self {
        let origin = headers.get(ORIGIN).filter(|_| tls).and_then(|origin| origin.to_str().ok());
        let Some(page) = origin.and_then(|origin| origin.strip_prefix("http://")) else {
            return Self::SameSite;
        };
        // Hosts of one estate share all but the first label, and more than a top-level domain.
        let estate = super::without_port(host).split_once('.').map(|(_, domain)| domain);
        let estate =
            estate.filter(|domain| domain.contains('.') && domain.parse::<std::net::Ipv4Addr>().is_err());
        match estate {
            Some(estate) if is_within(super::without_port(page), estate) => Self::OtherScheme,
            _ => Self::SameSite,
        }
    }
}

pub(super) fn for_page(headers: &mut HeaderMap, names: &Names, reach: Reach) {
    replace(headers, SET_COOKIE, |cookie| {
        let parts: Vec<&[u8]> =
            cookie.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii).collect();
        let rewritten = rewritten(&parts, names, reach)?;
        let mut value = HeaderValue::from_bytes(&rewritten.join(&b"; "[..])).ok()?;
        value.set_sensitive(cookie.is_sensitive());
        Some(value)
    });
}

/// `None` if the cookie is good as it is. The first part is its name and value.
fn rewritten(parts: &[&[u8]], names: &Names, reach: Reach) -> Option<Vec<Vec<u8>>> {
    let (name, attributes) = parts.split_first()?;
    let flag = |word: &[u8]| attributes.iter().any(|attribute| key(attribute).eq_ignore_ascii_case(word));
    let (bare, secure) = match (names.page_tls(), names.answered_tls()) {
        (false, true) => (true, false),
        (true, false) => (false, !flag(b"secure")),
        _ => (false, false),
    };
    let keeps_domain = attributes.iter().any(|one| is_domain_of(one, names));
    let mut out = vec![name.to_vec()];
    for attribute in attributes {
        match key(attribute).to_ascii_lowercase().as_slice() {
            b"secure" if bare => {}
            // These go with it: browsers refuse such a cookie without `Secure`.
            b"samesite" if bare && value(attribute).eq_ignore_ascii_case(b"none") => {}
            b"partitioned" if bare => {}
            b"domain" if !names.host().is_empty() && !is_domain_of(attribute, names) => {}
            // A cookie of the whole domain is for every server in it.
            b"path" if !keeps_domain => out.push(path(attribute, names)),
            _ => out.push(attribute.to_vec()),
        }
    }
    if secure {
        out.push(b"Secure".to_vec());
    }
    let is_secure = names.page_tls() && (secure || flag(b"secure"));
    if reach == Reach::OtherScheme && is_secure && !flag(b"samesite") {
        out.push(b"SameSite=None".to_vec());
    }
    let same = out.len() == parts.len() && out.iter().zip(parts).all(|(new, old)| new == old);
    (!same).then_some(out)
}

fn path(attribute: &[u8], names: &Names) -> Vec<u8> {
    let affinity = names.affinity();
    let path = std::str::from_utf8(value(attribute)).unwrap_or_default();
    if affinity.is_empty() || !path.starts_with('/') || is_below(path, affinity) {
        return attribute.to_vec();
    }
    format!("Path={affinity}{path}").into_bytes()
}

fn is_domain_of(attribute: &[u8], names: &Names) -> bool {
    let domain = std::str::from_utf8(value(attribute)).unwrap_or_default();
    key(attribute).eq_ignore_ascii_case(b"domain") && is_within(names.host(), domain.trim_start_matches('.'))
}

/// `host` is the domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let start = host.len().checked_sub(domain.len());
    let Some((above, end)) = start.and_then(|at| host.split_at_checked(at)) else { return false };
    !domain.is_empty() && end.eq_ignore_ascii_case(domain) && (above.is_empty() || above.ends_with('.'))
}

fn key(attribute: &[u8]) -> &[u8] {
    attribute.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

fn value(attribute: &[u8]) -> &[u8] {
    let at = attribute.iter().position(|byte| *byte == b'=');
    at.and_then(|at| attribute.get(at + 1..)).unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{below, names_of};
    use super::*;

    const NEAR: Reach = Reach::SameSite;

    fn set(cookie: &str, names: &Names, reach: Reach) -> String {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, cookie.parse().unwrap());
        headers.append(SET_COOKIE, "second=2; HttpOnly".parse().unwrap());
        for_page(&mut headers, names, reach);
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies.len(), 2);
        cookies[0].to_str().unwrap().to_owned()
    }

    #[test]
    fn cookies_are_secure_as_the_page_is() {
        for (page_tls, tls, from, to) in [
            (true, false, "a=1; Path=/", "a=1; Path=/; Secure"),
            (true, false, "a=1; secure", "a=1; secure"),
            (true, false, "secure", "secure; Secure"),
            (true, true, "a=1", "a=1"),
            (false, false, "a=1; Secure", "a=1; Secure"),
            (false, true, "a=1; Secure; HttpOnly;SECURE", "a=1; HttpOnly"),
            (false, true, "a=1; SameSite = None; Secure", "a=1"),
            (false, true, "a=1; SameSite=Lax; Secure", "a=1; SameSite=Lax"),
            (false, true, "a=1; Secure; Partitioned; Path=/", "a=1; Path=/"),
            (true, true, "a=1; Secure; Partitioned", "a=1; Secure; Partitioned"),
            (false, true, "Secure; Path=/", "Secure; Path=/"),
        ] {
            let names = names_of((page_tls, "im.acme.example"), (tls, "st1.acme.example", 8088));
            assert_eq!(set(from, &names, NEAR), to, "{page_tls} {tls}");
        }
    }

    #[test]
    fn a_domain_that_is_not_the_pages_is_dropped() {
        let names = names_of((true, "im.acme.example:8443"), (true, "st1.acme.example", 443));
        for (from, to) in [
            ("a=1; Domain=st1.acme.example; Path=/", "a=1; Path=/"),
            ("a=1; Domain=.acme.example", "a=1; Domain=.acme.example"),
            ("a=1; domain=IM.acme.example", "a=1; domain=IM.acme.example"),
            ("a=1; Domain=cme.example", "a=1"),
        ] {
            assert_eq!(set(from, &names, NEAR), to);
        }
    }

    #[test]
    fn paths_begin_with_the_affinity_id() {
        let names = below((true, "im.acme.example"), (true, "st1.acme.example", 443), "/st01");
        for (from, to) in [
            ("a=1; Path=/sametime", "a=1; Path=/st01/sametime"),
            ("a=1; path=/", "a=1; Path=/st01/"),
            ("a=1; Path=/st01/x", "a=1; Path=/st01/x"),
            ("LtpaToken=t; Domain=.acme.example; Path=/", "LtpaToken=t; Domain=.acme.example; Path=/"),
            ("a=1; Domain=st1.acme.example; Path=/", "a=1; Path=/st01/"),
        ] {
            assert_eq!(set(from, &names, NEAR), to);
        }
    }

    #[test]
    fn an_http_page_of_the_estate_can_send_them_back_to_https() {
        let names = names_of((true, "im.acme.example"), (false, "st1.acme.example", 80));
        let reach = |origin: &'static str, tls| {
            let headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
            Reach::of(&headers, tls, "im.acme.example:8443")
        };
        assert_eq!(reach("http://mail1.acme.example:8080", true), Reach::OtherScheme);
        assert_eq!(reach("http://mail1.acme.example", false), NEAR);
        assert_eq!(reach("https://mail1.acme.example", true), NEAR);
        assert_eq!(reach("http://evil.example", true), NEAR);
        assert_eq!(set("a=1", &names, Reach::OtherScheme), "a=1; Secure; SameSite=None");
        assert_eq!(set("a=1; SameSite=Lax", &names, Reach::OtherScheme), "a=1; SameSite=Lax; Secure");
    }
}
