//! `setup export`: the plan as files for an administrator to import, run or follow.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::export::{self, Written};
use gateway_setup::plan::table;

use super::FileArguments;
use super::desk::{Desk, run};
use super::plan::keep;
use crate::cli::{EXIT_USAGE, fail, say};

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    file: FileArguments,
    /// The folder for the files; setup-files beside setup.toml if left out
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Ask no directory, even where setup.toml names one that can be reached
    #[arg(long)]
    offline: bool,
    /// Write over files of an earlier export that differ
    #[arg(long)]
    replace: bool,
}

pub(super) fn export(arguments: &ExportArguments) -> ExitCode {
    run(async {
        let open = if arguments.offline { Desk::offline } else { Desk::new };
        let mut desk = open(&arguments.file.config)?;
        let (plan, _) = desk.plan().await?;
        keep(&desk, &plan)?;
        if plan.is_refused() {
            return Ok(fail(EXIT_USAGE, format!("{}\nrefused; no files have been written", table(&plan))));
        }
        let folder = arguments.out.clone().unwrap_or_else(|| desk.beside("setup-files"));
        let files = export::files(&desk.setup, &desk.table, &plan);
        let written = export::write(&folder, &files, arguments.replace).map_err(|error| fail(1, error))?;
        Ok(say(&report(&written)))
    })
}

fn report(written: &[(PathBuf, Written)]) -> String {
    let word = |written| match written {
        Written::New => "written",
        Written::Same => "as it was",
        Written::Replaced => "replaced",
    };
    let mut text: String = written
        .iter()
        .map(|(path, written)| format!("{:<9}  {}\n", word(*written), path.display()))
        .collect();
    if let Some((path, _)) = written.last() {
        text.push_str(&format!("Begin with {}. Nothing has been changed on any server.\n", path.display()));
    }
    text
}
