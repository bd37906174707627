//! The log phase: one line and one count per request, however it ended.
//!
//! Never a query string, a cookie or a token; the user's name only where the configuration says so, and at debug
//! level in the program's own log.

mod line;
mod sink;

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use tracing::{Level, debug, enabled, error, info, warn};

use line::{Line, cut, plain_path};
use sink::Sink;

use super::exchange::Connection;
use super::{Body, Failure, Scheme, end};
use crate::auth::Identity;
use crate::config::{AccessFormat, AccessLogging, Route};
use crate::telemetry::Metrics;

/// Route label of a request that found none.
const NO_ROUTE: &str = "none";
/// Logged when the browser went away before there was an answer.
const NO_ANSWER: u16 = 499;

/// Where lines go. One per process.
#[derive(Debug)]
pub struct AccessLog {
    /// `None`: the program's own log.
    file: Option<(Arc<Sink>, AccessFormat)>,
    users: bool,
}

/// The file of the access log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the access log {}: {error}", path.display())]
pub struct NoAccessLog {
    path: PathBuf,
    error: io::Error,
}

impl AccessLog {
    /// Opens the file, if there is one.
    pub fn open(logging: &AccessLogging, metrics: &Arc<Metrics>) -> Result<Self, NoAccessLog> {
        let AccessLogging { path, format, users } = logging;
        let file = match path {
            Some(path) => {
                let opened = Sink::open(path.clone(), metrics);
                Some((opened.map_err(|error| NoAccessLog { path: path.clone(), error })?, *format))
            }
            None => None,
        };
        Ok(Self { file, users: *users })
    }

    /// Goes on in a new file of the same name. Blocks on the disk.
    pub fn reopen(&self) {
        if let Some((sink, _)) = &self.file {
            sink.reopen();
        }
    }

    /// Writes what has gathered. Blocks on the disk.
    pub fn flush(&self) {
        if let Some((sink, _)) = &self.file {
            sink.flush();
        }
    }

    fn is_read(&self) -> bool {
        self.file.is_some() || enabled!(target: "access", Level::INFO)
    }

    fn write(&self, line: &Line<'_>) {
        if let Some((sink, format)) = &self.file {
            return sink.take(&line.text(*format));
        }
        info!(
            target: "access",
            request = format_args!("{:016x}", line.id),
            client = %line.client,
            scheme = line.scheme,
            version = line.version,
            method = line.method,
            host = line.host,
            path = line.path,
            route = line.route,
            status = line.status,
            bytes = line.bytes,
            seconds = line.taken.as_secs_f64(),
            end = line.end,
            failure = line.failure,
            user = line.user,
        );
    }
}

/// What a line takes from the request.
#[derive(Debug)]
struct Asked {
    method: http::Method,
    path: String,
    host: String,
    user: Option<String>,
    referer: String,
    agent: String,
}

/// Facts about one request; dropping it is the log phase.
#[derive(Debug)]
pub(super) struct Record {
    connection: Arc<Connection>,
    id: u64,
    begun: Instant,
    client: IpAddr,
    scheme: Scheme,
    version: Version,
    /// `None` when nobody reads the log.
    asked: Option<Box<Asked>>,
    route: Option<Arc<Route>>,
    status: Option<StatusCode>,
    failure: Option<&'static str>,
    /// `None` as long as nothing but the browser can have ended it.
    end: Option<&'static str>,
    sent: u64,
}

impl Record {
    /// The head of a request was read.
    pub(super) fn open<B>(request: &Request<B>, id: u64, connection: Arc<Connection>) -> Self {
        connection.progress.request_begins();
        let log = connection.edge.access_log();
        let asked = log.is_read().then(|| {
            let is_combined = matches!(log.file, Some((_, AccessFormat::Combined)));
            let text = |name| if is_combined { text(request.headers(), name) } else { "" };
            // What a page was asked for with may be a secret.
            let referer = text(header::REFERER).split(['?', '#', ';']).next().unwrap_or_default();
            Box::new(Asked {
                method: request.method().clone(),
                path: plain_path(request.uri().path()),
                host: String::new(),
                user: None,
                referer: cut(referer).to_owned(),
                agent: cut(text(header::USER_AGENT)).to_owned(),
            })
        });
        Self {
            id,
            begun: Instant::now(),
            client: connection.peer,
            scheme: connection.scheme,
            version: request.version(),
            asked,
            route: None,
            status: None,
            failure: None,
            end: None,
            sent: 0,
            connection,
        }
    }

    /// Who asks, which host, after trusted proxies.
    pub(super) fn asked(&mut self, client: IpAddr, scheme: Scheme, host: &str) {
        self.client = client;
        self.scheme = scheme;
        if let Some(asked) = &mut self.asked {
            host.clone_into(&mut asked.host);
        }
    }

    pub(super) fn routed(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    pub(super) fn identified(&mut self, identity: &Identity) {
        debug!(target: "access", request = format_args!("{:016x}", self.id), user = identity.user, "identified");
        if let Some(asked) = self.asked.as_mut().filter(|_| self.connection.edge.access_log().users) {
            asked.user = Some(identity.user.clone());
        }
    }

    /// Says why at the level that the failure deserves.
    pub(super) fn failed(&mut self, failure: &Failure) {
        let verdict = failure.verdict();
        self.failure = Some(verdict.label);
        self.end = Some(end::of(failure));
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
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.end = Some(end::UPGRADED);
        } else if response.body().is_end_stream() {
            self.complete();
        }
        response.map(|inner| LoggedBody { inner, record: self })
    }

    /// The whole answer was taken; an error page has its own code.
    fn complete(&mut self) {
        self.end.get_or_insert(end::COMPLETE);
    }

    /// Nothing in the request or its answer has ended it.
    fn cut_off(&self) -> &'static str {
        if self.connection.edge.is_stopped() {
            end::STOPPED
        } else if self.status.is_none() {
            end::BROWSER_LEFT_BEFORE_ANSWER
        } else if self.connection.progress.has_stopped_reading() {
            end::BROWSER_STOPPED_READING
        } else {
            end::BROWSER_LEFT_DURING_ANSWER
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let connection = &self.connection;
        let end = self.end.unwrap_or_else(|| self.cut_off());
        connection.progress.request_ends();
        let status = self.status.map_or(NO_ANSWER, |status| status.as_u16());
        let taken = self.begun.elapsed();
        let route = self.route.as_ref().map_or(NO_ROUTE, |route| route.path.as_str());
        connection.edge.metrics().request(route, status, taken.as_secs_f64());
        let Some(asked) = &self.asked else { return };
        connection.edge.access_log().write(&Line {
            at: SystemTime::now(),
            id: self.id,
            client: self.client,
            scheme: self.scheme.name(),
            version: version(self.version),
            method: asked.method.as_str(),
            host: &asked.host,
            path: &asked.path,
            route,
            status,
            bytes: self.sent,
            taken,
            end,
            failure: self.failure,
            user: asked.user.as_deref(),
            referer: &asked.referer,
            agent: &asked.agent,
        });
    }
}

/// A request that never became one: its head was refused while it was read, or did not come in time.
pub(super) fn unread(connection: &Connection, status: u16, end: &'static str, failure: &'static str) {
    let edge = &connection.edge;
    edge.metrics().request(NO_ROUTE, status, 0.0);
    if edge.access_log().is_read() {
        edge.access_log().write(&Line {
            at: SystemTime::now(),
            id: edge.next_request_id(),
            client: connection.peer,
            scheme: connection.scheme.name(),
            version: "-",
            method: "-",
            host: "",
            path: "-",
            route: NO_ROUTE,
            status,
            bytes: 0,
            taken: std::time::Duration::ZERO,
            end,
            failure: Some(failure),
            user: None,
            referer: "",
            agent: "",
        });
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
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
                if self.inner.is_end_stream() {
                    self.record.complete();
                }
            }
            Some(Err(error)) => self.record.end = Some(end::of_body(&**error)),
            None => self.record.complete(),
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
