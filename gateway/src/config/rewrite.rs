//! How answers of upstreams are turned into the page's terms.

use std::sync::Arc;

use super::Upstream;

/// Where a web server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// `https` if true.
    pub tls: bool,
    /// Lower case; IPv6 without brackets.
    pub host: String,
    pub port: u16,
}

/// Of one route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rewrite {
    /// Whether bodies are rewritten as well as heads.
    pub bodies: bool,
    /// Where the upstreams are, and what else they call themselves.
    pub known: Arc<[Address]>,
    /// `/st01`: the first segment of the path, which names the upstream and is unknown to it (browser-side.md 4).
    /// Empty if there is none.
    pub affinity: String,
}

impl Address {
    /// Brackets and case are taken off.
    pub fn new(tls: bool, host: &str, port: u16) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        Self { tls, host, port }
    }
}

impl Rewrite {
    /// The default for a route with these upstreams.
    pub fn of(upstreams: &[Upstream]) -> Self {
        let known = upstreams.iter().map(|one| Address::new(one.tls, &one.host, one.port)).collect();
        Self { bodies: true, known, affinity: String::new() }
    }
}
