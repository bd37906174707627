//! Status words: vp-wire.md 8.3.

use crate::presence::Status;

/// The flag of a mobile client.
pub const MOBILE: u16 = 0x0200;

/// The word that says so. Offline and unknown are 0; no mobile client is either.
pub fn status_word(status: Status, mobile: bool) -> u16 {
    let word = match status {
        Status::Unknown | Status::Offline => return 0,
        Status::Meeting => 0x0008,
        Status::Active => 0x0020,
        Status::Idle => 0x0040,
        Status::Away => 0x0060,
        Status::Dnd => 0x0080,
    };
    if mobile { word | MOBILE } else { word }
}

/// What a word says, and whether of a mobile client. A word that nobody has told us about is an available
/// user's: only 0 is offline.
pub fn status_from_word(word: u16) -> (Status, bool) {
    let status = match word & !MOBILE {
        0 if word == 0 => Status::Offline,
        0x0008 => Status::Meeting,
        0x0040 => Status::Idle,
        0x0060 => Status::Away,
        0x0080 => Status::Dnd,
        _ => Status::Active,
    };
    (status, word & MOBILE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_survives_its_word() {
        for status in [Status::Active, Status::Idle, Status::Away, Status::Dnd, Status::Meeting] {
            for mobile in [false, true] {
                assert_eq!(status_from_word(status_word(status, mobile)), (status, mobile));
            }
        }
        assert_eq!(status_from_word(status_word(Status::Unknown, true)), (Status::Offline, false));
    }

    #[test]
    fn an_unknown_word_is_available() {
        assert_eq!(status_from_word(0x0010), (Status::Active, false));
        assert_eq!(status_from_word(0x8000), (Status::Active, false));
        assert_eq!(status_from_word(MOBILE), (Status::Active, true));
    }
}
