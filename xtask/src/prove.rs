//! `cargo xtask prove`: the long proofs, for before a release and after changes to what they prove.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::left_out::LeftOut;
use crate::step::{Outcome, cargo, program, root};
use crate::{fuzz, peers};

/// Tests that are long with `LIVENAME_LONG`: what of, the package, what of it is run.
const LONG: [(&str, &str, &[&str]); 6] = [
    ("big streams", "gateway", &["--test", "bridge"]),
    ("thousands of polls", "gateway", &["--test", "rest"]),
    ("attack tools", "gateway", &["--test", "edge_tools"]),
    ("50,000 persons", "gateway-setup", &["--test", "live"]),
    ("100,000 tokens", "gateway", &["--lib", "auth::storm", "--", "--nocapture"]),
    ("load tests", "loadtest", &["--test", "load"]),
];

/// The load tester's plans of full size. Each fails unless every browser knows the truth in the end. Gateway and load
/// tester raise their own limits of open files as far as the system lets them; 20,000 are enough.
const FULL: [(&str, &str); 2] =
    [("19,000 browsers", "full-off"), ("9,000 browsers with a login each", "full-login")];

/// Connections that were closed keep their ports for a minute; with so few of them there are enough for the next test.
const FEW: usize = 1000;
const REST: Duration = Duration::from_secs(120);

pub(crate) fn run(fuzz_seconds: u32, seeds: u32) -> Outcome {
    let start = Instant::now();
    let left_out = LeftOut::new(peers::provide(true))?;
    cargo("simulation", &["test", "--release", "--package", "gateway-core", "--test", "simulation"])
        .env("LIVENAME_SEEDS", &seeds.to_string())
        .run()?;
    // Load tests start them.
    cargo("programs", &["build", "--release", "--package", "gateway", "--package", "loadtest"]).run()?;
    for (name, package, which) in LONG {
        let arguments = [&["test", "--release", "--package", package], which].concat();
        left_out.noted_by(cargo(name, &arguments)).env("LIVENAME_LONG", "1").run()?;
    }
    load_of_full_size()?;
    fuzz::run("all", fuzz_seconds)?;
    if cargo("supply chain tool", &["deny", "--version"]).run().is_err() {
        cargo("supply chain tool", &["install", "cargo-deny", "--locked"]).run()?;
    }
    cargo("supply chain", &["deny", "--offline", "check", "bans", "licenses", "sources"]).run()?;
    left_out.report()?;
    println!("── everything is proved that was run, in {:.1} min", start.elapsed().as_secs_f64() / 60.0);
    Ok(())
}

/// Reports stay below `target/prove`.
fn load_of_full_size() -> Outcome {
    let folder = Path::new("target/prove");
    fs::create_dir_all(root().join(folder)).map_err(|error| format!("{}: {error}", folder.display()))?;
    let tester = root().join("target/release/livename-load").display().to_string();
    for (name, plan) in FULL {
        let out = folder.join(plan).display().to_string();
        let begun = Instant::now();
        while closing() > FEW && begun.elapsed() < REST {
            sleep(Duration::from_secs(1));
        }
        program(name, &tester, &["run", plan, "--quiet", "--out", &out]).run()?;
    }
    Ok(())
}

/// Connections that are closed and keep their ports.
fn closing() -> usize {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP:")).unwrap_or_default();
    let count = tcp.split_whitespace().skip_while(|word| *word != "tw").nth(1);
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}
