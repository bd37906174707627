//! Upstreams that speak HTTP/2 and misbehave: frames by hand (RFC 9113), since no library would send them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::support::{Backend, Browser, Front, Peer, Setting, until};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
/// `:status: 200` (RFC 7541, appendix A).
const OK: &[u8] = &[0x88];

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// The upstream's side of a connection.
struct Two(Peer);

impl Two {
    /// `None`: the gateway has gone again.
    async fn greet(mut peer: Peer) -> Option<Self> {
        let preface = peer.take(24).await?;
        assert!(preface.starts_with(b"PRI * HTTP/2.0\r\n"));
        let mut two = Self(peer);
        two.send(SETTINGS, 0, 0, b"").await;
        Some(two)
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.send(frame).await;
    }

    /// The next frame that is about a request.
    async fn frame(&mut self) -> Option<Frame> {
        loop {
            let head = self.0.take(9).await?;
            let payload =
                self.0.take(usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]));
            let payload = payload.await?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match (head[3], head[4]) {
                (SETTINGS, 0) => self.send(SETTINGS, ACK, 0, b"").await,
                (PING, 0) => self.send(PING, ACK, 0, &payload).await,
                (kind, flags) if stream != 0 => return Some(Frame { kind, flags, stream, payload }),
                _ => {}
            }
        }
    }

    /// The stream of the next request.
    async fn request(&mut self) -> Option<u32> {
        loop {
            let frame = self.frame().await?;
            if frame.kind == HEADERS {
                assert_eq!(frame.flags & END_HEADERS, END_HEADERS, "requests here are small");
                self.0.note("a request");
                return Some(frame.stream);
            }
        }
    }

    /// What the gateway says when it gives up a request.
    async fn reset(&mut self, stream: u32) -> Option<u32> {
        loop {
            let frame = self.frame().await?;
            if (frame.kind, frame.stream) == (RST_STREAM, stream) {
                return Some(u32::from_be_bytes(frame.payload.try_into().unwrap()));
            }
        }
    }

    async fn answer(&mut self, stream: u32, body: &[u8]) {
        self.send(HEADERS, END_HEADERS, stream, OK).await;
        self.send(DATA, END_STREAM, stream, body).await;
    }

    async fn refuse(&mut self, stream: u32, reason: u32) {
        self.send(RST_STREAM, 0, stream, &reason.to_be_bytes()).await;
    }

    /// Takes no request after `last`.
    async fn go_away(&mut self, last: u32) {
        self.send(GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat()).await;
    }

    async fn rest(mut self) {
        while self.frame().await.is_some() {}
    }
}

fn to(backend: &Backend) -> Setting {
    let mut upstream = backend.upstream();
    upstream.http2 = true;
    Setting::upstreams(vec![upstream])
}

async fn get(front: &Front) -> (u16, String) {
    let answer = Browser::at(front).await.get("/").await;
    (answer.status, answer.body)
}

fn failed(status: u16, what: &str) -> (u16, String) {
    (status, format!("{what} retry=false"))
}

#[tokio::test]
async fn a_reset_before_the_head_is_a_bad_gateway() {
    let backend = Backend::http2(|peer| async move {
        let Some(mut two) = Two::greet(peer).await else { return };
        let Some(stream) = two.request().await else { return };
        two.refuse(stream, INTERNAL_ERROR).await;
        two.rest().await;
    })
    .await;
    let front = to(&backend).start().await;
    assert_eq!(get(&front).await, failed(502, "upstream_failed"));
    assert_eq!(backend.connections(), 1, "a first connection is not stale");
}

#[tokio::test]
async fn a_reset_in_the_body_breaks_it_off_and_the_connection_goes_on() {
    let seen = Arc::new(Notify::new());
    let was_seen = Arc::clone(&seen);
    let backend = Backend::http2(move |peer| {
        let was_seen = Arc::clone(&was_seen);
        async move {
            let Some(mut two) = Two::greet(peer).await else { return };
            let Some(stream) = two.request().await else { return };
            two.send(HEADERS, END_HEADERS, stream, OK).await;
            two.send(DATA, 0, stream, b"half").await;
            was_seen.notified().await;
            two.refuse(stream, INTERNAL_ERROR).await;
            while let Some(stream) = two.request().await {
                two.answer(stream, b"whole").await;
            }
        }
    })
    .await;
    let front = to(&backend).start().await;
    let mut browser = Browser::at(&front).await;
    browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    browser.head().await;
    assert_eq!(browser.take(9).await, "4\r\nhalf\r\n");
    seen.notify_one();
    assert_eq!(browser.rest().await, b"", "no last chunk");
    assert_eq!(get(&front).await, (200, "whole".to_owned()));
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_head_is_passed_on_even_if_the_reset_comes_in_the_same_breath() {
    let backend = Backend::http2(|peer| async move {
        let Some(mut two) = Two::greet(peer).await else { return };
        while let Some(stream) = two.request().await {
            two.send(HEADERS, END_HEADERS, stream, OK).await;
            two.refuse(stream, INTERNAL_ERROR).await;
        }
    })
    .await;
    let front = to(&backend).start().await;
    for _ in 0..20 {
        let answer = Browser::at(&front).await.get("/").await;
        // Where the reset overtakes the head, there was none.
        assert!(!answer.whole || answer.status == 502, "{answer:?}");
    }
}

/// What an upstream does to the second request of its first connection, which it has not begun to look at.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    GoAway,
    Stream,
}

#[tokio::test]
async fn a_request_that_was_not_processed_is_sent_again_if_it_may_be() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: im.example\r\nContent-Length: 0\r\n\r\n";
    const GET: &str = "GET / HTTP/1.1\r\nHost: im.example\r\n\r\n";
    for refusal in [Refusal::GoAway, Refusal::Stream] {
        for (request, status) in [(GET, 200), (POST, 502)] {
            let backend = Backend::http2(move |peer| async move {
                let is_first = peer.nth == 0;
                let Some(mut two) = Two::greet(peer).await else { return };
                let mut last = 0;
                while let Some(stream) = two.request().await {
                    match refusal {
                        _ if last == 0 || !is_first => two.answer(stream, b"fine").await,
                        Refusal::GoAway => two.go_away(last).await,
                        Refusal::Stream => two.refuse(stream, REFUSED_STREAM).await,
                    }
                    last = stream;
                }
            })
            .await;
            let front = to(&backend).start().await;
            assert_eq!(get(&front).await.0, 200);
            assert_eq!(Browser::ask(&front, request).await.status, status, "{refusal:?} {request}");
            assert_eq!(backend.connections(), if status == 200 { 2 } else { 1 }, "{refusal:?} {request}");
            assert_eq!(get(&front).await.0, 200, "{refusal:?} {request}");
        }
    }
}

#[tokio::test]
async fn silence_before_the_head_is_a_time_out_and_the_stream_is_given_up() {
    let backend = Backend::http2(|peer| async move {
        let Some(mut two) = Two::greet(peer).await else { return };
        let Some(stream) = two.request().await else { return };
        assert_eq!(two.reset(stream).await, Some(CANCEL));
        while let Some(stream) = two.request().await {
            two.answer(stream, b"fine").await;
        }
    })
    .await;
    let limit = Some(Duration::from_millis(100));
    let front = Setting { head_timeout: limit, ..to(&backend) }.start().await;
    assert_eq!(get(&front).await, failed(504, "timeout"));
    assert_eq!(get(&front).await.0, 200, "the others on that connection do not suffer");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_bad_gateway() {
    let backend = Backend::http2(|peer| async move {
        let Some(mut two) = Two::greet(peer).await else { return };
        let Some(stream) = two.request().await else { return };
        two.send(HEADERS, 0, stream, OK).await;
        // Literals that are not to be indexed: a name of one letter, a value of 8192.
        let line = [&[0, 1, b'x', 0x7f, 0x81, 0x3f][..], &[b'y'; 8192]].concat();
        for _ in 0..100 {
            two.send(CONTINUATION, 0, stream, &line).await;
        }
        two.send(CONTINUATION, END_HEADERS, stream, b"").await;
        two.rest().await;
    })
    .await;
    let front = to(&backend).start().await;
    assert_eq!(get(&front).await, failed(502, "upstream_failed"));
}

#[tokio::test]
async fn a_browser_that_leaves_takes_its_request_with_it_and_no_other() {
    let backend = Backend::http2(|peer| async move {
        let Some(mut two) = Two::greet(peer).await else { return };
        for head in [false, true] {
            let Some(stream) = two.request().await else { return };
            if head {
                two.send(HEADERS, END_HEADERS, stream, OK).await;
                two.send(DATA, 0, stream, b"half").await;
            }
            assert_eq!(two.reset(stream).await, Some(CANCEL));
        }
        while let Some(stream) = two.request().await {
            two.answer(stream, b"fine").await;
        }
    })
    .await;
    let front = to(&backend).start().await;
    for requests in [1, 2] {
        let mut browser = Browser::at(&front).await;
        browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
        until(|| backend.heads().len() == requests).await;
        drop(browser);
        until(|| front.servers.status()[0].connections == 0).await;
    }
    assert_eq!(get(&front).await.0, 200);
    assert_eq!(backend.connections(), 1);
}
