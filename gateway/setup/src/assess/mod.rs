//! Whether an estate is ready for the gateway, judged from what an administrator can hand over without giving
//! access to anything: `notes.ini`, `sametime.ini` and a recording of a browser (HAR).
//!
//! ```text
//! notes.ini ────> notes ─────┐
//! sametime.ini ─> sametime ──┼─> findings ─> Report: go or no-go, with the exact lines to change
//! HAR ─> har ───> browser ───┘
//! ```
//!
//! Reads nothing else and changes nothing. Cookies, tokens and queries of a recording are dropped while it is
//! read, and never reach a finding. Facts and their marks: vp-wire.md 4 and 5.1, browser-side.md 1 to 5,
//! domino-directory.md 3.7.

mod browser;
mod finding;
mod har;
mod notes;
mod report;
mod sametime;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use finding::{Change, Finding, Severity};
pub use har::HarError;
pub use report::Report;

use crate::ini::{IniError, IniFile};

/// Login type of the gateway unless its configuration says otherwise.
pub const USUAL_LOGIN_TYPE: u16 = 0x14b4;

/// The files that are looked at. Several of a kind: an estate has several servers.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `notes.ini` of mail servers.
    pub notes: Vec<PathBuf>,
    /// `sametime.ini` of community servers and multiplexers, or their container environment files.
    pub sametime: Vec<PathBuf>,
    /// Recordings of a browser.
    pub har: Vec<PathBuf>,
}

/// What is known of the gateway that shall be put in front.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The host name that browsers will use, if it is known.
    pub host: Option<String>,
    /// The addresses its logins to the community will come from.
    pub addresses: Vec<IpAddr>,
    /// The login type of these logins.
    pub login_type: u16,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    #[error(transparent)]
    Ini(#[from] IniError),
    #[error(transparent)]
    Har(#[from] HarError),
}

/// Reads the sources and judges them.
pub fn assess(sources: &Sources, gateway: &Gateway) -> Result<Report, AssessError> {
    let mut report = Report::default();
    for path in &sources.notes {
        notes::judge(&shown(path), &IniFile::read(path)?, gateway, &mut report);
    }
    for path in &sources.sametime {
        sametime::judge(&shown(path), &IniFile::read(path)?, gateway, &mut report);
    }
    for path in &sources.har {
        let mut seen = browser::Browser::new(gateway);
        har::read(path, &mut |exchange| seen.take(&exchange))?;
        seen.judge(&shown(path), gateway, &mut report);
    }
    for (kind, files) in
        [("notes.ini", &sources.notes), ("sametime.ini", &sources.sametime), ("HAR", &sources.har)]
    {
        if files.is_empty() {
            report.not_given.push(kind);
        }
    }
    report.finish();
    Ok(report)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
