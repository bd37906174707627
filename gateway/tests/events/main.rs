//! Presence events through real sockets: pages on one side, a simulated community on the other, and the
//! whole program between them (docs/events.md, docs/privacy.md).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "support/estate.rs"]
mod estate;
#[path = "support/page.rs"]
mod page;
#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod metrics;
mod names;
mod outages;
mod own_login;
mod privacy;
mod renewal;
mod scale;
mod servers;
mod sessions;
mod transports;
mod unreadable;
