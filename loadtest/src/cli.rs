//! The command line of `livename-load`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use clap::{Parser, Subcommand};
use rustix::process::{Signal, set_parent_process_death_signal};
use tracing_subscriber::EnvFilter;

use crate::community::{self, CommunityArgs};
use crate::load::{self, CompareArgs, LoadError, PresetsArgs, ReportArgs, RunArgs};

/// Bad configuration: an argument, a file or a port (EX_USAGE of sysexits.h).
const BAD_CONFIGURATION: u8 = 64;

/// Load tests for Livename, and a simulated Sametime community to run them against.
#[derive(Debug, Parser)]
#[command(name = "livename-load", version)]
struct Cli {
    /// What to log, as for example info or debug,loadtest_sim=trace; logs go to stderr
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a simulated Sametime community until it is told to stop
    Community(Box<CommunityArgs>),
    /// Runs a load test: many browsers, one report
    Run(RunArgs),
    /// Puts results of generators that ran at the same time together, or makes the report of one again
    Report(ReportArgs),
    /// Lists the plans that come with the program, or prints one
    Presets(PresetsArgs),
    /// Compares the results of two tests
    Compare(CompareArgs),
    /// Becomes another program that ends with the process that has started it
    #[command(hide = true)]
    Child {
        program: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { BAD_CONFIGURATION.into() } else { ExitCode::SUCCESS };
        }
    };
    let filter = match EnvFilter::try_new(&cli.log) {
        Ok(filter) => filter,
        Err(error) => return complain(&format!("--log: {error}")),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    if let Command::Child { program, arguments } = &cli.command {
        return become_child(program, arguments);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start worker threads: {error}")),
    };
    let ended = match cli.command {
        Command::Community(arguments) => {
            return match runtime.block_on(community::run(*arguments)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => complain(&error.to_string()),
            };
        }
        Command::Child { .. } => return ExitCode::FAILURE,
        Command::Run(arguments) => runtime.block_on(load::run(arguments)),
        Command::Report(arguments) => load::report(&arguments),
        Command::Presets(arguments) => load::presets(&arguments),
        Command::Compare(arguments) => load::compare(&arguments),
    };
    match ended {
        Ok(code) => code.into(),
        Err(error) => {
            match &error {
                // Each mistake has its own line, with the file in front.
                LoadError::Plan(errors) => eprintln!("{errors}"),
                other => eprintln!("livename-load: {other}"),
            }
            error.exit_code().into()
        }
    }
}

/// A load tester that is killed leaves no gateway behind: the system ends its children.
fn become_child(program: &Path, arguments: &[OsString]) -> ExitCode {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return complain(&format!("child: {error}"));
    }
    let error = process::Command::new(program).args(arguments).exec();
    complain(&format!("{}: {error}", program.display()))
}

fn complain(text: &str) -> ExitCode {
    eprintln!("livename-load: {text}");
    BAD_CONFIGURATION.into()
}
