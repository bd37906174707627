//! A simulated Sametime estate: people, community servers, a web server, and their faults, without a
//! product behind it.
//!
//! * [`model`] is the community itself, pure: events in, effects out, time as an argument. The seeded
//!   simulation of the gateway's core runs against it.
//! * [`Simulator`] is the community behind real sockets, with a handle to look at it, change it and
//!   break it; [`control`] offers the same over HTTP, [`day`] is what its people do by themselves.
//! * [`web`] is the web server of such an estate.
//! * [`peer`] runs a real Sametime client against it; [`left_out`] notes tests that lack such a program.
//!
//! The gateway's tests, its demo and the load tester use this crate; it knows nothing of the gateway.

// What a library has to say goes to its caller, or to the log.
#![warn(clippy::print_stdout)]

mod clock;
pub mod control;
pub mod day;
pub mod left_out;
pub mod model;
mod pace;
pub mod peer;
mod server;
mod stamp;
pub mod tls;
pub mod web;

pub use clock::{Clock, machine};
pub use pace::Pace;
pub use server::{Builder, Churn, Simulator, StartError, Stats, TokenCheck};
pub use stamp::{Stamp, Stamps};
