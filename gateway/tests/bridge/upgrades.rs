//! WebSocket and other upgrades: the 101 goes through, then bytes do.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Backend, Browser, Front, Peer, Setting, header, until, within};

const ASK: &str = "GET /socket HTTP/1.1\r\nHost: im.example\r\nConnection: keep-alive, Upgrade\r\n\
                   Upgrade: websocket\r\nOrigin: https://im.example\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: a=1\r\n\r\n";

/// Switches, says something at once, then repeats what it hears until it ends.
async fn echo(mut peer: Peer) {
    let head = peer.head().await.unwrap();
    assert_eq!(header(&head, "upgrade"), Some("websocket"));
    assert_eq!(header(&head, "connection"), Some("upgrade"));
    // A page of the gateway is one of its own.
    let origin = header(&head, "origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    assert_eq!(origin, header(&head, "host"));
    assert_eq!(header(&head, "sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    peer.send(format!("{SWITCH}early")).await;
    while let Some(byte) = peer.take(1).await {
        peer.send(byte).await;
    }
    peer.send("bye").await;
}

async fn a_socket_through(backend: Backend) {
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    // Does not wait for the answer either.
    browser.send(format!("{ASK}eager")).await;
    let head = browser.head().await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(header(&head, "upgrade"), Some("websocket"));
    assert_eq!(header(&head, "connection"), Some("upgrade"));
    assert_eq!(header(&head, "sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(header(&head, "content-length"), None);
    assert_eq!(browser.take(10).await, "earlyeager");
    assert_eq!(front.metric("livename_tunnels"), 1.0);

    browser.send("hello").await;
    assert_eq!(browser.take(5).await, "hello");
    browser.stream.shutdown().await.unwrap();
    assert_eq!(browser.take(usize::MAX).await, "bye", "the other direction outlives this one");
    until(|| front.metric("livename_tunnels") == 0.0).await;
    assert_eq!(front.metric("livename_tunnels_opened_total"), 1.0);
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn a_socket_through_http() {
    a_socket_through(Backend::http(echo).await).await;
}

#[tokio::test]
async fn a_socket_through_https() {
    a_socket_through(Backend::https(echo).await).await;
}

#[tokio::test]
async fn megabytes_cross_a_tunnel_both_ways_at_once() {
    let backend = Backend::http(echo_blocks).await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(ASK).await;
    browser.head().await;
    let sent: Vec<u8> = (0..4 << 20).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    let (mut read, mut write) = browser.stream.into_split();
    tokio::spawn(async move {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    within(read.read_to_end(&mut received)).await.unwrap();
    assert!(received == expected);
}

async fn echo_blocks(mut peer: Peer) {
    peer.head().await;
    peer.send(SWITCH).await;
    let (mut read, mut write) = tokio::io::split(peer.io);
    tokio::io::copy(&mut read, &mut write).await.unwrap();
    write.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_tunnel_ends_when_everything_must() {
    let backend = Backend::http(echo).await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(ASK).await;
    browser.head().await;
    assert_eq!(browser.take(5).await, "early");
    front.end.cancel();
    assert_eq!(browser.take(usize::MAX).await, "");
    until(|| backend.open() == 0).await;
    front.tasks.close();
    within(front.tasks.wait()).await;
    assert_eq!(front.metric("livename_tunnels"), 0.0);
}

#[tokio::test]
async fn an_upstream_that_declines_answers_as_usual() {
    let backend = Backend::http(|mut peer| async move {
        while peer.head().await.is_some() {
            peer.send(
                "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno",
            )
            .await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(ASK).await;
    let answer = browser.answer(false).await;
    assert_eq!((answer.status, answer.body.as_str()), (426, "no"));
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    assert_eq!(browser.get("/").await.status, 426);
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_refused() {
    for (ask, switch) in [
        ("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n", SWITCH),
        ("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", SWITCH),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", SWITCH),
        (ASK, "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
        (ASK, "HTTP/1.1 101 Switching\r\n\r\n"),
    ] {
        let backend = Backend::http(move |mut peer| async move {
            peer.head().await;
            peer.send(switch).await;
            peer.rest().await;
        })
        .await;
        let front = Front::to(&backend).await;
        assert_eq!(Browser::ask(&front, ask).await.status, 502, "{ask}{switch}");
        until(|| backend.open() == 0).await;
    }
}

#[tokio::test]
async fn connect_is_not_offered() {
    let backend = Backend::mirror().await;
    let front = Setting::to(&backend).start().await;
    let ask = "CONNECT im.example:443 HTTP/1.1\r\nHost: im.example:443\r\n\r\n";
    assert_eq!(Browser::ask(&front, ask).await.status, 501);
    assert_eq!(backend.connections(), 0);
}
