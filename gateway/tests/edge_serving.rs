//! What a browser meets on the way to what serves it: limits, patience, header rules, log-in.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use gateway::config::AuthPolicy;
use http::StatusCode;
use support::client::{Connection, fetch, get_with, raw, read_to_end, send};
use support::pages::Large;
use support::{Gateway, Setup, soon, tokens, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let gateway = Setup::default().start().await;
    let mut connection = Connection::plain(gateway.http()).await;
    for _ in 0..3 {
        assert_eq!(connection.get("/").await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(gateway.metric("livename_connections_accepted_total{listener=\"http\"}"), 1.0);
    drop(connection);
    until("the connection is no longer counted", || {
        gateway.metric("livename_connections{listener=\"http\"}") == 0.0
    })
    .await;
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed_at_once() {
    let gateway = Setup::default().limits(|limits| limits.connections_per_address = 2).start().await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::plain(gateway.http()).await;
        connection.get("/").await.unwrap();
        kept.push(connection);
    }
    assert_eq!(raw(gateway.http(), "").await, "");
    assert_eq!(gateway.metric("livename_connections_refused_total{reason=\"address_limit\"}"), 1.0);
    kept.pop();
    until("a place is free again", || gateway.metric("livename_connections{listener=\"http\"}") < 2.0).await;
    assert_eq!(fetch(gateway.http(), "/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_limit_in_all_binds_trusted_proxies_too() {
    let proxy = "127.0.0.1".parse().unwrap();
    let gateway = Setup::default()
        .limits(|limits| {
            limits.connections = 2;
            limits.connections_per_address = 1;
            limits.trusted_proxies = vec![proxy];
        })
        .start()
        .await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::plain(gateway.http()).await;
        connection.get("/").await.unwrap();
        kept.push(connection);
    }
    assert_eq!(raw(gateway.http(), "").await, "");
    assert_eq!(gateway.metric("livename_connections_refused_total{reason=\"limit\"}"), 1.0);
}

#[tokio::test]
async fn slow_heads_and_idle_connections_are_closed_each_in_its_time() {
    let gateway = Setup::default()
        .limits(|limits| {
            limits.head_timeout = Duration::from_millis(150);
            limits.idle_timeout = Duration::from_millis(600);
        })
        .start()
        .await;
    // Nothing, and half a head that keeps coming.
    let begun = std::time::Instant::now();
    assert_eq!(raw(gateway.http(), "").await, "");
    assert!(begun.elapsed() < Duration::from_millis(500));
    let (mut reader, mut writer) = TcpStream::connect(gateway.http()).await.unwrap().into_split();
    let drip = tokio::spawn(async move {
        let mut drops =
            b"GET / HTTP/1.1\r\nHost: im.example\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x'));
        while writer.write_all(&[*drops.next().unwrap()]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(read_to_end(&mut reader).await, "");
    soon("the writer notices", drip).await.unwrap();
    // Between two requests there is more time than for a head.
    let mut connection = Connection::plain(gateway.http()).await;
    connection.get("/").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    connection.get("/").await.unwrap();
    let begun = std::time::Instant::now();
    until("the idle connection is closed", || connection.is_closed()).await;
    assert!(begun.elapsed() > Duration::from_millis(400));
}

#[tokio::test]
async fn a_long_answer_is_no_idle_connection() {
    let gateway = Setup::default()
        .limits(|limits| {
            limits.head_timeout = Duration::from_millis(50);
            limits.idle_timeout = Duration::from_millis(50);
        })
        .route("/gate", AuthPolicy::Off, "gate")
        .start()
        .await;
    let address = gateway.http();
    let answer = tokio::spawn(async move { fetch(address, "/gate").await });
    until("the request is under way", || gateway.gate.waiting() == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    gateway.gate.open(1);
    assert_eq!(soon("the answer", answer).await.unwrap().body, "through the gate");
}

#[tokio::test]
async fn a_browser_that_does_not_read_is_given_up() {
    let gateway = Setup::default()
        .limits(|limits| limits.idle_timeout = Duration::from_millis(200))
        .route("/flood", AuthPolicy::Off, "flood")
        .start()
        .await;
    let mut stream = TcpStream::connect(gateway.http()).await.unwrap();
    stream.write_all(b"GET /flood HTTP/1.1\r\nHost: im.example\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    until("the connection is given up", || gateway.metric("livename_connections{listener=\"http\"}") == 0.0)
        .await;
}

/// A browser with little room that asks for [`Large`] and does not read.
async fn ask_and_leave_unread(gateway: &Gateway, how: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(gateway.http()).await.unwrap();
    let asked = format!("GET /large HTTP/1.1\r\nHost: im.example\r\nConnection: {how}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    until("the answer was given to the system", || {
        gateway.metric("livename_requests_total{route=\"/large\",status_class=\"2xx\"}") == 1.0
    })
    .await;
    stream
}

#[tokio::test]
async fn what_the_system_holds_for_a_browser_that_does_not_read_ends_with_its_time() {
    for how in ["keep-alive", "close"] {
        let gateway = Setup::default()
            .limits(|limits| limits.idle_timeout = Duration::from_millis(200))
            .route("/large", AuthPolicy::Off, "large")
            .start()
            .await;
        let mut stream = ask_and_leave_unread(&gateway, how).await;
        until("the connection is given up", || {
            gateway.metric("livename_connections{listener=\"http\"}") == 0.0
        })
        .await;
        let mut read = Vec::new();
        let end = soon("the end", stream.read_to_end(&mut read)).await.unwrap_err();
        assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset, "{how}");
        assert!(read.len() < Large::BYTES, "{how}");
    }
}

#[tokio::test]
async fn a_last_answer_waits_for_a_browser_that_reads_late() {
    let gateway = Setup::default().route("/large", AuthPolicy::Off, "large").start().await;
    let mut stream = ask_and_leave_unread(&gateway, "close").await;
    assert_eq!(gateway.metric("livename_connections{listener=\"http\"}"), 1.0);
    let mut read = Vec::new();
    soon("the whole answer", stream.read_to_end(&mut read)).await.unwrap();
    assert!(read.len() > Large::BYTES);
    until("the connection is over", || gateway.metric("livename_connections{listener=\"http\"}") == 0.0)
        .await;
}

#[tokio::test]
async fn a_request_ends_with_its_browser() {
    let gateway = Setup::default().route("/gate", AuthPolicy::Off, "gate").start().await;
    let mut stream = TcpStream::connect(gateway.http()).await.unwrap();
    stream.write_all(b"GET /gate HTTP/1.1\r\nHost: im.example\r\n\r\n").await.unwrap();
    until("the request is under way", || gateway.gate.waiting() == 1).await;
    drop(stream);
    until("the request is dropped", || gateway.gate.waiting() == 0).await;
    until("it is counted", || {
        gateway.metric("livename_requests_total{route=\"/gate\",status_class=\"4xx\"}") == 1.0
    })
    .await;
}

#[tokio::test]
async fn heads_that_are_too_large_or_unclear_are_refused() {
    let gateway = Setup::default().limits(|limits| limits.header_bytes = 8 << 10).start().await;
    let long = "x".repeat(9 << 10);
    for (head, status) in [
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), "431"),
        ("GET / HTTP/1.1\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(), "400"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), "400"),
        ("GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n".into(), "400"),
        ("GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n".into(), "400"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".into(), "405"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n".into(), "405"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx".into(), "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".into(), "400"),
        ("NOT HTTP\r\n\r\n".into(), "400"),
    ] {
        let answer = raw(gateway.http(), &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head:.60}: {answer:.200}");
    }
}

#[tokio::test]
async fn a_browser_cannot_claim_an_identity_or_another_address() {
    let gateway = Setup::default().start().await;
    let claims = [
        ("$WSRU", "CN=Admin/O=Acme"),
        ("$wsis", "True"),
        ("x-forwarded-for", "10.1.2.3"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=10.1.2.3"),
        ("x-other", "stays"),
    ];
    let echo = send(gateway.http(), get_with("/", &claims)).await.body;
    assert!(!echo.contains("$ws") && !echo.contains("forwarded"), "{echo}");
    assert!(
        echo.contains("client=127.0.0.1\nscheme=http\n") && echo.contains("header x-other=stays"),
        "{echo}"
    );
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_browser_is() {
    let proxy = "127.0.0.1".parse().unwrap();
    let gateway = Setup::default().limits(|limits| limits.trusted_proxies = vec![proxy]).start().await;
    let said = [("x-forwarded-for", "9.9.9.9, 10.1.2.3"), ("x-forwarded-proto", "https"), ("$WSRU", "x")];
    let echo = send(gateway.http(), get_with("/", &said)).await.body;
    assert!(echo.contains("client=10.1.2.3\nscheme=https\n") && !echo.contains("$ws"), "{echo}");
}

#[tokio::test]
async fn every_reason_not_to_be_let_in_looks_the_same() {
    let gateway = Setup::default().route("/stwebapi", AuthPolicy::Required, "echo").start().await;
    let user = "CN=Ann Example/O=Acme";
    let mut answers = Vec::new();
    for cookie in [
        String::new(),
        "LtpaToken=".into(),
        "LtpaToken=nonsense".into(),
        tokens::forged_cookie(user),
        tokens::expired_cookie(user),
    ] {
        let answer = send(gateway.http(), get_with("/stwebapi/presence", &[("cookie", &cookie)])).await;
        let mut headers = answer.headers.clone();
        assert!(headers.remove("x-request-id").is_some());
        headers.remove("date");
        answers.push((answer.status, headers, answer.body));
    }
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answers[0].2,
        r#"{"code":11,"error":"token","message":"Please log in.","reason":"11","returnCode":401}"#
    );
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

#[tokio::test]
async fn a_policy_decides_who_needs_a_token() {
    let gateway = Setup::default()
        .route("/required", AuthPolicy::Required, "echo")
        .route("/optional", AuthPolicy::Optional, "echo")
        .start()
        .await;
    let cookie = tokens::cookie("CN=Ann Example/O=Acme");
    for (path, cookie, status, identity) in [
        ("/required", cookie.as_str(), 200, "identity=true"),
        ("/required", "", 401, ""),
        ("/optional", &cookie, 200, "identity=true"),
        ("/optional", "LtpaToken=nonsense", 200, "identity=false"),
        ("/", &cookie, 200, "identity=false"),
    ] {
        let answer = send(gateway.http(), get_with(path, &[("cookie", cookie)])).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(identity), "{path}: {}", answer.body);
    }
}
