//! The Sametime Proxy's REST interface and long poll, by a client that knows only what is published of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![allow(unreachable_pub, dead_code, reason = "a test program has no outside")]

mod browser;
#[path = "../events/support/estate.rs"]
mod estate;
#[path = "../events/support/page.rs"]
mod page;
#[path = "../support/mod.rs"]
mod support;

mod attacks;
mod chats;
mod commands;
mod contacts;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "demo")]
#[path = "../support/estate.rs"]
mod demo_estate;
mod guests;
mod logins;
mod page_tokens;
mod polls;
mod program;
mod scale;
mod sessions;
mod talks;
mod tries;
