//! Bodies flow as their reader takes them, both ways, with their framing and trailers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::{Backend, Browser, Front, header, until, within};

/// All buffers of the system and of the gateway together are far below that.
const HELD: usize = 25 << 20;

/// Bytes of a stream; `LIVENAME_LONG` makes it long.
fn total() -> usize {
    if std::env::var_os("LIVENAME_LONG").is_some() { 1 << 30 } else { 50 << 20 }
}

#[derive(Default)]
struct Producer {
    written: AtomicUsize,
    stalled: AtomicBool,
}

impl Producer {
    /// Writes everything, and notes when it has to wait for the reader.
    async fn run(&self, io: &mut (impl AsyncWrite + Unpin)) {
        let bytes = pattern();
        while self.written.load(Ordering::SeqCst) < total() {
            let from = self.written.load(Ordering::SeqCst);
            let piece = &bytes[from % 251..][..(64 << 10).min(total() - from)];
            let mut write = std::pin::pin!(io.write(piece));
            let written = match timeout(Duration::from_millis(500), &mut write).await {
                Ok(written) => written.unwrap(),
                Err(_) => {
                    self.stalled.store(true, Ordering::SeqCst);
                    write.await.unwrap()
                }
            };
            self.written.fetch_add(written, Ordering::SeqCst);
        }
        io.flush().await.unwrap();
    }

    async fn stall(&self) {
        until(|| self.stalled.load(Ordering::SeqCst) || self.written.load(Ordering::SeqCst) == total()).await;
        let written = self.written.load(Ordering::SeqCst);
        assert!(written < HELD, "{written} bytes went somewhere though nobody read them");
    }
}

fn pattern() -> Vec<u8> {
    (0..(64 << 10) + 251).map(|n| (n % 251) as u8).collect()
}

async fn a_stalled_browser_stalls(script: impl AsyncFn(Arc<Producer>) -> Backend) {
    let producer = Arc::new(Producer::default());
    let backend = script(producer.clone()).await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    browser.head().await;
    producer.stall().await;
    assert!(browser.swallow(total(), &pattern()[..251]).await);
}

#[tokio::test]
async fn a_browser_that_does_not_read_throttles_an_http_upstream() {
    a_stalled_browser_stalls(async |producer| {
        Backend::http(move |mut peer| {
            let producer = producer.clone();
            async move {
                peer.head().await;
                peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", total())).await;
                producer.run(&mut peer.io).await;
            }
        })
        .await
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_does_not_read_throttles_an_https_upstream() {
    a_stalled_browser_stalls(async |producer| {
        Backend::https(move |mut peer| {
            let producer = producer.clone();
            async move {
                peer.head().await;
                peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", total())).await;
                producer.run(&mut peer.io).await;
            }
        })
        .await
    })
    .await;
}

#[tokio::test]
async fn an_upstream_that_does_not_read_throttles_the_browser() {
    let go = Arc::new(Notify::new());
    let gate = go.clone();
    let backend = Backend::http(move |mut peer| {
        let gate = gate.clone();
        async move {
            peer.head().await;
            gate.notified().await;
            let mut position = 0;
            let pattern = pattern();
            let mut right = true;
            while position < total() {
                let piece = peer.take((64 << 10).min(total() - position)).await.unwrap();
                right &= piece == pattern[position % 251..][..piece.len()];
                position += piece.len();
            }
            peer.answer(if right { "right" } else { "wrong" }).await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(format!("PUT / HTTP/1.1\r\nHost: im.example\r\nContent-Length: {}\r\n\r\n", total())).await;
    let producer = Arc::new(Producer::default());
    let (read, mut write) = browser.stream.into_split();
    let upload = producer.clone();
    let uploading = tokio::spawn(async move {
        upload.run(&mut write).await;
        write
    });
    producer.stall().await;
    go.notify_one();
    let write = within(uploading).await.unwrap();
    browser = Browser::on(read.reunite(write).unwrap());
    assert_eq!(browser.answer(false).await.body, "right");
}

#[tokio::test]
async fn each_chunk_arrives_when_it_is_sent() {
    let go = Arc::new(Notify::new());
    let gate = go.clone();
    let backend = Backend::http(move |mut peer| {
        let gate = gate.clone();
        async move {
            peer.head().await;
            peer.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            )
            .await;
            for event in ["data: 1\n\n", "data: 2\n\n"] {
                peer.send(format!("{:x}\r\n{event}\r\n", event.len())).await;
                gate.notified().await;
            }
            peer.send("0\r\n\r\n").await;
            peer.rest().await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    assert_eq!(header(&browser.head().await, "transfer-encoding"), Some("chunked"));
    // The next event is sent only after this one was seen here.
    assert_eq!(browser.take(14).await, "9\r\ndata: 1\n\n\r\n");
    go.notify_one();
    assert_eq!(browser.take(14).await, "9\r\ndata: 2\n\n\r\n");
    go.notify_one();
    assert_eq!(browser.take(5).await, "0\r\n\r\n");
}

#[tokio::test]
async fn trailers_pass_both_ways_but_not_claims() {
    let backend = Backend::http(|mut peer| async move {
        while let Some(head) = peer.head().await {
            let body = peer.take_until(b"\r\n\r\n").await.unwrap();
            let seen = format!("{head}{}", String::from_utf8(body).unwrap());
            let length = seen.len();
            peer.send(format!(
                "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
                 {length:x}\r\n{seen}\r\n0\r\nX-Sum: 42\r\n\r\n"
            ))
            .await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..2 {
        browser
            .send(
                "POST / HTTP/1.1\r\nHost: im.example\r\nTE: trailers\r\nTrailer: X-Mine, $WSRU\r\n\
                 Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Mine: 7\r\n$WSRU: admin\r\n\r\n",
            )
            .await;
        let answer = browser.answer(false).await;
        assert!(answer.whole);
        assert_eq!(answer.trailers.to_lowercase(), "x-sum: 42\r\n");
        let seen = answer.body.to_lowercase();
        assert_eq!(header(&seen, "transfer-encoding"), Some("chunked"));
        assert!(seen.contains("abc") && seen.ends_with("0\r\nx-mine: 7\r\n\r\n"), "{seen}");
    }
    assert_eq!(backend.connections(), 1);
}
