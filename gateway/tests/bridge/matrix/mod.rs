//! Every way a browser comes × every way an upstream is spoken to: one test per thing that has to work, run
//! for all pairs through the whole program.

mod client;
mod origin;

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use gateway::config::{Upstream, UpstreamRoute};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::edge::tls::Certificate;
use crate::edge::{Gateway, Setup};
use crate::support::within;
use client::{Client, Down, body, empty, next_data};
use origin::{Origin, Up};

/// Bytes of a big body: more than may be in memory. All pairs have it in a long run only, since encrypting takes its time.
fn total(pair: &Pair) -> usize {
    let long = std::env::var_os("LIVENAME_LONG").is_some();
    if long || (pair.down, pair.origin.up) == (Down::Plain, Up::Http) { 100 << 20 } else { 2 << 20 }
}

/// One way through.
struct Pair {
    name: String,
    client: Client,
    origin: Arc<Origin>,
    down: Down,
}

impl Pair {
    fn get(&self, path: &str) -> http::request::Builder {
        self.request("GET", path)
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let path = format!("/{}{path}", self.origin.up.name());
        let request = Request::builder().method(method);
        match self.down {
            Down::Http2 => request.uri(format!("https://im.example{path}")),
            _ => request.uri(path).header("host", "im.example"),
        }
    }
}

/// Runs `test` for all pairs.
async fn each(test: impl AsyncFn(&mut Pair)) {
    let certificate = Certificate::new("matrix");
    let mut origins = Vec::new();
    let mut setup = Setup::default().https(&certificate);
    for up in [Up::Http, Up::Https, Up::Http2] {
        let origin = Arc::new(Origin::start(up, &certificate).await);
        let upstream = Upstream {
            server_name: Some("im.example".to_owned()),
            http2: up == Up::Http2,
            ..Upstream::at(up != Up::Http, "127.0.0.1", origin.address.port(), certificate.client(&[]))
        };
        setup = setup.passing(&format!("/{}", up.name()), UpstreamRoute::to(vec![upstream]));
        origins.push(origin);
    }
    let gateway = setup.start().await;
    for down in [Down::Plain, Down::Tls, Down::Http2] {
        for origin in &origins {
            let client = Client::to(&gateway, &certificate, down).await;
            let name = format!("{down:?} to {}", origin.up.name());
            let mut pair = Pair { name, client, origin: Arc::clone(origin), down };
            test(&mut pair).await;
        }
    }
    stop(gateway).await;
}

async fn stop(gateway: Gateway) {
    within(gateway.running.stop()).await;
}

#[tokio::test]
async fn get() {
    each(async |pair| {
        for _ in 0..3 {
            let answer = pair.client.ask(pair.get("/hello").body(empty()).unwrap()).await;
            assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "hello"), "{}", pair.name);
        }
        let version = if pair.origin.up == Up::Http2 { "HTTP/2.0" } else { "HTTP/1.1" };
        let answer = pair.client.ask(pair.get("/version").body(empty()).unwrap()).await;
        assert_eq!(answer.text(), version, "{}", pair.name);
    })
    .await;
}

#[tokio::test]
async fn big_bodies_stream_both_ways_at_once() {
    let pattern = Bytes::from_iter((0..(64 << 10)).map(|n| (n % 251) as u8));
    let twice = [&pattern[..], &pattern[..]].concat();
    each(async |pair| {
        let before = resident();
        let (send, body) = body();
        let answer = pair.client.start(pair.request("POST", "/echo").body(body).unwrap()).await;
        let mut answer = answer.into_body();
        // What was sent comes back before the rest is sent.
        send.send(Frame::data(pattern.clone())).await.unwrap();
        let mut received = 0;
        while received < pattern.len() {
            received += next_data(&mut answer).await.unwrap().len();
        }
        let rest = total(pair) / pattern.len();
        let feed = pattern.clone();
        let sending = tokio::spawn(async move {
            for _ in 0..rest {
                send.send(Frame::data(feed.clone())).await.unwrap();
            }
        });
        while let Some(data) = next_data(&mut answer).await {
            for piece in data.chunks(pattern.len()) {
                let at = received % pattern.len();
                assert!(piece == &twice[at..at + piece.len()], "{}: wrong at {received}", pair.name);
                received += piece.len();
            }
        }
        sending.await.unwrap();
        assert_eq!(received, pattern.len() * (rest + 1), "{}", pair.name);
        let grown = resident().saturating_sub(before);
        // Other tests run in this process as well.
        assert!(grown < 64 << 20, "{}: {grown} bytes more memory", pair.name);
    })
    .await;
}

/// Bytes of this process in memory: browser, gateway and upstream.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn a_poll_waits_until_there_is_something() {
    each(async |pair| {
        let asked = pair.origin.asked();
        let request = pair.get("/stwebapi/RTCServlet/poll").body(empty()).unwrap();
        let mut waiting = std::pin::pin!(pair.client.ask(request));
        let arrived = async {
            crate::support::until(|| pair.origin.asked() > asked).await;
        };
        tokio::select! {
            _ = &mut waiting => panic!("{}: answered too early", pair.name),
            () = arrived => {}
        }
        pair.origin.go();
        assert_eq!(within(waiting).await.text(), "news", "{}", pair.name);
    })
    .await;
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    each(async |pair| {
        let answer = pair.client.start(pair.get("/events").body(empty()).unwrap()).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream", "{}", pair.name);
        let mut answer = answer.into_body();
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            // The next one is sent only after this one was seen here.
            assert_eq!(next_data(&mut answer).await.unwrap(), event, "{}", pair.name);
            pair.origin.go();
        }
        assert_eq!(next_data(&mut answer).await, None, "{}", pair.name);
    })
    .await;
}

#[tokio::test]
async fn a_gzip_page_is_rewritten_while_it_streams() {
    each(async |pair| {
        let scheme = if pair.down == Down::Plain { "http" } else { "https" };
        let expected = origin::halves(&format!("{scheme}://im.example")).concat();
        for accepted in ["gzip, br", "identity"] {
            let ask = pair.get("/page").header("accept-encoding", accepted);
            let answer = pair.client.start(ask.body(empty()).unwrap()).await;
            let coding = answer.headers().get("content-encoding").map(|coding| coding.to_str().unwrap());
            let is_coded = coding == Some("gzip");
            assert_eq!(is_coded, accepted != "identity", "{}: {coding:?}", pair.name);
            assert!(!answer.headers().contains_key("content-length"), "{}", pair.name);
            assert!(!answer.headers().contains_key("content-md5"), "{}", pair.name);
            assert_eq!(answer.headers()["vary"], "Accept-Encoding", "{}", pair.name);
            let mut body = answer.into_body();
            let mut reader = Reader::new(is_coded);
            // The first address is there before the upstream has sent the second.
            while !reader.text().contains("a.js") {
                reader.read(&next_data(&mut body).await.unwrap());
            }
            assert!(!reader.text().contains("/b"), "{}", pair.name);
            // One for the second half, one for the end.
            pair.origin.go();
            while !reader.text().ends_with('y') {
                reader.read(&next_data(&mut body).await.unwrap());
            }
            pair.origin.go();
            while let Some(data) = next_data(&mut body).await {
                reader.read(&data);
            }
            assert_eq!(reader.text(), expected, "{}", pair.name);
        }
    })
    .await;
}

/// A browser's view of a body, coded or not.
enum Reader {
    Plain(Vec<u8>),
    Gzip(Box<flate2::write::GzDecoder<Vec<u8>>>),
}

impl Reader {
    fn new(is_coded: bool) -> Self {
        if !is_coded {
            return Self::Plain(Vec::new());
        }
        Self::Gzip(Box::new(flate2::write::GzDecoder::new(Vec::new())))
    }

    fn read(&mut self, data: &[u8]) {
        match self {
            Self::Plain(text) => text.extend_from_slice(data),
            Self::Gzip(decoder) => {
                decoder.write_all(data).unwrap();
                decoder.flush().unwrap();
            }
        }
    }

    fn text(&self) -> String {
        let text = match self {
            Self::Plain(text) => text,
            Self::Gzip(decoder) => decoder.get_ref(),
        };
        String::from_utf8(text.clone()).unwrap()
    }
}

#[tokio::test]
async fn answers_without_a_body() {
    each(async |pair| {
        let answer = pair.client.ask(pair.request("HEAD", "/head").body(empty()).unwrap()).await;
        assert_eq!(answer.headers["content-length"], "1234", "{}", pair.name);
        assert_eq!(answer.text(), "");
        let answer = pair.client.ask(pair.get("/304").body(empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{}", pair.name);
        assert_eq!(answer.headers["etag"], "\"e\"", "{}", pair.name);
        assert_eq!(answer.text(), "");
        // Both sides are still in step.
        let answer = pair.client.ask(pair.get("/hello").body(empty()).unwrap()).await;
        assert_eq!(answer.text(), "hello", "{}", pair.name);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_waits_for_100_continue() {
    each(async |pair| {
        let (send, body) = body();
        let request =
            pair.request("POST", "/echo").header("expect", "100-continue").header("content-length", "4");
        send.send(Frame::data(Bytes::from_static(b"body"))).await.unwrap();
        drop(send);
        let answer = pair.client.ask(request.body(body).unwrap()).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "body"), "{}", pair.name);
    })
    .await;
}

#[tokio::test]
async fn trailers_both_ways() {
    each(async |pair| {
        let (send, body) = body();
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("42"))]);
        send.send(Frame::data(Bytes::from_static(b"body"))).await.unwrap();
        send.send(Frame::trailers(trailers.clone())).await.unwrap();
        drop(send);
        let request = pair.request("POST", "/echo").header("te", "trailers").header("trailer", "x-sum");
        let answer = pair.client.ask(request.body(body).unwrap()).await;
        assert_eq!(
            (answer.text().as_str(), answer.trailers.as_ref()),
            ("body", Some(&trailers)),
            "{}",
            pair.name
        );
    })
    .await;
}

#[tokio::test]
async fn upgrades_from_http1() {
    each(async |pair| {
        if pair.down == Down::Http2 {
            return;
        }
        let ask = pair.get("/socket").header("connection", "upgrade").header("upgrade", "echo");
        let answer = pair.client.start(ask.body(empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS, "{}", pair.name);
        let upgraded = within(hyper::upgrade::on(answer)).await.unwrap();
        let mut socket = hyper_util::rt::TokioIo::new(upgraded);
        for word in ["ping", "pong"] {
            socket.write_all(word.as_bytes()).await.unwrap();
            let mut echo = [0; 4];
            within(socket.read_exact(&mut echo)).await.unwrap();
            assert_eq!(echo, word.as_bytes(), "{}", pair.name);
        }
    })
    .await;
}
