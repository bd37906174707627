//! The awareness probe: two users log in to the gateway as their pages would, one watches both, the other changes
//! the status, the first sees it (C19). The changed status is set back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_setup::config::Url;
use gateway_setup::directory::{Client, DirectoryError};
use gateway_setup::verify::Resolve;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use protocol::secret::Secret;
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::net::{DialError, Target, dial, dial_tls};

/// For everything together.
const PATIENCE: Duration = Duration::from_secs(30);
/// For putting the status back.
const BACK: Duration = Duration::from_secs(5);
/// More than any event.
const MOST_BYTES: usize = 1 << 20;
/// Between two tries to set a status while the login is on its way.
const PAUSE: Duration = Duration::from_millis(200);

/// Where the gateway's event channel is.
pub(super) struct Door<'a> {
    pub(super) url: &'a Url,
    pub(super) path: &'a str,
    pub(super) resolve: &'a Resolve,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Where the page would come from: the mail server, which usually is another host than the gateway.
    pub(super) page: &'a Url,
}

/// Why awareness was not seen.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error("the gateway cannot be reached: {0}")]
    Dial(#[from] DialError),
    #[error("the event channel was not opened: {0}")]
    Channel(hyper::Error),
    #[error(
        "the event channel was refused ({0}): 401 means that the gateway does not take the token, 403 that it does not take the origin, 404 that [probe] events_path is wrong"
    )]
    Status(StatusCode),
    #[error("a command was not answered: {0}")]
    Command(#[from] DirectoryError),
    #[error("the gateway closed the channel: {0}")]
    Ended(String),
    #[error("the gateway knows nobody by this token")]
    Nobody,
    #[error("the gateway logs no users in (own_presence = \"off\"), so no status can be changed")]
    NoLogin,
    #[error("a command was refused: {0}")]
    Refused(String),
    #[error("{0} did not come in time")]
    TooLate(&'static str),
}

/// Runs the probe, and says what was seen.
pub(super) async fn awareness(
    door: &Door<'_>,
    watcher: &Secret,
    other: &Secret,
) -> Result<String, ProbeError> {
    let until = Instant::now() + PATIENCE;
    let mut watcher = Channel::open(door, watcher, until).await?;
    let mut other = Channel::open(door, other, until).await?;
    watcher.command(json!({"op": "watch", "ids": [watcher.me, other.me]}), until).await?;
    let before = other.status.clone();
    let back = if matches!(before.as_str(), "active" | "away" | "dnd" | "idle" | "meeting") {
        before.as_str()
    } else {
        "active"
    };
    let seen = there_and_away(&mut watcher, &mut other, until).await;
    // However it went: nobody stays away because somebody has looked.
    let put_back = other.set_status(back, Instant::now() + BACK).await;
    let took = seen?.as_millis();
    put_back?;
    watcher.sees(&other.me, back, until).await?;
    Ok(format!("a change from active to away was seen after {took} ms, and the way back"))
}

/// How long it took until one saw the other go away.
async fn there_and_away(
    watcher: &mut Channel,
    other: &mut Channel,
    until: Instant,
) -> Result<Duration, ProbeError> {
    other.set_status("active", until).await?;
    watcher.sees(&other.me, "active", until).await?;
    let start = Instant::now();
    other.set_status("away", until).await?;
    watcher.sees(&other.me, "away", until).await?;
    Ok(start.elapsed())
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// An event channel of one user: a stream of events, and commands beside it.
struct Channel {
    body: Incoming,
    buffer: Vec<u8>,
    connection: JoinHandle<()>,
    commands: Client,
    /// Where commands go.
    path: String,
    cookies: String,
    origin: String,
    me: String,
    /// The own status when the channel was opened.
    status: String,
    /// The newest states that were told.
    seen: Vec<(String, String)>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Channel {
    async fn open(door: &Door<'_>, cookies: &Secret, until: Instant) -> Result<Self, ProbeError> {
        let origin = format!("{}://{}", if door.page.tls { "https" } else { "http" }, door.page.host);
        let cookies = String::from_utf8_lossy(cookies.expose()).into_owned();
        let (mut sender, connection) =
            handshake(TokioIo::new(connected(door, until).await?)).await.map_err(ProbeError::Channel)?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        let request = Request::get(door.path)
            .header("host", &door.url.host)
            .header("accept", "text/event-stream")
            .header("cookie", &cookies)
            .header("origin", &origin)
            .body(Empty::<Bytes>::new())
            .map_err(|_| ProbeError::Nobody)?;
        let answer = timeout_at(until, sender.send_request(request)).await;
        let answer =
            answer.map_err(|_| ProbeError::TooLate("the event channel"))?.map_err(ProbeError::Channel)?;
        if answer.status() != StatusCode::OK {
            return Err(ProbeError::Status(answer.status()));
        }
        let mut channel = Self {
            body: answer.into_body(),
            buffer: Vec::new(),
            connection,
            commands: door.resolve.client(door.url, door.tls.clone()),
            path: String::new(),
            cookies,
            origin,
            me: String::new(),
            status: String::new(),
            seen: Vec::new(),
        };
        let hello = channel.message(until, "a greeting").await?;
        let me = &hello["me"];
        match (me["id"].as_str(), me["login"].as_str(), hello["channel"].as_str()) {
            (_, Some("off"), _) => Err(ProbeError::NoLogin),
            (Some(id), _, Some(name)) => {
                channel.path = format!("{}/{name}", door.path);
                channel.me = id.to_owned();
                channel.status = me["status"].as_str().unwrap_or_default().to_owned();
                Ok(channel)
            }
            _ => Err(ProbeError::Nobody),
        }
    }

    /// Sends a command until it is taken: a login may still be on its way.
    async fn command(&mut self, command: Value, until: Instant) -> Result<(), ProbeError> {
        let headers =
            [("content-type", "application/json"), ("cookie", &self.cookies), ("origin", &self.origin)];
        while Instant::now() < until {
            let body = command.to_string().into_bytes();
            let answer = self.commands.send(Method::POST, &self.path, &headers, &body).await?;
            let answers: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let first = answers.get(0).cloned().unwrap_or_default();
            match (first["type"].as_str(), first["code"].as_str()) {
                (Some("ok"), _) => return Ok(()),
                (_, Some("not_logged_in")) => tokio::time::sleep(PAUSE).await,
                (_, code) => {
                    return Err(ProbeError::Refused(code.unwrap_or(answer.status.as_str()).to_owned()));
                }
            }
        }
        Err(ProbeError::TooLate("the login to the community"))
    }

    async fn set_status(&mut self, status: &str, until: Instant) -> Result<(), ProbeError> {
        self.command(json!({"op": "status", "status": status}), until).await
    }

    /// Waits until a person has a status.
    async fn sees(&mut self, person: &str, status: &str, until: Instant) -> Result<(), ProbeError> {
        while !self.seen.iter().any(|(known, now)| known == person && now == status) {
            self.message(until, "the other user's status").await?;
        }
        Ok(())
    }

    /// The next message; states are noted.
    async fn message(&mut self, until: Instant, what: &'static str) -> Result<Value, ProbeError> {
        let event = loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let event = String::from_utf8_lossy(&event).into_owned();
                let data: String = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
                // Comments keep the stream alive.
                if !data.is_empty() {
                    break data;
                }
                continue;
            }
            let frame = timeout_at(until, self.body.frame()).await.map_err(|_| ProbeError::TooLate(what))?;
            let frame =
                frame.ok_or_else(|| ProbeError::Ended(String::new()))?.map_err(ProbeError::Channel)?;
            self.buffer.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            if self.buffer.len() > MOST_BYTES {
                return Err(ProbeError::Ended("an event without an end".to_owned()));
            }
        };
        let message: Value = serde_json::from_str(event.trim()).unwrap_or_default();
        if message["type"] == "end" {
            return Err(ProbeError::Ended(message["message"].as_str().unwrap_or_default().to_owned()));
        }
        for person in message["people"].as_array().into_iter().flatten() {
            if let (Some(id), Some(status)) = (person["id"].as_str(), person["status"].as_str()) {
                self.seen.retain(|(known, _)| known != id);
                self.seen.push((id.to_owned(), status.to_owned()));
            }
        }
        Ok(message)
    }
}

async fn connected(door: &Door<'_>, until: Instant) -> Result<Box<dyn Stream>, ProbeError> {
    let Door { url, resolve, tls, .. } = door;
    let given = resolve.0.get(&(url.host.clone(), url.port));
    let host = given.map_or_else(|| url.host.clone(), |address| address.ip().to_string());
    let port = given.map_or(url.port, |address| address.port());
    let target =
        Target { host: &host, port, source: None, limit: until.saturating_duration_since(Instant::now()) };
    Ok(match tls.as_ref().filter(|_| url.tls) {
        Some(config) => Box::new(dial_tls(target, Some(&url.host), config).await?),
        None => Box::new(dial(target).await?),
    })
}

#[cfg(test)]
mod tests;
