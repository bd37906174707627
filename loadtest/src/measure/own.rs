//! Status changes that users make on their pages, as those of the community but by another way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FailureKind, Latency, add_failures};

/// What became of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OwnChanges {
    pub due: u64,
    /// Those that were not made because no page of the user was ready.
    pub missed: u64,
    /// Those that the gateway has taken.
    pub made: u64,
    /// Those whose page was closed, or the test ended, before the answer came.
    pub unanswered: u64,
    /// By the names of [`FailureKind`].
    pub failures: BTreeMap<String, u64>,
    /// From when it was due at one browser to when it came to another.
    pub updates: Latency,
}

impl OwnChanges {
    /// One was not taken.
    pub fn failed(&mut self, kind: FailureKind) {
        *self.failures.entry(kind.name().to_owned()).or_default() += 1;
    }

    /// How many failed.
    pub fn failures(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Adds those of another thread or phase.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.missed += other.missed;
        self.made += other.made;
        self.unanswered += other.unanswered;
        add_failures(&mut self.failures, &other.failures);
        self.updates.merge(&other.updates);
    }
}
