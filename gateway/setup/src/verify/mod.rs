//! The checks C1 to C21 (domino-directory.md 5): does it work, and if not, what to do.
//!
//! `documents` (with `sso` and `persons`) judges what was read, by planning anew: what needs no change is right.
//! `network` (with `hosts` and `login`) looks from outside: names, ports, logins, clocks. `protocol` judges a
//! `notes.ini`. What cannot be seen from here is unknown, never passed off as right.

mod documents;
mod hosts;
mod login;
mod network;
mod persons;
mod protocol;
mod sso;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub use documents::documents;
pub use hosts::{Resolve, Seen};
pub use login::{LoginError, Session, log_in};
pub use network::{Way, network};
pub use persons::{TestUser, test_users};
pub use protocol::protocol;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Pass,
    Fail,
    /// It cannot be seen from here.
    Unknown,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `C1` to `C21`.
    pub id: &'static str,
    pub title: &'static str,
    pub outcome: Outcome,
    /// What was seen.
    pub reason: String,
    /// What to do; empty if it passed.
    pub hint: String,
}

/// All checks that were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    pub checks: Vec<Check>,
}

impl Verification {
    /// Exit code: 0 if nothing failed, else 3. What cannot be seen is no failure, unless `strict` says so.
    pub fn exit_code(&self, strict: bool) -> u8 {
        let open = if strict { self.count(Outcome::Unknown) } else { 0 };
        if self.count(Outcome::Fail) + open == 0 { 0 } else { 3 }
    }

    /// How many ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }

    /// The outcome of one check; unknown if it was not made.
    pub fn of(&self, id: &str) -> Outcome {
        self.checks.iter().find(|check| check.id == id).map_or(Outcome::Unknown, |check| check.outcome)
    }

    /// In the order of their numbers.
    pub fn sorted(mut self) -> Self {
        self.checks.sort_by_key(|check| check.id.get(1..).and_then(|number| number.parse::<u32>().ok()));
        self
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let word = match check.outcome {
                Outcome::Pass => "pass",
                Outcome::Fail => "FAIL",
                Outcome::Unknown => "unknown",
            };
            writeln!(f, "{:<4} {word:<8} {}: {}", check.id, check.title, check.reason)?;
            if !check.hint.is_empty() {
                writeln!(f, "              -> {}", check.hint)?;
            }
        }
        let (pass, fail, unknown) =
            (self.count(Outcome::Pass), self.count(Outcome::Fail), self.count(Outcome::Unknown));
        writeln!(f, "\n{pass} passed, {fail} failed, {unknown} cannot be seen from here")
    }
}

/// The checks with their titles and what to do when they fail.
const CHECKS: &[(&str, &str, &str)] = &[
    ("C1", "server names resolve", "correct the name in setup.toml, or replicate the directory"),
    ("C2", "Connection documents", "`livename setup apply` makes or enables them; delete duplicates by hand"),
    (
        "C3",
        "same directory everywhere",
        "replicate names.nsf (`replicate \"SERVER\" names.nsf`) and verify again",
    ),
    ("C4", "no conflict documents", "resolve the replication conflicts by hand"),
    ("C5", "Person documents on the Sametime server", "replicate, or set up directory assistance there"),
    (
        "C6",
        "Sametime server is set",
        "`livename setup apply`; for items whose names are unknown, `livename setup discover` or by hand",
    ),
    ("C7", "names lead to hosts", "correct DNS, the Server document's Internet host name, or the firewall"),
    ("C8", "SSO document present once", "create it in the Notes client, delete the second one, or replicate"),
    (
        "C9",
        "SSO document lists every server",
        "in the Notes client list every server by its full name, and no group or wildcard; save, so that it is encrypted for them",
    ),
    (
        "C10",
        "DNS domain",
        "correct the DNS domain in the SSO document in the Notes client (it starts with a dot), or the Internet host name in the Server document",
    ),
    ("C11", "organization", "blank with Server documents, the site's organization with Internet Sites"),
    ("C12", "one mechanism", "use Server documents on all servers of the group, or Internet Sites on all"),
    ("C13", "SSO is on", "`livename setup apply`, then restart HTTP"),
    (
        "C14",
        "a login gives a token",
        "500 means that SSO is not configured or not loaded: replicate, restart HTTP, look at the server's console",
    ),
    (
        "C15",
        "the token is honoured",
        "the keys differ, the clocks differ, or the server is not listed in the SSO document",
    ),
    ("C16", "clocks", "synchronise the servers' clocks; tokens carry absolute times"),
    ("C17", "no single-server sessions", "switch those servers to SSO, or use secrets and tokens"),
    (
        "C18",
        "instant messaging itself",
        "this is Sametime's own matter, not that of iNotes: try two ordinary Sametime clients, then verify again with --community",
    ),
    ("C19", "awareness", "look at the checks above, then at the gateway's log and the browser's console"),
    (
        "C20",
        "status beside the user's own name",
        "see C6; correct the Person document of that user, or the Configuration Settings document",
    ),
    (
        "C21",
        "protocol",
        "on the mail server's console: `set configuration iNotes_WA_SametimeProtocol=` (empty unsets it), then restart HTTP",
    ),
];

/// A check that was made. What it is about and what to do comes from the list.
pub fn check(id: &'static str, outcome: Outcome, reason: impl Into<String>) -> Check {
    let (_, title, hint) = CHECKS.iter().find(|(known, ..)| *known == id).copied().unwrap_or((id, "", ""));
    let hint = if outcome == Outcome::Pass { String::new() } else { hint.to_owned() };
    Check { id, title, outcome, reason: reason.into(), hint }
}
