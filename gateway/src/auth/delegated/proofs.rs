//! What the community has said of tokens, and what it is being asked. What is refused cannot push out what was
//! proved: forging tokens is cheap.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Unreachable;

/// Proofs that each half remembers.
const HALF: usize = 25_000;
/// Proofs under way.
pub(super) const UNDER_WAY: usize = 128;
/// Refusals that are remembered.
pub(super) const REFUSALS: usize = 4096;
/// How long a refusal is remembered.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// The user, or that there is none.
pub(super) type Outcome = Result<Option<Arc<str>>, Unreachable>;

/// See the module. Two halves of proofs take turns: when the younger one is full, the older one is forgotten.
#[derive(Default)]
pub(super) struct Proofs {
    young: HashMap<u128, (Arc<str>, Instant)>,
    old: HashMap<u128, (Arc<str>, Instant)>,
    refused: HashMap<u128, Instant>,
    under_way: HashMap<u128, watch::Receiver<Option<Outcome>>>,
}

/// What is known of a token.
pub(super) enum Known {
    User(Arc<str>),
    Refused,
    UnderWay(watch::Receiver<Option<Outcome>>),
    Nothing,
}

impl Proofs {
    pub(super) fn recall(&self, key: u128, good_for: Duration) -> Known {
        let proved = self.young.get(&key).or_else(|| self.old.get(&key));
        if let Some((user, _)) = proved.filter(|(_, since)| since.elapsed() < good_for) {
            return Known::User(Arc::clone(user));
        }
        if let Some(answer) = self.under_way.get(&key) {
            return Known::UnderWay(answer.clone());
        }
        let is_refused = |since: &Instant| since.elapsed() < REFUSED_FOR.min(good_for);
        if self.refused.get(&key).is_some_and(is_refused) { Known::Refused } else { Known::Nothing }
    }

    /// Notes that somebody asks; `false`: too many do.
    pub(super) fn begin(&mut self, key: u128, answer: watch::Receiver<Option<Outcome>>) -> bool {
        let has_room = self.under_way.len() < UNDER_WAY;
        if has_room {
            self.under_way.insert(key, answer);
        }
        has_room
    }

    /// Nobody asks any more.
    pub(super) fn forget(&mut self, key: u128) {
        self.under_way.remove(&key);
    }

    /// Keeps an answer; that there was none is not one.
    pub(super) fn keep(&mut self, key: u128, outcome: &Outcome) {
        let now = Instant::now();
        match outcome {
            Ok(Some(user)) => {
                if self.young.len() >= HALF {
                    self.old = std::mem::take(&mut self.young);
                }
                self.young.insert(key, (Arc::clone(user), now));
            }
            Ok(None) => {
                if self.refused.len() >= REFUSALS {
                    self.refused.clear();
                }
                self.refused.insert(key, now);
            }
            Err(Unreachable) => {}
        }
        self.forget(key);
    }

    /// Proofs, refusals, and what is under way.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.young.len() + self.old.len(), self.refused.len(), self.under_way.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_table_is_bounded_and_refusals_push_no_proof_out() {
        let mut proofs = Proofs::default();
        let long = Duration::from_secs(300);
        proofs.keep(0, &Ok(Some("Ada".into())));
        for key in 1..=3 * REFUSALS as u128 {
            proofs.keep(key, &Ok(None));
        }
        let (proved, refused, _) = proofs.sizes();
        assert!(proved == 1 && refused <= REFUSALS, "{proved} {refused}");
        assert!(matches!(proofs.recall(0, long), Known::User(user) if &*user == "Ada"));
        for key in 1..=5 * HALF as u128 {
            proofs.keep(key, &Ok(Some("Bob".into())));
        }
        assert!(proofs.sizes().0 <= 2 * HALF);
        assert!(matches!(proofs.recall(0, long), Known::Nothing));
        assert!(matches!(proofs.recall(5 * HALF as u128, long), Known::User(_)));
        tokio::time::advance(long).await;
        assert!(matches!(proofs.recall(5 * HALF as u128, long), Known::Nothing));
        let (_tell, answer) = watch::channel(None);
        let begun = (0..2 * UNDER_WAY as u128).filter(|key| proofs.begin(*key, answer.clone())).count();
        assert_eq!((begun, proofs.sizes().2), (UNDER_WAY, UNDER_WAY));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_forgotten_after_ten_seconds() {
        let mut proofs = Proofs::default();
        proofs.keep(1, &Ok(None));
        assert!(matches!(proofs.recall(1, Duration::from_secs(300)), Known::Refused));
        tokio::time::advance(REFUSED_FOR).await;
        assert!(matches!(proofs.recall(1, Duration::from_secs(300)), Known::Nothing));
    }
}
