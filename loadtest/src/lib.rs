//! The load tester of Livename: a black-box client of a gateway, and the simulated community to put
//! behind it.
//!
//! * [`cli`] is the command line.
//! * [`community`] runs a simulated Sametime community as a process of its own.

pub mod cli;
pub mod community;
pub mod plan;
