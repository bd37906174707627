//! The pilot and its bypass in numbers.

use prometheus::{IntCounterVec, IntGauge};

use super::Metrics;
use super::series::Series;

#[derive(Debug)]
pub(super) struct Pilot {
    bypass: IntGauge,
    decisions: IntCounterVec,
}

impl Pilot {
    pub(super) fn new(series: &Series<'_>) -> Self {
        let decisions = series.counters(
            "pilot_requests_total",
            "Requests that the pilot list or the bypass has decided about: served here (chosen) or passed on.",
            &["decision"],
        );
        for decision in ["chosen", "not_chosen", "anonymous", "bypass"] {
            decisions.with_label_values(&[decision]);
        }
        let bypass =
            series.gauge("bypass", "Whether awareness of everybody comes from the Sametime Proxy (1).");
        Self { bypass, decisions }
    }
}

impl Metrics {
    /// The bypass is on or off.
    pub fn bypass(&self, on: bool) {
        self.pilot.bypass.set(on.into());
    }

    /// It was decided who serves a request.
    pub fn pilot_decision(&self, decision: &'static str) {
        self.pilot.decisions.with_label_values(&[decision]).inc();
    }
}
