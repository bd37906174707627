//! `setup discover`: the names of items that no public source has.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use gateway_setup::discover::{differences, differences_to_toml};
use gateway_setup::items::Setting;
use gateway_setup::survey;

use super::FileArguments;
use super::desk::{Desk, EXIT_PERSON, run};
use crate::cli::{EXIT_USAGE, fail, say};

#[derive(Debug, Args)]
pub(super) struct DiscoverArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Where to write the item table, for `[items] file`; standard output if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Compare two DXL exports of one document instead of asking the directory: this one from before a field was changed in the Notes client
    #[arg(long, value_name = "DXL", requires = "after")]
    before: Option<PathBuf>,
    /// ... and this one from after it
    #[arg(long, value_name = "DXL", requires = "before")]
    after: Option<PathBuf>,
    /// The setting whose field was changed, such as configuration.im-host
    #[arg(long, requires = "before")]
    setting: Option<Setting>,
}

pub(super) fn discover(arguments: &DiscoverArguments) -> ExitCode {
    run(async {
        if let (Some(before), Some(after)) = (&arguments.before, &arguments.after) {
            return compare(arguments, before, after);
        }
        let mut desk = Desk::new(&arguments.file.config)?;
        let found =
            survey::discover(&mut desk.table, &mut desk.opened).await.map_err(|error| fail(1, error))?;
        write(arguments, found.to_toml(SystemTime::now()))?;
        let open: Vec<String> = desk.table.unsettled().iter().map(ToString::to_string).collect();
        if open.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Ok(fail(EXIT_PERSON, format!("still unknown: {}", open.join(", "))))
    })
}

fn compare(arguments: &DiscoverArguments, before: &Path, after: &Path) -> Result<ExitCode, ExitCode> {
    let read = |path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|error| fail(EXIT_USAGE, format!("{}: {error}", path.display())))
    };
    let desk = Desk::offline(&arguments.file.config)?;
    let found = differences(&read(before)?, &read(after)?).map_err(|error| fail(EXIT_USAGE, error))?;
    write(arguments, differences_to_toml(&desk.table, &found, arguments.setting))?;
    Ok(match found.len() {
        0 => fail(
            EXIT_PERSON,
            "the two exports do not differ: change the field and save before the second one",
        ),
        1 => ExitCode::SUCCESS,
        several => fail(EXIT_PERSON, format!("{several} items differ: change one field only")),
    })
}

fn write(arguments: &DiscoverArguments, text: String) -> Result<(), ExitCode> {
    match &arguments.out {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| fail(1, format!("{}: {error}", path.display())))
        }
        None => {
            let _ = say(&text);
            Ok(())
        }
    }
}
