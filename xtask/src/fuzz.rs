//! `cargo xtask fuzz`: every decoder against the fuzzer, with its seed corpus from git.

use std::fs;

use crate::step::{Outcome, cargo, root};

pub(crate) fn run(target: &str, seconds: u32) -> Outcome {
    if cargo("fuzzer", &["fuzz", "--version"]).run().is_err() {
        cargo("fuzzer", &["install", "cargo-fuzz", "--version", "^0.13", "--locked"]).run()?;
    }
    let targets = targets()?;
    let chosen: Vec<&String> = targets.iter().filter(|name| target == "all" || *name == target).collect();
    if chosen.is_empty() {
        return Err(format!("no fuzz target {target:?}; there are: {}", targets.join(", ")));
    }
    for name in chosen {
        // What the fuzzer finds on its way stays out of git; only the seeds are kept there.
        let found = format!("target/fuzz-corpus/{name}");
        fs::create_dir_all(root().join(&found)).map_err(|error| format!("{found}: {error}"))?;
        let time = format!("-max_total_time={seconds}");
        let seeds = format!("fuzz/corpus/{name}");
        // The sanitizers need a flag that is unlocked this way on the stable toolchain.
        cargo(&format!("fuzz {name}"), &["fuzz", "run", name, &found, &seeds, "--", &time, "-timeout=10"])
            .env("RUSTC_BOOTSTRAP", "1")
            .run()?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .filter(|name| root().join(format!("fuzz/corpus/{name}")).is_dir())
        .collect();
    names.sort();
    Ok(names)
}
