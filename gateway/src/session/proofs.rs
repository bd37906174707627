//! Passwords and pages' tokens that the community has accepted, so that a second page of a user costs no second
//! login: kept as keyed hashes, whose key is gone with the process.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::presence::PersonId;
use ring::hmac;
use tokio::time::Instant;

use crate::hub::Proof;

/// How long a proof is believed without asking.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// Proofs that are known.
const MOST: usize = 1024;

/// See the module.
pub(super) struct Proofs {
    /// `None` without random numbers: everything is proved anew.
    key: Option<hmac::Key>,
    known: Mutex<Vec<(Hash, PersonId, Instant)>>,
}

/// What a name with its proof becomes.
pub(super) type Hash = Option<[u8; 32]>;

impl Proofs {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 32];
        let key = getrandom::fill(&mut bytes).ok().map(|()| hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        Self { key, known: Mutex::default() }
    }

    /// `None` for what the community does not judge.
    pub(super) fn key(&self, name: &str, proof: &Proof) -> Hash {
        let (kind, secret) = match proof {
            Proof::Password(password) => (b'p', password),
            Proof::PageToken(token) => (b't', token),
            Proof::Token(_) | Proof::Anonymous => return None,
        };
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        context.update(&[kind]);
        // The length keeps name and secret apart.
        context.update(&name.len().to_be_bytes());
        context.update(name.as_bytes());
        context.update(secret.expose());
        context.sign().as_ref().try_into().ok()
    }

    /// Whom the name and its proof prove.
    pub(super) fn recall(&self, hash: &Hash) -> Option<PersonId> {
        hash.as_ref()?;
        let now = Instant::now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(known, _, until)| known == hash && *until > now);
        found.map(|(_, person, _)| person.clone())
    }

    pub(super) fn keep(&self, hash: Hash, person: PersonId) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _, until)| *other != hash && *until > now);
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push((hash, person, now + GOOD_FOR));
    }
}

#[cfg(test)]
mod tests {
    use protocol::secret::Secret;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_same_name_and_password_are_known_and_not_for_ever() {
        let proofs = Proofs::new();
        let key = |name: &str, password: &str| proofs.key(name, &Proof::Password(Secret::from(password)));
        proofs.keep(key("ann", "pw"), "CN=Ann".into());
        assert_eq!(proofs.recall(&key("ann", "pw")), Some("CN=Ann".into()));
        for (name, password) in [("ann", "pW"), ("annp", "w"), ("bo", "pw"), ("ann", "")] {
            assert_eq!(proofs.recall(&key(name, password)), None);
        }
        assert_eq!(proofs.recall(&proofs.key("ann", &Proof::PageToken(Secret::from("pw")))), None);
        assert_eq!(proofs.recall(&None), None);
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!(proofs.recall(&key("ann", "pw")), None);
    }
}
