//! Connections to upstreams, kept between requests. Each worker has its own pool.
//!
//! A connection serves one request at a time. It comes back only when hyper says that both messages ended
//! cleanly; every other end cuts it, so that no byte of one browser's answer can be read by the next.
//!
//! Each connection in use holds a permit of its upstream, which all workers share; a new one is made only
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
pub(super) use origin::{Origin, authority};

use lease::{Connection, drive};

use super::balance::Member;
use super::error::{BridgeError, Fault, Phase};
use crate::config::Upstream;
use crate::net::{DialError, Target, dial, dial_tls};

/// A head of an answer must fit, and no body is buffered beyond it.
const READ_BUFFER: usize = 64 << 10;
/// Header lines of an answer.
const MAX_HEADERS: usize = 200;
/// How often connections that nobody uses any more are looked for. They are not used beyond their time in
/// any case.
const SWEEP: Duration = Duration::from_secs(1);

pub(super) struct Pool {
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
    pub(super) fn new(tasks: TaskTracker, end: CancellationToken) -> Arc<Self> {
        let pool = Arc::new(Self { tasks, end, origins: Mutex::default() });
        pool.tasks.spawn(sweep(Arc::downgrade(&pool), pool.end.clone()));
        pool
    }

    /// A connection of one's own for one request. `limit` bounds waiting for a free one and connecting,
    /// together.
    pub(super) async fn lease(
        &self,
        member: &Member,
        limit: Duration,
        reuse: Reuse,
    ) -> Result<Lease, BridgeError> {
        let deadline = Instant::now() + limit;
        let origin = &member.origin;
        let permit = member.standing.admit(deadline).await?;
        let idle = match reuse {
            Reuse::Allowed => origin.take_idle(),
            Reuse::Fresh => {
                // Makes room for the new one, within the bound; and it is probably stale as well.
                origin.drop_oldest();
                None
            }
        };
        let connection = match idle {
            Some(connection) => (connection, true),
            None => (Box::pin(self.connect(&member.upstream, deadline)).await?, false),
        };
        Ok(Lease::new(connection, Arc::clone(origin), permit, self.tasks.clone()))
    }

    /// This worker's connections to an upstream.
    pub(super) fn origin(&self, upstream: &Upstream) -> Arc<Origin> {
        let mut origins = lock(&self.origins);
        if let Some(origin) = origins.iter().find(|origin| origin.is(upstream)) {
            return origin.clone();
        }
        let origin = Arc::new(Origin::new(upstream));
        origins.push(origin.clone());
        origin
    }

    async fn connect(&self, upstream: &Upstream, deadline: Instant) -> Result<Connection, BridgeError> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let host = upstream.host.trim_matches(['[', ']']);
        let target = Target { host, port: upstream.port, source: None, limit };
        if upstream.tls {
            let name = upstream.server_name.as_deref();
            self.adopt(dial_tls(target, name, &upstream.client).await.map_err(not_connected)?).await
        } else {
            self.adopt(dial(target).await.map_err(not_connected)?).await
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
        Ok(Connection { sender, cut, born: Instant::now() })
    }

    fn sweep(&self) {
        // The pool's own hold on it is the only one: no route names it, no lease, nobody waits.
        lock(&self.origins).retain(|origin| origin.sweep() > 0 || Arc::strong_count(origin) > 1);
    }
}

async fn sweep(pool: Weak<Pool>, end: CancellationToken) {
    while end.run_until_cancelled(sleep(SWEEP)).await.is_some() {
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
