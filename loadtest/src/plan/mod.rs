//! What a load test does: one TOML file or a preset, read and checked in full before anything starts.
//!
//! `read` reads the document key by key and gathers mistakes with their lines, `check` makes the types
//! below from it. The same plan and seed give the same people, watch lists and arrival times.

mod chance;
mod check;
mod day;
mod part;
mod people;
mod preset;
#[cfg(test)]
mod tests;
mod tokens;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use chance::pick;
pub use chance::{Amount, Dice, Popularity};
pub use day::{Day, TimeOfDay};
pub use part::Part;
pub use preset::{PRESETS, Preset};
pub use settings::Mistakes;

use crate::tokens::TokenKey;

/// A whole test.
#[derive(Clone, Debug)]
pub struct Plan {
    /// File name without its ending, or the preset's name.
    pub name: String,
    /// The file itself, kept with the results.
    pub text: String,
    /// What chance depends on.
    pub seed: u64,
    /// Which of its browsers are played here.
    pub part: Part,
    /// Threads that play browsers.
    pub threads: usize,
    /// Where browsers connect from, in turn.
    pub sources: Vec<IpAddr>,
    /// How long browsers may take to agree with the community once nothing changes any more.
    pub settle: Duration,
    /// What is tested; `None`: an estate is started for the test.
    pub target: Option<Target>,
    /// Test users of a real community, if there is one.
    pub actors: Option<Actors>,
    /// What ends a test of a real estate early.
    pub safety: Safety,
    /// The estate that is started if there is no target.
    pub estate: Estate,
    /// Who there is and who watches whom.
    pub population: Population,
    /// The hours of a day that the test plays, if it does.
    pub day: Option<Day>,
    /// How browsers connect, by weight.
    pub transports: Transports,
    /// What happens, in order. Never empty.
    pub phases: Vec<Phase>,
    /// What makes the test fail.
    pub thresholds: Thresholds,
}

/// A gateway that runs already.
#[derive(Clone, Debug)]
pub struct Target {
    /// `http` or `https`, host and port; event channels are below it.
    pub url: String,
    /// The `http` address of the same gateway, for the browsers that come over it where `url` is `https`.
    pub plain_url: Option<String>,
    /// Control interface of the simulated community behind it: changes and the truth.
    pub control: Option<SocketAddr>,
    /// Ids of the people to play and to watch, one a line, if there is no control interface.
    pub people_file: Option<PathBuf>,
    /// What makes the tokens of browsers, and of test users without passwords.
    pub key: Option<Arc<TokenKey>>,
    /// Tokens that were made elsewhere, one a line, for browsers.
    pub token_file: Option<PathBuf>,
    /// Name of the token's cookie.
    pub cookie: String,
    /// Authorities for `https`; the system's by default.
    pub ca: Option<PathBuf>,
    /// The gateway's metrics page: its CPU and memory where its process is not known.
    pub metrics: Option<String>,
    /// Processes to measure, if they run on this machine.
    pub gateway_pid: Option<u32>,
    /// See `gateway_pid`.
    pub community_pid: Option<u32>,
}

/// Test users that log in to the community themselves and change their status.
#[derive(Clone, Debug)]
pub struct Actors {
    /// `host:port` of a community server; of no use where the community is started for the test.
    pub server: String,
    /// The community's servers speak TLS.
    pub tls: bool,
    /// Authorities for it; the system's by default.
    pub ca: Option<PathBuf>,
    /// One a line: name, or name and password with a semicolon between them.
    pub file: Option<PathBuf>,
    /// How many people of a started community have a rich client.
    pub count: usize,
    /// Kind of client, as servers filter on it (vp-wire.md 4).
    pub login_type: u16,
    /// How many people each actor watches: of the actors, or of a simulated community.
    pub watch: usize,
    /// Status changes a second by them, in all, beside those of a simulated community.
    pub changes_per_second: f64,
}

/// Ceilings where people work.
#[derive(Clone, Copy, Debug)]
pub struct Safety {
    /// Status changes a second; a plan with more is wrong.
    pub changes_per_second: f64,
    /// Pages opened a second, by any phase; a plan with more is wrong.
    pub pages_per_second: f64,
    /// Logins of test users a second.
    pub logins_per_second: f64,
    /// Failures of a hundred pages that end the test.
    pub failed_percent: f64,
}

/// How the gateway of a started estate is configured.
#[derive(Clone, Copy, Debug)]
pub struct Estate {
    /// Every browser's user is also logged in upstream.
    pub own_logins: bool,
    /// Every user's watches go through the user's own login.
    pub own_privacy: bool,
    /// What browsers log in with.
    pub token: TokenKind,
}

/// A format of tokens (ltpa.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Domino,
    /// WebSphere's `LtpaToken`.
    Ltpa1,
    /// `LtpaToken2`.
    Ltpa2,
}

/// Who there is.
#[derive(Clone, Debug)]
pub struct Population {
    /// People in the directory.
    pub people: usize,
    /// How many of a hundred are online without a client.
    pub online_percent: u8,
    /// How many of a hundred of those ever change; they make the changes.
    pub changing_percent: u8,
    /// How many of a hundred browsers are open, and nothing is done on their pages.
    pub idle_percent: u8,
    /// Length of a watch list.
    pub watches: Amount,
    /// Skew of who is watched.
    pub popularity: Popularity,
    /// Status changes a second, in all, where a phase says nothing else.
    pub changes_per_second: f64,
    /// Status changes a second, in all, that users make on their pages, where a phase says nothing else.
    pub own_changes_per_second: f64,
}

/// Weights, not all zero, and what is spoken below.
#[derive(Clone, Copy, Debug)]
pub struct Transports {
    pub websocket: u32,
    pub sse: u32,
    /// The Sametime Proxy's REST interface.
    pub poll: u32,
    /// How many of a hundred browsers come over `https`.
    pub https_percent: u8,
    /// How many of a hundred of these speak HTTP/2, where they do not speak WebSocket.
    pub http2_percent: u8,
}

/// A stretch of the test.
#[derive(Clone, Debug)]
pub struct Phase {
    pub name: String,
    pub kind: Kind,
    pub duration: Duration,
    /// Browsers that are open at its end (`ramp`) or come at once (`storm`).
    pub browsers: Option<usize>,
    /// Status changes a second, in all.
    pub changes_per_second: f64,
    /// The same by users on their pages.
    pub own_changes_per_second: f64,
    /// Storm: how many of a hundred browsers lose their connection.
    pub reconnect_percent: u8,
    /// Storm: over which time browsers come (back).
    pub within: Duration,
    /// Page changes a second, in all: a browser closes its channel and opens another at once.
    pub reloads_per_second: f64,
    /// Whether browsers are compared with the community at its end.
    pub check: bool,
}

/// What a phase does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Browsers come, evenly.
    Ramp,
    /// Nobody comes or goes, except for page changes.
    Hold,
    /// Many do the same at once.
    Storm,
    /// Browsers leave, evenly.
    Drain,
}

/// What makes the test fail, beside browsers that do not agree with the community.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Half of all changes arrive within.
    pub p50: Option<Duration>,
    /// Of 100 changes, 99 arrive within.
    pub p99: Option<Duration>,
    /// From the intended start of a page to its first complete list, 99 of 100.
    pub list_p99: Option<Duration>,
    /// Failures of a hundred visits.
    pub failed_percent: Option<f64>,
}

impl Plan {
    /// Whether this is a real estate: a target whose community is not simulated.
    pub fn is_real(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.control.is_none())
    }

    /// A preset by its name, or a file.
    pub fn load(name: &str) -> Result<Self, Mistakes> {
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
            return Self::parse(Path::new(name), preset.text);
        }
        let path = Path::new(name);
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => {
                let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                let message = format!("cannot be read: {error}; presets are {}", names.join(", "));
                Err(Mistakes::of_file(path, message))
            }
        }
    }

    /// A plan from text; `path` is for its name and for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Mistakes> {
        check::plan(path, text)
    }

    /// The most browsers that are there at a time.
    pub fn most_browsers(&self) -> usize {
        self.phases.iter().scan(0, |open, phase| Some(phase.after(open))).max().unwrap_or(0)
    }

    /// Whether users change their status on their pages.
    pub fn has_own_changes(&self) -> bool {
        self.phases.iter().any(|phase| phase.own_changes_per_second > 0.0)
    }

    /// How long all phases take, without the comparisons between them.
    pub fn duration(&self) -> Duration {
        self.phases.iter().map(|phase| phase.duration).sum()
    }
}

impl Phase {
    /// Pages that are opened in a second, at most, with so many browsers at its start and this part of page changes.
    fn pages_per_second(&self, open: usize, busiest: f64) -> f64 {
        let (come, within) = match (self.kind, self.browsers.unwrap_or(0)) {
            (Kind::Ramp, browsers) => (browsers.saturating_sub(open), self.duration),
            (Kind::Storm, browsers) => {
                (browsers + open * usize::from(self.reconnect_percent) / 100, self.within)
            }
            (Kind::Hold | Kind::Drain, _) => (0, self.duration),
        };
        // Within no time at all is within a moment.
        let reloads = if open > 0 { self.reloads_per_second * busiest } else { 0.0 };
        come as f64 / within.as_secs_f64().max(0.001) + reloads
    }

    /// Browsers at its end, from those at its start; updates `open`.
    fn after(&self, open: &mut usize) -> usize {
        *open = match (self.kind, self.browsers) {
            (Kind::Ramp, Some(browsers)) => browsers.max(*open),
            (Kind::Storm, Some(browsers)) => *open + browsers,
            (Kind::Drain, browsers) => browsers.unwrap_or(0),
            _ => *open,
        };
        *open
    }
}

impl Kind {
    /// As it is written in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Hold => "hold",
            Self::Storm => "storm",
            Self::Drain => "drain",
        }
    }
}
