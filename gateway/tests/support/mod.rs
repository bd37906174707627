//! The harness of the behaviour tests: starts the real program on port 0 with builder calls, and talks
//! to it through real sockets.

#![allow(dead_code, unreachable_pub, reason = "every test program uses another part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

pub mod client;
pub mod pages;
pub mod ports;
pub mod tls;
pub mod tokens;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::app::{App, Options, Running, Source, StartError};
use gateway::config::{
    AccessLogging, AuthPolicy, Community, Config, Limits, Listen, Log, Logins, Route, SchemeRedirect, Serve,
    Sso, UpstreamRoute,
};
use gateway::http::Builtin;
use gateway::telemetry::Metrics;

use self::tls::Certificate;

/// No test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A configuration in the making. `Default` listens on one http port, with the echo page on every path.
#[derive(Clone)]
pub struct Setup {
    pub http: Vec<SocketAddr>,
    pub https: Option<Certificate>,
    pub workers: usize,
    /// Connections begin with a PROXY header.
    pub proxied: bool,
    pub limits: Limits,
    pub access_log: AccessLogging,
    pub communities: Vec<Arc<Community>>,
    pub routes: Vec<(String, AuthPolicy, String)>,
    /// How pages may log in on the awareness routes.
    pub logins: Logins,
    /// Whether pages of the awareness routes can chat.
    pub chat: bool,
    /// Paths that are passed on in a way of their own.
    pub passing: Vec<(String, AuthPolicy, UpstreamRoute)>,
    pub redirects: Vec<SchemeRedirect>,
    /// Believes the tokens of [`tokens`].
    pub sso: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            http: vec![loopback()],
            https: None,
            workers: 2,
            proxied: false,
            limits: Limits { drain: Duration::from_secs(5), ..Limits::default() },
            access_log: AccessLogging::default(),
            communities: Vec::new(),
            routes: vec![("/".into(), AuthPolicy::Off, "echo".into())],
            logins: Logins::default(),
            chat: false,
            passing: Vec::new(),
            redirects: Vec::new(),
            sso: true,
        }
    }
}

impl Setup {
    pub fn https(mut self, certificate: &Certificate) -> Self {
        self.https = Some(certificate.clone());
        self
    }

    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// One more route, to a page of [`pages`], to an upstream (`http://127.0.0.1:1234`), or to the presence
    /// of a community (`awareness:NAME`).
    pub fn route(mut self, path: &str, auth: AuthPolicy, page: &str) -> Self {
        self.routes.push((path.into(), auth, page.into()));
        self
    }

    /// One more route, without a token, passed on.
    pub fn passing(self, path: &str, route: UpstreamRoute) -> Self {
        self.passing_with(path, AuthPolicy::Off, route)
    }

    /// The same with another policy.
    pub fn passing_with(mut self, path: &str, auth: AuthPolicy, route: UpstreamRoute) -> Self {
        self.passing.push((path.into(), auth, route));
        self
    }

    pub fn config(&self) -> Config {
        let serve = |page: &str| match page.split_once(':') {
            Some(("http", upstream)) => {
                Serve::Upstream(tls::upstream(upstream.trim_start_matches('/').parse().unwrap()))
            }
            Some(("awareness", name)) => {
                let named = self.communities.iter().find(|community| community.name == name);
                Serve::Awareness(Arc::clone(named.unwrap()))
            }
            _ => Serve::Builtin(page.to_owned()),
        };
        let route = |(path, auth, page): &(String, AuthPolicy, String)| {
            Arc::new(Route {
                hosts: Vec::new(),
                path: path.clone(),
                auth: *auth,
                login: None,
                serve: serve(page),
                logins: self.logins,
                chat: self.chat,
                pass_to: None,
            })
        };
        let passing = self.passing.iter().map(|(path, auth, upstream)| {
            Arc::new(Route {
                hosts: Vec::new(),
                path: path.clone(),
                auth: *auth,
                login: None,
                serve: Serve::Upstream(upstream.clone()),
                logins: Logins::default(),
                chat: false,
                pass_to: None,
            })
        });
        Config {
            listen: Listen {
                http: self.http.clone(),
                https: self.https.iter().map(|_| loopback()).collect(),
                admin: loopback(),
                proxy_protocol: self.proxied.then(loopback).into_iter().collect(),
                workers: self.workers,
            },
            tls: self.https.as_ref().map(Certificate::server),
            sso: if self.sso { tokens::sso() } else { Sso::default() },
            communities: self.communities.clone(),
            routes: self.routes.iter().map(route).chain(passing).collect(),
            pilot: None,
            redirects: self.redirects.clone(),
            limits: self.limits.clone(),
            log: Log::default(),
            access_log: self.access_log.clone(),
        }
    }

    pub async fn start(self) -> Gateway {
        self.try_start().await.unwrap()
    }

    pub async fn try_start(self) -> Result<Gateway, StartError> {
        let next = Arc::new(Mutex::new(Ok(self.clone())));
        let read = Arc::clone(&next);
        let gate = pages::Gate::default();
        let builtins: HashMap<String, Arc<dyn Builtin>> = HashMap::from([
            ("echo".to_owned(), Arc::new(pages::Echo) as Arc<dyn Builtin>),
            ("gate".to_owned(), Arc::new(gate.clone())),
            ("flood".to_owned(), Arc::new(pages::Flood)),
            ("large".to_owned(), Arc::new(pages::Large)),
        ]);
        let metrics = Arc::new(Metrics::new());
        let options = Options {
            builtins,
            source: Some(Source::new(move || {
                read.lock().unwrap().as_ref().map(Setup::config).map_err(String::clone)
            })),
            metrics: Arc::clone(&metrics),
        };
        let running = App::start(self.config(), options).await?;
        Ok(Gateway { running, gate, metrics, next })
    }
}

/// A running program.
pub struct Gateway {
    pub running: Running,
    /// The page that answers only when told to.
    pub gate: pages::Gate,
    pub metrics: Arc<Metrics>,
    next: Arc<Mutex<Result<Setup, String>>>,
}

impl Gateway {
    pub fn http(&self) -> SocketAddr {
        self.running.addresses().http[0]
    }

    pub fn https(&self) -> SocketAddr {
        self.running.addresses().https[0]
    }

    pub fn admin(&self) -> SocketAddr {
        self.running.addresses().admin
    }

    /// What the next reload will read.
    pub fn reads_next(&self, setup: Result<Setup, &str>) {
        *self.next.lock().unwrap() = setup.map_err(str::to_owned);
    }

    /// The value of a series in a scrape, zero if it is not there.
    pub fn metric(&self, series: &str) -> f64 {
        let scrape = self.metrics.gather();
        let value = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }
}

/// Any free port of this machine.
pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Waits for a condition, with a limit.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "waited too long for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a future, with a limit.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let limited = tokio::time::timeout(PATIENCE, future).await;
    limited.unwrap_or_else(|_| panic!("waited too long for: {what}"))
}
