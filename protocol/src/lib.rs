//! What travels between browsers, Livename and a Sametime community, and what the words mean.
//!
//! This crate is pure: no sockets, no clock, no randomness, no logging. Time, random bytes and input
//! are arguments, output is a value. That is what makes it fuzzable and lets the seeded simulation
//! run the same code as the program.

#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]
#![forbid(unsafe_code)]
// What a library has to say goes to its caller, or to the log.
#![warn(clippy::print_stdout)]

pub mod ltpa;
pub mod presence;
pub mod secret;
pub mod vp;
pub mod webapi;
