//! From listener to worker: admit or refuse, hand over.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::config::in_any;
use crate::http::Live;
use crate::net::{Accepted, Admission, Listen, Listener, Workers};
use crate::telemetry::Metrics;

/// All acceptors and what they share.
#[derive(Debug)]
pub(super) struct Doors {
    shared: Arc<Shared>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    admission: Arc<Admission>,
    workers: Workers,
    live: Arc<ArcSwap<Live>>,
    metrics: Arc<Metrics>,
}

impl Doors {
    pub(super) fn new(
        admission: &Arc<Admission>,
        workers: Workers,
        live: &Arc<ArcSwap<Live>>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let shared = Shared {
            admission: Arc::clone(admission),
            workers,
            live: Arc::clone(live),
            metrics: Arc::clone(metrics),
        };
        Self { shared: Arc::new(shared), closing: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Begins to accept. `proxied`: connections begin with a PROXY header.
    pub(super) fn open(&self, listener: Listener, listen: Listen, proxied: bool) {
        let shared = Arc::clone(&self.shared);
        let take = move |stream, peer| shared.take(stream, peer, listen, proxied);
        self.tasks.spawn(listener.run(self.closing.clone(), take));
    }

    /// Stops accepting; afterwards the ports are free and every accepted connection has a worker.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Shared {
    fn take(&self, stream: TcpStream, peer: SocketAddr, listen: Listen, proxied: bool) {
        let live = self.live.load();
        let limits = &live.admission;
        if proxied && !in_any(&limits.trusted_proxies, peer.ip()) {
            self.metrics.connection_refused("untrusted_proxy");
            return debug!(%peer, reason = "untrusted_proxy", "connection refused");
        }
        let admitted = match self.admission.admit(peer.ip(), listen, limits) {
            Ok(admitted) => admitted,
            Err(refusal) => return debug!(%peer, reason = refusal.label(), "connection refused"),
        };
        if self.workers.hand_over(Accepted { stream, peer, listen, proxied, admitted }).is_err() {
            self.metrics.connection_refused("busy");
            debug!(%peer, reason = "busy", "connection refused");
        }
    }
}
