//! `cargo xtask bench`: side by side with peers, in one run on one machine.
//!
//! A bench runs every peer in each round, in an order that differs from round to round, so that whatever else the
//! machine does falls on all of them. Ratios are made within a round; `report` has the rows, the intervals and
//! the verdict.

#![allow(dead_code, reason = "what the benches beside peers are made of")]

mod certificate;
pub(crate) mod fanout;
pub(crate) mod process;
mod proxy;
pub(crate) mod report;
mod table;
mod tokens;

use clap::Subcommand;

use crate::step::{self, Outcome};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The benchmarks of single functions
    Functions,
    /// What a delivered change costs: gateway, floors, nchan and ws on one machine
    Fanout(fanout::Fanout),
    /// What passing a request on costs: gateway, nginx, haproxy and Pingora on one machine
    Proxy(proxy::Proxy),
    /// What proving a token costs: each format, beside bare primitives
    Tokens(tokens::Tokens),
    /// What the bench of deliveries starts of itself
    #[command(hide = true)]
    FanoutPart {
        #[command(subcommand)]
        part: fanout::Part,
    },
}

pub(crate) fn run(bench: Option<Bench>) -> Outcome {
    match bench {
        Some(Bench::Fanout(bench)) => fanout::run(&bench),
        Some(Bench::FanoutPart { part }) => fanout::part(part),
        Some(Bench::Proxy(bench)) => proxy::run(&bench),
        Some(Bench::Tokens(bench)) => tokens::run(&bench),
        None | Some(Bench::Functions) => step::cargo("benchmarks", &["bench", "--workspace"]).run(),
    }
}

/// The peers in the order of one round: each is first as often as the others.
pub(crate) fn order(round: usize, peers: usize) -> impl Iterator<Item = usize> {
    let backwards = round % 2 == 1;
    (0..peers).map(move |place| {
        let turned = (place + round / 2) % peers.max(1);
        if backwards { peers - 1 - turned } else { turned }
    })
}
