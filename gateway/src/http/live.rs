//! What a reload changes, as the serving side sees it: one value, swapped whole.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::ServerConfig;

use super::Router;
use crate::auth::Authenticator;
use crate::config::{Config, Limits, Route, SchemeRedirect, Sso};
use crate::net::{ConnectionLimits, connection_capacity, for_browsers};
use crate::pilot::PilotList;
use crate::telemetry::Metrics;

/// The configuration in force. A request uses the one that was in force when it began, a connection the
/// limits and certificates of its own begin.
#[derive(Debug)]
pub struct Live {
    pub router: Router,
    pub pilot: PilotList,
    pub redirects: Vec<SchemeRedirect>,
    /// Browsers may come by plain http.
    pub serves_http: bool,
    pub authenticator: Authenticator,
    pub sso: Sso,
    pub limits: Limits,
    pub admission: ConnectionLimits,
    /// `None` without https listeners.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Live {
    /// `descriptors` bounds the connections.
    pub fn new(config: Config, metrics: &Arc<Metrics>, descriptors: usize) -> Self {
        let Config { listen, tls, sso, routes, pilot, redirects, limits, .. } = config;
        let to_upstreams = connections_to_upstreams(&routes);
        Self {
            router: Router::new(routes),
            pilot: PilotList::new(pilot.as_ref()),
            redirects,
            serves_http: !listen.http.is_empty(),
            authenticator: Authenticator::new(&sso, Arc::clone(metrics)),
            sso,
            admission: ConnectionLimits {
                connections: connection_capacity(descriptors, limits.connections, to_upstreams),
                per_address: limits.connections_per_address,
                trusted_proxies: limits.trusted_proxies.clone(),
            },
            limits,
            tls: tls.as_deref().map(for_browsers),
        }
    }
}

/// As many as the pools of all upstreams allow together. Routes that name the same one share its pool.
fn connections_to_upstreams(routes: &[Arc<Route>]) -> usize {
    let routes = routes.iter().filter_map(|route| route.passes_to());
    let named = routes.flat_map(|route| &route.upstreams);
    let pools: HashMap<_, _> = named.map(|one| (one.to_string(), one.pool.connections)).collect();
    pools.values().fold(0, |sum, connections| sum.saturating_add(*connections))
}
