//! Builds everything in dependency order, and owns the running configuration and the phases of the
//! program.
//!
//! [`App::start`] is the one place where rooms are joined; [`Running`] is what is left to hold.

mod acceptor;
mod lifecycle;
mod reload;
mod restart;
mod supervise;
mod upstream;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

pub use lifecycle::{Lifecycle, Phase};
pub use reload::{ReloadError, Source};
pub use upstream::{CommunityStatus, Upstream, UpstreamStatus};

use crate::admin::Admin;
use crate::config::{Config, Serve};
use crate::http::{AccessLog, Builtin, Edge, Live, NoAccessLog};
use crate::net::{Admission, BindError, Listen, Listener, Phases, Workers, raise_descriptor_limit};
use crate::pilot::Bypass;
use crate::telemetry::Metrics;

/// What a start needs beside the configuration.
#[derive(Clone, Default)]
pub struct Options {
    /// Pages inside the program, for routes that name them.
    pub builtins: HashMap<String, Arc<dyn Builtin>>,
    /// Where a reload reads from; without it a reload is refused.
    pub source: Option<Source>,
    pub metrics: Arc<Metrics>,
}

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Every address that is taken.
    #[error("{}", lines(.0))]
    Bind(Vec<BindError>),
    #[error("https is to be listened on, but there is no certificate")]
    NoCertificate,
    #[error("a route names {0:?}, which is not part of this program")]
    UnknownBuiltin(String),
    #[error("a worker thread cannot be started: {0}")]
    Worker(std::io::Error),
    #[error(transparent)]
    AccessLog(#[from] NoAccessLog),
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
}

/// Where the program listens, with the ports that were really taken.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub http: Vec<SocketAddr>,
    pub https: Vec<SocketAddr>,
    pub admin: SocketAddr,
}

/// The program, not yet running.
#[derive(Debug)]
pub struct App;

impl App {
    /// Starts everything. Must be called inside a tokio runtime, which then runs the acceptors, the
    /// upstream side and the admin listener.
    pub async fn start(config: Config, options: Options) -> Result<Running, StartError> {
        let Options { builtins, source, metrics } = options;
        servable(&config, &builtins)?;
        let builtins = Arc::new(builtins);
        let phases = Phases::default();

        // Ports first: when one is taken, nothing else has happened yet.
        let mut taken = Vec::new();
        let mut bind = |all: &[SocketAddr]| -> Vec<Listener> {
            all.iter()
                .filter_map(|address| Listener::bind(*address).map_err(|error| taken.push(error)).ok())
                .collect()
        };
        let asked_for = config.listen.clone();
        let http = bind(&config.listen.http);
        let https = bind(&config.listen.https);
        let admin_listener = bind(&[config.listen.admin]).pop();
        let (Some(admin_listener), true) = (admin_listener, taken.is_empty()) else {
            return Err(StartError::Bind(taken));
        };
        let addresses = Addresses {
            http: http.iter().map(Listener::address).collect(),
            https: https.iter().map(Listener::address).collect(),
            admin: admin_listener.address(),
        };

        // The configuration in force, which everything below looks up and only a reload changes.
        let descriptors = raise_descriptor_limit();
        let fixed = restart::Fixed::of(&config);
        let state_file = config.pilot.as_ref().map(|pilot| pilot.state_file.clone());
        let access_logging = config.access_log.clone();
        let communities = config.communities.clone();
        let routes = config.routes.clone();
        let worker_count = config.listen.workers.max(1);
        let live = Arc::new(ArcSwap::from_pointee(Live::new(config, &metrics, descriptors)));
        let access_log = Arc::new(AccessLog::open(&access_logging, &metrics)?);
        let bypass = Arc::new(Bypass::open(state_file.as_deref(), &phases.draining, &metrics));
        let lifecycle = Arc::new(Lifecycle::new(Arc::clone(&live), Arc::clone(&metrics)));

        // Upstream: hub, communities, sessions.
        let upstream = Upstream::start(&communities, &live, worker_count, &metrics, &phases).await;
        let upstream = Arc::new(upstream.map_err(StartError::Random)?);
        upstream.servers().adopt(&routes);

        // Workers: each with its own serving side.
        let (workers, threads) = {
            let mut first_request = Vec::with_capacity(worker_count);
            for _ in 0..worker_count {
                first_request.push(getrandom::u64().map_err(StartError::Random)?);
            }
            Workers::start(worker_count, &phases, |seat| {
                let services = upstream.services(seat, &builtins, &bypass, &access_log);
                let first = first_request.get(seat.index).copied().unwrap_or_default();
                Arc::new(Edge::new(seat, &live, &metrics, services, first))
            })
            .map_err(StartError::Worker)?
        };

        // Acceptors: from here on browsers are let in.
        let admission = Arc::new(Admission::new(Arc::clone(&metrics)));
        let doors = acceptor::Doors::new(&admission, workers, &live, &metrics);
        for (listeners, listen, configured) in
            [(http, Listen::Http, &asked_for.http), (https, Listen::Https, &asked_for.https)]
        {
            for (listener, address) in listeners.into_iter().zip(configured) {
                doors.open(listener, listen, asked_for.proxy_protocol.contains(address));
            }
        }

        // Admin: sees and steers everything above.
        let reloader = reload::Reloader {
            source,
            fixed,
            builtins,
            descriptors,
            metrics: Arc::clone(&metrics),
            live: Arc::clone(&live),
            servers: Arc::clone(upstream.servers()),
            access_log: Arc::clone(&access_log),
        };
        lifecycle.set_reloader(reloader);
        let admin_tasks = TaskTracker::new();
        let admin_stop = CancellationToken::new();
        let admin = Admin {
            lifecycle: Arc::clone(&lifecycle),
            upstream: Arc::clone(&upstream),
            admission,
            bypass,
            addresses: addresses.clone(),
            metrics,
        };
        admin.start(admin_listener, &admin_tasks, &admin_stop);

        let capacity = live.load().admission.connections;
        info!(capacity, descriptors, workers = worker_count, ?addresses, "ready");
        lifecycle.enter(Phase::Ready);
        tokio::spawn(supervise::supervise(supervise::Machinery {
            lifecycle: Arc::clone(&lifecycle),
            doors,
            cut: phases.stopped.clone().drop_guard(),
            phases,
            threads,
            upstream,
            access_log,
            admin_stop,
            admin_tasks,
        }));
        Ok(Running { lifecycle, addresses })
    }
}

fn lines(errors: &[BindError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What the checks of single values cannot see: whether this program has all that the configuration
/// asks for.
fn servable(config: &Config, builtins: &HashMap<String, Arc<dyn Builtin>>) -> Result<(), StartError> {
    if config.tls.is_none() && !config.listen.https.is_empty() {
        return Err(StartError::NoCertificate);
    }
    for route in &config.routes {
        if let Serve::Builtin(name) = &route.serve
            && !builtins.contains_key(name)
        {
            return Err(StartError::UnknownBuiltin(name.clone()));
        }
    }
    Ok(())
}

/// The running program. Dropping it stops the program without waiting for browsers.
#[derive(Debug)]
pub struct Running {
    lifecycle: Arc<Lifecycle>,
    addresses: Addresses,
}

impl Running {
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// For whoever steers from outside (signals).
    pub fn lifecycle(&self) -> &Arc<Lifecycle> {
        &self.lifecycle
    }

    /// Puts the configuration of the source in force, or reports all that is wrong with it.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        self.lifecycle.reload().await
    }

    /// Lets browsers finish, for at most `limits.drain`, and ends.
    pub async fn drain(&self) {
        self.lifecycle.request_drain();
        self.stopped().await;
    }

    /// Ends at once.
    pub async fn stop(&self) {
        self.lifecycle.request_stop();
        self.stopped().await;
    }

    /// Waits until the program has ended, whoever wished for it.
    pub async fn stopped(&self) {
        self.lifecycle.reached(Phase::Stopped).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lifecycle.request_stop();
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("builtins", &self.builtins.keys()).finish_non_exhaustive()
    }
}
