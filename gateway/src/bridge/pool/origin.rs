//! One upstream as the pool knows it: its idle connections, and who may make one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::header::HeaderValue;
use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::lease::Connection;
use super::lock;
use crate::bridge::error::{BridgeError, Fault, Phase};
use crate::config::Upstream;

/// One upstream, by everything that makes two connections interchangeable.
pub(super) struct Origin {
    host: String,
    port: u16,
    /// Verified instead of the host, and sent as SNI.
    pub(super) server_name: Option<String>,
    /// `Some` for https. Connections that were verified by other rules are not shared.
    pub(super) client: Option<Arc<ClientConfig>>,
    /// For `Host`.
    pub(super) authority: HeaderValue,
    idle: Mutex<VecDeque<Idle>>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Origin {
    pub(super) fn new(upstream: &Upstream, open: usize) -> Self {
        let default = if upstream.tls { 443 } else { 80 };
        let host = match &upstream.host {
            v6 if v6.contains(':') && !v6.starts_with('[') => format!("[{v6}]"),
            name => name.clone(),
        };
        let authority = if upstream.port == default { host } else { format!("{host}:{}", upstream.port) };
        Self {
            host: upstream.host.clone(),
            port: upstream.port,
            server_name: upstream.server_name.clone(),
            client: upstream.tls.then(|| upstream.client.clone()),
            // The configuration admits host names and addresses only.
            authority: HeaderValue::try_from(authority).unwrap_or(HeaderValue::from_static("")),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(open)),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(super) fn is(&self, upstream: &Upstream) -> bool {
        let verified_alike = match &self.client {
            Some(client) => {
                upstream.tls
                    && Arc::ptr_eq(client, &upstream.client)
                    && self.server_name == upstream.server_name
            }
            None => !upstream.tls,
        };
        verified_alike && self.port == upstream.port && self.host == upstream.host
    }

    /// The right to one open connection, which may mean to wait for it.
    pub(super) async fn admit(
        &self,
        bound: usize,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, BridgeError> {
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
    pub(super) fn take_idle(&self, idle_time: Duration) -> Option<Connection> {
        let now = Instant::now();
        let mut all = self.idle();
        while let Some(idle) = all.pop_back() {
            if idle.connection.sender.is_ready() && idle.until_due(now, idle_time) {
                return Some(idle.connection);
            }
        }
        None
    }

    pub(super) fn give_back(&self, connection: Connection, bound: usize) {
        let mut all = self.idle();
        all.push_back(Idle { connection, since: Instant::now() });
        if all.len() > bound {
            all.pop_front();
        }
    }

    pub(super) fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        lock(&self.idle)
    }
}

pub(super) struct Idle {
    pub(super) connection: Connection,
    since: Instant,
}

impl Idle {
    pub(super) fn until_due(&self, now: Instant, idle_time: Duration) -> bool {
        now.saturating_duration_since(self.since) < idle_time
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
