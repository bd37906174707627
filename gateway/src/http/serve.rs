//! Keeps one browser connection: handshake, HTTP/1.1 or HTTP/2, patience, graceful end.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use arc_swap::ArcSwap;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::access_log::unread;
use super::exchange::{Connection, Services, exchange};
use super::{AccessLog, Live, Scheme, end};
use crate::bridge::Bridge;
use crate::config::{Limits, in_any};
use crate::net::{
    Accepted, Admitted, Downstream, HandshakeError, Listen, Patience, Progress, Protocol, ProxyError,
    Refusal, Seat, Serving, Stall, Stream, handshake, read_proxy_header,
};
use crate::telemetry::Metrics;

/// Requests under way on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// Streams that a client may open and reset without waiting (CVE-2023-44487), and resets that it may
/// provoke from us.
const RESETS: usize = 32;
/// Bytes of request bodies in flight, per stream and per HTTP/2 connection. Bodies here are small.
const WINDOWS: (u32, u32) = (64 << 10, 256 << 10);
/// Bytes of answers that wait for one HTTP/2 stream.
const SEND_BUFFER: usize = 64 << 10;
/// An HTTP/2 connection is asked whether it is alive so often, and must answer in this time.
const PING: (std::time::Duration, std::time::Duration) =
    (std::time::Duration::from_secs(30), std::time::Duration::from_secs(20));

/// The serving side of one worker.
pub struct Edge {
    seat: Seat,
    live: Arc<ArcSwap<Live>>,
    metrics: Arc<Metrics>,
    services: Services,
    bridge: Bridge,
    requests: AtomicU64,
}

impl Edge {
    /// `first_request` makes the ids of this run and worker differ from those of others.
    pub fn new(
        seat: &Seat,
        live: &Arc<ArcSwap<Live>>,
        metrics: &Arc<Metrics>,
        services: Services,
        first_request: u64,
    ) -> Self {
        // Upstream connections belong to the worker; nobody waits for those that are idle.
        let runtime = seat.runtime.enter();
        let end = seat.phases.stopped.clone();
        let upstreams = Arc::clone(&services.upstreams);
        let bridge = Bridge::new(Arc::clone(metrics), upstreams, seat.background.clone(), end);
        drop(runtime);
        Self {
            seat: seat.clone(),
            live: Arc::clone(live),
            metrics: Arc::clone(metrics),
            services,
            bridge,
            requests: AtomicU64::new(first_request),
        }
    }

    pub(super) fn next_request_id(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    pub(super) fn access_log(&self) -> &AccessLog {
        &self.services.access_log
    }

    /// Whether what is left is being dropped.
    pub(super) fn is_stopped(&self) -> bool {
        self.seat.phases.stopped.is_cancelled()
    }

    pub(super) fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    pub(super) fn worker(&self) -> usize {
        self.seat.index
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("worker", &self.seat.index).finish_non_exhaustive()
    }
}

impl Serving for Edge {
    async fn serve(self: Arc<Self>, accepted: Accepted) {
        let peer = accepted.peer;
        let live = self.live();
        let limits = live.limits.clone();
        let begun = match Box::pin(begin(accepted, &live)).await {
            Ok(begun) => begun,
            Err(error) => {
                if matches!(error, BeginError::Tls(_)) {
                    self.metrics.tls_handshake_failed();
                }
                return debug!(%peer, %error, "connection not begun");
            }
        };
        // An open connection must not keep an old configuration alive.
        drop(live);
        let Begun { stream, protocol, peer, scheme, admitted } = begun;
        let progress = Arc::new(Progress::new());
        // An upgraded connection leaves this task, but drain still waits for it.
        let admitted = admitted.counted_by(&self.seat.connections);
        let io = TokioIo::new(Downstream::new(stream, Arc::clone(&progress), admitted));
        let facts = Arc::new(Connection { edge: Arc::clone(&self), peer, scheme, progress });
        let end = match protocol {
            Protocol::Http1 => self.http1(io, &facts, &limits).await,
            Protocol::Http2 => Box::pin(self.http2(io, &facts, &limits)).await,
        };
        match end {
            Ok(()) => debug!(%peer, "connection ended"),
            Err(End::Broken(error)) => {
                if protocol == Protocol::Http1 && error.is_parse() {
                    let status = if error.is_parse_too_large() { 431 } else { 400 };
                    unread(&facts, status, end::REFUSED, "head");
                }
                debug!(%peer, %error, "connection broken");
            }
            Err(End::Stalled(stall)) => {
                if stall == Stall::Head && facts.progress.has_heard() {
                    unread(&facts, 408, end::BROWSER_SLOW_HEAD, "head_time");
                }
                debug!(%peer, stall = stall.label(), "connection given up");
            }
        }
    }
}

/// Why a connection did not end by itself.
enum End {
    Broken(hyper::Error),
    Stalled(Stall),
}

impl Edge {
    async fn http1(
        &self,
        io: TokioIo<Downstream>,
        facts: &Arc<Connection>,
        limits: &Limits,
    ) -> Result<(), End> {
        let patience = patience(limits);
        let draining = self.seat.phases.draining.clone();
        // In a box: room for a request is needed while there is one, and most connections wait.
        let service = service_fn(|request| {
            let facts = Arc::clone(facts);
            Box::pin(async move { Ok::<_, Infallible>(exchange(facts, request).await) })
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Ours instead: this one would also end connections that are merely idle, and is set anew
            // for every request.
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes.max(8 << 10))
            .max_header_size(limits.header_bytes)
            .serve_connection(io, service)
            .with_upgrades();
        keep(connection, |connection| connection.graceful_shutdown(), &facts.progress, patience, draining)
            .await
    }

    async fn http2(
        &self,
        io: TokioIo<Downstream>,
        facts: &Arc<Connection>,
        limits: &Limits,
    ) -> Result<(), End> {
        facts.progress.speaks_http2();
        let patience = patience(limits);
        let draining = self.seat.phases.draining.clone();
        // In a box: an answer that goes on for hours has no room for its request beside it.
        let service = service_fn(|request| {
            let facts = Arc::clone(facts);
            Box::pin(async move { Ok::<_, Infallible>(exchange(facts, request).await) })
        });
        let connection = http2::Builder::new(Tracked(self.seat.connections.clone()))
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1)
            .serve_connection(io, service);
        keep(connection, |connection| connection.graceful_shutdown(), &facts.progress, patience, draining)
            .await
    }
}

/// A connection on which HTTP can be spoken.
struct Begun {
    stream: Stream,
    protocol: Protocol,
    /// Whoever is behind a proxy that passes bytes on.
    peer: IpAddr,
    /// What the browser speaks, perhaps to that proxy.
    scheme: Scheme,
    admitted: Admitted,
}

/// Why a connection is not begun.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error(transparent)]
    Socket(std::io::Error),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("refused for {}", .0.label())]
    Refused(Refusal),
    #[error(transparent)]
    Tls(#[from] HandshakeError),
}

/// Makes the socket this runtime's, finds out who is behind it, and does the TLS handshake on https listeners.
async fn begin(accepted: Accepted, live: &Live) -> Result<Begun, BeginError> {
    let Accepted { stream, peer, listen, proxied, mut admitted } = accepted;
    let mut peer = peer.ip().to_canonical();
    let mut stream = TcpStream::from_std(stream).map_err(BeginError::Socket)?;
    stream.set_nodelay(true).map_err(BeginError::Socket)?;
    let limit = live.limits.tls_handshake_timeout;
    let mut secure = listen == Listen::Https;
    if proxied {
        let said = read_proxy_header(&mut stream, limit).await?;
        secure |= said.tls;
        if let Some(client) = said.client {
            peer = client.ip();
            if !in_any(&live.admission.trusted_proxies, peer) {
                admitted.count_for(peer, &live.admission).map_err(BeginError::Refused)?;
            }
        }
    }
    let (stream, protocol) = match (listen, &live.tls) {
        (Listen::Https, Some(config)) => {
            let (stream, protocol) = handshake(stream, Arc::clone(config), limit).await?;
            (Stream::Tls(Box::new(stream)), protocol)
        }
        // `app` does not start an https listener without certificates.
        (Listen::Https, None) => return Err(BeginError::Socket(std::io::ErrorKind::NotConnected.into())),
        (Listen::Http, _) => (Stream::Plain(stream), Protocol::Http1),
    };
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    Ok(Begun { stream, protocol, peer, scheme, admitted })
}

fn patience(limits: &Limits) -> Patience {
    Patience { head: limits.head_timeout, idle: limits.idle_timeout }
}

/// Drives a connection until it ends, the browser's time is over, or drain has let it finish.
///
/// Inputs: the connection itself, the patience timer, drain. The timer is only moved when it would be
/// late, so that a busy connection costs no timer work.
async fn keep<C>(
    connection: C,
    finish: impl Fn(Pin<&mut C>),
    progress: &Progress,
    patience: Patience,
    draining: CancellationToken,
) -> Result<(), End>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = pin!(connection);
    let mut draining = pin!(draining.cancelled());
    let mut timer = pin!(sleep_until(Instant::now() + patience.head.min(patience.idle)));
    let mut finishing = false;
    poll_fn(|cx| {
        if !finishing && draining.as_mut().poll(cx).is_ready() {
            finishing = true;
            finish(connection.as_mut());
        }
        if let Poll::Ready(end) = connection.as_mut().poll(cx) {
            return Poll::Ready(end.map_err(End::Broken));
        }
        while let Some((deadline, stall)) = progress.deadline(patience) {
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                break;
            }
            if deadline <= Instant::now() {
                progress.give_up();
                return Poll::Ready(Err(End::Stalled(stall)));
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await
}

/// Puts HTTP/2 streams among the tasks that drain waits for.
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
