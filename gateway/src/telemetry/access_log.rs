//! Lines of the access log that were lost.

use prometheus::IntCounter;

use super::Metrics;
use super::series::Series;

#[derive(Debug)]
pub(super) struct AccessLog {
    lost: IntCounter,
}

impl AccessLog {
    pub(super) fn new(series: &Series<'_>) -> Self {
        let lost = series.counter(
            "access_log_lost_total",
            "Lines that could not be kept until the disk took them, or that it refused.",
        );
        Self { lost }
    }
}

impl Metrics {
    /// Lines of the access log are gone.
    pub fn access_log_lost(&self, lines: usize) {
        self.access_log.lost.inc_by(u64::try_from(lines).unwrap_or(u64::MAX));
    }
}
