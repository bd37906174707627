//! A simulated Sametime community: people, servers and their faults, without a product behind it.
//!
//! * [`model`] is the community itself, pure: events in, effects out, time as an argument. The seeded
//!   simulation of the gateway's core runs against it.
//!
//! The gateway's tests, its demo and the load tester use this crate; it knows nothing of the gateway.

pub mod model;
