//! `setup apply` and `setup undo`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::apply::{self, Consent, Fate, Journal, Outcome, Report};
use gateway_setup::plan::table;

use super::FileArguments;
use super::desk::{Desk, run};
use super::plan::keep;
use crate::cli::{EXIT_USAGE, fail, say};

/// Name of the journal beside setup.toml.
const JOURNAL: &str = "setup.journal";

#[derive(Debug, Args)]
pub(super) struct ApplyArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Write; without it the plan is shown and nothing is changed
    #[arg(long)]
    yes: bool,
    /// Somebody has looked: the SSO document lists every server. Asked for where that cannot be seen from here
    #[arg(long)]
    sso_checked: bool,
    /// The journal for `undo`; beside setup.toml if left out
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct UndoArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Write; without it the journal's standing writes are shown
    #[arg(long)]
    yes: bool,
    /// The journal of the apply; beside setup.toml if left out
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

pub(super) fn apply(arguments: &ApplyArguments) -> ExitCode {
    run(async {
        let mut desk = Desk::new(&arguments.file.config)?;
        let (plan, _) = desk.plan().await?;
        keep(&desk, &plan)?;
        if plan.is_refused() {
            return Ok(fail(EXIT_USAGE, format!("{}\nrefused; nothing has been changed", table(&plan))));
        }
        if !arguments.yes {
            let _ = say(&format!("{}\nNothing has been changed; --yes writes it.\n", table(&plan)));
            return Ok(ExitCode::SUCCESS);
        }
        let mut journal = journal(&desk, arguments.journal.as_ref())?;
        let consent = Consent { sso_checked: arguments.sso_checked };
        let report = apply::apply(&plan, &desk.table, &mut desk.opened, &mut journal, consent, tell).await;
        Ok(end(&report.map_err(|error| fail(1, error))?))
    })
}

pub(super) fn undo(arguments: &UndoArguments) -> ExitCode {
    run(async {
        if !arguments.yes {
            // Nothing is asked of a directory, and the file stays as it is.
            let desk = Desk::offline(&arguments.file.config)?;
            let standing = Journal::look(&journal_path(&desk, arguments.journal.as_ref()));
            let standing = standing.map_err(|error| fail(1, error))?;
            let lines: Vec<String> = standing
                .iter()
                .map(|standing| format!("{} ({})", standing.intent.title, standing.intent.directory))
                .collect();
            let _ = say(&format!(
                "{} writes stand:\n{}\nNothing has been changed; --yes takes them back.\n",
                lines.len(),
                lines.join("\n")
            ));
            return Ok(ExitCode::SUCCESS);
        }
        let mut desk = Desk::new(&arguments.file.config)?;
        let mut journal = journal(&desk, arguments.journal.as_ref())?;
        let report = apply::undo(&desk.table, &mut desk.opened, &mut journal, tell).await;
        Ok(end(&report.map_err(|error| fail(1, error))?))
    })
}

fn journal(desk: &Desk, path: Option<&PathBuf>) -> Result<Journal, ExitCode> {
    Journal::open(&journal_path(desk, path)).map_err(|error| fail(1, error))
}

fn journal_path(desk: &Desk, path: Option<&PathBuf>) -> PathBuf {
    path.cloned().unwrap_or_else(|| desk.beside(JOURNAL))
}

/// One line per document that is not right already.
fn tell(outcome: &Outcome) {
    if outcome.fate != Fate::Right || outcome.by_hand > 0 {
        let _ = say(&format!("{outcome}\n"));
    }
}

fn end(report: &Report) -> ExitCode {
    let count = |fits: fn(&Fate) -> bool| report.count(fits);
    let mut text = format!(
        "\n{} written and read back, {} right already, {} conflicts, {} failed, {} by hand, {} not reached\n",
        report.written(),
        count(|fate| *fate == Fate::Right),
        count(|fate| matches!(fate, Fate::Conflict(_))),
        count(|fate| matches!(fate, Fate::Failed(_) | Fate::Differs(_))),
        count(|fate| matches!(fate, Fate::ByHand(_))),
        count(|fate| matches!(fate, Fate::NotReached(_))),
    );
    if let Some(why) = &report.stopped {
        text.push_str(&format!("stopped: {why}\nNothing is lost: run it again to resume.\n"));
    }
    let _ = say(&text);
    ExitCode::from(report.exit_code())
}
