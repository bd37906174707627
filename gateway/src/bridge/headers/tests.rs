use std::sync::Arc;

use http::HeaderMap;

use super::*;
use crate::config::Route;
use crate::http::Scheme;

fn map(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    headers
}

#[test]
fn headers_of_one_connection_stay_on_it() {
    let mut headers = map(&[
        ("Connection", "keep-alive, X-Mine"),
        ("Connection", " te ,close"),
        ("X-Mine", "1"),
        ("Keep-Alive", "300"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "gzip"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "websocket"),
        ("Proxy-Authorization", "Basic eA=="),
        ("HTTP2-Settings", "AAMAAABk"),
        ("Trailer", "X-Checksum"),
        ("Accept", "*/*"),
    ]);
    remove_hop_by_hop(&mut headers);
    assert_eq!(headers, map(&[("Trailer", "X-Checksum"), ("Accept", "*/*")]));
}

#[test]
fn claims_from_outside_are_removed() {
    for claim in [
        "$WSRU",
        "$wsru",
        "$WS",
        "$wSis",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "x-forwarded-user",
        "X-Livename-User",
        "Forwarded",
        "Remote-User",
        "REMOTE_USER",
        "X-Real-IP",
        "iv-user",
        "IV_CREDS",
        "SM_USER",
        "Proxy",
    ] {
        assert!(is_unbelieved(claim), "{claim}");
    }
    for plain in
        ["Accept", "X-ST-CSRF-Token", "ws", "$w", "x-forwarded", "remote-users", "Proxy-Status", "Cookie"]
    {
        assert!(!is_unbelieved(plain), "{plain}");
    }
}

#[test]
fn cookie_lines_become_one() {
    let mut headers = map(&[("cookie", "a=1"), ("cookie", "LtpaToken=x; b=2"), ("cookie", "c=3")]);
    cookies::join(&mut headers);
    assert_eq!(headers, map(&[("cookie", "a=1; LtpaToken=x; b=2; c=3")]));
}

#[test]
fn a_host_that_could_end_a_quote_or_a_url_is_refused() {
    for host in ["im.example", "im.example:8443", "[2001:db8::1]:80", "", "a_b.example"] {
        assert!(check_host(host).is_ok(), "{host}");
    }
    for host in ["im.example\"", "im.example/x", "user@im.example", "im example", "im.example,evil"] {
        assert!(check_host(host).is_err(), "{host}");
    }
}

#[test]
fn both_dialects_say_where_a_request_comes_from() {
    for (client, host, expected) in [
        (
            "192.0.2.7",
            "im.example:8080",
            [
                Some("192.0.2.7"),
                Some("im.example:8080"),
                Some("for=192.0.2.7;proto=https;host=\"im.example:8080\""),
            ],
        ),
        ("10.100.0.255", "", [Some("10.100.0.255"), None, Some("for=10.100.0.255;proto=https")]),
        (
            "2001:db8::7",
            "a",
            [Some("2001:db8::7"), Some("a"), Some("for=\"[2001:db8::7]\";proto=https;host=\"a\"")],
        ),
    ] {
        let context = RequestContext {
            request_id: 1,
            client: client.parse().unwrap(),
            scheme: Scheme::Https,
            host: host.to_owned(),
            route: Arc::new(Route::bare("/", Serve::Builtin(String::new()))),
            identity: None,
            page_allowed: false,
            worker: 0,
        };
        let mut headers = HeaderMap::new();
        vouch(&mut headers, Version::HTTP_11, &context);
        let said = [X_FORWARDED_FOR, X_FORWARDED_HOST, header::FORWARDED]
            .map(|name| headers.get(name).map(|value| value.to_str().unwrap()));
        assert_eq!(said, expected);
    }
}

#[test]
fn only_passes_through_this_gateway_count_as_a_loop() {
    let others = map(&[("via", "1.1 varnish, 1.1 front, 2 nginx, 1.1 cdn, 1.1 x")]);
    assert!(check_loop(&others).is_ok());
    let ours = map(&[("via", "1.1 livename, 2 livename"), ("via", "1.1 livename, 1.1 livename")]);
    assert!(check_loop(&ours).is_err());
}

#[test]
fn absolute_uris_lose_their_authority() {
    for (given, sent) in
        [("http://evil.example/a?b=c", "/a?b=c"), ("/a", "/a"), ("http://x", "/"), ("*", "*")]
    {
        assert_eq!(origin_form(given.parse().unwrap(), "").unwrap().to_string(), sent);
    }
}

#[test]
fn the_affinity_id_is_taken_off() {
    for (given, sent) in [
        ("/st01/sametime/a?b", Some("/sametime/a?b")),
        ("/ST01/", Some("/")),
        ("http://x/st01", Some("/")),
        ("/st01?b", Some("/?b")),
        ("/st01/st01/CommunityCBR/CC.39", Some("/st01/CommunityCBR/CC.39")),
        ("/st01;a=b/x", None),
        ("/%73t01/a", None),
    ] {
        let cut = origin_form(given.parse().unwrap(), "/st01").ok();
        assert_eq!(cut.map(|uri| uri.to_string()).as_deref(), sent, "{given}");
    }
}
