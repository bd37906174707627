//! Metrics of the web servers that requests are passed on to. Labels are addresses of the configuration.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::Metrics;
use super::series::Series;

#[derive(Debug)]
pub(super) struct Servers {
    up: IntGaugeVec,
    connections: IntGaugeVec,
    waiting: IntGaugeVec,
    failures: IntCounterVec,
    checks: IntCounterVec,
    retries: IntCounterVec,
}

impl Servers {
    pub(super) fn new(series: &Series<'_>) -> Self {
        let upstream = &["upstream"];
        let retries = series.counters(
            "bridge_retries_total",
            "Requests that were sent again: on a new connection, or to the next upstream.",
            &["kind"],
        );
        for kind in ["stale", "next"] {
            retries.with_label_values(&[kind]);
        }
        Self {
            up: series.gauges("bridge_upstream_up", "Whether an upstream gets requests.", upstream),
            connections: series.gauges(
                "bridge_upstream_connections",
                "Connections to an upstream that are in use.",
                upstream,
            ),
            waiting: series.gauges(
                "bridge_upstream_waiting",
                "Requests that wait for a connection to an upstream.",
                upstream,
            ),
            failures: series.counters(
                "bridge_upstream_failures_total",
                "Requests and checks that an upstream did not answer.",
                upstream,
            ),
            checks: series.counters(
                "bridge_upstream_checks_total",
                "Checks whether an upstream is well.",
                &["upstream", "result"],
            ),
            retries,
        }
    }
}

impl Metrics {
    /// What is true of an upstream now.
    pub fn upstream_seen(&self, upstream: &str, up: bool, connections: usize, waiting: usize) {
        let label = &[upstream];
        self.servers.up.with_label_values(label).set(up.into());
        self.servers.connections.with_label_values(label).set(connections.try_into().unwrap_or(i64::MAX));
        self.servers.waiting.with_label_values(label).set(waiting.try_into().unwrap_or(i64::MAX));
    }

    /// The configuration does not name it any more. It is no error if there was nothing to forget.
    pub fn upstream_forgotten(&self, upstream: &str) {
        let label = &[upstream];
        let _ = self.servers.up.remove_label_values(label);
        let _ = self.servers.connections.remove_label_values(label);
        let _ = self.servers.waiting.remove_label_values(label);
    }

    /// A request or a check was not answered as it should.
    pub fn upstream_failed(&self, upstream: &str) {
        self.servers.failures.with_label_values(&[upstream]).inc();
    }

    /// An upstream was asked whether it is well.
    pub fn upstream_checked(&self, upstream: &str, ok: bool) {
        let result = if ok { "ok" } else { "failed" };
        self.servers.checks.with_label_values(&[upstream, result]).inc();
    }

    /// A request was sent again: `stale` or `next`.
    pub fn bridge_retry(&self, kind: &'static str) {
        self.servers.retries.with_label_values(&[kind]).inc();
    }
}
