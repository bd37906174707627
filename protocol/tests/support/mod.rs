//! Golden vectors of the wire formats: one check that fits every kind.
//!
//! The vectors were recorded from an independent client library; their form is described in
//! `tests/vectors/README.md`.

pub(crate) mod check;
mod expected;
mod fields;
mod messages;
pub(crate) mod set;

pub(crate) use set::Vector;
