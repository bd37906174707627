//! `setup discover`: the names of items that no public source has.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::survey;

use super::FileArguments;
use super::desk::{Desk, EXIT_PERSON, run};
use crate::cli::{fail, say};

#[derive(Debug, Args)]
pub(super) struct DiscoverArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Where to write the item table, for `[items] file`; standard output if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn discover(arguments: &DiscoverArguments) -> ExitCode {
    run(async {
        let mut desk = Desk::new(&arguments.file.config)?;
        let found =
            survey::discover(&mut desk.table, &mut desk.opened).await.map_err(|error| fail(1, error))?;
        let text = found.to_toml();
        match &arguments.out {
            Some(path) => {
                std::fs::write(path, text)
                    .map_err(|error| fail(1, format!("{}: {error}", path.display())))?;
            }
            None => {
                let _ = say(&text);
            }
        }
        let open: Vec<String> = desk.table.unsettled().iter().map(ToString::to_string).collect();
        if open.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Ok(fail(EXIT_PERSON, format!("still unknown: {}", open.join(", "))))
    })
}
