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

mod attacks;
mod bridged;
#[path = "../support/browser.rs"]
mod browser;
mod by_rest;
#[path = "../../../loadtest/sim/tests/support/mod.rs"]
mod community;
#[allow(dead_code, reason = "this program throws few of them")]
#[path = "../../core/tests/simulation/dice.rs"]
mod dice;
mod elsewhere;
#[path = "../support/estate.rs"]
mod estate;
mod families;
mod inbox;
mod logins;
mod mail_host;
mod manners;
mod mixed;
mod notices;
#[path = "../support/ports.rs"]
mod ports;
mod program;
mod rest_host;
mod site;
mod stproxy;
mod tabs;
#[allow(dead_code, unreachable_pub, reason = "every test program uses another part of it")]
#[path = "../support/tokens.rs"]
mod tokens;
mod truth;
