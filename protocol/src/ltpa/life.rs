//! How long a key of a ring is used. Implements the rotation rules of ltpa.md 8.

use super::SystemSeconds;

/// The time between two moments, both included. Outside it a key proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLife {
    /// The first second; `None` is since ever.
    pub not_before: Option<SystemSeconds>,
    /// The last second; `None` is for ever.
    pub not_after: Option<SystemSeconds>,
}

impl KeyLife {
    /// Without a beginning or an end.
    pub const ALWAYS: Self = Self { not_before: None, not_after: None };

    /// Whether the key is used at this moment.
    pub fn covers(&self, now: SystemSeconds) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now <= end)
    }
}
