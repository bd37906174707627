//! Upstream web servers of a route: where they are, how they are spoken to.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use rustls::ClientConfig;

/// A route whose requests are passed on.
#[derive(Debug)]
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
}

impl UpstreamRoute {
    /// To these upstreams, with the default of everything else.
    pub fn to(upstreams: Vec<Upstream>) -> Self {
        Self {
            upstreams,
            sametime_protocol: SametimeProtocol::Page,
            connect_timeout: Duration::from_secs(10),
            head_timeout: None,
            body_timeout: Duration::from_secs(30),
            identity_header: None,
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
}

impl Upstream {
    /// At that address, with the default of everything else. `client` is used if `tls` is true.
    pub fn at(tls: bool, host: &str, port: u16, client: Arc<ClientConfig>) -> Self {
        Self { tls, host: host.to_owned(), port, client, server_name: None }
    }
}

/// What `iNotes_WA_SametimeProtocol` means: the scheme of the Sametime side as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SametimeProtocol {
    Page,
    Http,
    Https,
}
