//! Who is who: the addresses under which an upstream speaks of itself, and what the page calls it.

use std::sync::Arc;

use super::url::Url;
use crate::config::Address;

/// How one page sees the upstreams of its route.
#[derive(Clone, Debug)]
pub struct Names {
    known: Arc<[Address]>,
    page: Page,
    /// Scheme of the upstream that answered: what its scheme-relative URLs mean to it.
    answered_tls: bool,
    host: String,
    port: Option<u16>,
    /// `/st01`, or empty.
    affinity: String,
}

/// What the page calls the upstreams.
#[derive(Clone, Debug)]
pub struct Page {
    /// Scheme of the page itself.
    pub tls: bool,
    /// Scheme under which it is told to find the upstreams.
    pub sametime_tls: bool,
    /// `host[:port]` in lower case, that goes with `sametime_tls`. Empty if the browser did not say.
    pub authority: String,
}

/// What stands in the place of a URL's beginning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// `None`: the URL stays without a scheme.
    pub(super) scheme: Option<&'static str>,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// Begins with a slash, or is empty.
    pub(super) affinity: &'a str,
}

impl Names {
    /// `affinity` is the path (`/st01`) below which the page finds the upstreams' roots, or empty.
    pub fn new(known: Arc<[Address]>, answered_tls: bool, page: Page, affinity: &str) -> Self {
        let (host, port) = match page.authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (page.authority.as_str(), None),
        };
        let host = unbracketed(host).to_owned();
        Self { known, answered_tls, host, port, affinity: affinity.to_owned(), page }
    }

    /// Scheme of the page itself.
    pub fn page_tls(&self) -> bool {
        self.page.tls
    }

    /// Scheme of the upstream that answered.
    pub fn answered_tls(&self) -> bool {
        self.answered_tls
    }

    /// Scheme under which the page is told to find the upstreams.
    pub fn sametime_tls(&self) -> bool {
        self.page.sametime_tls
    }

    /// What the page calls the upstreams: `host[:port]`.
    pub fn authority(&self) -> &str {
        &self.page.authority
    }

    /// The same without the port, and IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port.unwrap_or(default_port(self.page.sametime_tls))
    }

    /// `/st01`, or empty.
    pub fn affinity(&self) -> &str {
        &self.affinity
    }

    /// The host is one of an upstream, whatever scheme and port it has there.
    pub fn is_upstream_host(&self, host: &[u8]) -> bool {
        self.known.iter().any(|address| same_host(&address.host, host))
    }

    /// The port is one of an upstream on that host.
    pub fn is_upstream_port(&self, port: u16) -> bool {
        self.known.iter().any(|address| address.port == port)
    }

    /// What is to stand in the place of a URL; `None` leaves it as it is.
    pub(super) fn target(&self, url: &Url<'_>) -> Option<Target<'_>> {
        if self.host.is_empty() || self.is_page(url) {
            return None;
        }
        let tls = url.scheme.map_or(self.answered_tls, |scheme| scheme.tls);
        let port = url.port.unwrap_or(default_port(tls));
        let by_address = self.known.iter().any(|known| {
            // Without a scheme there is only the port to compare.
            let same_scheme = url.scheme.is_none() || known.tls == tls;
            same_scheme && known.port == port && same_host(&known.host, url.host)
        });
        // An upstream that builds URLs from `X-Forwarded-Host` but does not know the page's scheme.
        let by_name = tls == self.answered_tls
            && (url.port.is_none() || url.port == self.port)
            && same_host(&self.host, url.host);
        if !by_address && !by_name {
            return None;
        }
        let scheme = match url.scheme {
            Some(scheme) => Some(scheme.word(self.page.sametime_tls)),
            None if self.page.tls == self.page.sametime_tls => None,
            None => Some(if self.page.sametime_tls { "https" } else { "http" }),
        };
        let affinity = if by_address { self.affinity.as_str() } else { "" };
        Some(Target { scheme, host: &self.host, port: self.port, affinity })
    }

    /// The URL is already what it would become.
    fn is_page(&self, url: &Url<'_>) -> bool {
        let tls = url.scheme.map_or(self.page.tls, |scheme| scheme.tls);
        tls == self.page.sametime_tls
            && url.port.unwrap_or(default_port(tls)) == self.port()
            && same_host(&self.host, url.host)
    }
}

fn same_host(name: &str, host: &[u8]) -> bool {
    name.as_bytes().eq_ignore_ascii_case(unbracketed_bytes(host))
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn unbracketed_bytes(host: &[u8]) -> &[u8] {
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}
