//! Writes a plan, document by document, and takes back what was written.
//!
//! Every document is read just before it is written, written with the path's optimistic locking, and read
//! again. What differs from what the plan saw is a conflict: it is reported, and nothing of that document is
//! written. The intention is in the journal before the request leaves, so that a run that was cut off can
//! be resumed (by applying again) or undone.

mod journal;
mod report;
mod undo;
mod write;

use std::collections::BTreeSet;

use crate::directory::{Directory, DirectoryError};
use crate::items::{ItemTable, Setting};
use crate::plan::{Action, Current, Plan, Step};
use crate::survey::Opened;

pub use journal::{Intent, Journal, JournalError, JournalItem, Record};
pub use report::{Fate, Outcome, Report};
pub use undo::undo;

/// After so many refusals in a row the account plainly may not write.
const REFUSALS: usize = 5;

/// Writes what a plan says. `said` hears of each document as it is done.
pub async fn apply<D: Directory>(
    plan: &Plan,
    table: &ItemTable,
    opened: &mut [Opened<D>],
    journal: &mut Journal,
    mut said: impl FnMut(&Outcome),
) -> Result<Report, JournalError> {
    let mut report = Report::default();
    let mut written = BTreeSet::new();
    let mut refusals = 0_usize;
    for document in &plan.documents {
        let fate = if document.action == Action::Leave {
            Fate::Right
        } else if document.action == Action::Manual {
            Fate::ByHand(document.why.clone())
        } else if document.is_pointless() {
            Fate::ByHand("the setting that it is for has to be settled by hand first".to_owned())
        } else if let Some(reason) = &report.stopped {
            Fate::NotReached(reason.clone())
        } else if document.step >= Step::AllUsers && sso_is_wrong(plan) {
            Fate::NotReached(
                "the SSO document has to be put right by hand first; then apply again".to_owned(),
            )
        } else if document.step >= Step::AllUsers && report.servers_failed() {
            Fate::NotReached("a server is not right yet, and users must not see broken awareness".to_owned())
        } else {
            let directory = opened.iter_mut().find(|opened| opened.access.name == document.directory);
            match directory.and_then(|opened| opened.directory.as_mut()) {
                Some(directory) if directory.kinds().contains(&document.kind) => {
                    write::document(directory, table, document, journal).await?
                }
                _ => Fate::ByHand("this path does not reach the document; see `setup export`".to_owned()),
            }
        };
        refusals = if matches!(fate, Fate::Failed(DirectoryError::Forbidden(_))) { refusals + 1 } else { 0 };
        if let Fate::Failed(error) = &fate
            && (error.stops_the_run() || refusals == REFUSALS)
        {
            report.stopped = Some(format!("{}: {error}", document.directory));
        }
        if matches!(fate, Fate::Written { .. }) {
            written.insert(document.directory.clone());
        }
        let by_hand = document.items.iter().filter(|item| item.action == Action::Manual).count();
        let outcome = Outcome {
            step: document.step,
            title: document.title.clone(),
            directory: document.directory.clone(),
            fate,
            by_hand,
        };
        said(&outcome);
        report.outcomes.push(outcome);
    }
    journal.flush()?;
    Ok(report)
}

/// Whether the SSO document is missing, or plainly lacks a server or the domain. What cannot be read does not
/// hold anybody up: the checks come after it.
fn sso_is_wrong(plan: &Plan) -> bool {
    let decides = [Setting::SsoName, Setting::SsoDomain, Setting::SsoServers];
    plan.documents.iter().filter(|document| document.step == Step::SsoDocument).any(|document| {
        let mut items = document.items.iter().filter(|item| decides.contains(&item.setting));
        items.any(|item| {
            item.action != Action::Leave && item.item.is_some() && item.current != Current::Unseen
        })
    })
}
