//! The community behind real sockets: listeners, connections, and a handle to do to it whatever a
//! test, the demo or the control API wants.
//!
//! A connection is one task ([`connection`]) that owns its socket and the protocol machine; [`session`]
//! turns the machine's events into the model's and back. All connections share the [`switchboard`],
//! which owns the model and hands every effect to the connection it is for, over a bounded queue: a
//! peer that does not read is cut off. Implements the server's side of vp-wire.md 11.2 and 11.3.

mod builder;
mod connection;
mod drive;
mod listener;
mod punctuality;
mod session;
mod simulator;
mod switchboard;
mod token;

pub use builder::{Builder, StartError};
pub use drive::Churn;
pub use simulator::{Simulator, Stats};
pub use token::TokenCheck;
