//! `cargo xtask test`: what has to hold before anything lands.

use std::time::Instant;

use crate::left_out::LeftOut;
use crate::peers;
use crate::step::{Outcome, cargo};

pub(crate) fn run(install: bool) -> Outcome {
    let start = Instant::now();
    let complete = peers::provide(install);
    cargo("format", &["fmt", "--all", "--check"]).run()?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])
        .run()?;
    cargo("docs", &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
        // Our readers are developers: links to private items are welcome.
        .env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private-intra-doc-links")
        .run()?;
    let without =
        ["clippy", "--package", "gateway", "--no-default-features", "--locked", "--", "--deny", "warnings"];
    cargo("lints without the demo", &without).run()?;
    cargo("fuzz targets", &["check", "--manifest-path", "fuzz/Cargo.toml", "--locked"])
        .env("CARGO_TARGET_DIR", "target/fuzz-check")
        .run()?;
    let left_out = LeftOut::new(complete)?;
    let tests = left_out.noted_by(cargo("tests", &["test", "--workspace", "--locked"])).run();
    // Also named when something failed.
    tests.and(left_out.report())?;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!("── everything passed that was run, in {minutes:.1} min");
    Ok(())
}
