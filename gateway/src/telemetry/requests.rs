//! Requests by route. Finding a series by its labels takes longer than counting in it, so that the series of a route
//! are found once.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::series::Series;

#[derive(Debug)]
pub(super) struct Requests {
    answered: IntCounterVec,
    seconds: HistogramVec,
    /// As many as the configuration names.
    routes: ArcSwap<Vec<Arc<OfRoute>>>,
}

/// What one route has answered.
#[derive(Debug)]
struct OfRoute {
    label: String,
    /// By the first digit of the status.
    answered: [OnceLock<IntCounter>; CLASSES.len()],
    seconds: Histogram,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Requests {
    pub(super) fn new(series: &Series<'_>) -> Self {
        Self {
            answered: series.counters("requests_total", "Requests answered.", &["route", "status_class"]),
            seconds: series.histograms(
                "request_duration_seconds",
                "From the head of a request to the head of its answer.",
                &["route"],
            ),
            routes: ArcSwap::default(),
        }
    }

    pub(super) fn count(&self, label: &str, status: u16, seconds: f64) {
        let routes = self.routes.load();
        match routes.iter().find(|route| route.label == label) {
            Some(route) => self.count_for(route, status, seconds),
            None => self.count_for(&self.route(label), status, seconds),
        }
    }

    fn count_for(&self, route: &OfRoute, status: u16, seconds: f64) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        if let (Some(name), Some(answered)) = (CLASSES.get(class), route.answered.get(class)) {
            answered.get_or_init(|| self.answered.with_label_values(&[&*route.label, name])).inc();
        }
        route.seconds.observe(seconds);
    }

    /// At its first request.
    fn route(&self, label: &str) -> Arc<OfRoute> {
        let route = Arc::new(OfRoute {
            label: label.to_owned(),
            answered: Default::default(),
            seconds: self.seconds.with_label_values(&[label]),
        });
        self.routes.rcu(|routes| {
            let mut routes = Vec::clone(routes);
            // Another worker may have been first; both count in the same series.
            if routes.iter().all(|known| known.label != label) {
                routes.push(Arc::clone(&route));
            }
            routes
        });
        route
    }
}
