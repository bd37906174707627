//! Sockets: the only room that binds, accepts and dials.
//!
//! Knows nothing of HTTP or presence. What it hands on is a [`Downstream`] stream that carries its own
//! admission, so that a connection counts until its last byte, upgraded or not.

mod descriptors;
mod dial;
mod keepalive;
mod limits;
mod listener;
mod progress;
mod proxy;
mod stream;
mod tls;
mod worker;

pub use descriptors::*;
pub use dial::*;
pub use limits::*;
pub use listener::*;
pub use progress::*;
pub use proxy::*;
pub use stream::*;
pub use tls::*;
pub use worker::*;
