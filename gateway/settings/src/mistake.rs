//! What is wrong with a file: everything at once, each with its place and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// Dotted name of the key; empty if the text is not TOML.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Every mistake of a file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// The file that was read.
    pub file: PathBuf,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

impl Mistakes {
    /// One that is about the file as a whole.
    pub fn of_file(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), mistakes: vec![Mistake { line: 0, key: String::new(), message }] }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file.display())?;
            if mistake.line > 0 {
                write!(f, "{}:", mistake.line)?;
            }
            if !mistake.key.is_empty() {
                write!(f, " {}:", mistake.key)?;
            }
            write!(f, " {}", mistake.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
