//! `setup`: the documents of a Domino Directory, and whether an estate is ready. Thin callers of `gateway_setup`.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done: nothing (left) to do, no check failed, or go |
//! | 1 | stopped in the middle (run it again to resume), a directory that cannot be read, or no-go |
//! | 2 | `plan`: there is something to apply |
//! | 3 | something is left for a person: manual steps, conflicts, a failed check |
//! | 64 | wrong arguments or `setup.toml`, or the plan is refused; nothing has been changed |

mod apply;
mod assess;
mod community;
mod desk;
mod discover;
mod export;
mod init;
mod plan;
mod probe;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(super) struct SetupArguments {
    #[command(subcommand)]
    command: SetupCommand,
}

#[derive(Debug, Subcommand)]
enum SetupCommand {
    /// Ask a few questions and write setup.toml
    Init(init::InitArguments),
    /// Say what would be done to which document and why; writes plan.json and rollback.md beside setup.toml
    Plan(plan::PlanArguments),
    /// Find the items that no public source names in the design of the directory, and write them as an item table
    Discover(discover::DiscoverArguments),
    /// Do what the plan says: shows it only, unless --yes is given
    Apply(apply::ApplyArguments),
    /// Take back what was applied, from the journal
    Undo(apply::UndoArguments),
    /// Check that it works, from the documents to two users who see each other
    Verify(verify::VerifyArguments),
    /// Say from notes.ini, sametime.ini and a browser recording whether an estate is ready: exit code 0 for go, 1 for no-go
    Assess(assess::AssessArguments),
    /// Write the plan as files: DXL, agents, one-touch JSON, notes.ini lines, instructions
    Export(export::ExportArguments),
}

/// The file that all of them start from.
#[derive(Debug, Args)]
struct FileArguments {
    /// What is wanted
    #[arg(long, value_name = "FILE", default_value = "setup.toml")]
    config: PathBuf,
}

pub(super) fn setup(arguments: SetupArguments) -> ExitCode {
    match arguments.command {
        SetupCommand::Init(arguments) => init::init(&arguments),
        SetupCommand::Plan(arguments) => plan::plan(&arguments),
        SetupCommand::Discover(arguments) => discover::discover(&arguments),
        SetupCommand::Apply(arguments) => apply::apply(&arguments),
        SetupCommand::Undo(arguments) => apply::undo(&arguments),
        SetupCommand::Verify(arguments) => verify::verify(&arguments),
        SetupCommand::Assess(arguments) => assess::assess(arguments),
        SetupCommand::Export(arguments) => export::export(&arguments),
    }
}
