//! How pages log in by the Sametime Proxy's interface, in numbers.

use prometheus::IntCounterVec;

use super::Metrics;
use super::series::Series;

#[derive(Debug)]
pub(super) struct PageLogins(IntCounterVec);

impl PageLogins {
    pub(super) fn new(series: &Series<'_>) -> Self {
        let logins = series.counters(
            "page_logins_total",
            "Log-ins of pages by the Sametime Proxy interface: by what (the cookie, a token of the page, a password, \
             nothing), and how it went. Limited: too many have failed for that name or address.",
            &["by", "result"],
        );
        for by in ["cookie", "token", "password", "nothing"] {
            for result in ["ok", "refused", "limited", "unavailable"] {
                logins.with_label_values(&[by, result]);
            }
        }
        Self(logins)
    }
}

impl Metrics {
    /// A page has logged in, or not.
    pub fn page_login(&self, by: &'static str, result: &'static str) {
        self.page_logins.0.with_label_values(&[by, result]).inc();
    }
}
