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

use world::{Seen, World};

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

#[test]
fn the_world_is_not_tame() {
    let lives = (0..60).map(|seed| World::new(seed).live().1);
    let all = lives.reduce(|a, b| Seen {
        redirects: a.redirects + b.redirects,
        kicks: a.kicks + b.kicks,
        service_losses: a.service_losses + b.service_losses,
        lost: a.lost + b.lost,
        unanswered: a.unanswered + b.unanswered,
        stray: a.stray + b.stray,
        coalesced: a.coalesced + b.coalesced,
        resumed: a.resumed + b.resumed,
        hidden: a.hidden + b.hidden,
    });
    let Seen { redirects, kicks, service_losses, lost, unanswered, stray, coalesced, resumed, hidden } =
        all.unwrap();
    let counts = [redirects, kicks, service_losses, lost, unanswered, coalesced, resumed, hidden];
    assert!(counts.iter().all(|count| *count >= 20) && stray > 0, "{all:?}");
}
