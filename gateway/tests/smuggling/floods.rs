//! Floods of HTTP/2 frames that cost the sender little: the connection is ended, others are served.

use std::time::Duration;

use gateway::config::AuthPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::attacker::frame;
use crate::support::client::fetch;
use crate::support::tls::Certificate;
use crate::support::{Gateway, Setup, soon};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `:method: GET`, `:scheme: https`, `:path: /` from the static table, and an authority.
const HEAD: &[u8] = b"\x82\x87\x84\x01\x0aim.example";

async fn gateway() -> (Gateway, Certificate) {
    let certificate = Certificate::new("floods");
    let setup = Setup { workers: 1, ..Setup::default() }.https(&certificate);
    (setup.route("/gate", AuthPolicy::Off, "gate").start().await, certificate)
}

/// Sends these frames over and over; how many rounds the gateway took before it ended the connection.
async fn endured(begin: &[u8], mut next: impl FnMut(u32) -> Vec<u8>, most: u32) -> u32 {
    let (gateway, certificate) = gateway().await;
    let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    // What the gateway says is read, so that it is not its own answers that stop the flood.
    let ended = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    let opening = [PREFACE, &frame(4, 0, 0, &[]), begin].concat();
    writer.write_all(&opening).await.unwrap();
    let mut rounds = 0;
    while rounds < most && !ended.is_finished() {
        let sent = timeout(Duration::from_secs(5), writer.write_all(&next(rounds))).await;
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
        rounds += 1;
        if rounds % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(fetch(gateway.http(), "/").await.status, 200, "somebody else is served");
    let _ = writer.shutdown().await;
    soon("the end of the connection", ended).await.unwrap();
    rounds
}

/// CVE-2023-44487.
#[tokio::test]
async fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let next = |round: u32| {
        let stream = (2 * round + 1).to_be_bytes();
        let mut frames = frame(1, 5, 0, HEAD);
        frames[5..9].copy_from_slice(&stream);
        let mut reset = frame(3, 0, 0, &8_u32.to_be_bytes());
        reset[5..9].copy_from_slice(&stream);
        frames.extend(reset);
        frames
    };
    let rounds = endured(&[], next, 50_000).await;
    assert!(rounds < 50_000, "all of {rounds} were taken");
}

/// CVE-2024-27316 and its kin: a head that never ends.
#[tokio::test]
async fn continuations_without_end_end_the_connection() {
    let piece = [&b"\x00\x01x\x7f\x81\x7f"[..], &[b'y'; 16_000]].concat();
    let rounds = endured(&frame(1, 1, 1, HEAD), |_| frame(9, 0, 1, &piece), 2_000).await;
    // The sockets' own buffers hold some megabytes, whatever the gateway takes from them.
    assert!(rounds < 1_000, "{rounds} pieces of 16 KB were taken");
    // Empty ones cost even less.
    let rounds = endured(&frame(1, 1, 1, HEAD), |_| frame(9, 0, 1, &[]), 100_000).await;
    assert!(rounds < 100_000, "all of {rounds} empty pieces were taken");
}

/// CVE-2019-9518: empty frames are dropped as they come and hold nobody up; frames of one byte have a budget.
#[tokio::test]
async fn data_frames_without_data_hold_nobody_up() {
    let begin = frame(1, 4, 1, b"\x83\x87\x01\x0aim.example\x04\x05/gate");
    endured(&begin, |_| frame(0, 0, 1, &[]), 100_000).await;
    let rounds = endured(&begin, |_| frame(0, 0, 1, b"x"), 100_000).await;
    assert!(rounds < 100_000, "all of {rounds} were taken");
}
