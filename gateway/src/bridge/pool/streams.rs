//! HTTP/2 connections of one worker to one upstream: many requests share one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use http::uri::{Authority, Parts, Scheme, Uri};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::READ_BUFFER;
use crate::bridge::upload::Upload;

/// Requests on one connection before another is made; what servers usually allow.
const STREAMS: usize = 100;
/// Bytes of answers in flight, per request and per connection: a slow browser holds as much.
const WINDOWS: (u32, u32) = (256 << 10, 4 << 20);
/// Bytes of a request body that wait for one request.
const SEND_BUFFER: usize = 64 << 10;
/// A connection in use is asked whether it is alive so often, and must answer in this time.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// One connection that serves many requests at a time.
pub(super) struct Shared {
    sender: http2::SendRequest<Upload>,
    open: AtomicUsize,
    pub(super) born: Instant,
}

/// The right to one request on it.
pub(super) struct Place(Arc<Shared>);

impl Shared {
    /// HTTP/2 on a new stream, driven by a task of its own until nobody holds it and nothing is open.
    pub(super) async fn on<S>(
        stream: S,
        tasks: &TaskTracker,
        end: CancellationToken,
    ) -> Result<Arc<Self>, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http2::Builder::new(Tracked(tasks.clone()))
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(u32::try_from(READ_BUFFER).unwrap_or(u32::MAX))
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1)
            .handshake(TokioIo::new(stream))
            .await?;
        tasks.spawn(async move {
            if let Some(Err(error)) = end.run_until_cancelled(connection).await {
                tracing::debug!(%error, "upstream connection failed");
            }
        });
        Ok(Arc::new(Self { sender, open: AtomicUsize::new(0), born: Instant::now() }))
    }

    /// `None`: it is full or has ended.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        if self.sender.is_closed() {
            return None;
        }
        let place = Place(Arc::clone(self));
        // One that comes too late leaves again by being dropped.
        (self.open.fetch_add(1, Ordering::Relaxed) < STREAMS).then_some(place)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// No request is on it.
    pub(super) fn is_unused(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }
}

impl Place {
    /// The request comes back in the error if none of it was written.
    pub(super) fn send(
        &self,
        mut request: Request<Upload>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<> {
        readdress(&mut request);
        self.0.sender.clone().try_send_request(request)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// RFC 9113 8.2.2 and 8.3.1: the host in the target, nothing about the connection.
fn readdress(request: &mut Request<Upload>) {
    let host = request.headers_mut().remove(HOST);
    request.headers_mut().remove(CONNECTION);
    request.headers_mut().remove(TRANSFER_ENCODING);
    let authority = host.as_ref().map(HeaderValue::as_bytes).and_then(|host| Authority::try_from(host).ok());
    let mut parts = Parts::default();
    parts.path_and_query = request.uri().path_and_query().cloned();
    parts.scheme = authority.is_some().then_some(Scheme::HTTPS);
    parts.authority = authority;
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Puts what hyper starts for a connection among the worker's tasks.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
