//! Connections to upstreams, kept between requests. Each worker has its own pool.
//!
//! A connection serves one request at a time. It comes back only when hyper says that both messages ended
//! cleanly; every other end cuts it, so that no byte of one browser's answer can be read by the next.
//!
//! At most `open` connections per upstream exist: each one in use holds a permit, a new one is made only
//! when none is idle, and tunnels keep their permit until they end.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::header::HeaderValue;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::{BridgeError, Fault, Phase};
use super::upload::Upload;
use crate::config::Upstream;
use crate::net::{DialError, Target, dial, dial_tls};

/// A head of an answer must fit, and no body is buffered beyond it.
const READ_BUFFER: usize = 64 << 10;
/// Header lines of an answer.
const MAX_HEADERS: usize = 200;
/// How long a connection may take to come to rest after an answer has ended, for instance because the
/// request is still being written.
const REST: Duration = Duration::from_secs(1);

/// Per upstream and worker.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections kept for later. Default 128.
    pub idle: usize,
    /// How long they are kept. Default 30 s: less than the servers' own limits.
    pub idle_time: Duration,
    /// Connections at all, tunnels and waiting polls included. Default 16 384.
    pub open: usize,
    /// Requests that may wait for one of those. Default 1 024.
    pub waiting: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { idle: 128, idle_time: Duration::from_secs(30), open: 16_384, waiting: 1_024 }
    }
}

pub(super) struct Pool {
    bounds: Bounds,
    tasks: TaskTracker,
    /// Ends every connection.
    end: CancellationToken,
    /// A handful: as many as the configuration names.
    origins: Mutex<Vec<Arc<Origin>>>,
}

/// May an idle connection be taken?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    Allowed,
    /// One was stale a moment ago.
    Fresh,
}

impl Pool {
    /// Runs a task that drops idle connections when their time has come. Must be called inside a runtime.
    pub(super) fn new(bounds: Bounds, tasks: TaskTracker, end: CancellationToken) -> Arc<Self> {
        let pool = Arc::new(Self { bounds, tasks, end, origins: Mutex::default() });
        pool.tasks.spawn(sweep(Arc::downgrade(&pool), pool.end.clone(), bounds.idle_time));
        pool
    }

    /// A connection of one's own for one request. `limit` bounds waiting for a free one and connecting,
    /// together.
    pub(super) async fn lease(
        &self,
        upstream: &Upstream,
        limit: Duration,
        reuse: Reuse,
    ) -> Result<Lease, BridgeError> {
        let deadline = Instant::now() + limit;
        let origin = self.origin(upstream);
        let permit = origin.admit(self.bounds.waiting, deadline).await?;
        let idle = match reuse {
            Reuse::Allowed => origin.take_idle(self.bounds.idle_time),
            Reuse::Fresh => {
                // Makes room for the new one, within the bound; and it is probably stale as well.
                origin.idle().pop_front();
                None
            }
        };
        let reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => Box::pin(self.connect(&origin, upstream, deadline)).await?,
        };
        Ok(Lease {
            connection: Some(connection),
            reused,
            single_use: false,
            origin,
            permit: Some(permit),
            idle_bound: self.bounds.idle,
            tasks: self.tasks.clone(),
        })
    }

    fn origin(&self, upstream: &Upstream) -> Arc<Origin> {
        let mut origins = lock(&self.origins);
        if let Some(origin) = origins.iter().find(|origin| origin.is(upstream)) {
            return origin.clone();
        }
        let origin = Arc::new(Origin::new(upstream, self.bounds.open));
        origins.push(origin.clone());
        origin
    }

    async fn connect(
        &self,
        origin: &Origin,
        upstream: &Upstream,
        deadline: Instant,
    ) -> Result<Connection, BridgeError> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let host = upstream.host.trim_matches(['[', ']']);
        let target = Target { host, port: upstream.port, source: None, limit };
        match &origin.client {
            None => self.adopt(dial(target).await.map_err(not_connected)?).await,
            Some(client) => self.adopt(dial_tls(target, None, client).await.map_err(not_connected)?).await,
        }
    }

    /// HTTP on a new stream, driven by a task of its own.
    async fn adopt<S>(&self, stream: S) -> Result<Connection, BridgeError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| BridgeError::unsent(Phase::Connect, Fault::Http(error)))?;
        let (cut, was_cut) = oneshot::channel();
        self.tasks.spawn(drive(connection, was_cut, self.end.clone()));
        Ok(Connection { sender, cut })
    }

    fn sweep(&self) {
        let mut origins = lock(&self.origins);
        origins.retain(|origin| {
            let now = Instant::now();
            let mut idle = origin.idle();
            idle.retain(|idle| {
                idle.until_due(now, self.bounds.idle_time) && idle.connection.sender.is_ready()
            });
            // The pool's own hold on it is the only one: no lease, nobody waits.
            !idle.is_empty() || Arc::strong_count(origin) > 1
        });
    }
}

/// One upstream, by everything that makes two connections interchangeable.
struct Origin {
    host: String,
    port: u16,
    /// `Some` for https. Connections that were verified by other rules are not shared.
    client: Option<Arc<ClientConfig>>,
    authority: HeaderValue,
    idle: Mutex<VecDeque<Idle>>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Origin {
    fn new(upstream: &Upstream, open: usize) -> Self {
        let default = if upstream.tls { 443 } else { 80 };
        let host = match &upstream.host {
            v6 if v6.contains(':') && !v6.starts_with('[') => format!("[{v6}]"),
            name => name.clone(),
        };
        let authority = if upstream.port == default { host } else { format!("{host}:{}", upstream.port) };
        Self {
            host: upstream.host.clone(),
            port: upstream.port,
            client: upstream.tls.then(|| upstream.client.clone()),
            // The configuration admits host names and addresses only.
            authority: HeaderValue::try_from(authority).unwrap_or(HeaderValue::from_static("")),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(open)),
            waiting: AtomicUsize::new(0),
        }
    }

    fn is(&self, upstream: &Upstream) -> bool {
        let verified_alike = match &self.client {
            Some(client) => upstream.tls && Arc::ptr_eq(client, &upstream.client),
            None => !upstream.tls,
        };
        verified_alike && self.port == upstream.port && self.host == upstream.host
    }

    async fn admit(&self, bound: usize, deadline: Instant) -> Result<OwnedSemaphorePermit, BridgeError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let busy = || BridgeError::unsent(Phase::Connect, Fault::Busy);
        let place = Place::take(&self.waiting, bound).ok_or_else(busy)?;
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned()).await;
        drop(place);
        permit.ok().and_then(Result::ok).ok_or_else(busy)
    }

    /// The one that was used last, so that the others can grow old.
    fn take_idle(&self, idle_time: Duration) -> Option<Connection> {
        let now = Instant::now();
        let mut all = self.idle();
        while let Some(idle) = all.pop_back() {
            if idle.connection.sender.is_ready() && idle.until_due(now, idle_time) {
                return Some(idle.connection);
            }
        }
        None
    }

    fn give_back(&self, connection: Connection, bound: usize) {
        let mut all = self.idle();
        all.push_back(Idle { connection, since: Instant::now() });
        if all.len() > bound {
            all.pop_front();
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        lock(&self.idle)
    }
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Idle {
    fn until_due(&self, now: Instant, idle_time: Duration) -> bool {
        now.saturating_duration_since(self.since) < idle_time
    }
}

struct Connection {
    sender: http1::SendRequest<Upload>,
    /// Ends the connection at once. Dropping it does not: then the connection ends by itself when `sender`
    /// is gone and nothing is left to do.
    cut: oneshot::Sender<()>,
}

impl Connection {
    fn cut(self) {
        // The other end is gone when the connection has ended already.
        let _ = self.cut.send(());
    }
}

/// One place in the queue for a permit.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, bound: usize) -> Option<Self> {
        let place = Self(waiting);
        // A refused one gives its place back by being dropped.
        (waiting.fetch_add(1, Ordering::Relaxed) < bound).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection for one request. Dropped before [`Lease::finish`], it cuts the connection.
pub(super) struct Lease {
    connection: Option<Connection>,
    /// It has served another request before: the upstream may have given it up meanwhile.
    pub(super) reused: bool,
    single_use: bool,
    origin: Arc<Origin>,
    permit: Option<OwnedSemaphorePermit>,
    idle_bound: usize,
    tasks: TaskTracker,
}

impl Lease {
    /// What the upstream is called in `Host`.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.origin.authority
    }

    /// The request comes back in the error if none of it was written.
    pub(super) fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Option<impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<>> {
        self.connection.as_mut().map(|connection| connection.sender.try_send_request(request))
    }

    /// The connection must not serve anybody else.
    pub(super) fn keep_to_one(&mut self) {
        self.single_use = true;
    }

    /// The answer was read to its end: hands the connection back as soon as it is at rest.
    pub(super) fn finish(mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if self.single_use || connection.sender.is_closed() {
            return;
        }
        if connection.sender.is_ready() {
            // Before the permit is released: the next one finds it.
            self.origin.give_back(connection, self.idle_bound);
            return;
        }
        let tasks = self.tasks.clone();
        let lease = self;
        tasks.spawn(async move {
            let rest = timeout(REST, connection.sender.ready()).await;
            if matches!(rest, Ok(Ok(()))) {
                lease.origin.give_back(connection, lease.idle_bound);
            } else {
                connection.cut();
            }
            // With it, its permit.
            drop(lease);
        });
    }

    /// The connection is leaving HTTP; the permit counts it until it ends.
    pub(super) fn into_permit(mut self) -> Option<OwnedSemaphorePermit> {
        self.connection = None;
        self.permit.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.cut();
        }
    }
}

/// Moves one connection's bytes until it ends, is cut, or all must end.
async fn drive<S>(
    connection: http1::Connection<TokioIo<S>, Upload>,
    was_cut: oneshot::Receiver<()>,
    end: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let cut = async {
        if was_cut.await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        ended = connection.with_upgrades() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "upstream connection failed");
            }
        }
        () = cut => {}
        () = end.cancelled() => {}
    }
}

async fn sweep(pool: Weak<Pool>, end: CancellationToken, idle_time: Duration) {
    let pause = (idle_time / 2).max(Duration::from_millis(10));
    while end.run_until_cancelled(sleep(pause)).await.is_some() {
        let Some(pool) = pool.upgrade() else { return };
        pool.sweep();
    }
}

fn not_connected(error: DialError) -> BridgeError {
    let (phase, fault) = match error {
        DialError::TimedOut => (Phase::Connect, Fault::Timeout),
        DialError::Tls(_) | DialError::Name => (Phase::Tls, Fault::Dial(error)),
        _ => (Phase::Connect, Fault::Dial(error)),
    };
    BridgeError::unsent(phase, fault)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that holds these locks can leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
