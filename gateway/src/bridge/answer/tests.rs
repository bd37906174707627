use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::*;

fn upstream(tls: bool, host: &str, port: u16) -> Upstream {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Upstream::at(tls, host, port, Arc::new(client))
}

struct Estate {
    upstreams: Vec<Upstream>,
    page: Scheme,
    scheme: &'static str,
    authority: &'static str,
}

impl Estate {
    fn new(page: Scheme, upstream: Upstream) -> Self {
        Self { upstreams: vec![upstream], page, scheme: page.name(), authority: "im.example" }
    }

    fn view(&self) -> View<'_> {
        View {
            page: self.page,
            scheme: self.scheme,
            authority: self.authority,
            upstreams: &self.upstreams,
            answered: &self.upstreams[0],
        }
    }

    fn url(&self, url: &str) -> String {
        url_for_page(url, &self.view()).unwrap_or_else(|| url.to_owned())
    }
}

#[test]
fn urls_of_the_upstream_become_the_pages() {
    let https_page = Estate::new(Scheme::Https, upstream(false, "st1.example", 80));
    for (from, to) in [
        ("http://st1.example/a?b#c", "https://im.example/a?b#c"),
        ("HTTP://ST1.example:80/a", "https://im.example/a"),
        ("http://st1.example", "https://im.example"),
        ("http://st1.example?x", "https://im.example?x"),
        ("//st1.example/a", "//im.example/a"),
        ("http://im.example/a", "https://im.example/a"),
        ("/a", "/a"),
        ("a//b", "a//b"),
        ("http://st1.example:8080/a", "http://st1.example:8080/a"),
        ("http://st1.example:x/a", "http://st1.example:x/a"),
        ("https://st1.example/a", "https://st1.example/a"),
        ("http://st1.example.evil/a", "http://st1.example.evil/a"),
        ("http://st1.example@evil/a", "http://st1.example@evil/a"),
        ("https://im.example/a", "https://im.example/a"),
        ("mailto:x@st1.example", "mailto:x@st1.example"),
    ] {
        assert_eq!(https_page.url(from), to, "{from}");
    }
    let http_page = Estate::new(Scheme::Http, upstream(true, "st1.example", 9443));
    assert_eq!(http_page.url("https://st1.example:9443/a"), "http://im.example/a");
    let v6 = Estate::new(Scheme::Https, upstream(false, "2001:db8::1", 8080));
    assert_eq!(v6.url("http://[2001:DB8::1]:8080/a"), "https://im.example/a");
    assert_eq!(v6.url("http://[2001:db8::1]/a"), "http://[2001:db8::1]/a");
}

#[test]
fn a_browser_that_names_no_host_gets_a_path() {
    let mut estate = Estate::new(Scheme::Http, upstream(false, "st1.example", 80));
    estate.authority = "";
    assert_eq!(estate.url("http://st1.example/a"), "/a");
    assert_eq!(estate.url("http://st1.example?x"), "/?x");
}

#[test]
fn refresh_keeps_its_time() {
    let estate = Estate::new(Scheme::Https, upstream(false, "st1.example", 80));
    let refreshed = |value| refresh_for_page(value, &estate.view());
    assert_eq!(refreshed("5; URL=http://st1.example/a").as_deref(), Some("5; URL=https://im.example/a"));
    assert_eq!(refreshed("0;url='http://st1.example/a'").as_deref(), Some("0;url=https://im.example/a"));
    assert_eq!(refreshed("5"), None);
    assert_eq!(refreshed("5; url=/a"), None);
}

#[test]
fn cookies_are_secure_as_the_page_is() {
    let table = [
        (Scheme::Https, false, "a=1; Path=/", "a=1; Path=/; Secure"),
        (Scheme::Https, false, "a=1; secure", "a=1; secure"),
        (Scheme::Https, false, "secure", "secure; Secure"),
        (Scheme::Https, true, "a=1", "a=1"),
        (Scheme::Http, false, "a=1; Secure", "a=1; Secure"),
        (Scheme::Http, true, "a=1; Secure; HttpOnly;SECURE", "a=1; HttpOnly"),
        (Scheme::Http, true, "a=1; SameSite = None; Secure", "a=1"),
        (Scheme::Http, true, "a=1; SameSite=Lax; Secure", "a=1; SameSite=Lax"),
        (Scheme::Http, true, "Secure; Path=/", "Secure; Path=/"),
    ];
    for (page, tls, from, to) in table {
        let estate = Estate::new(page, upstream(tls, "st1.example", 1));
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, from.parse().unwrap());
        headers.append(SET_COOKIE, "second=2; HttpOnly".parse().unwrap());
        flag_cookies(&mut headers, &estate.view());
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies[0], to, "{page:?} {tls}");
        assert_eq!(cookies.len(), 2);
    }
}
