//! The control interface of a simulator: HTTP and JSON, for tests that run in another process, for the
//! load tester and for people with curl. What there is stands in `docs/simulator.md`.
//!
//! There is no authentication: whoever reaches it may do everything. Listen on the loopback address.
//! A page in a browser cannot use it by accident: commands need the content type `application/json`.

mod command;
mod meetings;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use self::command::Failure;
use self::meetings::Meetings;
use crate::Simulator;

/// Largest command, in bytes.
const COMMAND: usize = 1 << 20;
/// For a request head, and for the body after it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at a time.
const CONNECTIONS: usize = 64;

/// The running interface; stops when dropped.
#[derive(Debug)]
pub struct Control {
    addr: SocketAddr,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Control {
    /// Listens and serves this simulator.
    pub async fn start(listen: SocketAddr, simulator: Simulator) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(accept(listener, simulator, tasks.clone(), end.clone()));
        Ok(Self { addr, tasks, end })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes everything and waits until nothing runs any more.
    pub async fn stop(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn accept(listener: TcpListener, simulator: Simulator, tasks: TaskTracker, end: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let meetings = Arc::new(Meetings::default());
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = end.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (simulator, meetings, end) = (simulator.clone(), meetings.clone(), end.clone());
        tasks.spawn(async move {
            let served = tokio::select! {
                served = Box::pin(serve(stream, simulator, meetings)) => served,
                () = end.cancelled() => Ok(()),
            };
            served.unwrap_or_else(|error| debug!(%error, "control connection ended"));
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, simulator: Simulator, meetings: Arc<Meetings>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let (simulator, meetings) = (simulator.clone(), meetings.clone());
        async move { Ok::<_, Infallible>(respond(request, &simulator, &meetings).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn respond(
    request: Request<Incoming>,
    simulator: &Simulator,
    meetings: &Arc<Meetings>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let done = match *request.method() {
        Method::GET => command::read(&path, simulator),
        Method::POST => match body(request).await {
            Ok(body) => command::obey(&path, &body, simulator, meetings).await,
            Err(failure) => Err(failure),
        },
        _ => Err(Failure::Method),
    };
    let (status, body) = match done {
        Ok(value) => (StatusCode::OK, value),
        Err(failure) => (failure.status(), json!({ "error": failure.to_string() })),
    };
    let mut response = Response::new(Full::from(body.to_string() + "\n"));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

/// The command as JSON; nothing at all counts as `{}`.
async fn body(request: Request<Incoming>) -> Result<Value, Failure> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Failure::ContentType);
    }
    let read = tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), COMMAND).collect()).await;
    let bytes = read.map_err(|_| Failure::Body)?.map_err(|_| Failure::Body)?.to_bytes();
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&bytes).map_err(Failure::Json)
}

#[cfg(test)]
mod tests;
