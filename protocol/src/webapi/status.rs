//! Status numbers of scripts: browser-side.md 3.6. Not those of the community protocol.

use crate::presence::{Presence, Status};

/// A number of `stproxy.awareness`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptStatus(pub i8);

impl ScriptStatus {
    /// Nobody has told us.
    pub const UNKNOWN: Self = Self(-1);
    /// Not logged in, or hidden.
    pub const OFFLINE: Self = Self(0);

    /// The number for a status. No number says "idle on a mobile client": that is away on one.
    pub fn of(status: Status, mobile: bool) -> Self {
        Self(match (status, mobile) {
            (Status::Unknown, _) => -1,
            (Status::Offline, _) => 0,
            (Status::Active, false) => 1,
            (Status::Away, false) => 2,
            (Status::Dnd, false) => 3,
            (Status::Idle, false) => 4,
            (Status::Meeting, false) => 5,
            (Status::Active, true) => 6,
            (Status::Away | Status::Idle, true) => 7,
            (Status::Dnd, true) => 8,
            (Status::Meeting, true) => 10,
        })
    }

    /// The number for a state.
    pub fn of_presence(presence: &Presence) -> Self {
        Self::of(presence.status, presence.mobile)
    }

    /// What a user may set; `None` for numbers that nobody can set.
    pub fn to_own(self) -> Option<Status> {
        Some(match self.0 {
            1 | 6 => Status::Active,
            2 | 7 => Status::Away,
            3 | 8 => Status::Dnd,
            4 => Status::Idle,
            5 | 10 => Status::Meeting,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of browser-side.md 3.6: script number beside the word of the community protocol.
    #[test]
    fn the_two_number_systems_meet_only_in_the_status() {
        use crate::vp::awareness::status_from_word;
        for (number, word) in [
            (0, 0x0000),
            (1, 0x0020),
            (2, 0x0060),
            (3, 0x0080),
            (4, 0x0040),
            (5, 0x0008),
            (6, 0x0220),
            (7, 0x0260),
            (8, 0x0280),
            (10, 0x0208),
        ] {
            let (status, mobile) = status_from_word(word);
            assert_eq!(ScriptStatus::of(status, mobile), ScriptStatus(number), "{word:#06x}");
        }
        assert_eq!(ScriptStatus::of(Status::Unknown, false), ScriptStatus::UNKNOWN);
    }

    #[test]
    fn a_user_can_set_what_a_user_can_be() {
        for number in [1, 2, 3, 4, 5] {
            let status = ScriptStatus(number).to_own().unwrap();
            assert_eq!(ScriptStatus::of(status, false), ScriptStatus(number));
        }
        for number in [-1, 0, 9, 11, 96] {
            assert_eq!(ScriptStatus(number).to_own(), None);
        }
    }
}
