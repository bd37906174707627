//! The upstreams of all routes: one place of truth for all workers about who is well and how much is in use,
//! which outlives the configuration that named them. Does not choose among them; `balance` does.

mod check;
mod standing;
mod vitals;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use standing::Standing;
pub(super) use vitals::{FULL_SHARE, Outlook, Witness};

use standing::Identity;

use crate::config::{Route, Upstream};
use crate::telemetry::Metrics;

/// One per process.
#[derive(Debug)]
pub struct Upstreams {
    metrics: Arc<Metrics>,
    /// A handful: as many as the configuration names.
    standings: Mutex<Vec<Arc<Standing>>>,
    tasks: TaskTracker,
    end: CancellationToken,
    /// Ends the checks of the configuration in force.
    round: Mutex<CancellationToken>,
}

/// One upstream on the status page.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamServer {
    /// `http://st1.example:80`.
    pub address: String,
    /// `up`, `down`, or `resting`: the next request may try it.
    pub state: &'static str,
    /// Connections in use.
    pub connections: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// In a row, up to now.
    pub failures: u32,
    pub last_failure: Option<String>,
}

impl Upstreams {
    /// Checks run as `tasks` until `end`.
    pub fn new(metrics: Arc<Metrics>, tasks: TaskTracker, end: CancellationToken) -> Self {
        let round = Mutex::new(end.child_token());
        Self { metrics, standings: Mutex::default(), tasks, end, round }
    }

    /// Takes the upstreams of a configuration that comes into force: those that were there keep their health,
    /// those that are not named any more are forgotten, and checks go on with the new settings. Must be called
    /// inside a runtime, which then makes the checks.
    pub fn adopt(&self, routes: &[Arc<Route>]) {
        let mut named: Vec<&Upstream> = Vec::new();
        for route in routes {
            named.extend(route.passes_to().into_iter().flat_map(|route| &route.upstreams));
        }
        let identities: Vec<_> = named.iter().map(|upstream| Identity::of(upstream)).collect();
        lock(&self.standings).retain(|standing| {
            let stays = identities.contains(&standing.identity);
            if !stays {
                self.metrics.upstream_forgotten(standing.name());
            }
            stays
        });
        let round = self.end.child_token();
        std::mem::replace(&mut *lock(&self.round), round.clone()).cancel();
        let mut seen: Vec<&Identity> = Vec::new();
        for (upstream, identity) in named.into_iter().zip(&identities) {
            let standing = self.standing(upstream);
            if seen.contains(&identity) {
                continue;
            }
            seen.push(identity);
            if upstream.health.check.is_some() {
                let metrics = Arc::clone(&self.metrics);
                self.tasks.spawn(check::keep_asking(upstream.clone(), standing, metrics, round.clone()));
            }
        }
    }

    /// The same for everybody who names the same upstream in the same way.
    pub(super) fn standing(&self, upstream: &Upstream) -> Arc<Standing> {
        let identity = Identity::of(upstream);
        let mut standings = lock(&self.standings);
        if let Some(standing) = standings.iter().find(|standing| standing.identity == identity) {
            return Arc::clone(standing);
        }
        let standing = Arc::new(Standing::new(upstream, Arc::clone(&self.metrics)));
        standings.push(Arc::clone(&standing));
        standing
    }

    /// For the status page.
    pub fn status(&self) -> Vec<UpstreamServer> {
        let all = lock(&self.standings);
        all.iter()
            .map(|standing| UpstreamServer {
                address: standing.name().to_owned(),
                state: match standing.outlook() {
                    Outlook::Up(_) => "up",
                    Outlook::Rested => "resting",
                    Outlook::Down => "down",
                },
                connections: standing.in_use(),
                waiting: standing.waiting(),
                failures: standing.failures(),
                last_failure: standing.last_failure(),
            })
            .collect()
    }

    /// Puts what changes all the time into the metrics; called before they are read. An address that is
    /// treated in several ways counts as up if it is up in all of them.
    pub fn publish(&self) {
        let all = self.status();
        for one in &all {
            let same = || all.iter().filter(|other| other.address == one.address);
            self.metrics.upstream_seen(
                &one.address,
                same().all(|server| server.state == "up"),
                same().map(|server| server.connections).sum(),
                same().map(|server| server.waiting).sum(),
            );
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that holds these locks can leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
