//! From the browser through every phase to an upstream and back.

mod support;

use gateway::config::AuthPolicy;
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
