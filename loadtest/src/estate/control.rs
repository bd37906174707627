//! The control interface of a simulated community (docs/simulator.md), as its client.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{EstateError, Rate};
use crate::measure::Punctuality;
use crate::plan::Part;

/// A community of a million people needs its time to name them.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct Control {
    addr: SocketAddr,
}

/// As the community shows a person.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) mobile: bool,
    pub(super) text: String,
}

/// How punctual the community is. An older one does not say.
#[derive(Debug, Deserialize)]
struct Stats {
    due: Option<u64>,
    missed: Option<u64>,
    latest_ms: Option<f64>,
}

impl Control {
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self { addr }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the other generators, as long as the limit.
    pub(super) async fn meet(&self, at: String, part: Part, limit: Duration) -> Result<(), EstateError> {
        let Part { number, of } = part;
        let body = json!({ "at": at, "part": number, "of": of }).to_string();
        let met = self.ask_within(limit, "POST", "/v1/meet", &body).await;
        met.map(drop).map_err(|error| EstateError::Meeting { at, others: of - 1, error: error.to_string() })
    }

    pub(super) async fn people(&mut self) -> Result<Vec<Shown>, EstateError> {
        let answer = self.ask("GET", "/v1/people", "").await?;
        serde_json::from_slice(&answer).map_err(|error| wrong(format!("people: {error}")))
    }

    pub(super) async fn change_rate(&mut self, rate: Rate, changing: u8) -> Result<(), EstateError> {
        let per_second = rate.per_second * rate.share;
        let mut order = json!({ "per_second": per_second, "stamped": true });
        // An older community does not know the others.
        if changing < 100 {
            order["changing"] = changing.into();
        }
        if rate.goes_on {
            order["goes_on"] = true.into();
        }
        let body = order.to_string();
        self.ask("POST", "/v1/change-rate", &body).await.map(drop)
    }

    /// Somebody who was online without a client has one from now on.
    pub(super) async fn hand_over(&mut self, id: &str) {
        // That somebody was not online is as good.
        let _ = self.ask("POST", "/v1/logout", &json!({ "id": id }).to_string()).await;
    }

    /// Whether the changes since the last [`Self::change_rate`] were made in time.
    pub(super) async fn punctuality(&mut self) -> Result<Option<Punctuality>, EstateError> {
        let answer = self.ask("GET", "/v1/stats", "").await?;
        let stats: Stats =
            serde_json::from_slice(&answer).map_err(|error| wrong(format!("stats: {error}")))?;
        let Stats { due: Some(due), missed: Some(missed), latest_ms: Some(latest) } = stats else {
            return Ok(None);
        };
        Ok(Some(Punctuality { due, missed, latest: latest / 1e3 }))
    }

    /// One question, one connection: there are a few in a test.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Result<Vec<u8>, EstateError> {
        self.ask_within(LIMIT, method, path, body).await
    }

    async fn ask_within(
        &self,
        limit: Duration,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Vec<u8>, EstateError> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.addr).await?;
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                self.addr,
                body.len()
            );
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(limit, exchange).await;
        let answer = answer.map_err(|_| wrong(format!("no answer within {} s", limit.as_secs())))?;
        let answer = answer.map_err(|error| wrong(format!("{}: {error}", self.addr)))?;
        let end =
            answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| wrong("no HTTP".into()))?;
        let (head, body) = answer.split_at(end + 4);
        let ok = head.starts_with(b"HTTP/1.1 200");
        if head.to_ascii_lowercase().windows(CHUNKED.len()).any(|part| part == CHUNKED) {
            return Err(wrong("a chunked answer".into()));
        }
        if ok {
            return Ok(body.to_vec());
        }
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        Err(wrong(said["error"].as_str().unwrap_or("refused").to_owned()))
    }
}

const CHUNKED: &[u8] = b"transfer-encoding: chunked";

fn wrong(text: String) -> EstateError {
    EstateError::Control(text)
}
