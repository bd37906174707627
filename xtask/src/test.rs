//! `cargo xtask test`: what has to hold before anything lands.

use crate::peers;
use crate::step::{Outcome, cargo};

pub(crate) fn run(install: bool) -> Outcome {
    peers::provide(install)?;
    cargo("format", &["fmt", "--all", "--check"]).run()?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])
        .run()?;
    cargo("docs", &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
        // Our readers are developers: links to private items are welcome.
        .env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private-intra-doc-links")
        .run()?;
    cargo("without the demo", &["check", "--package", "gateway", "--no-default-features", "--locked"])
        .env("RUSTFLAGS", "--deny warnings")
        .env("CARGO_TARGET_DIR", "target/no-demo")
        .run()?;
    cargo("fuzz targets", &["check", "--manifest-path", "fuzz/Cargo.toml", "--locked"])
        .env("CARGO_TARGET_DIR", "target/fuzz-check")
        .run()?;
    cargo("tests", &["test", "--workspace", "--locked"]).run()?;
    println!("── everything passed");
    Ok(())
}
