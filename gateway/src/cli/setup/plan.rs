//! `setup plan`: nothing is written but the plan itself.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::plan::{Plan, rollback, table, to_json};

use super::FileArguments;
use super::desk::{Desk, EXIT_PERSON, run};
use crate::cli::{EXIT_USAGE, fail, say};

/// Exit code where there is something to apply.
const EXIT_CHANGES: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn plan(arguments: &PlanArguments) -> ExitCode {
    run(async {
        let mut desk = Desk::new(&arguments.file.config)?;
        let (plan, _) = desk.plan().await?;
        keep(&desk, &plan)?;
        let said = say(&if arguments.json { format!("{}\n", to_json(&plan)) } else { table(&plan) });
        Ok(if said == ExitCode::SUCCESS { ExitCode::from(code(&plan)) } else { said })
    })
}

/// Writes the plan and the way back beside setup.toml.
pub(super) fn keep(desk: &Desk, plan: &Plan) -> Result<(), ExitCode> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|error| fail(1, format!("{}: {error}", path.display())))
    };
    write(&desk.beside("plan.json"), to_json(plan))?;
    write(&desk.beside("rollback.md"), rollback(plan))
}

fn code(plan: &Plan) -> u8 {
    if plan.is_refused() {
        EXIT_USAGE
    } else if plan.writes().next().is_some() {
        EXIT_CHANGES
    } else if plan.manual().next().is_some() {
        EXIT_PERSON
    } else {
        0
    }
}
