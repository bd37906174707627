//! One upstream as all workers see it: whether it is well, and how many of its connections are in use.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::vitals::{Outlook, Vitals, Witness};
use crate::bridge::error::{BridgeError, Fault, Phase};
use crate::config::{Health, PoolBounds, ProxyVersion, Upstream};
use crate::telemetry::Metrics;

/// What makes two upstreams of a configuration one: the address, and how it is treated. Certificates are not part of
/// it, so that new ones do not make a sick server well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    name: String,
    server_name: Option<String>,
    proxy: Option<ProxyVersion>,
    pool: PoolBounds,
    health: Health,
}

impl Identity {
    pub(super) fn of(upstream: &Upstream) -> Self {
        Self {
            name: upstream.to_string(),
            server_name: upstream.server_name.clone(),
            proxy: upstream.proxy,
            pool: upstream.pool,
            health: upstream.health.clone(),
        }
    }
}

/// Shared by all workers and by the configurations that follow each other.
#[derive(Debug)]
pub(in crate::bridge) struct Standing {
    pub(super) identity: Identity,
    metrics: Arc<Metrics>,
    /// Zero of the clock of `vitals`.
    start: Instant,
    vitals: Vitals,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    last_failure: Mutex<Option<String>>,
}

impl Standing {
    pub(super) fn new(upstream: &Upstream, metrics: Arc<Metrics>) -> Self {
        Self {
            identity: Identity::of(upstream),
            metrics,
            start: Instant::now(),
            vitals: Vitals::new(upstream.health.clone()),
            permits: Arc::new(Semaphore::new(upstream.pool.connections)),
            waiting: AtomicUsize::new(0),
            last_failure: Mutex::default(),
        }
    }

    /// `http://st1.example:80`.
    pub(in crate::bridge) fn name(&self) -> &str {
        &self.identity.name
    }

    pub(in crate::bridge) fn outlook(&self) -> Outlook {
        self.vitals.outlook(self.now())
    }

    /// Takes the one try that a rested upstream has.
    pub(in crate::bridge) fn claim(&self) -> bool {
        self.vitals.claim(self.now())
    }

    /// It did not do what a well upstream does.
    pub(in crate::bridge) fn failed(&self, why: &dyn Display) {
        self.disappointed(why);
        if self.vitals.failed(self.now()) {
            tracing::warn!(upstream = self.name(), %why, "upstream taken out");
        }
    }

    /// The same, but it is not to be taken out for it.
    pub(in crate::bridge) fn disappointed(&self, why: &dyn Display) {
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_string());
        self.metrics.upstream_failed(self.name());
    }

    /// It answered.
    pub(in crate::bridge) fn succeeded(&self, witness: Witness) {
        if self.vitals.succeeded(self.now(), witness) {
            tracing::info!(upstream = self.name(), "upstream is back");
        }
    }

    /// The right to use one connection, which may mean to wait for it.
    pub(in crate::bridge) async fn admit(
        &self,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, BridgeError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let busy = || BridgeError::unsent(Phase::Connect, Fault::Busy);
        let place = Place::take(&self.waiting, self.identity.pool.waiting).ok_or_else(busy)?;
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned()).await;
        drop(place);
        permit.ok().and_then(Result::ok).ok_or_else(busy)
    }

    /// Connections in use.
    pub(super) fn in_use(&self) -> usize {
        self.identity.pool.connections.saturating_sub(self.permits.available_permits())
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> u32 {
        self.vitals.failures()
    }

    pub(super) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX / 4) + 1
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
