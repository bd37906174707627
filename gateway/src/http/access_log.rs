//! The log phase: one line and one count per request, however it ended.
//!
//! Never a query string, a cookie or a token; the user's name only at debug level.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body::{Body as _, Frame, SizeHint};
use tracing::{Level, debug, enabled, error, info, warn};

use super::{Body, Failure, Scheme};
use crate::auth::Identity;
use crate::config::Route;
use crate::net::Progress;
use crate::telemetry::Metrics;

/// Paths are cut to this many bytes.
const PATH: usize = 256;
/// Route label of a request that found none.
const NO_ROUTE: &str = "none";
/// Logged when the browser went away before there was an answer.
const NO_ANSWER: u16 = 499;

/// Facts about one request; dropping it is the log phase.
#[derive(Debug)]
pub(super) struct Record {
    metrics: Arc<Metrics>,
    progress: Arc<Progress>,
    id: u64,
    begun: Instant,
    client: IpAddr,
    scheme: Scheme,
    version: Version,
    /// Method, host and path; `None` when nobody reads the log.
    line: Option<Box<(http::Method, String, String)>>,
    route: Option<Arc<Route>>,
    status: Option<StatusCode>,
    failure: Option<&'static str>,
    sent: u64,
    complete: bool,
}

impl Record {
    /// The head of a request was read.
    pub(super) fn open<B>(
        request: &Request<B>,
        id: u64,
        peer: IpAddr,
        scheme: Scheme,
        metrics: &Arc<Metrics>,
        progress: &Arc<Progress>,
    ) -> Self {
        progress.request_begins();
        let line = enabled!(target: "access", Level::INFO).then(|| {
            let path = request.uri().path().as_bytes();
            let path = String::from_utf8_lossy(path.get(..PATH).unwrap_or(path)).into_owned();
            Box::new((request.method().clone(), String::new(), path))
        });
        Self {
            metrics: Arc::clone(metrics),
            progress: Arc::clone(progress),
            id,
            begun: Instant::now(),
            client: peer,
            scheme,
            version: request.version(),
            line,
            route: None,
            status: None,
            failure: None,
            sent: 0,
            complete: false,
        }
    }

    /// Who asks, which host, after trusted proxies.
    pub(super) fn asked(&mut self, client: IpAddr, scheme: Scheme, host: &str) {
        self.client = client;
        self.scheme = scheme;
        if let Some(line) = &mut self.line {
            host.clone_into(&mut line.1);
        }
    }

    pub(super) fn routed(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    pub(super) fn identified(&self, identity: &Identity) {
        debug!(target: "access", request = format_args!("{:016x}", self.id), user = identity.user, "identified");
    }

    /// Says why at the level that the failure deserves.
    pub(super) fn failed(&mut self, failure: &Failure) {
        let verdict = failure.verdict();
        self.failure = Some(verdict.label);
        let request = format_args!("{:016x}", self.id);
        match verdict.level {
            Level::ERROR => error!(request, %failure, "request failed"),
            Level::WARN => warn!(request, %failure, "request failed"),
            Level::INFO => info!(request, %failure, "request failed"),
            _ => debug!(request, %failure, "request failed"),
        }
    }

    /// The record goes along with the answer's body and ends with it.
    pub(super) fn answer(mut self, response: Response<Body>) -> Response<LoggedBody> {
        self.status = Some(response.status());
        let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        self.complete = upgraded || response.body().is_end_stream();
        response.map(|inner| LoggedBody { inner, record: self })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.progress.request_ends();
        let status = self.status.map_or(NO_ANSWER, |status| status.as_u16());
        let seconds = self.begun.elapsed().as_secs_f64();
        let route = self.route.as_ref().map_or(NO_ROUTE, |route| route.path.as_str());
        self.metrics.request(route, status, seconds);
        let Some(line) = self.line.take() else { return };
        let (method, host, path) = *line;
        info!(
            target: "access",
            request = format_args!("{:016x}", self.id),
            client = %self.client,
            scheme = self.scheme.name(),
            version = ?self.version,
            %method,
            host,
            path,
            route,
            status,
            bytes = self.sent,
            seconds,
            complete = self.complete,
            failure = self.failure,
        );
    }
}

/// A body that knows when it ends.
#[derive(Debug)]
pub(super) struct LoggedBody {
    inner: Body,
    record: Record,
}

impl http_body::Body for LoggedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.record.sent += u64::try_from(bytes).unwrap_or(u64::MAX);
                self.record.complete = self.inner.is_end_stream();
            }
            Some(Err(_)) => {}
            None => self.record.complete = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
