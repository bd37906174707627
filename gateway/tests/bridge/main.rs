//! The bridge through real sockets: a browser that writes raw bytes, a small server around
//! `Bridge::forward`, and an upstream that records every byte and answers what its script says.

mod faults;
mod forwarding;
mod identities;
mod pooling;
mod smuggling;
mod streaming;
mod support;
mod upgrades;
