//! The side that sends what no library would.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::bytes;

/// Follows every row: the connection ends with it, or earlier.
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: im.example\r\nConnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(5);

/// The statuses of the answers, in order, with a word if the connection did not end.
pub(crate) async fn one(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(&[sent, LAST].concat()).await;
    let mut answer = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.is_ok();
    let text = String::from_utf8_lossy(&answer);
    let mut statuses: Vec<&str> =
        text.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap_or("?")).collect();
    if !ended {
        statuses.push("and stays open");
    }
    if statuses.is_empty() {
        statuses.push("closed");
    }
    statuses.join(" ")
}

/// `200` if the stream was answered, whatever the status was, after a request that reached a backend; `none` if it
/// was refused. What decides is what the backends saw: an answer is a HEADERS frame with status 200.
pub(crate) async fn two(mut stream: impl AsyncRead + AsyncWrite + Unpin, sent: &str) -> &'static str {
    let (head, body) = sent.split_once("~~").unwrap();
    let mut block = Vec::new();
    for line in head.split('~') {
        let (name, value) = line.split_at(1 + line[1..].find(": ").unwrap());
        // A literal that is not to be indexed, with a new name (RFC 7541 6.2.2).
        block.push(0);
        for text in [bytes(name), bytes(&value[2..])] {
            assert!(text.len() < 127, "one byte of length");
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text);
        }
    }
    let end_stream = u8::from(body.is_empty());
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    out.extend(frame(4, 0, 0, &[]));
    out.extend(frame(1, 4 | end_stream, 1, &block));
    if !body.is_empty() {
        out.extend(frame(0, 1, 1, &bytes(body)));
    }
    let _ = stream.write_all(&out).await;
    timeout(PATIENCE, answered(&mut stream)).await.unwrap_or("and stays open")
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags, 0, 0, 0, stream]);
    frame.extend(payload);
    frame
}

/// Reads frames until the stream or the connection ends.
async fn answered(stream: &mut (impl AsyncRead + Unpin)) -> &'static str {
    let mut ok = false;
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return "none";
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut payload).await.is_err() {
            return "none";
        }
        let (kind, flags, of_request) = (head[3], head[4], head[8] == 1);
        match kind {
            // Index 8 of the static table is `:status: 200` (RFC 7541 appendix A).
            1 if of_request => ok = payload.first() == Some(&0x88),
            3 if of_request => return "none",
            7 => return "none",
            _ => {}
        }
        if of_request && kind <= 1 && flags & 1 != 0 {
            return if ok { "200" } else { "none" };
        }
    }
}
