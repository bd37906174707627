//! What became of each document.

use std::fmt;

use crate::directory::DirectoryError;

/// One document's end.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It was right already.
    Right,
    /// Written and read back. `beside` are items that the form or the server has changed or removed although
    /// nobody asked for it.
    Written { beside: Vec<String> },
    /// Somebody changed it since the plan was made; nothing of it was written.
    Conflict(String),
    /// Asked for and not done.
    Failed(DirectoryError),
    /// Written, but something else was read back.
    Differs(String),
    /// Somebody has to do it.
    ByHand(String),
    /// The run had stopped before.
    NotReached(String),
}

impl Fate {
    /// Whether it was asked for and is not so.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Failed(_) | Self::Differs(_) | Self::NotReached(_))
    }
}

/// See [`Fate`].
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub title: String,
    pub directory: String,
    pub fate: Fate,
    /// Items of the document that somebody has to set by hand, beside what was written.
    pub by_hand: usize,
}

/// The end of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub outcomes: Vec<Outcome>,
    /// Why nothing more was tried; the next run resumes.
    pub stopped: Option<String>,
}

impl Report {
    /// How many documents ended so.
    pub fn count(&self, fits: impl Fn(&Fate) -> bool) -> usize {
        self.outcomes.iter().filter(|outcome| fits(&outcome.fate)).count()
    }

    /// Documents that were written and read back.
    pub fn written(&self) -> usize {
        self.count(|fate| matches!(fate, Fate::Written { .. }))
    }

    /// Whether a person has something left to do or to decide.
    pub fn needs_somebody(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.by_hand > 0)
            || self.count(|fate| !matches!(fate, Fate::Right | Fate::Written { .. })) > 0
    }

    /// Exit code of a run: 0 done, 1 stopped, 3 something is left for a person.
    pub fn exit_code(&self) -> u8 {
        match (&self.stopped, self.needs_somebody()) {
            (Some(_), _) => 1,
            (None, true) => 3,
            (None, false) => 0,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("right already"),
            Self::Written { beside } if beside.is_empty() => f.write_str("written and read back"),
            Self::Written { beside } => {
                write!(
                    f,
                    "written and read back; the form or the server has also changed {}",
                    beside.join(", ")
                )
            }
            Self::Conflict(text) => write!(f, "CONFLICT, left alone: {text}"),
            Self::Failed(error) => write!(f, "FAILED: {error}"),
            Self::Differs(text) => write!(f, "WRITTEN, READ BACK DIFFERENT: {text}"),
            Self::ByHand(text) => write!(f, "by hand: {text}"),
            Self::NotReached(text) => write!(f, "not reached: {text}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.title, self.directory, self.fate)?;
        if self.by_hand > 0 && matches!(self.fate, Fate::Written { .. } | Fate::Right) {
            write!(f, "; {} more items by hand", self.by_hand)?;
        }
        Ok(())
    }
}
