//! What reaches the upstream, and what comes back.

use gateway::config::{ProxyVersion, SametimeProtocol};
use gateway::http::Scheme;

use crate::support::{Backend, Browser, Front, Setting, header, headers};

#[tokio::test]
async fn the_upstream_gets_a_canonical_request() {
    let backend = Backend::mirror().await;
    let front = Front::to(&backend).await;
    let answer = Browser::ask(
        &front,
        "GET http://other.example/stwebapi/x?a=%2f&b HTTP/1.1\r\nHost: IM.example:8443\r\n\
         Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\n\
         $WSRU: CN=Admin\r\n$wsSn: x\r\nRemote-User: admin\r\nX-Forwarded-User: admin\r\n\
         X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Livename-User: admin\r\n\
         Forwarded: for=6.6.6.6\r\nVia: 1.1 front\r\nCookie: a=1\r\nCookie: LtpaToken=t\r\n\
         Accept: text/html\r\n\r\n",
    )
    .await;
    let sent = answer.body;
    assert!(sent.starts_with("GET /stwebapi/x?a=%2f&b HTTP/1.1\r\n"), "{sent}");
    for (name, values) in [
        ("host", vec![backend.address.to_string().as_str()]),
        ("connection", vec!["te"]),
        ("te", vec!["trailers"]),
        ("x-hop", vec![]),
        ("keep-alive", vec![]),
        ("$wsru", vec![]),
        ("$wssn", vec![]),
        ("remote-user", vec![]),
        ("x-forwarded-user", vec![]),
        ("x_forwarded_for", vec![]),
        ("x-livename-user", vec![]),
        ("x-forwarded-for", vec!["127.0.0.1"]),
        ("x-forwarded-proto", vec!["https"]),
        ("x-forwarded-host", vec!["im.example:8443"]),
        ("forwarded", vec!["for=127.0.0.1;proto=https;host=\"im.example:8443\""]),
        ("via", vec!["1.1 front", "1.1 livename"]),
        ("cookie", vec!["a=1; LtpaToken=t"]),
        ("accept", vec!["text/html"]),
        ("content-length", vec![]),
        ("transfer-encoding", vec![]),
    ] {
        assert_eq!(headers(&sent, name), values, "{name} in {sent}");
    }
}

#[tokio::test]
async fn an_https_upstream_serves_an_http_page() {
    let backend = Backend::https(|mut peer| async move {
        while peer.head().await.is_some() {
            let host = format!("localhost:{}", peer_port(&peer.heads()));
            peer.send(format!(
                "HTTP/1.1 302 Found\r\nLocation: https://{host}/next?x\r\nContent-Location: https://{host}/here\r\n\
                 Refresh: 1; url=https://{host}/soon\r\nSet-Cookie: LtpaToken=t; Domain=.example; Secure\r\n\
                 Set-Cookie: other=1; HttpOnly; secure\r\nAlt-Svc: h3=\":443\"\r\nKeep-Alive: timeout=5\r\n\
                 Connection: keep-alive\r\nContent-Length: 0\r\n\r\n"
            ))
            .await;
        }
    })
    .await;
    let front = Setting { page: Scheme::Http, ..Setting::to(&backend) }.start().await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..2 {
        let answer = browser.get("/").await;
        assert_eq!(answer.status, 302);
        assert_eq!(answer.header("location"), Some("http://im.example/next?x"));
        assert_eq!(answer.header("content-location"), Some("http://im.example/here"));
        assert_eq!(answer.header("refresh"), Some("1; url=http://im.example/soon"));
        let cookies = headers(&answer.head, "set-cookie");
        assert_eq!(cookies, ["LtpaToken=t; Domain=.example", "other=1; HttpOnly"]);
        for gone in ["alt-svc", "keep-alive", "connection"] {
            assert_eq!(answer.header(gone), None, "{gone}");
        }
    }
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn an_http_upstream_serves_an_https_page() {
    let backend = Backend::http(|mut peer| async move {
        while peer.head().await.is_some() {
            let port = peer_port(&peer.heads());
            peer.send(format!(
                "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{port}/\r\nSet-Cookie: a=1\r\n\
                 Content-Length: 0\r\n\r\n"
            ))
            .await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let answer = Browser::at(&front).await.get("/").await;
    assert_eq!(answer.header("location"), Some("https://im.example/"));
    assert_eq!(answer.header("set-cookie"), Some("a=1; Secure"));

    let plain = Setting { sametime_protocol: SametimeProtocol::Http, ..Setting::to(&backend) }.start().await;
    let answer = Browser::at(&plain).await.get("/").await;
    assert_eq!(answer.header("location"), Some("http://im.example/"));
}

#[tokio::test]
async fn answers_without_a_body_have_none_and_keep_their_length() {
    let backend = Backend::http(|mut peer| async move {
        while let Some(head) = peer.head().await {
            peer.send(match head.split(' ').nth(1).unwrap() {
                "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"e\"\r\n\r\n",
                "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n",
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext",
            })
            .await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send("HEAD /head HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    let answer = browser.answer(true).await;
    assert_eq!(answer.header("content-length"), Some("1234"));
    assert_eq!(answer.header("etag"), Some("\"e\""));

    browser.send("HEAD /chunked HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    assert_eq!(browser.answer(true).await.header("content-length"), None);
    let answer = browser.get("/304").await;
    assert_eq!((answer.status, answer.header("etag")), (304, Some("\"e\"")));
    assert_eq!(browser.get("/204").await.status, 204);
    // Both sides are still in step.
    assert_eq!(browser.get("/next").await.body, "next");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn an_old_upstream_ends_its_body_by_closing() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.0 200 OK\r\nServer: Lotus-Domino\r\n\r\nold body").await;
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..2 {
        let answer = browser.get("/").await;
        assert!(answer.head.starts_with("HTTP/1.1 200"));
        assert_eq!((answer.body.as_str(), answer.whole), ("old body", true));
    }
    assert_eq!(backend.connections(), 2);
}

#[tokio::test]
async fn http2_requests_arrive_as_http1() {
    let backend = Backend::mirror().await;
    let front = Setting { http2: true, ..Setting::to(&backend) }.start().await;
    let mut browser = crate::support::browser::Two::at(&front).await;
    let (status, sent) =
        browser.ask("GET", "http://im.example/a?b", &[("cookie", "a=1"), ("cookie", "b=2")]).await;
    assert_eq!(status, 200);
    assert!(sent.starts_with("GET /a?b HTTP/1.1\r\n"), "{sent}");
    assert_eq!(header(&sent, "cookie"), Some("a=1; b=2"));
    assert_eq!(header(&sent, "host"), Some(backend.address.to_string().as_str()));
    assert_eq!(header(&sent, "via"), Some("2 livename"));
    assert_eq!(header(&sent, "x-forwarded-host"), Some("im.example"));
    let (status, _) = browser.ask("CONNECT", "im.example:443", &[]).await;
    assert_eq!(status, 501);
}

#[tokio::test]
async fn a_second_upstream_is_tried_when_the_first_is_not_there() {
    let backend = Backend::mirror().await;
    let upstreams = vec![crate::support::backend::nobody(), backend.upstream()];
    let front = Setting::upstreams(upstreams).start().await;
    let answer =
        Browser::ask(&front, "POST / HTTP/1.1\r\nHost: im.example\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(answer.status, 200);
    assert_eq!(header(&answer.body, "content-length"), Some("0"));
}

#[tokio::test]
async fn a_route_back_to_the_gateway_ends() {
    let backend = Backend::mirror().await;
    let front = Front::to(&backend).await;
    let via = "Via: 1.1 livename, 1.1 livename, 1.1 livename, 1.1 livename";
    let answer = Browser::ask(&front, &format!("GET / HTTP/1.1\r\nHost: im.example\r\n{via}\r\n\r\n")).await;
    assert_eq!(answer.status, 508);
    assert_eq!(backend.connections(), 0);
}

/// The port that the gateway wrote into the last `Host`.
fn peer_port(heads: &[String]) -> String {
    let host = header(heads.last().unwrap(), "host").unwrap();
    host.rsplit_once(':').unwrap().1.to_owned()
}

#[tokio::test]
async fn an_upstream_that_wants_it_is_told_by_the_proxy_protocol() {
    let backend = Backend::http(|mut peer| async move {
        let line = String::from_utf8(peer.take_until(b"\r\n").await.unwrap()).unwrap();
        while peer.head().await.is_some() {
            peer.answer(&line).await;
        }
    })
    .await;
    let mut upstream = backend.upstream();
    upstream.proxy = Some(ProxyVersion::V1);
    let front = Setting::upstreams(vec![upstream]).start().await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..2 {
        let line = browser.get("/").await.body;
        assert_eq!(line, format!("PROXY TCP4 127.0.0.1 127.0.0.1 0 {}\r\n", backend.address.port()));
    }
    assert_eq!(backend.connections(), 2, "a connection belongs to the browser it names");
}
