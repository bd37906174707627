//! The words of presence: who, in which state, with which text.

use std::fmt;
use std::sync::Arc;

/// A person, named by the canonical directory id that the community uses
/// (`CN=Ann Example/O=Acme` or `uid=ann,ou=people,dc=acme`).
///
/// Two ids are the same person when they are equal byte by byte: a community answers with the id
/// exactly as it was asked for (vp-wire.md 8.2), and which letters are the same letter is for the
/// directory to decide. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(Arc<str>);

impl PersonId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PersonId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for PersonId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What a person is doing, as far as the community tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nobody has told us, or whoever did is out of reach. Not the same as offline.
    #[default]
    Unknown,
    /// Not logged in, or hidden from whoever asks.
    Offline,
    /// At the computer.
    Active,
    /// Logged in, not using the computer.
    Idle,
    /// Away, said by the person.
    Away,
    /// Does not want to be disturbed.
    Dnd,
    /// In a meeting.
    Meeting,
}

impl Status {
    /// The name used in JSON, logs and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Offline => "offline",
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Away => "away",
            Self::Dnd => "dnd",
            Self::Meeting => "meeting",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unknown, Self::Offline, Self::Active, Self::Idle, Self::Away, Self::Dnd, Self::Meeting]
            .into_iter()
            .find(|status| status.name() == name)
    }

    /// Whether the person is logged in.
    pub fn is_online(self) -> bool {
        !matches!(self, Self::Unknown | Self::Offline)
    }
}

/// The newest known state of a person. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// What the person is doing.
    pub status: Status,
    /// On a mobile client (the flag 0x0200 of vp-wire.md 8.3).
    pub mobile: bool,
    /// The status text that the person wrote; empty when offline or unknown.
    pub text: Arc<str>,
    /// The display name that came with the state; empty when none did.
    pub name: Arc<str>,
}

impl Presence {
    /// A state without a text.
    pub fn of(status: Status) -> Self {
        Self { status, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_name() {
        for status in [Status::Unknown, Status::Offline, Status::Active, Status::Meeting] {
            assert_eq!(Status::from_name(status.name()), Some(status));
        }
        assert_eq!(Status::from_name("Active"), None);
    }
}
