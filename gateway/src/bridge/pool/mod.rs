//! Connections to upstreams, kept between requests. Each worker has its own pool.
//!
//! A connection serves one request at a time. It comes back only when hyper says that both messages ended
//! cleanly; every other end cuts it, so that no byte of one browser's answer can be read by the next.
//!
//! At most `open` connections per upstream exist: each one in use holds a permit, a new one is made only
//! when none is idle, and tunnels keep their permit until they end.

mod lease;
mod origin;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use lease::Lease;

use lease::{Connection, drive};
use origin::Origin;

use super::error::{BridgeError, Fault, Phase};
use crate::config::Upstream;
use crate::net::{DialError, Target, dial, dial_tls};

/// A head of an answer must fit, and no body is buffered beyond it.
const READ_BUFFER: usize = 64 << 10;
/// Header lines of an answer.
const MAX_HEADERS: usize = 200;

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
        let connection = match idle {
            Some(connection) => (connection, true),
            None => (Box::pin(self.connect(&origin, upstream, deadline)).await?, false),
        };
        Ok(Lease::new(connection, origin, permit, self.bounds.idle, self.tasks.clone()))
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
            Some(client) => {
                self.adopt(
                    dial_tls(target, origin.server_name.as_deref(), client).await.map_err(not_connected)?,
                )
                .await
            }
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
