//! Every metric of the program. Labels have small fixed sets of values: words from the source
//! (`&'static str`) or names from the configuration (routes, communities), never a user, a session or an
//! address.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

use super::access_log::AccessLog;
use super::page_logins::PageLogins;
use super::pilot::Pilot;
use super::process;
use super::requests::Requests;
use super::series::Series;
use super::upstreams::Servers;

/// Formats of tokens that are counted at nearly every request.
const FORMATS: [&str; 3] = ["domino", "ltpa1", "ltpa2"];

/// One per process, shared by everything that has something to count.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Instant,
    process: Process,
    edge: Edge,
    bridge: Bridge,
    pub(super) servers: Servers,
    presence: Presence,
    upstream: Upstream,
    pub(super) pilot: Pilot,
    pub(super) page_logins: PageLogins,
    pub(super) access_log: AccessLog,
}

#[derive(Debug)]
struct Process {
    /// Unix time.
    started: f64,
    uptime: IntGauge,
    reloads: IntCounterVec,
    last_reload_ok: IntGauge,
}

#[derive(Debug)]
struct Edge {
    open: IntGaugeVec,
    accepted: IntCounterVec,
    refused: IntCounterVec,
    handshakes_failed: IntCounter,
    requests: Requests,
    tokens: IntCounterVec,
    /// Of `tokens`, those that were accepted, in the order of [`FORMATS`]: as `token_hits`.
    tokens_ok: [IntCounter; FORMATS.len()],
    token_cache: IntCounterVec,
    /// Of `token_cache`, for what nearly every request counts: finding a series by its labels takes as long as
    /// half a look-up.
    token_hits: IntCounter,
    token_seconds: HistogramVec,
}

#[derive(Debug)]
struct Bridge {
    requests: IntCounterVec,
    /// Of `requests`, for nearly all of them.
    served: IntCounter,
    seconds: Histogram,
    tunnels: IntGauge,
    tunnels_opened: IntCounter,
}

#[derive(Debug)]
struct Presence {
    sessions: IntGauge,
    subscribers: IntGaugeVec,
    subscribers_ended: IntCounterVec,
    watches: IntGauge,
    persons: IntGaugeVec,
    applied: IntCounter,
    unchanged: IntCounter,
    delivered: IntCounter,
    coalesced: IntCounter,
    propagation: Histogram,
}

#[derive(Debug)]
struct Upstream {
    up: IntGaugeVec,
    lost: IntCounterVec,
    logins: IntCounterVec,
    protocol_errors: IntCounterVec,
}

impl Metrics {
    /// All series at zero; the process counts as started now.
    pub fn new() -> Self {
        let registry = Registry::new();
        let series = Series(&registry);
        let metrics = Self {
            started: Instant::now(),
            process: Process::new(&series),
            edge: Edge::new(&series),
            bridge: Bridge::new(&series),
            servers: Servers::new(&series),
            presence: Presence::new(&series),
            upstream: Upstream::new(&series),
            pilot: Pilot::new(&series),
            page_logins: PageLogins::new(&series),
            access_log: AccessLog::new(&series),
            registry,
        };
        // A series that appears only with its first event cannot be told from one that is missing.
        for ok in ["ok", "failed"] {
            metrics.process.reloads.with_label_values(&[ok]);
        }
        for transport in ["websocket", "sse"] {
            metrics.presence.subscribers.with_label_values(&[transport]);
        }
        metrics
    }

    /// Everything in the text format that Prometheus reads.
    pub fn gather(&self) -> String {
        self.process.uptime.set(self.uptime_seconds().try_into().unwrap_or(i64::MAX));
        let mut text = String::new();
        process::write(&mut text, self.process.started);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written as text");
        }
        text
    }

    /// Whole seconds since the start of the process.
    pub fn uptime_seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// A reload of the configuration was tried.
    pub fn config_reload(&self, ok: bool) {
        self.process.reloads.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
        self.process.last_reload_ok.set(ok.into());
    }

    /// A browser's connection was taken; `listener` is `http` or `https`.
    pub fn connection_opened(&self, listener: &'static str) {
        self.edge.accepted.with_label_values(&[listener]).inc();
        self.edge.open.with_label_values(&[listener]).inc();
    }

    /// The other end of [`Metrics::connection_opened`].
    pub fn connection_closed(&self, listener: &'static str) {
        self.edge.open.with_label_values(&[listener]).dec();
    }

    /// A connection was turned away before anything was read from it.
    pub fn connection_refused(&self, reason: &'static str) {
        self.edge.refused.with_label_values(&[reason]).inc();
    }

    /// A TLS handshake failed or took too long.
    pub fn tls_handshake_failed(&self) {
        self.edge.handshakes_failed.inc();
    }

    /// A request was answered; `route_label` is a path of the configuration, or a word for "none".
    pub fn request(&self, route_label: &str, status: u16, seconds: f64) {
        self.edge.requests.count(route_label, status, seconds);
    }

    /// A request's cookies were judged: the format of the token, and `ok`, `none`, or the reason of the
    /// rejection.
    pub fn token_checked(&self, format: &'static str, outcome: &'static str) {
        let known = FORMATS.iter().position(|known| outcome == "ok" && *known == format);
        match known.and_then(|at| self.edge.tokens_ok.get(at)) {
            Some(accepted) => accepted.inc(),
            None => self.edge.tokens.with_label_values(&[format, outcome]).inc(),
        }
    }

    /// A token was looked up among those that were verified: `hit`, `refused` or `miss`.
    pub fn token_recalled(&self, result: &'static str) {
        match result {
            "hit" => self.edge.token_hits.inc(),
            _ => self.edge.token_cache.with_label_values(&[result]).inc(),
        }
    }

    /// A token's signature was checked.
    pub fn token_verified(&self, format: &'static str, seconds: f64) {
        self.edge.token_seconds.with_label_values(&[format]).observe(seconds);
    }

    /// A request was passed on; the time ends with the head of the answer.
    pub fn bridge_request(&self, seconds: f64, outcome: &'static str) {
        match outcome {
            "ok" => self.bridge.served.inc(),
            _ => self.bridge.requests.with_label_values(&[outcome]).inc(),
        }
        self.bridge.seconds.observe(seconds);
    }

    /// An upgraded connection is being tunnelled.
    pub fn tunnel_opened(&self) {
        self.bridge.tunnels_opened.inc();
        self.bridge.tunnels.inc();
    }

    /// The other end of [`Metrics::tunnel_opened`].
    pub fn tunnel_closed(&self) {
        self.bridge.tunnels.dec();
    }

    /// Sessions came (positive) or went (negative).
    pub fn sessions(&self, delta: i64) {
        self.presence.sessions.add(delta);
    }

    /// Subscribers of `websocket` or `sse` came or went.
    pub fn subscribers(&self, transport: &'static str, delta: i64) {
        self.presence.subscribers.with_label_values(&[transport]).add(delta);
    }

    /// A subscriber's event channel ended.
    pub fn subscriber_ended(&self, reason: &'static str) {
        self.presence.subscribers_ended.with_label_values(&[reason]).inc();
    }

    /// Persons that are watched now.
    pub fn watches_set(&self, count: usize) {
        self.presence.watches.set(gauge(count));
    }

    /// Persons with a known and with an unknown state.
    pub fn persons_set(&self, known: usize, unknown: usize) {
        self.presence.persons.with_label_values(&["known"]).set(gauge(known));
        self.presence.persons.with_label_values(&["unknown"]).set(gauge(unknown));
    }

    /// Updates from upstream that changed a person's state.
    pub fn updates_applied(&self, count: u64) {
        self.presence.applied.inc_by(count);
    }

    /// Updates from upstream that said what was known.
    pub fn updates_unchanged(&self, count: u64) {
        self.presence.unchanged.inc_by(count);
    }

    /// States written to browsers.
    pub fn updates_delivered(&self, count: u64) {
        self.presence.delivered.inc_by(count);
    }

    /// States that a newer one replaced before they were written.
    pub fn updates_coalesced(&self, count: u64) {
        self.presence.coalesced.inc_by(count);
    }

    /// Seconds from decoding an upstream update to writing it to a browser.
    pub fn propagation(&self, seconds: f64) {
        self.presence.propagation.observe(seconds);
    }

    /// An upstream login became usable (`up`) or was lost. Called once per change: the gauge counts
    /// logins. `login_kind` is `observer` or `user`.
    pub fn upstream_state(&self, community: &str, login_kind: &'static str, up: bool) {
        let labels = [community, login_kind];
        self.upstream.up.with_label_values(&labels).add(if up { 1 } else { -1 });
        let lost = self.upstream.lost.with_label_values(&labels);
        if !up {
            lost.inc();
        }
    }

    /// A login to a community was tried; `result` is `ok` or a word for the failure.
    pub fn upstream_login(&self, community: &str, result: &'static str) {
        self.upstream.logins.with_label_values(&[community, result]).inc();
    }

    /// A community server sent something that cannot be right.
    pub fn upstream_protocol_error(&self, kind: &'static str) {
        self.upstream.protocol_errors.with_label_values(&[kind]).inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Process {
    fn new(series: &Series<'_>) -> Self {
        series
            .gauges("build_info", "Version of the running program; the value is always 1.", &["version"])
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        series
            .gauge("process_start_time_seconds", "Unix time at which the process started.")
            .set(now.as_secs().try_into().unwrap_or(i64::MAX));
        let last_reload_ok = series
            .gauge("config_last_reload_successful", "Whether the last reload was taken (1) or refused (0).");
        last_reload_ok.set(1);
        Self {
            started: now.as_secs_f64(),
            uptime: series.gauge("uptime_seconds", "Seconds since the process started."),
            reloads: series.counters("config_reloads_total", "Reloads of the configuration.", &["result"]),
            last_reload_ok,
        }
    }
}

impl Edge {
    fn new(series: &Series<'_>) -> Self {
        let listener = &["listener"];
        let token_cache = series.counters(
            "token_cache_total",
            "Tokens looked up among those that were verified lately.",
            &["result"],
        );
        let tokens = series.counters(
            "token_checks_total",
            "Requests by what their cookies proved.",
            &["format", "outcome"],
        );
        Self {
            open: series.gauges("connections", "Open connections of browsers.", listener),
            accepted: series.counters("connections_accepted_total", "Connections taken.", listener),
            refused: series.counters(
                "connections_refused_total",
                "Connections turned away by a limit or a phase.",
                &["reason"],
            ),
            handshakes_failed: series
                .counter("tls_handshakes_failed_total", "TLS handshakes that failed or took too long."),
            requests: Requests::new(series),
            tokens_ok: FORMATS.map(|format| tokens.with_label_values(&[format, "ok"])),
            tokens,
            token_hits: token_cache.with_label_values(&["hit"]),
            token_cache,
            token_seconds: series.computations(
                "token_verification_seconds",
                "Decrypting a token and checking its signature; Domino's format, which has none, is not timed.",
                &["format"],
            ),
        }
    }
}

impl Bridge {
    fn new(series: &Series<'_>) -> Self {
        let requests = series.counters("bridge_requests_total", "Requests passed on.", &["outcome"]);
        Self {
            served: requests.with_label_values(&["ok"]),
            requests,
            seconds: series.histogram(
                "bridge_request_duration_seconds",
                "From passing a request on to the head of its answer.",
            ),
            tunnels: series.gauge("tunnels", "Upgraded connections that are being tunnelled."),
            tunnels_opened: series.counter("tunnels_opened_total", "Upgraded connections since the start."),
        }
    }
}

impl Presence {
    fn new(series: &Series<'_>) -> Self {
        Self {
            sessions: series.gauge("sessions", "Users that are logged in on this node."),
            subscribers: series.gauges("subscribers", "Open event channels of pages.", &["transport"]),
            subscribers_ended: series.counters(
                "subscribers_ended_total",
                "Event channels that ended.",
                &["reason"],
            ),
            watches: series.gauge("watches", "Persons that are watched."),
            persons: series.gauges("persons", "Watched persons by what is known of them.", &["state"]),
            applied: series.counter("updates_applied_total", "Upstream updates that changed a state."),
            unchanged: series.counter("updates_unchanged_total", "Upstream updates that changed nothing."),
            delivered: series.counter("updates_delivered_total", "States written to pages."),
            coalesced: series.counter(
                "updates_coalesced_total",
                "States that a newer one replaced before they were written.",
            ),
            propagation: series.histogram(
                "propagation_seconds",
                "From decoding an upstream update to writing it to a page.",
            ),
        }
    }
}

impl Upstream {
    fn new(series: &Series<'_>) -> Self {
        let labels = &["community", "login_kind"];
        Self {
            up: series.gauges("upstream_logins_up", "Logins to community servers that are usable.", labels),
            lost: series.counters("upstream_logins_lost_total", "Usable logins that were lost.", labels),
            logins: series.counters("upstream_logins_total", "Tries to log in.", &["community", "result"]),
            protocol_errors: series.counters(
                "upstream_protocol_errors_total",
                "Messages of community servers that cannot be right.",
                &["kind"],
            ),
        }
    }
}

fn gauge(count: usize) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
