//! `cargo xtask prove`: the long proofs, for before a release and after changes to what they prove.

use crate::fuzz;
use crate::step::{Outcome, cargo};

pub(crate) fn run(fuzz_seconds: u32, seeds: u32) -> Outcome {
    cargo("simulation", &["test", "--release", "--package", "gateway-core", "--test", "simulation"])
        .env("LIVENAME_SEEDS", &seeds.to_string())
        .run()?;
    cargo("big streams", &["test", "--release", "--package", "gateway", "--test", "bridge"])
        .env("LIVENAME_LONG", "1")
        .run()?;
    cargo("thousands of polls", &["test", "--release", "--package", "gateway", "--test", "rest"])
        .env("LIVENAME_LONG", "1")
        .run()?;
    cargo("attack tools", &["test", "--release", "--package", "gateway", "--test", "edge_tools"])
        .env("LIVENAME_LONG", "1")
        .run()?;
    cargo("50,000 persons", &["test", "--release", "--package", "gateway-setup", "--test", "live"])
        .env("LIVENAME_LONG", "1")
        .run()?;
    fuzz::run("all", fuzz_seconds)?;
    if cargo("supply chain tool", &["deny", "--version"]).run().is_err() {
        cargo("supply chain tool", &["install", "cargo-deny", "--locked"]).run()?;
    }
    cargo("supply chain", &["deny", "--offline", "check", "bans", "licenses", "sources"]).run()
}
