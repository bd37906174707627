//! Making series under one registry: the prefix, the help texts and the buckets are given in one place.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Seconds from a quarter of a millisecond to ten seconds: local work and short network round trips.
const FAST: [f64; 16] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Seconds from five microseconds to five milliseconds: one computation.
const COMPUTING: [f64; 10] =
    [0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005];

/// A registry that names and registers each series as it is made.
pub(super) struct Series<'a>(pub(super) &'a Registry);

#[allow(clippy::expect_used, reason = "names are constants; the test gathers every series once")]
impl Series<'_> {
    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.registered(IntCounter::with_opts(opts(name, help)).expect("a legal name"))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.registered(IntCounterVec::new(opts(name, help), labels).expect("legal names"))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.registered(IntGauge::with_opts(opts(name, help)).expect("a legal name"))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.registered(IntGaugeVec::new(opts(name, help), labels).expect("legal names"))
    }

    pub(super) fn histogram(&self, name: &str, help: &str) -> Histogram {
        self.registered(Histogram::with_opts(buckets(name, help)).expect("a legal name"))
    }

    pub(super) fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        self.registered(HistogramVec::new(buckets(name, help), labels).expect("legal names"))
    }

    /// Of computations, which take microseconds.
    pub(super) fn computations(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let opts = buckets(name, help).buckets(COMPUTING.to_vec());
        self.registered(HistogramVec::new(opts, labels).expect("legal names"))
    }

    fn registered<C: Collector + Clone + 'static>(&self, series: C) -> C {
        self.0.register(Box::new(series.clone())).expect("each name once");
        series
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("livename_{name}"), help)
}

fn buckets(name: &str, help: &str) -> HistogramOpts {
    HistogramOpts::new(format!("livename_{name}"), help).buckets(FAST.to_vec())
}
