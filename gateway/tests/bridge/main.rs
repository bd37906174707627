//! The bridge through real sockets: a browser that writes raw bytes, a small server around
//! `Bridge::forward`, and an upstream that records every byte and answers what its script says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod arriving;
mod balancing;
mod canary;
mod cross_origin;
#[path = "../support/mod.rs"]
mod edge;
mod faults;
mod forwarding;
mod http2_faults;
mod identities;
mod matrix;
mod pooling;
mod rewriting;
mod smuggling;
mod streaming;
mod support;
mod tls;
mod upgrades;
