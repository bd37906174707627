use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

#[tokio::test]
async fn a_half_close_leaves_the_other_direction_open() {
    let (mut browser, one) = duplex(64);
    let (mut server, other) = duplex(64);
    let tunnel = tokio::spawn(copy(one, other));

    browser.write_all(b"last words").await.unwrap();
    browser.shutdown().await.unwrap();
    let mut heard = String::new();
    server.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "last words");

    server.write_all(b"still here").await.unwrap();
    server.shutdown().await.unwrap();
    heard.clear();
    browser.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "still here");
    tunnel.await.unwrap().unwrap();
}

#[tokio::test]
async fn more_than_a_buffer_arrives_whole_and_in_order() {
    let (mut browser, one) = duplex(100);
    let (mut server, other) = duplex(7);
    let _tunnel = tokio::spawn(copy(one, other));
    let sent: Vec<u8> = (0..5 * BUFFER).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    tokio::spawn(async move {
        browser.write_all(&sent).await.unwrap();
        browser.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    server.read_to_end(&mut received).await.unwrap();
    assert!(received == expected);
}

#[tokio::test]
async fn a_reader_that_stalls_holds_the_writer_back() {
    let (browser, one) = duplex(1 << 20);
    let (_server, other) = duplex(10);
    let _tunnel = tokio::spawn(copy(one, other));
    let (_read, mut write) = tokio::io::split(browser);
    // The pipe before the tunnel, and one buffer that was read from it: the rest has to wait.
    let room = (1 << 20) + BUFFER;
    let all = vec![0; room];
    write.write_all(&all[..room]).await.unwrap();
    let one_more = poll_fn(|cx| Poll::Ready(Pin::new(&mut write).poll_write(cx, &all[..1]).is_ready())).await;
    assert!(!one_more);
}

#[tokio::test]
async fn a_side_that_fails_ends_both() {
    let (mut browser, one) = duplex(64);
    let (server, other) = duplex(64);
    drop(server);
    browser.write_all(b"anybody?").await.unwrap();
    assert!(copy(one, other).await.is_err());
}
