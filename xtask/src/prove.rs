//! `cargo xtask prove`: the long proofs, for before a release and after changes to what they prove.

use std::time::Instant;

use crate::left_out::LeftOut;
use crate::step::{Outcome, cargo};
use crate::{fuzz, peers};

/// Tests that are long with `LIVENAME_LONG`: what of, the package, the test program.
const LONG: [(&str, &str, &str); 4] = [
    ("big streams", "gateway", "bridge"),
    ("thousands of polls", "gateway", "rest"),
    ("attack tools", "gateway", "edge_tools"),
    ("50,000 persons", "gateway-setup", "live"),
];

pub(crate) fn run(fuzz_seconds: u32, seeds: u32) -> Outcome {
    let start = Instant::now();
    let left_out = LeftOut::new(peers::provide(true))?;
    cargo("simulation", &["test", "--release", "--package", "gateway-core", "--test", "simulation"])
        .env("LIVENAME_SEEDS", &seeds.to_string())
        .run()?;
    for (name, package, test) in LONG {
        let step = cargo(name, &["test", "--release", "--package", package, "--test", test]);
        left_out.noted_by(step).env("LIVENAME_LONG", "1").run()?;
    }
    cargo(
        "100,000 tokens",
        &["test", "--release", "--package", "gateway", "--lib", "auth::storm", "--", "--nocapture"],
    )
    .env("LIVENAME_LONG", "1")
    .run()?;
    fuzz::run("all", fuzz_seconds)?;
    if cargo("supply chain tool", &["deny", "--version"]).run().is_err() {
        cargo("supply chain tool", &["install", "cargo-deny", "--locked"]).run()?;
    }
    cargo("supply chain", &["deny", "--offline", "check", "bans", "licenses", "sources"]).run()?;
    left_out.report()?;
    println!("── everything is proved that was run, in {:.1} min", start.elapsed().as_secs_f64() / 60.0);
    Ok(())
}
