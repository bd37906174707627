//! Two users share few connections to an upstream that does everything wrong. Whatever it does, and whenever
//! a browser leaves: no byte that was meant for one reaches the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use gateway::config::{Health, PoolBounds, Retry, Upstream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::edge::tls::Certificate;
use crate::support::{Backend, Browser, Front, Peer, Setting, header};

/// Splitmix64: the same choices for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn rounds() -> u64 {
    if std::env::var_os("LIVENAME_LONG").is_some() { 2_000 } else { 60 }
}

/// Answers with the user's canary, in one of many right and wrong ways.
async fn misbehave(mut peer: Peer, choices: Arc<AtomicU64>) {
    while let Some(head) = peer.head().await {
        let mut chance = Chance(choices.fetch_add(1, Ordering::Relaxed));
        let canary = header(&head, "cookie").unwrap_or("nobody").repeat(1 + chance.below(40) as usize);
        let length = canary.len();
        let sized = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        match chance.below(9) {
            0..=2 => peer.send(format!("{}{canary}", sized(length))).await,
            3 => {
                peer.send(format!("{chunked}{length:x}\r\n{canary}")).await;
                tokio::task::yield_now().await;
                peer.send("\r\n0\r\n\r\n").await;
            }
            // Half of it, then nothing.
            4 => return peer.send(format!("{}{canary}", sized(length * 2))).await,
            5 => return peer.send(format!("{chunked}{:x}\r\n{canary}", length * 2)).await,
            // More than it said, in the same breath. What comes only when the next request is under way is an
            // answer to that as far as anybody can tell from HTTP/1.1.
            6 => peer.send(format!("{}{canary}{}{canary}", sized(length), sized(length))).await,
            // A chunk that is none.
            7 => peer.send(format!("{chunked}{length:x}\r\n{canary}\r\nzz\r\n")).await,
            // Slowly, so that the browser may leave in between.
            _ => {
                peer.send(sized(length)).await;
                for byte in canary.as_bytes().chunks(7) {
                    peer.send(byte).await;
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// An upstream that speaks HTTP/2 and treats each request in one of many right and wrong ways.
struct Shared {
    port: u16,
    client: Arc<rustls::ClientConfig>,
    connections: Arc<AtomicUsize>,
}

impl Shared {
    async fn start(choices: Arc<AtomicU64>) -> Self {
        let certificate = Certificate::new("canary");
        let mut tls = certificate.server().as_ref().clone();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = tls.accept(stream).await else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let io = TokioIo::new(stream);
                let choices = Arc::clone(&choices);
                let service = service_fn(move |request| {
                    std::future::ready(misbehave_in_one(&request, choices.fetch_add(1, Ordering::Relaxed)))
                });
                tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service));
            }
        });
        Self { port, client: certificate.client(&[]), connections }
    }

    fn upstream(&self) -> Upstream {
        let server_name = Some("im.example".to_owned());
        let client = Arc::clone(&self.client);
        Upstream { server_name, http2: true, ..Upstream::at(true, "127.0.0.1", self.port, client) }
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The same on a stream of a shared connection: whole, in pieces, broken off by a reset, or reset at once.
fn misbehave_in_one(
    request: &Request<Incoming>,
    choice: u64,
) -> Result<Response<UnsyncBoxBody<Bytes, Fault>>, Fault> {
    let mut chance = Chance(choice);
    let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
    let canary = cookie.unwrap_or("nobody").repeat(1 + chance.below(40) as usize);
    let way = chance.below(6);
    if way == 5 {
        return Err("reset before the head".into());
    }
    let piece = if way < 2 { canary.len() } else { 7 };
    let mut frames: Vec<_> =
        canary.as_bytes().chunks(piece).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    if way == 4 {
        frames.push(Err("reset in the body".into()));
    }
    let pieces = stream::iter(frames).then(|frame| async {
        tokio::task::yield_now().await;
        frame
    });
    let mut response = Response::builder();
    if way == 0 {
        response = response.header("content-length", canary.len());
    }
    Ok(response.body(StreamBody::new(pieces).boxed_unsync())?)
}

#[tokio::test]
async fn no_byte_of_one_user_reaches_the_other() {
    let choices = Arc::new(AtomicU64::new(7));
    let backend = Backend::http(move |peer| misbehave(peer, Arc::clone(&choices))).await;
    let bounds = PoolBounds { connections: 2, ..PoolBounds::default() };
    // It stays in use however much it fails.
    let health = Health { failures: u32::MAX, ..Health::default() };
    nobody_sees_the_other(Setting { bounds, health, ..Setting::to(&backend) }.start().await).await;
}

#[tokio::test]
async fn no_byte_of_one_user_reaches_the_other_on_a_shared_connection() {
    let choices = Arc::new(AtomicU64::new(7));
    let origin = Shared::start(choices).await;
    // Nothing is sent again, so that all stay on one connection.
    let health = Health { failures: u32::MAX, ..Health::default() };
    let setting = Setting { health, retry: Retry::Unsent, ..Setting::upstreams(vec![origin.upstream()]) };
    let front = setting.start().await;
    // The connection that all will share; whatever the answer is.
    Browser::at(&front).await.get("/").await;
    nobody_sees_the_other(front).await;
    assert_eq!(origin.connections.load(Ordering::SeqCst), 1);
}

/// Two users, four browsers each, all at once.
async fn nobody_sees_the_other(front: Front) {
    let front = Arc::new(front);
    let mut users = JoinSet::new();
    for (index, (own, other)) in [("canary=ann", "bob"), ("canary=bob", "ann")].into_iter().enumerate() {
        for browser in 0..4 {
            let front = Arc::clone(&front);
            users.spawn(async move {
                let mut chance = Chance(1000 * index as u64 + browser);
                let mut whole = 0;
                for _ in 0..rounds() {
                    let mut browser = Browser::at(&front).await;
                    for _ in 0..1 + chance.below(3) {
                        let method = ["GET", "POST"][chance.below(2) as usize];
                        let ask = format!(
                            "{method} / HTTP/1.1\r\nHost: im.example\r\nCookie: {own}\r\nContent-Length: 0\r\n\r\n"
                        );
                        browser.send(ask).await;
                        match chance.below(6) {
                            // Leaves at once, or in the middle: no answer is shorter than that.
                            0 => break,
                            1 => {
                                let begun = browser.take(chance.below(80) as usize).await;
                                assert!(!begun.contains(other), "{own} got {begun}");
                                let _ = browser.stream.shutdown().await;
                                break;
                            }
                            _ => {}
                        }
                        let answer = browser.answer(false).await;
                        let seen = format!("{}{}{}", answer.head, answer.body, answer.trailers);
                        assert!(!seen.contains(other), "{own} got {seen}");
                        if answer.status == 200 {
                            assert!(own.repeat(80).starts_with(&answer.body), "{own} got {seen}");
                            assert!(!answer.whole || answer.body.replace(own, "").is_empty(), "whole, and cut: {seen}");
                            whole += usize::from(answer.whole);
                        }
                        if !answer.whole {
                            break;
                        }
                    }
                }
                whole
            });
        }
    }
    while let Some(whole) = users.join_next().await {
        assert!(whole.unwrap() > 0, "nothing got through, so nothing was tested");
    }
}
