//! The access log as somebody reads it afterwards: one line per request, who ended it and how, and nothing that is a
//! secret.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gateway::config::{AccessFormat, AuthPolicy, UpstreamRoute};
use serde_json::Value;
use socket2::SockRef;
use support::client::{fetch, get_with, raw, read_to_end, send};
use support::ports;
use support::{Gateway, Setup, tls, tokens, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const ANN: &str = "CN=Ann Example/O=Acme";

/// A file of its own, gone when dropped.
struct Log(PathBuf);

impl Log {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("livename-lines-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder.join("access.log"))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }

    /// All lines, once there are so many.
    async fn lines(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} lines"), || self.text().lines().count() >= count).await;
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn setup(&self) -> Setup {
        let mut setup = Setup::default();
        setup.access_log.path = Some(self.0.clone());
        setup
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(self.0.parent().unwrap()));
    }
}

/// Answers the first request of each connection with these bytes, and closes.
async fn upstream(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    route
}

/// Answers with bytes for as long as somebody takes them.
async fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") && stream.read_buf(&mut asked).await.unwrap_or(0) > 0 {}
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
        }
    });
    route
}

/// Sends a request and goes away after the first bytes of its answer.
async fn look_and_leave(gateway: &Gateway, path: &str) {
    let mut stream = TcpStream::connect(gateway.http()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: im.example\r\n\r\n").as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
}

#[tokio::test]
async fn every_request_has_one_line_that_says_who_ended_it() {
    let log = Log::new();
    let gone = ports::CLOSED;
    let gateway = log
        .setup()
        .limits(|limits| {
            limits.head_timeout = Duration::from_millis(200);
            limits.header_bytes = 8 << 10;
        })
        .route("/required", AuthPolicy::Required, "echo")
        .route("/gate", AuthPolicy::Off, "gate")
        .route("/flood", AuthPolicy::Off, &endless().await)
        .route("/gone", AuthPolicy::Off, &format!("http://{gone}"))
        .route("/silent", AuthPolicy::Off, &upstream("").await)
        .route("/half", AuthPolicy::Off, &upstream("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await)
        .start()
        .await;
    let address = gateway.http();
    let mut expected = Vec::new();
    for (path, end, status) in [
        ("/whole", "--", 200),
        ("/a/%2e%2e/b", "GR", 400),
        ("/required", "GA", 401),
        ("/gone", "SC", 502),
        ("/silent", "SH", 502),
    ] {
        fetch(address, path).await;
        expected.push((path, end, status));
    }
    raw(address, "GET /half HTTP/1.1\r\nhost: a\r\n\r\n").await;
    expected.push(("/half", "SD", 200));
    raw(address, "NOT HTTP\r\n\r\n").await;
    expected.push(("-", "GR", 400));
    raw(address, &format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(9 << 10))).await;
    expected.push(("-", "GR", 431));
    raw(address, "GET /slow HTTP/1.1\r\n").await;
    expected.push(("-", "cR", 408));
    // A connection on which nothing was asked has no line.
    raw(address, "").await;

    let mut leaving = TcpStream::connect(address).await.unwrap();
    leaving.write_all(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until("the request is under way", || gateway.gate.waiting() == 1).await;
    drop(leaving);
    log.lines(expected.len() + 1).await;
    expected.push(("/gate", "CH", 499));
    look_and_leave(&gateway, "/flood").await;
    expected.push(("/flood", "CD", 200));

    let lines = log.lines(expected.len()).await;
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["path"].as_str().unwrap(), line["end"].as_str().unwrap(), line["status"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
    assert!(lines[0]["bytes"].as_u64().unwrap() > 50 && lines[5]["bytes"] == 4, "{lines:?}");
}

/// Takes requests and answers none; counts them.
async fn silent() -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                count.fetch_add(1, Ordering::SeqCst);
                while stream.read(&mut [0; 64]).await.unwrap_or(0) > 0 {}
            });
        }
    });
    (address, asked)
}

/// Answers by half and resets the connection when told to.
async fn resetting(go: Arc<Notify>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        go.notified().await;
        // Without a farewell.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    route
}

const BAD_CHUNK: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ngood\r\nzz\r\n";

#[tokio::test]
async fn faults_of_upstreams_and_uploads_are_told_apart() {
    let log = Log::new();
    let (silent, asked) = silent().await;
    let go = Arc::new(Notify::new());
    let patient = tls::upstream(silent);
    let limit = Duration::from_millis(100);
    let stall = UpstreamRoute { head_timeout: Some(limit), ..patient.clone() };
    let upload = UpstreamRoute { body_timeout: limit, ..patient.clone() };
    let mut full = patient.clone();
    (full.upstreams[0].pool.connections, full.upstreams[0].pool.waiting) = (1, 0);
    let mut down = tls::upstream(ports::CLOSED);
    down.upstreams[0].health.failures = 1;
    let gateway = log
        .setup()
        .passing("/patient", patient)
        .passing("/stall", stall)
        .passing("/upload", upload)
        .passing("/full", full)
        .passing("/down", down)
        .route("/reset", AuthPolicy::Off, &resetting(Arc::clone(&go)).await)
        .route("/chunk", AuthPolicy::Off, &upstream(BAD_CHUNK).await)
        .start()
        .await;
    let address = gateway.http();
    let mut expected = Vec::new();

    assert_eq!(fetch(address, "/stall").await.status, 504);
    expected.push(("/stall", "sH", 504, "timeout"));

    let mut browser = TcpStream::connect(address).await.unwrap();
    browser.write_all(b"GET /reset HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"half") {
        assert!(browser.read_buf(&mut seen).await.unwrap() > 0);
    }
    go.notify_one();
    assert_eq!(read_to_end(&mut browser).await, "");
    expected.push(("/reset", "SD", 200, "-"));

    raw(address, "GET /chunk HTTP/1.1\r\nhost: a\r\n\r\n").await;
    expected.push(("/chunk", "SD", 200, "-"));

    let stalled = raw(address, "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert!(stalled.starts_with("HTTP/1.1 408 "), "{stalled}");
    expected.push(("/upload", "cR", 408, "upload_stalled"));

    fetch(address, "/down").await;
    expected.push(("/down", "SC", 502, "connect_failed"));
    fetch(address, "/down").await;
    expected.push(("/down", "GQ", 503, "down"));

    let before = asked.load(Ordering::SeqCst);
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /full HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until("the only place is taken", || asked.load(Ordering::SeqCst) > before).await;
    assert_eq!(fetch(address, "/full").await.status, 503);
    expected.push(("/full", "GQ", 503, "busy"));
    drop(first);
    log.lines(expected.len() + 1).await;
    expected.push(("/full", "CH", 499, "-"));

    // Half an upload, and no more.
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST /patient HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    half.shutdown().await.unwrap();
    read_to_end(&mut half).await;
    expected.push(("/patient", "CR", 400, "downstream_failed"));

    let lines = log.lines(expected.len()).await;
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or("-");
            (text("path"), text("end"), line["status"].as_u64().unwrap(), text("failure"))
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_browser_that_stops_reading_is_told_from_one_that_leaves() {
    let log = Log::new();
    let gateway = log
        .setup()
        .limits(|limits| limits.idle_timeout = Duration::from_millis(200))
        .route("/flood", AuthPolicy::Off, &endless().await)
        .start()
        .await;
    let mut stream = TcpStream::connect(gateway.http()).await.unwrap();
    stream.write_all(b"GET /flood HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    assert_eq!(log.lines(1).await[0]["end"], "cD");
    drop(stream);
}

#[tokio::test]
async fn what_is_cut_by_the_end_of_the_program_says_so_and_is_in_the_file() {
    let log = Log::new();
    let gateway = log.setup().route("/gate", AuthPolicy::Off, "gate").start().await;
    let mut stream = TcpStream::connect(gateway.http()).await.unwrap();
    stream.write_all(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until("the request is under way", || gateway.gate.waiting() == 1).await;
    gateway.running.stop().await;
    assert_eq!(read_to_end(&mut stream).await, "");
    let lines: Vec<Value> = log.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["end"], "GD");
}

#[tokio::test]
async fn nothing_secret_is_in_a_line_and_names_only_where_wished() {
    for (format, users) in
        [(AccessFormat::Json, false), (AccessFormat::Combined, false), (AccessFormat::Combined, true)]
    {
        let log = Log::new();
        let mut setup = log.setup().route("/required", AuthPolicy::Required, "echo");
        (setup.access_log.format, setup.access_log.users) = (format, users);
        let gateway = setup.start().await;
        let cookie = tokens::cookie(ANN);
        let path = "/required/user/connect;jsessionid=pa55w0rd?user=ann&password=pa55w0rd";
        let headers = [
            ("cookie", cookie.as_str()),
            ("authorization", "Basic pa55w0rd"),
            ("referer", "https://mail.example/a?token=pa55w0rd#pa55w0rd"),
            ("user-agent", "Browser \"1\""),
        ];
        assert_eq!(send(gateway.http(), get_with(path, &headers)).await.status, 200);
        until("the line", || !log.text().is_empty()).await;
        let text = log.text();
        let token = cookie.split_once('=').unwrap().1;
        assert!(!text.contains("pa55w0rd") && !text.contains(&token[..20]), "{text}");
        assert_eq!(text.contains("Ann"), users, "{text}");
        if format == AccessFormat::Combined {
            let expected = "\"GET /required/user/connect HTTP/1.1\" 200 ";
            assert!(text.contains(expected), "{text}");
            assert!(text.contains("\"https://mail.example/a\" \"Browser \\\"1\\\"\" -- 0."), "{text}");
        }
    }
}

#[tokio::test]
async fn a_reload_goes_on_in_a_new_file_even_if_it_is_refused() {
    let log = Log::new();
    let gateway = log.setup().start().await;
    let moved = log.0.with_extension("1");
    fetch(gateway.http(), "/first").await;
    std::fs::rename(&log.0, &moved).unwrap();
    gateway.reads_next(Err("line 1: wrong"));
    assert!(gateway.running.reload().await.is_err());
    fetch(gateway.http(), "/second").await;
    assert_eq!(log.lines(1).await[0]["path"], "/second");
    assert!(std::fs::read_to_string(&moved).unwrap().contains("/first"));
}
