//! The write paths through real sockets: slapd for LDAP, and for the REST paths a stand-in of the tests' own that
//! behaves as documented, sharp edges included. Nothing here was ever tried against a live Domino.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod das;
mod drapi;
mod estate;
mod faults;
mod ldap;
mod outside;
#[path = "../../../tests/support/ports.rs"]
mod ports;
mod slapd;
mod standin;
mod whole_way;
