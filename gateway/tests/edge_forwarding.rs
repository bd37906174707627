//! From the browser through every phase to an upstream and back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use gateway::config::{AuthPolicy, ProxyVersion};
use gateway::net::proxy_header;
use http::StatusCode;
use support::client::{fetch, get_with, read_to_end, send};
use support::{Setup, soon, tokens, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An upstream on a free port, and the route to it.
async fn upstream() -> Result<(TcpListener, String), std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let route = format!("http://{}", listener.local_addr()?);
    Ok((listener, route))
}

/// The head of the next request on a new connection.
async fn next_head(listener: &TcpListener) -> std::io::Result<(TcpStream, String)> {
    let (mut stream, _) = soon("a connection to the upstream", listener.accept()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("a request head", stream.read_u8()).await?);
    }
    Ok((stream, String::from_utf8_lossy(&head).to_lowercase()))
}

#[tokio::test]
async fn a_request_reaches_the_upstream_without_false_claims() {
    let (listener, route) = upstream().await.unwrap();
    let gateway = Setup::default().route("/sametime", AuthPolicy::Optional, &route).start().await;
    let serving = tokio::spawn(async move {
        let (mut stream, head) = next_head(&listener).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
        head
    });
    let claims = [("$WSRU", "CN=Admin/O=Acme"), ("X-Forwarded-For", "10.1.2.3"), ("x-other", "stays")];
    let answer = send(gateway.http(), get_with("/sametime/stlinks.js?a=1", &claims)).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "hello"));
    let head = serving.await.unwrap();
    assert!(head.starts_with("get /sametime/stlinks.js?a=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-other: stays\r\n") && head.contains("x-forwarded-for: 127.0.0.1"), "{head}");
    assert!(!head.contains("$ws") && !head.contains("10.1.2.3"), "{head}");
}

#[tokio::test]
async fn nothing_reaches_a_protected_upstream_without_a_token() {
    let (listener, route) = upstream().await.unwrap();
    let gateway = Setup::default().route("/sametime", AuthPolicy::Required, &route).start().await;
    let forged = tokens::forged_cookie("CN=Ann Example/O=Acme");
    for path in ["/sametime/x", "/SameTime/x", "/%73ametime/x"] {
        let answer = send(gateway.http(), get_with(path, &[("cookie", &forged)])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(fetch(gateway.http(), "/sametime%5Cx").await.status, StatusCode::BAD_REQUEST);
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "the upstream was asked");
}

#[tokio::test]
async fn an_upstream_that_is_down_gives_a_short_answer_without_the_cause() {
    let (listener, route) = upstream().await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let gateway = Setup::default().route("/sametime", AuthPolicy::Off, &route).start().await;
    let answer = fetch(gateway.http(), "/sametime/x").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::BAD_GATEWAY, "1"));
    let id = answer.header("x-request-id");
    assert_eq!(answer.body, format!("The server behind this one has a problem.\nRequest {id}\n"));
    assert!(!answer.body.contains(&port));
}

#[tokio::test]
async fn drain_waits_for_an_upgraded_connection() {
    let (listener, route) = upstream().await.unwrap();
    let gateway = Setup::default().route("/ws", AuthPolicy::Off, &route).start().await;
    let mut browser = TcpStream::connect(gateway.http()).await.unwrap();
    let ask = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    browser.write_all(ask).await.unwrap();
    let (mut server, _) = next_head(&listener).await.unwrap();
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    server.write_all(switch).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("the switch", browser.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));

    gateway.running.lifecycle().request_drain();
    until("the port is closed", || std::net::TcpStream::connect(gateway.http()).is_err()).await;
    server.write_all(b"still here").await.unwrap();
    let mut bytes = [0; 10];
    soon("bytes through the tunnel", browser.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"still here");
    drop(server);
    assert_eq!(read_to_end(&mut browser).await, "");
    drop(browser);
    soon("the end", gateway.running.stopped()).await;
    assert_eq!(gateway.metric("livename_connections{listener=\"http\"}"), 0.0);
}

/// What an upstream was asked by a browser behind a proxy that wrote `header`; `None`: nobody asked it.
async fn asked_behind(setup: Setup, header: &[u8]) -> (Option<String>, support::Gateway) {
    let (listener, route) = upstream().await.unwrap();
    let gateway = setup.route("/sametime", AuthPolicy::Off, &route).start().await;
    let mut browser = TcpStream::connect(gateway.http()).await.unwrap();
    browser.write_all(header).await.unwrap();
    let ask = b"GET /sametime/x HTTP/1.1\r\nHost: im.example\r\nConnection: close\r\n\r\n";
    browser.write_all(ask).await.unwrap();
    let head = tokio::select! {
        asked = next_head(&listener) => asked.ok().map(|(_, head)| head),
        end = read_to_end(&mut browser) => {
            assert_eq!(end, "", "no answer, since nobody knows to whom");
            None
        }
    };
    (head, gateway)
}

fn behind_proxy() -> Setup {
    let setup = Setup { proxied: true, ..Setup::default() };
    setup.limits(|limits| limits.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()])
}

#[tokio::test]
async fn a_proxy_says_by_the_proxy_protocol_who_the_browser_is() {
    let (client, server) = ("192.0.2.7:5123".parse().unwrap(), "198.51.100.1:443".parse().unwrap());
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let header = proxy_header(version, client, server);
        let (head, _gateway) = asked_behind(behind_proxy(), &header).await;
        let head = head.unwrap();
        assert!(head.contains("\r\nx-forwarded-for: 192.0.2.7\r\n"), "{head}");
        assert!(head.contains("\r\nx-forwarded-proto: http\r\n"), "{head}");
    }
    // The browser spoke TLS to it.
    let mut header = proxy_header(ProxyVersion::V2, client, server);
    header[15] += 8;
    header.extend([0x20, 0, 5, 1, 0, 0, 0, 0]);
    let head = asked_behind(behind_proxy(), &header).await.0.unwrap();
    assert!(head.contains("\r\nx-forwarded-proto: https\r\n"), "{head}");
    // It speaks for itself.
    let head = asked_behind(behind_proxy(), b"PROXY UNKNOWN\r\n").await.0.unwrap();
    assert!(head.contains("\r\nx-forwarded-for: 127.0.0.1\r\n"), "{head}");
}

#[tokio::test]
async fn only_trusted_proxies_may_speak_the_proxy_protocol_and_they_must() {
    let header = b"PROXY TCP4 192.0.2.7 198.51.100.1 5123 443\r\n";
    let (head, gateway) = asked_behind(Setup { proxied: true, ..Setup::default() }, header).await;
    assert_eq!(head, None);
    assert_eq!(gateway.metric("livename_connections_refused_total{reason=\"untrusted_proxy\"}"), 1.0);
    assert_eq!(asked_behind(behind_proxy(), b"").await.0, None);

    // The limit per address is that of whoever is behind it.
    let one = behind_proxy().limits(|limits| limits.connections_per_address = 1);
    let gateway = one.start().await;
    let mut first = TcpStream::connect(gateway.http()).await.unwrap();
    first.write_all(header).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    soon("an answer", first.read_u8()).await.unwrap();
    let mut second = TcpStream::connect(gateway.http()).await.unwrap();
    second.write_all(header).await.unwrap();
    assert_eq!(read_to_end(&mut second).await, "");
    assert_eq!(gateway.metric("livename_connections_refused_total{reason=\"address_limit\"}"), 1.0);
    until("only the first is counted", || gateway.metric("livename_connections{listener=\"http\"}") == 1.0)
        .await;
}
