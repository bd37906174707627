//! Virtual browsers: pages with event channels (docs/events.md) or with the Sametime Proxy's long poll
//! (docs/rest.md), tens of thousands in one process.
//!
//! A [`Crew`] is a thread that plays its part of the browsers with one task each. A browser that waits
//! holds a socket, its list with the newest states, and no buffer: everybody on a thread reads into the
//! same one. All timing is the crew's single schedule; pages start when they are due whatever the
//! gateway does, and their times count from then.

mod body;
mod cast;
mod crew;
mod dial;
mod fetch;
#[cfg(test)]
mod fixture;
mod http;
mod http2;
mod opening;
mod own;
mod page;
mod poll;
mod request;
mod sse;
mod visit;
mod websocket;
mod wire;

pub use cast::{Cast, CastError, TokenSource, Tokens};
pub use crew::{Action, Crew, Deed, Setup};
pub use dial::{DialError, Dialer};
pub use fetch::fetch;
