//! `setup export`: the plan as files for an administrator to import, run or follow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use gateway_setup::config::{self, Setup, WritePath};
use gateway_setup::estate::{Estate, Replica};
use gateway_setup::export::{self, WriteError, Written};
use gateway_setup::items::ItemTable;
use gateway_setup::plan::{self, Level, Plan};

use crate::cli::{EXIT_USAGE, fail, say};

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The set-up
    #[arg(long, value_name = "FILE", default_value = "setup.toml")]
    config: PathBuf,
    /// The folder for the files
    #[arg(long, value_name = "FOLDER", default_value = "setup-files")]
    out: PathBuf,
    /// Ask no directory, even where the set-up names one that can be reached
    #[arg(long)]
    offline: bool,
    /// Write over files of an earlier export that differ
    #[arg(long)]
    replace: bool,
}

pub(super) fn export(arguments: &ExportArguments) -> ExitCode {
    let setup = match config::load(&arguments.config) {
        Ok(setup) => setup,
        Err(mistakes) => return fail(EXIT_USAGE, mistakes),
    };
    let table = match table(&setup) {
        Ok(table) => table,
        Err(problem) => return fail(EXIT_USAGE, problem),
    };
    let live = setup.directories.iter().any(|access| access.path != WritePath::Files);
    if live && !arguments.offline {
        return fail(
            EXIT_USAGE,
            "the set-up names a directory that can be reached; --offline exports without asking it",
        );
    }
    let plan = plan::plan(&setup, &table, &unseen(&setup));
    if plan.is_refused() {
        return fail(1, refusals(&plan));
    }
    match export::write(&arguments.out, &export::files(&setup, &table, &plan), arguments.replace) {
        Ok(written) => say(&report(&written)),
        Err(error @ WriteError::Io { .. }) => fail(EXIT_USAGE, error),
        Err(error) => fail(1, error),
    }
}

fn table(setup: &Setup) -> Result<ItemTable, String> {
    let Some(path) = &setup.items else { return Ok(ItemTable::built_in()) };
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    ItemTable::built_in().overridden(&text).map_err(|error| format!("{shown}: {error}"))
}

/// An estate of which nothing is known.
fn unseen(setup: &Setup) -> Estate {
    let replicas = setup.directories.iter().map(|access| Replica::unseen(&access.name, &access.domain));
    Estate { replicas: replicas.collect() }
}

fn refusals(plan: &Plan) -> String {
    let refused = plan.findings.iter().filter(|finding| finding.level == Level::Refusal);
    refused.map(|finding| format!("[{}] {}", finding.id, finding.text)).collect::<Vec<_>>().join("\n")
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
    let start = written.last().map_or_else(String::new, |(path, _)| at(path));
    text.push_str(&start);
    text
}

fn at(path: &Path) -> String {
    format!("Begin with {}. Nothing has been changed on any server.\n", path.display())
}
