//! One thing that was found: how bad it is, where it stands, what to change, and how sure the reason is.

use serde::Serialize;

use crate::items::Mark;

/// Places that a finding names; the rest is counted.
const MOST_PLACES: usize = 5;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Awareness cannot work, or users would be hurt: no-go.
    Blocker,
    /// It may work; somebody has to look.
    Warning,
    /// Good to know.
    Note,
    /// Looked at, and in order.
    Fine,
}

/// A line to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// File and line, or the document and its field.
    pub at: String,
    /// What stands there now; nothing where a line has to be added.
    pub now: Option<String>,
    /// What shall stand there; nothing where the line has to go.
    pub then: Option<String>,
}

/// One thing that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Name of the check: stable, for scripts.
    pub check: &'static str,
    pub severity: Severity,
    /// What is the case, in one sentence.
    pub what: String,
    /// What follows from it.
    pub why: String,
    /// Where it was seen: file and line, or entry of a recording. At most five.
    pub places: Vec<String>,
    /// How many more places there are.
    pub more_places: u64,
    /// What to change.
    pub changes: Vec<Change>,
    /// How sure the reason is.
    pub mark: Mark,
    /// Where the reason stands in the protocol notes.
    pub source: &'static str,
}

impl Finding {
    pub(super) fn new(check: &'static str, severity: Severity, what: impl Into<String>) -> Self {
        Self {
            check,
            severity,
            what: what.into(),
            why: String::new(),
            places: Vec::new(),
            more_places: 0,
            changes: Vec::new(),
            mark: Mark::Inferred,
            source: "",
        }
    }

    pub(super) fn because(mut self, mark: Mark, source: &'static str, why: impl Into<String>) -> Self {
        (self.mark, self.source, self.why) = (mark, source, why.into());
        self
    }

    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        if self.places.len() < MOST_PLACES {
            self.places.push(place.into());
        } else {
            self.more_places += 1;
        }
        self
    }

    /// A line that shall read differently, or go.
    pub(super) fn change(mut self, at: impl Into<String>, now: &str, then: Option<String>) -> Self {
        self.changes.push(Change { at: at.into(), now: Some(now.to_owned()), then });
        self
    }

    /// Something to add.
    pub(super) fn add(mut self, at: impl Into<String>, then: impl Into<String>) -> Self {
        self.changes.push(Change { at: at.into(), now: None, then: Some(then.into()) });
        self
    }
}
