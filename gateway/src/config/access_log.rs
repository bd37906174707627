//! The access log: where its lines go, and what they tell of people.

use std::path::PathBuf;

/// How requests are logged. Read once, at the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogging {
    /// `None`: to the program's own log, at level `info` with the target `access`.
    pub path: Option<PathBuf>,
    /// Of the file.
    pub format: AccessFormat,
    /// Whether lines name the user whom a token proves.
    pub users: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessFormat {
    /// One JSON object a line.
    Json,
    /// Apache's combined format, with more at its end.
    Combined,
}

impl Default for AccessLogging {
    fn default() -> Self {
        Self { path: None, format: AccessFormat::Json, users: false }
    }
}
