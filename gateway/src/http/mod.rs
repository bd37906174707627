//! HTTP to and from browsers: connection serving, routing, header rules, errors as responses, access log.
//!
//! [`serve`] keeps a connection, `exchange` takes one request through its phases, everything else here is
//! one phase each. What a request is answered with comes from the workers below: `session`, `bridge`,
//! builtin pages.

mod access_log;
mod arrival;
mod authorise;
mod body;
mod context;
mod cors;
mod end;
mod exchange;
mod failure;
mod forwarded;
mod head;
mod headers;
mod live;
mod path;
mod redirect;
mod router;
mod serve;

pub use access_log::{AccessLog, NoAccessLog};
pub use body::*;
pub use context::*;
pub use exchange::{Builtin, Services};
pub use failure::Failure;
pub use live::Live;
pub use router::{RouteError, Router};
pub use serve::Edge;
