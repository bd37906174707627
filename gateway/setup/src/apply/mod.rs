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

use std::collections::BTreeMap;

use crate::directory::{Directory, DirectoryError};
use crate::items::ItemTable;
use crate::plan::{Action, DocumentPlan, Plan, SsoState, Step};
use crate::survey::Opened;

pub use journal::{Beside, Intent, Journal, JournalError, JournalItem, Record, Standing};
pub use report::{Fate, Outcome, Report};
pub use undo::undo;

/// After so many refusals in a row the account plainly may not write.
const REFUSALS: usize = 5;

/// What somebody has looked at, and takes upon themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// The SSO document lists every server. Asked for where that cannot be seen from here.
    pub sso_checked: bool,
}

/// Writes what a plan says. `said` hears of each document as it is done.
pub async fn apply<D: Directory>(
    plan: &Plan,
    table: &ItemTable,
    opened: &mut [Opened<D>],
    journal: &mut Journal,
    consent: Consent,
    mut said: impl FnMut(&Outcome),
) -> Result<Report, JournalError> {
    let mut report = Report::default();
    let mut refusals = 0_usize;
    let mut gate = Gate { sso: plan.sso_states(), consent, servers_failed: false };
    for document in &plan.documents {
        let directory = opened
            .iter_mut()
            .find(|opened| opened.access.name == document.directory)
            .and_then(|opened| opened.directory.as_mut())
            .filter(|directory| directory.kinds().contains(&document.kind));
        let fate = if document.action == Action::Leave {
            Fate::Right
        } else if document.action == Action::Manual {
            Fate::ByHand(document.why.clone())
        } else if document.is_pointless() {
            Fate::ByHand("the setting that it is for has to be settled by hand first".to_owned())
        } else if let Some(directory) = directory {
            match report.stopped.clone().or_else(|| gate.holds(document)) {
                Some(reason) => Fate::NotReached(reason),
                None => write::document(directory, table, document, journal).await?,
            }
        } else {
            Fate::ByHand("this path does not reach the document; see `setup export`".to_owned())
        };
        refusals = if matches!(fate, Fate::Failed(DirectoryError::Forbidden(_))) { refusals + 1 } else { 0 };
        if let Fate::Failed(error) = &fate
            && (error.stops_the_run() || refusals == REFUSALS)
        {
            report.stopped = Some(format!("{}: {error}", document.directory));
        }
        gate.servers_failed |= document.step < Step::AllUsers && fate.is_failure();
        let by_hand = document.items.iter().filter(|item| item.action == Action::Manual).count();
        let outcome =
            Outcome { title: document.title.clone(), directory: document.directory.clone(), fate, by_hand };
        said(&outcome);
        report.outcomes.push(outcome);
    }
    journal.flush()?;
    Ok(report)
}

/// What later steps wait for.
struct Gate {
    /// By directory.
    sso: BTreeMap<String, SsoState>,
    consent: Consent,
    /// Whether a document before the users' own could not be made right.
    servers_failed: bool,
}

impl Gate {
    /// Why a document of this step is not written now. A server that takes part in SSO and is not listed in the
    /// SSO document answers every page with an error 500 after its HTTP is restarted, so it waits for that
    /// document; users wait for the servers.
    fn holds(&self, document: &DocumentPlan) -> Option<String> {
        let step = document.step;
        let is_server = matches!(step, Step::InotesServer | Step::SametimeServer);
        let state = match step {
            Step::Connections | Step::SsoDocument => None,
            Step::InotesServer | Step::SametimeServer => self.sso.get(&document.directory),
            // Users meet the servers of every directory.
            Step::AllUsers | Step::SingleUsers => self.sso.values().max(),
        };
        let reason = match state {
            Some(SsoState::Wrong) => "the SSO document has to be put right by hand first; then apply again",
            Some(SsoState::Unseen) if is_server && !self.consent.sso_checked => {
                "nobody could see whether the SSO document lists the servers; look at it in the Notes client, then apply with --sso-checked"
            }
            _ if step >= Step::AllUsers && self.servers_failed => {
                "a server is not right yet, and users must not see broken awareness"
            }
            _ => return None,
        };
        Some(reason.to_owned())
    }
}
