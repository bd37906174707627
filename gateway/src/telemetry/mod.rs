//! What the program says about itself: every metric in `metrics`, the log's set-up in `log`.
//!
//! Nothing else in the crate knows the metrics library; callers see methods named after what happened.

mod access_log;
pub mod log;
mod metrics;
mod page_logins;
mod pilot;
mod process;
mod requests;
mod series;
#[cfg(test)]
mod tests;
mod upstreams;

pub use metrics::Metrics;
