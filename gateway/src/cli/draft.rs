//! `config from-notes-ini`: the part of a configuration that a mail server's settings give.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use gateway_setup::ini::IniFile;
use gateway_setup::routes;

use super::{EXIT_USAGE, fail, say};

#[derive(Debug, Subcommand)]
pub(super) enum DraftCommand {
    /// Print the routes that the iNotes_WA_Sametime settings stand for; what gives none is said as an error line
    FromNotesIni {
        /// notes.ini of a mail server
        file: PathBuf,
    },
}

/// Nothing is changed; a file that says nothing about Sametime is no failure.
pub(super) fn draft(DraftCommand::FromNotesIni { file }: &DraftCommand) -> ExitCode {
    let ini = match IniFile::read(file) {
        Ok(ini) => ini,
        Err(error) => return fail(EXIT_USAGE, format!("{}: {error}", file.display())),
    };
    let routes::Draft { toml, unmapped } = routes::from_notes_ini(&ini);
    let mut errors = io::stderr().lock();
    if toml.is_empty() {
        drop(writeln!(errors, "{}: no setting gave a route.", file.display()));
    }
    for sentence in unmapped {
        drop(writeln!(errors, "{sentence}"));
    }
    say(&toml)
}
