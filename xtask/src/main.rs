//! The project's own commands: `cargo xtask test | prove | fuzz | bench`.
//!
//! CI runs the same words as people do.

mod bench;
mod fuzz;
mod left_out;
mod peers;
mod prove;
mod step;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Livename's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install missing test peers, then format, lints, docs and all tests
    Test {
        /// Leave the machine as it is: report missing peers, install nothing
        #[arg(long)]
        no_install: bool,
    },
    /// The long proofs: 10,000 simulation seeds, fuzzing, big streams, load tests of full size, supply chain
    Prove {
        /// Seconds for each fuzz target
        #[arg(long, default_value_t = 60)]
        fuzz_seconds: u32,
        /// Seeds of the simulation
        #[arg(long, default_value_t = 10_000)]
        seeds: u32,
    },
    /// Run one fuzz target, or all of them
    Fuzz {
        /// A file name below fuzz/fuzz_targets, or `all`
        #[arg(default_value = "all")]
        target: String,
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Run benchmarks: of single functions, or side by side with peers
    Bench {
        #[command(subcommand)]
        what: Option<bench::Bench>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Test { no_install } => test::run(!no_install),
        Command::Prove { fuzz_seconds, seeds } => prove::run(fuzz_seconds, seeds),
        Command::Fuzz { target, seconds } => fuzz::run(&target, seconds),
        Command::Bench { what } => bench::run(what),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error}");
            ExitCode::FAILURE
        }
    }
}
