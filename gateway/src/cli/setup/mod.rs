//! `setup`: the documents of a Domino Directory, and whether an estate is ready. Thin callers of `gateway_setup`.
//!
//! Exit codes beside those of the program: 1 where the answer is no.

mod assess;
mod export;

use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(super) struct SetupArguments {
    #[command(subcommand)]
    command: SetupCommand,
}

#[derive(Debug, Subcommand)]
enum SetupCommand {
    /// Say from notes.ini, sametime.ini and a browser recording whether an estate is ready: exit code 0 for go, 1 for no-go
    Assess(assess::AssessArguments),
    /// Write the plan as files: DXL, agents, one-touch JSON, notes.ini lines, instructions
    Export(export::ExportArguments),
}

pub(super) fn setup(arguments: SetupArguments) -> ExitCode {
    match arguments.command {
        SetupCommand::Assess(arguments) => assess::assess(arguments),
        SetupCommand::Export(arguments) => export::export(&arguments),
    }
}
