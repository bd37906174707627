//! How far the community's clock is ahead of ours, measured over its control interface again and again.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loadtest_sim::{Clock, machine};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::EstateError;
use crate::measure::{Clocks, Offset, follow};

/// Questions in a row, on one connection. The one with the shortest round trip tells most.
const QUESTIONS: usize = 16;
const EVERY: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(5);
/// Longer answers are none.
const ANSWER: usize = 4096;

/// Keeps [`crate::measure::micros`] on the community's clock until it is dropped.
pub(super) struct ClockWatch {
    addr: SocketAddr,
    known: Arc<Mutex<Known>>,
    task: JoinHandle<()>,
}

struct Known {
    clocks: Clocks,
    /// When the offset in use was measured.
    at: Instant,
}

#[derive(Deserialize)]
struct Said {
    micros: u64,
    machine: Option<String>,
}

impl ClockWatch {
    pub(super) async fn start(addr: SocketAddr) -> Result<Self, EstateError> {
        let (first, theirs) = measure(addr).await?;
        let same = theirs.is_some() && theirs == machine();
        if !same {
            follow(first);
        }
        let known = Known { clocks: Clocks::new(first, same), at: Instant::now() };
        let known = Arc::new(Mutex::new(known));
        let theirs = known.clone();
        let task = tokio::spawn(async move {
            loop {
                sleep(EVERY).await;
                look(addr, &theirs).await;
            }
        });
        Ok(Self { addr, known, task })
    }

    /// After a last look.
    pub(super) async fn clocks(&self) -> Clocks {
        look(self.addr, &self.known).await;
        lock(&self.known).clocks
    }
}

impl Drop for ClockWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Measures once more; an offset that is not better than the one in use is none.
async fn look(addr: SocketAddr, known: &Mutex<Known>) {
    let Ok((offset, _)) = measure(addr).await else { return };
    let mut known = lock(known);
    if offset.is_better_than(known.clocks.last, known.at.elapsed()) {
        known.at = Instant::now();
        known.clocks.add(offset);
        if !known.clocks.same {
            follow(offset);
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The best of some exchanges, and the machine on which the community runs.
async fn measure(addr: SocketAddr) -> Result<(Offset, Option<String>), EstateError> {
    let wrong = |text: String| EstateError::Control(format!("/v1/time: {text}"));
    let exchanges = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let request = format!("GET /v1/time HTTP/1.1\r\nHost: {addr}\r\n\r\n");
        let mut best: Option<(Offset, Option<String>)> = None;
        for _ in 0..QUESTIONS {
            let sent = Clock::default().now();
            stream.write_all(request.as_bytes()).await?;
            let answer = answer(&mut stream).await?;
            let received = Clock::default().now();
            let Said { micros, machine } = serde_json::from_slice(&answer)?;
            let offset = Offset::of_exchange(sent, micros, received);
            if best.as_ref().is_none_or(|(best, _)| offset.error < best.error) {
                best = Some((offset, machine));
            }
        }
        Ok::<_, std::io::Error>(best)
    };
    let best = timeout(LIMIT, exchanges).await.map_err(|_| wrong("no answer".to_owned()))?;
    best.map_err(|error| wrong(error.to_string()))?.ok_or_else(|| wrong("no answer".to_owned()))
}

/// The body of an answer; it is one line.
async fn answer(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4);
        if let Some(body) = head.and_then(|head| bytes.get(head..)).filter(|body| body.ends_with(b"\n")) {
            return Ok(body.to_vec());
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}
