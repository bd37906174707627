//! One worker's idle connections to one upstream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use http::header::HeaderValue;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::lease::{Carrier, Connection};
use super::lock;
use super::streams::{Place, Shared};
use crate::config::{PoolBounds, Upstream};

/// One upstream, by everything that makes two connections interchangeable.
pub(in crate::bridge) struct Origin {
    host: String,
    port: u16,
    /// `Some` for https. Connections that were verified by other rules are not shared.
    client: Option<Arc<ClientConfig>>,
    server_name: Option<String>,
    bounds: PoolBounds,
    /// For `Host`.
    pub(super) authority: HeaderValue,
    idle: Mutex<VecDeque<Idle>>,
    /// Offers HTTP/2 as well, where the upstream may speak it.
    both_versions: Option<Arc<ClientConfig>>,
    /// Connections of HTTP/2, with the time when each was seen in use last.
    shared: Mutex<Vec<(Arc<Shared>, Instant)>>,
}

impl Origin {
    pub(super) fn new(upstream: &Upstream) -> Self {
        Self {
            host: upstream.host.clone(),
            port: upstream.port,
            client: upstream.tls.then(|| upstream.client.clone()),
            server_name: upstream.server_name.clone(),
            bounds: upstream.pool,
            authority: authority(upstream),
            idle: Mutex::default(),
            both_versions: (upstream.tls && upstream.http2).then(|| {
                let mut config = ClientConfig::clone(&upstream.client);
                config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
                Arc::new(config)
            }),
            shared: Mutex::default(),
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
        verified_alike
            && self.port == upstream.port
            && self.host == upstream.host
            && self.bounds == upstream.pool
            && self.both_versions.is_some() == (upstream.tls && upstream.http2)
    }

    /// TLS that offers HTTP/2 as well.
    pub(super) fn both_versions(&self) -> Option<&Arc<ClientConfig>> {
        self.both_versions.as_ref()
    }

    /// A connection that was used before.
    pub(super) fn take(&self, http1: bool) -> Option<Carrier> {
        if self.both_versions.is_some()
            && !http1
            && let Some(place) = self.enter()
        {
            return Some(Carrier::Part(place));
        }
        self.take_idle().map(Carrier::Whole)
    }

    /// Others may use this one too.
    pub(super) fn share(&self, shared: Arc<Shared>) {
        lock(&self.shared).push((shared, Instant::now()));
    }

    fn enter(&self) -> Option<Place> {
        let now = Instant::now();
        lock(&self.shared).iter_mut().find_map(|(shared, used)| {
            let young = now.saturating_duration_since(shared.born) < self.bounds.lifetime;
            let place = young.then(|| shared.enter()).flatten()?;
            *used = now;
            Some(place)
        })
    }

    /// The one that was used last, so that the others can grow old.
    fn take_idle(&self) -> Option<Connection> {
        let now = Instant::now();
        let mut all = self.idle();
        while let Some(idle) = all.pop_back() {
            if self.is_good(&idle, now) {
                return Some(idle.connection);
            }
        }
        None
    }

    pub(super) fn give_back(&self, connection: Connection) {
        let idle = Idle { connection, since: Instant::now() };
        if !self.is_good(&idle, idle.since) {
            return;
        }
        let mut all = self.idle();
        all.push_back(idle);
        if all.len() > self.bounds.idle {
            all.pop_front();
        }
    }

    pub(super) fn drop_oldest(&self) {
        self.idle().pop_front();
    }

    /// Drops what is not good any more, and says how many are left.
    pub(super) fn sweep(&self) -> usize {
        let now = Instant::now();
        let mut all = self.idle();
        all.retain(|idle| self.is_good(idle, now));
        let mut shared = lock(&self.shared);
        shared.retain(|(shared, used)| {
            let old = now.saturating_duration_since(shared.born) >= self.bounds.lifetime;
            let idle = now.saturating_duration_since(*used) >= self.bounds.idle_time;
            !shared.is_unused() || !(old || idle || shared.is_closed())
        });
        all.len() + shared.len()
    }

    fn is_good(&self, idle: &Idle, now: Instant) -> bool {
        idle.connection.sender.is_ready()
            && now.saturating_duration_since(idle.since) < self.bounds.idle_time
            && now.saturating_duration_since(idle.connection.born) < self.bounds.lifetime
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        lock(&self.idle)
    }
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// What an upstream is called in `Host`.
pub(in crate::bridge) fn authority(upstream: &Upstream) -> HeaderValue {
    let default = if upstream.tls { 443 } else { 80 };
    let host = match &upstream.host {
        v6 if v6.contains(':') && !v6.starts_with('[') => format!("[{v6}]"),
        name => name.clone(),
    };
    let authority = if upstream.port == default { host } else { format!("{host}:{}", upstream.port) };
    // The configuration admits host names and addresses only.
    HeaderValue::try_from(authority).unwrap_or(HeaderValue::from_static(""))
}
