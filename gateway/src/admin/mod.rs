//! The admin listener: health, readiness, metrics, status, reload, drain, bypass. Loopback by default; has no
//! log-in of its own.
//!
//! What changes something needs the header `X-Livename-Admin: 1` and must not come from a page: a
//! browser cannot be made to send that from another site.

mod answer;
mod bypass;
mod status;

use std::convert::Infallible;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use self::answer::{html, json, text};
use self::status::Status;
use crate::app::{Addresses, Lifecycle, Phase, Upstream};
use crate::http::Body;
use crate::net::{Admission, Listener};
use crate::pilot::Bypass;
use crate::telemetry::Metrics;

/// Connections to the admin listener at a time.
const CONNECTIONS: usize = 64;
/// A request head must come in this time, and a connection may be idle so long.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The header that says that a program asks, not a page.
const ADMIN: &str = "x-livename-admin";
/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the admin listener sees and steers.
#[derive(Debug)]
pub struct Admin {
    pub lifecycle: Arc<Lifecycle>,
    pub upstream: Arc<Upstream>,
    pub admission: Arc<Admission>,
    pub bypass: Arc<Bypass>,
    pub addresses: Addresses,
    pub metrics: Arc<Metrics>,
}

impl Admin {
    /// Serves until `stop`.
    pub fn start(self, listener: Listener, tasks: &TaskTracker, stop: &CancellationToken) {
        let admin = Arc::new(self);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (connections, end) = (tasks.clone(), stop.clone());
        let take = move |stream, _| {
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { return };
            let (admin, end) = (Arc::clone(&admin), end.clone());
            connections.spawn(async move {
                admin.keep(stream, end).await;
                drop(place);
            });
        };
        tasks.spawn(listener.run(stop.clone(), take));
    }

    async fn keep(self: Arc<Self>, stream: TcpStream, stop: CancellationToken) {
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
        let service = service_fn(move |request| {
            let admin = Arc::clone(&self);
            async move { Ok::<_, Infallible>(admin.answer(request).await) }
        });
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service)
        );
        let end = tokio::select! {
            end = connection.as_mut() => end,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(Duration::from_secs(1), connection).await {
                    Ok(end) => end,
                    Err(_) => Ok(()),
                }
            }
        };
        if let Err(error) = end {
            debug!(%error, "admin connection broken");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let method = request.method();
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match request.uri().path() {
            "/metrics" if reads => {
                self.upstream.servers().publish();
                answer::typed(StatusCode::OK, METRICS_TYPE, self.metrics.gather())
            }
            "/healthz" if reads => text(StatusCode::OK, "ok"),
            "/readyz" if reads => self.ready(),
            "/" | "/status" if reads && !answer::wants_json(&request) => html(Status::of(self).page()),
            "/status" | "/status.json" if reads => json(&Status::of(self)),
            "/bypass" if reads => self.bypass_status(),
            "/reload" | "/drain" | "/bypass/on" | "/bypass/off" if *method != Method::POST => {
                answer::method_not_allowed("POST")
            }
            "/reload" | "/drain" | "/bypass/on" | "/bypass/off" if !answer::is_program(&request, ADMIN) => {
                text(StatusCode::FORBIDDEN, "send the header X-Livename-Admin: 1, and not from a page")
            }
            "/reload" => match self.lifecycle.reload().await {
                Ok(()) => text(StatusCode::OK, "the new configuration is in force"),
                Err(errors) => text(StatusCode::UNPROCESSABLE_ENTITY, &errors.to_string()),
            },
            "/drain" => {
                self.lifecycle.request_drain();
                text(StatusCode::ACCEPTED, "draining")
            }
            "/bypass/on" => self.bypass(true).await,
            "/bypass/off" => self.bypass(false).await,
            "/metrics" | "/healthz" | "/readyz" | "/" | "/status" | "/status.json" | "/bypass" => {
                answer::method_not_allowed("GET, HEAD")
            }
            _ => text(StatusCode::NOT_FOUND, "not found"),
        }
    }

    fn ready(&self) -> Response<Body> {
        let phase = self.lifecycle.phase();
        let status = if phase == Phase::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        text(status, phase.label())
    }
}
