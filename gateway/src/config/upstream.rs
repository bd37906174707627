//! Upstream web servers of a route: where they are, how they are spoken to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use rustls::ClientConfig;

use super::{PageRules, Rewrite};

/// A route whose requests are passed on.
#[derive(Clone, Debug)]
pub struct UpstreamRoute {
    /// At least one.
    pub upstreams: Vec<Upstream>,
    pub sametime_protocol: SametimeProtocol,
    pub connect_timeout: Duration,
    /// Longest wait for the head of an answer; `None` waits as long as the browser does.
    pub head_timeout: Option<Duration>,
    /// How long a request body may make no progress. Default 30 s.
    pub body_timeout: Duration,
    /// Header that tells the upstream whom the token proves.
    pub identity_header: Option<HeaderName>,
    /// Cookie that keeps a browser on one of several upstreams.
    pub sticky_cookie: Option<String>,
    /// Default `Idempotent`.
    pub retry: Retry,
    pub rewrite: Rewrite,
    pub pages: PageRules,
}

impl UpstreamRoute {
    /// To these upstreams, with the default of everything else.
    pub fn to(upstreams: Vec<Upstream>) -> Self {
        Self {
            rewrite: Rewrite::of(&upstreams),
            upstreams,
            sametime_protocol: SametimeProtocol::Page,
            connect_timeout: Duration::from_secs(10),
            head_timeout: None,
            body_timeout: Duration::from_secs(30),
            identity_header: None,
            sticky_cookie: None,
            retry: Retry::Idempotent,
            pages: PageRules::default(),
        }
    }
}

/// One web server.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// `https` if true.
    pub tls: bool,
    /// An IPv6 address has its brackets.
    pub host: String,
    pub port: u16,
    /// Verification for https, and what is shown to the upstream.
    pub client: Arc<ClientConfig>,
    /// Name to verify and to send as SNI, if it is not `host`.
    pub server_name: Option<String>,
    /// Its share of new browsers among the upstreams of the route. Default 1.
    pub weight: u32,
    /// Whether HTTP/2 is offered to it, for https. Default no.
    pub http2: bool,
    /// It wants to be told by the PROXY protocol whose bytes it gets; such connections serve one request.
    pub proxy: Option<ProxyVersion>,
    pub pool: PoolBounds,
    pub health: Health,
}

impl Upstream {
    /// At that address, with the default of everything else. `client` is used if `tls` is true.
    pub fn at(tls: bool, host: &str, port: u16, client: Arc<ClientConfig>) -> Self {
        let (pool, health) = (PoolBounds::default(), Health::default());
        let (server_name, http2, proxy) = (None, false, None);
        Self { tls, host: host.to_owned(), port, client, server_name, weight: 1, http2, proxy, pool, health }
    }
}

impl fmt::Display for Upstream {
    /// As it is written in the configuration, always with the port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.tls { "https" } else { "http" }, self.host, self.port)
    }
}

/// Connections to one upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolBounds {
    /// In use at a time, tunnels and waiting polls included, of all workers. Default 16 384.
    pub connections: usize,
    /// Requests that may wait for one of those. Default 1 024.
    pub waiting: usize,
    /// Kept for later, per worker. Default 128.
    pub idle: usize,
    /// How long they are kept. Default 30 s: less than the servers' own limits.
    pub idle_time: Duration,
    /// How old they may become, so that a changed name or certificate is noticed. Default 10 min.
    pub lifetime: Duration,
}

/// When an upstream gets requests and when it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// So many failures in a row, of requests or checks, take it out. Default 3.
    pub failures: u32,
    /// How long it is left alone then, before one request may try it. Default 5 s.
    pub rest: Duration,
    /// How long its share grows after it has come back. Default 10 s.
    pub slow_start: Duration,
    /// `None`: nobody asks, requests show how it is.
    pub check: Option<Check>,
}

/// A request that is sent again and again to see whether the upstream is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// With the query, if any. Every status below 500 is a good answer.
    pub path: String,
    pub interval: Duration,
    pub timeout: Duration,
    /// So many good answers in a row bring an upstream back. Default 2.
    pub successes: u32,
}

/// Of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// Text.
    V1,
    /// Binary.
    V2,
}

/// Which requests may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Those of which nothing has reached an upstream.
    Unsent,
    /// Also those without a body whose method is idempotent (RFC 9110 9.2.2), if no head of an answer came.
    Idempotent,
}

impl Default for PoolBounds {
    fn default() -> Self {
        Self {
            connections: 16_384,
            waiting: 1_024,
            idle: 128,
            idle_time: Duration::from_secs(30),
            lifetime: Duration::from_secs(600),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { failures: 3, rest: Duration::from_secs(5), slow_start: Duration::from_secs(10), check: None }
    }
}

/// What `iNotes_WA_SametimeProtocol` means: the scheme of the Sametime side as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SametimeProtocol {
    Page,
    Http,
    Https,
}
