//! Whether browsers know what is true.

use serde::{Deserialize, Serialize};

/// What is known of a person, small enough for a million of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PersonState {
    /// The first letters of the status word; empty if nothing is known.
    status: [u8; 3],
    mobile: bool,
    /// See [`text_hash`].
    text: u32,
}

/// The community's word on everybody, in the order of the cast.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// One per person.
    pub states: Vec<PersonState>,
}

/// How many of the states that browsers hold agree with the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Browsers that were compared.
    pub browsers: u64,
    /// Browsers that should be connected and are not.
    pub absent: u64,
    /// States that were compared: everybody on the list of every browser.
    pub states: u64,
    /// Nothing is known of the person: lost.
    pub missing: u64,
    /// Another state than the true one.
    pub stale: u64,
    /// Users who have changed their status on a page, and those of them of whom the community does not say so.
    #[serde(default)]
    pub own: u64,
    #[serde(default)]
    pub own_lost: u64,
    /// A few of these, in words.
    pub examples: Vec<String>,
}

/// So many examples are kept.
const EXAMPLES: usize = 5;

impl PersonState {
    /// From the words of an event or of the community.
    pub fn new(status: &str, mobile: bool, text: &str) -> Self {
        let mut letters = [0; 3];
        for (letter, byte) in letters.iter_mut().zip(status.bytes()) {
            *letter = byte;
        }
        Self { status: letters, mobile, text: text_hash(text) }
    }

    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        self.status != [0; 3]
    }

    /// The beginning of the status word, for examples.
    pub fn word(&self) -> String {
        let word = String::from_utf8_lossy(&self.status).trim_end_matches('\0').to_owned();
        if self.mobile { format!("{word}, mobile") } else { word }
    }

    /// As a Sametime Proxy tells it: no number says "idle on a mobile client", that is away on one
    /// (browser-side.md 3.6).
    #[must_use]
    pub fn in_numbers(mut self) -> Self {
        if self.mobile && self.status == *b"idl" {
            self.status = *b"awa";
        }
        self
    }
}

impl Truth {
    /// The true state of a person.
    pub fn of(&self, person: u32) -> PersonState {
        self.states.get(person as usize).copied().unwrap_or_default()
    }
}

impl Agreement {
    /// Compares one state; `describe` makes an example of it.
    pub fn compare(
        &mut self,
        held: PersonState,
        truth: PersonState,
        describe: impl FnOnce(&'static str) -> String,
    ) {
        self.states += 1;
        let what = if !held.is_known() {
            self.missing += 1;
            "nothing"
        } else if held != truth {
            self.stale += 1;
            "an old state"
        } else {
            return;
        };
        if self.examples.len() < EXAMPLES {
            self.examples.push(describe(what));
        }
    }

    /// Compares what a user has set on a page; `Err`: the gateway has not answered yet.
    pub fn compare_own(
        &mut self,
        set: Result<PersonState, ()>,
        truth: PersonState,
        describe: impl FnOnce(&'static str) -> String,
    ) {
        self.own += 1;
        let what = match set {
            Ok(set) if set == truth => return,
            Ok(_) => "is not what the community says",
            Err(()) => "has no answer",
        };
        self.own_lost += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(describe(what));
        }
    }

    /// Adds the browsers of another thread.
    pub fn add(&mut self, other: Self) {
        self.browsers += other.browsers;
        self.absent += other.absent;
        self.states += other.states;
        self.missing += other.missing;
        self.stale += other.stale;
        self.own += other.own;
        self.own_lost += other.own_lost;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    /// Everybody who should be there is, and knows the truth.
    pub fn converged(&self) -> bool {
        self.absent == 0 && self.missing == 0 && self.stale == 0 && self.own_lost == 0
    }
}

/// FNV-1a, folded: tells texts apart well enough to find stale ones.
pub fn text_hash(text: &str) -> u32 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_apart() {
        let truth = PersonState::new("away", false, "Lunch");
        let mut agreement = Agreement::default();
        for (status, mobile, text) in [
            ("away", false, "Lunch"),
            ("away", false, "Back"),
            ("active", false, "Lunch"),
            ("away", true, "Lunch"),
        ] {
            agreement.compare(PersonState::new(status, mobile, text), truth, str::to_owned);
        }
        agreement.compare(PersonState::default(), truth, str::to_owned);
        assert_eq!((agreement.states, agreement.missing, agreement.stale), (5, 1, 3));
        assert_eq!(agreement.examples, ["an old state", "an old state", "an old state", "nothing"]);
        assert!(!agreement.converged() && Agreement::default().converged());
    }

    #[test]
    fn what_users_have_set_has_to_be_true() {
        let (away, busy) = (PersonState::new("away", false, "1"), PersonState::new("dnd", false, "2"));
        let mut agreement = Agreement::default();
        agreement.compare_own(Ok(away), away, str::to_owned);
        assert!(agreement.converged());
        agreement.compare_own(Ok(away), busy, str::to_owned);
        agreement.compare_own(Err(()), away, str::to_owned);
        assert_eq!((agreement.own, agreement.own_lost, agreement.converged()), (3, 2, false));
    }

    #[test]
    fn all_status_words_differ_in_their_first_letters() {
        let words = ["active", "idle", "away", "dnd", "meeting", "offline", "unknown"];
        let letters: std::collections::BTreeSet<_> =
            words.iter().map(|word| PersonState::new(word, false, "").status).collect();
        assert_eq!(letters.len(), words.len());
    }
}
