//! The product's main job, as people see it: pages of every family in a real browser, over http and https,
//! compared with the truth of the simulated community.

#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/browser.rs"]
mod browser;
#[path = "../support/estate.rs"]
mod estate;
mod families;
mod inbox;
mod tabs;
mod truth;
