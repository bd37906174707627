//! Who may connect: connections in all and per address, decided before anything is allocated for them.
//!
//! A connection counts until its [`Admitted`] is dropped; the stream carries it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Listen;
use crate::config::{Network, in_any};
use crate::telemetry::Metrics;

/// Bounds in force for the next connection; a reload changes them.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    pub connections: usize,
    /// Per IPv4 address or IPv6 /64 network.
    pub per_address: usize,
    /// They carry many browsers; only the limit in all counts for them.
    pub trusted_proxies: Vec<Network>,
}

/// Why a connection was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    TooMany,
    TooManyFromAddress,
}

impl Refusal {
    /// Value of a metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::TooMany => "limit",
            Self::TooManyFromAddress => "address_limit",
        }
    }
}

/// The count of open connections.
#[derive(Debug)]
pub struct Admission {
    metrics: Arc<Metrics>,
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Admission {
    /// Nothing is open yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, open: AtomicUsize::new(0), by_address: Mutex::default() }
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a connection from `peer` in, if the limits allow it.
    pub fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
        listen: Listen,
        limits: &ConnectionLimits,
    ) -> Result<Admitted, Refusal> {
        let admitted = self.count(peer, listen, limits);
        match &admitted {
            Ok(_) => self.metrics.connection_opened(listen.label()),
            Err(refusal) => self.metrics.connection_refused(refusal.label()),
        }
        admitted
    }

    fn count(
        self: &Arc<Self>,
        peer: IpAddr,
        listen: Listen,
        limits: &ConnectionLimits,
    ) -> Result<Admitted, Refusal> {
        // Counted first and given back on refusal, so that two acceptors cannot both take the last place.
        let mut place = Place { admission: Arc::clone(self), address: None };
        if self.open.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            return Err(Refusal::TooMany);
        }
        if !in_any(&limits.trusted_proxies, peer) {
            place.count_for(peer, limits)?;
        }
        Ok(Admitted { place, listen, worker: None })
    }
}

/// One admitted connection; gives its place back when dropped.
#[derive(Debug)]
pub struct Admitted {
    place: Place,
    listen: Listen,
    worker: Option<TaskTrackerToken>,
}

impl Admitted {
    /// Counts it as one of `peer` as well: of whoever is behind the proxy that it came through.
    pub fn count_for(&mut self, peer: IpAddr, limits: &ConnectionLimits) -> Result<(), Refusal> {
        let counted = self.place.count_for(peer, limits);
        if let Err(refusal) = &counted {
            self.place.admission.metrics.connection_refused(refusal.label());
        }
        counted
    }

    /// Whoever waits for `connections` also waits for this one, in whichever task it lives.
    pub fn counted_by(mut self, connections: &TaskTracker) -> Self {
        self.worker = Some(connections.token());
        self
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.place.admission.metrics.connection_closed(self.listen.label());
    }
}

#[derive(Debug)]
struct Place {
    admission: Arc<Admission>,
    /// Counted per address under this key.
    address: Option<IpAddr>,
}

impl Place {
    fn count_for(&mut self, peer: IpAddr, limits: &ConnectionLimits) -> Result<(), Refusal> {
        let network = network_of(peer.to_canonical());
        let mut by_address = self.admission.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(network).or_default();
        if *count >= limits.per_address {
            // A zero entry can only exist when the limit is zero; it must not stay.
            if *count == 0 {
                by_address.remove(&network);
            }
            return Err(Refusal::TooManyFromAddress);
        }
        *count += 1;
        drop(by_address);
        self.address = Some(network);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let mut by_address = self.admission.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// One subscriber of an IPv6 provider has a whole /64: its addresses count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, per_address: usize) -> ConnectionLimits {
        ConnectionLimits { connections, per_address, trusted_proxies: vec!["10.0.0.0/24".parse().unwrap()] }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_given_back_and_leave_no_trace() {
        let admission = Arc::new(Admission::new(Arc::default()));
        let limits = limits(2, 2);
        let first = admission.admit(ip("192.0.2.1"), Listen::Http, &limits).unwrap();
        let second = admission.admit(ip("192.0.2.1"), Listen::Http, &limits).unwrap();
        assert_eq!(admission.admit(ip("192.0.2.2"), Listen::Http, &limits).unwrap_err(), Refusal::TooMany);
        assert_eq!(admission.open(), 2);
        drop((first, second));
        assert_eq!(admission.open(), 0);
        assert!(admission.by_address.lock().unwrap().is_empty());
    }

    #[test]
    fn a_trusted_proxy_is_bound_only_by_the_limit_in_all() {
        let admission = Arc::new(Admission::new(Arc::default()));
        let limits = limits(3, 1);
        let _kept: Vec<_> =
            (0..3).map(|_| admission.admit(ip("::ffff:10.0.0.1"), Listen::Http, &limits).unwrap()).collect();
        assert_eq!(admission.admit(ip("10.0.0.1"), Listen::Http, &limits).unwrap_err(), Refusal::TooMany);
    }

    #[test]
    fn a_refused_address_keeps_no_place() {
        let admission = Arc::new(Admission::new(Arc::default()));
        let limits = limits(9, 1);
        let _kept = admission.admit(ip("192.0.2.1"), Listen::Http, &limits).unwrap();
        let refused = admission.admit(ip("::ffff:192.0.2.1"), Listen::Http, &limits).unwrap_err();
        assert_eq!(refused, Refusal::TooManyFromAddress);
        assert_eq!(admission.open(), 1);
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let admission = Arc::new(Admission::new(Arc::default()));
        let limits = limits(9, 1);
        let _kept = admission.admit(ip("2001:db8:1:2::a"), Listen::Http, &limits).unwrap();
        assert!(admission.admit(ip("2001:db8:1:2::b"), Listen::Http, &limits).is_err());
        assert!(admission.admit(ip("2001:db8:1:3::b"), Listen::Http, &limits).is_ok());
    }
}
