//! What a route with upstreams says about the pages that use it.

/// See the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRules {
    pub cors: Cors,
    pub origin_header: OriginHeader,
}

/// Who says which pages of other hosts may read answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// The upstream. The default.
    Upstream,
    /// The gateway, as for awareness: pages below the cookies' domain, and listed origins.
    Gateway,
}

/// What `Origin` and `Referer` tell an upstream of the gateway's own pages, and of those that the gateway lets
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginHeader {
    /// The upstream's own origin. The default.
    Upstream,
    /// What the browser wrote.
    Page,
}

impl Default for PageRules {
    fn default() -> Self {
        Self { cors: Cors::Upstream, origin_header: OriginHeader::Upstream }
    }
}
