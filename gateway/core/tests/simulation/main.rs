//! The whole core in a simulated world: hub, shards and upstream sessions as the program runs them, against
//! the server machines of a community, over a network that delays, splits, stalls and cuts, with slow
//! pages, redirects, kicks, hidden people and services that go away. After every seed each page must show
//! what the community shows to that viewer, and nothing may be left behind.
//!
//! `LIVENAME_SEEDS=n` runs so many seeds (default 500), `LIVENAME_SEED=n` exactly one again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod check;
mod dice;
mod driver;
mod faults;
mod page;
mod pipe;
mod site;
mod words;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use world::World;

const SEEDS: u64 = 500;

#[test]
fn every_page_shows_the_truth_in_the_end() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("LIVENAME_SEED") {
        World::new(seed).live();
        return;
    }
    for seed in 0..number("LIVENAME_SEEDS").unwrap_or(SEEDS) {
        if catch_unwind(AssertUnwindSafe(|| World::new(seed).live())).is_err() {
            panic!("seed {seed}: LIVENAME_SEED={seed} cargo test -p gateway-core --test simulation");
        }
    }
}

#[test]
fn a_seed_runs_the_same_way_again() {
    for seed in 0..5 {
        assert_eq!(World::new(seed).live(), World::new(seed).live(), "seed {seed}");
    }
}
