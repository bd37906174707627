//! How names of people are looked up in a community.

use std::time::Duration;

/// Bounds and paces of look-ups, per community.
#[derive(Clone, Debug)]
pub struct NameTuning {
    /// Mail domains whose addresses are looked up, with those below them. Empty: all.
    pub allow_domains: Vec<String>,
    /// Mail domains whose addresses are never looked up; goes before `allow_domains`.
    pub deny_domains: Vec<String>,
    /// Names that are remembered. Default 100 000.
    pub remembered: usize,
    /// How long a person found is remembered. Default 1 h.
    pub good_for: Duration,
    /// How long it is remembered that nobody has a name. Default 10 min.
    pub nobody_for: Duration,
    /// Names that are looked up a second at most. Default 500.
    pub per_second: u32,
    /// The same of one session, after its first 1,000. Default 20.
    pub session_per_second: u32,
}

impl Default for NameTuning {
    fn default() -> Self {
        Self {
            allow_domains: Vec::new(),
            deny_domains: Vec::new(),
            remembered: 100_000,
            good_for: Duration::from_secs(3600),
            nobody_for: Duration::from_secs(600),
            per_second: 500,
            session_per_second: 20,
        }
    }
}
