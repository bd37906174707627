//! What every command that reads a directory has on its desk: the set-up, the item table, the directories.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gateway_setup::config::{self, Setup};
use gateway_setup::directory::{AnyDirectory, open};
use gateway_setup::estate::Estate;
use gateway_setup::items::ItemTable;
use gateway_setup::plan::{self, Plan};
use gateway_setup::survey::{self, Opened};

use crate::cli::{EXIT_USAGE, fail};

/// Exit code where something is left for a person.
pub(super) const EXIT_PERSON: u8 = 3;

pub(super) struct Desk {
    pub(super) setup: Setup,
    pub(super) table: ItemTable,
    pub(super) opened: Vec<Opened<AnyDirectory>>,
    /// Where setup.toml is: plans and journals are written beside it.
    folder: PathBuf,
}

impl Desk {
    /// Reads the files and asks for the passwords; nothing is connected yet.
    pub(super) fn new(file: &Path) -> Result<Self, ExitCode> {
        let mut desk = Self::offline(file)?;
        for Opened { access, directory } in &mut desk.opened {
            *directory =
                open(access).map_err(|error| usage(&format!("directory \"{}\": {error}", access.name)))?;
        }
        Ok(desk)
    }

    /// Reads the files; no directory will be asked, so nothing is known of what is there.
    pub(super) fn offline(file: &Path) -> Result<Self, ExitCode> {
        let setup = config::load(file).map_err(|mistakes| usage(&mistakes))?;
        let mut table = ItemTable::built_in();
        if let Some(items) = &setup.items {
            let wrong = |error: &dyn std::fmt::Display| usage(&format!("{}: {error}", items.display()));
            let text = std::fs::read_to_string(items).map_err(|error| wrong(&error))?;
            table = table.overridden(&text).map_err(|error| wrong(&error))?;
        }
        let opened = setup
            .directories
            .iter()
            .map(|access| Opened { access: access.clone(), directory: None })
            .collect();
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { setup, table, opened, folder })
    }

    /// A file beside setup.toml.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads everything and plans. Unknown items are looked up in the directories' designs first; only those whose
    /// labels settle them are used.
    pub(super) async fn plan(&mut self) -> Result<(Plan, Estate), ExitCode> {
        survey::discover(&mut self.table, &mut self.opened).await.map_err(|error| fail(1, error))?;
        let estate = survey::survey(&self.setup, &self.table, &mut self.opened)
            .await
            .map_err(|error| fail(1, error))?;
        Ok((plan::plan(&self.setup, &self.table, &estate), estate))
    }
}

fn usage(error: &dyn std::fmt::Display) -> ExitCode {
    fail(EXIT_USAGE, error)
}

/// Runs a command to its end; an error is its exit code.
pub(super) fn run(command: impl Future<Output = Result<ExitCode, ExitCode>>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command).unwrap_or_else(|code| code),
        Err(error) => fail(1, error),
    }
}
