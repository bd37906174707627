//! Connections to upstreams, kept between requests. Each worker has its own pool.
//!
//! A connection of HTTP/1.1 serves one request at a time, one of HTTP/2 many. One of HTTP/1.1 comes back only when hyper says that both messages ended
//! cleanly; every other end cuts it, so that no byte of one browser's answer can be read by the next.
//!
//! Each connection in use holds a permit of its upstream, which all workers share; a new one is made only
//! when none is idle, and tunnels keep their permit until they end.

mod connect;
mod lease;
mod origin;
mod streams;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use lease::Lease;
pub(super) use origin::{Origin, authority};

use super::balance::Member;
use super::error::BridgeError;
use crate::config::Upstream;

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

/// What a request needs of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Bounds waiting for a free one and connecting, together.
    pub(super) limit: Duration,
    pub(super) reuse: Reuse,
    /// It may leave HTTP, which HTTP/2 does not offer.
    pub(super) http1: bool,
    /// For upstreams that want to be told.
    pub(super) client: IpAddr,
}

/// May a connection be taken that was used before?
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

    /// A connection for one request.
    pub(super) async fn lease(&self, member: &Member, wish: &Wish) -> Result<Lease, BridgeError> {
        let deadline = Instant::now() + wish.limit;
        let origin = &member.origin;
        let permit = member.standing.admit(deadline).await?;
        let kept = match wish.reuse {
            // It has told the upstream of another browser.
            _ if member.upstream.proxy.is_some() => None,
            Reuse::Allowed => origin.take(wish.http1),
            Reuse::Fresh => {
                // Makes room for the new one, within the bound; and it is probably stale as well.
                origin.drop_oldest();
                None
            }
        };
        let reused = kept.is_some();
        let carrier = match kept {
            Some(carrier) => carrier,
            None => Box::pin(self.connect(member, wish, deadline)).await?,
        };
        let mut lease = Lease::new(carrier, reused, Arc::clone(origin), permit, self.tasks.clone());
        if member.upstream.proxy.is_some() {
            lease.keep_to_one();
        }
        Ok(lease)
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that holds these locks can leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
