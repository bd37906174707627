//! What the phases of a request hand to each other.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::auth::Identity;
use crate::config::Route;

/// A response body: whole, or a stream that ends with an error when its source does.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A body that is there already.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Scheme of the page side of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// What is known of a request when it is served: made by the connection, filled by the router and the
/// token check.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Appears in error answers and logs, so that the two can be matched.
    pub request_id: u64,
    /// The browser's address, after trusted proxies.
    pub client: IpAddr,
    /// The scheme that the browser used.
    pub scheme: Scheme,
    /// Lower case, with port if the request had one.
    pub host: String,
    pub route: Arc<Route>,
    /// Whom a valid token proves.
    pub identity: Option<Arc<Identity>>,
    /// The page that asks is on another host, and may read the answer.
    pub page_allowed: bool,
    /// Index of the worker that serves the connection.
    pub worker: usize,
}
