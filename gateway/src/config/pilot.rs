//! The pilot: who gets awareness from this gateway where a route has `pass_to`.

use std::path::PathBuf;

/// The configured pilot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pilot {
    /// Names and patterns with `*`, those of the group files included.
    pub people: Vec<String>,
    /// Percent of all users, chosen by a hash of their names. With neither this nor people everybody is in the
    /// pilot.
    pub share: Option<u32>,
    /// Where the bypass survives a restart.
    pub state_file: PathBuf,
}
