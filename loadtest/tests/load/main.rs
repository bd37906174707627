//! `livename-load run` as a process: the whole estate, faults, and what it says about them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

#[path = "../../../gateway/tests/support/browser.rs"]
mod browser;
mod faults;
mod long;
mod look;
mod population;
mod real;
mod support;
mod together;
mod whole;
