//! What is wrong with a plan: everything at once, each with its place and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// From 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// Dotted name of the key; empty if the text is not TOML.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Every mistake that was found, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors {
    /// The plan.
    pub file: PathBuf,
    /// At least one.
    pub errors: Vec<PlanError>,
}

impl PlanErrors {
    /// One mistake that is about the whole file.
    pub(super) fn whole(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), errors: vec![PlanError { line: 0, key: String::new(), message }] }
    }
}

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, PlanError { line, key, message }) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.file.display())?;
            if *line > 0 {
                write!(f, "{line}:")?;
            }
            if !key.is_empty() {
                write!(f, " {key}:")?;
            }
            write!(f, " {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanErrors {}
