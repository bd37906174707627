//! Delegated validation: for estates that do not hand out their Domino secret, a token is proved by a login
//! to the community, and what the community says is remembered for a while.
//!
//! Only tokens in Domino's readable format: name and times are read first, so that nothing malformed or
//! expired ever costs a login. The community's word about these bytes makes name and times authentic; the
//! identity is the one that the community returns. One login per token at a time, however many requests
//! wait for it; all tables are bounded.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::ltpa::{Charset, base64, cookie, domino};
use protocol::secret::Secret;
use tokio::sync::OnceCell;

use super::{Identity, Rejection};

/// Tokens whose proof is remembered or under way.
const PROOFS: usize = 50_000;
/// How long a refusal is remembered.
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// Values of one cookie name that are looked at (ltpa.md 6).
const VALUES: usize = 3;

/// Whoever can prove a token by using it. Implemented by the community.
pub trait Delegate: Send + Sync {
    /// The user that the token belongs to, or `None` if it is refused; `Err` if nobody can be asked.
    fn prove(&self, name: String, token: Secret) -> Proving<'_>;
}

/// A proof under way.
pub type Proving<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Unreachable>> + Send + 'a>>;

/// Nobody could be asked; nothing is known about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// Proves the tokens of one cookie. Shared by all workers; outlives reloads.
pub struct Delegated {
    delegate: Arc<dyn Delegate>,
    proofs: Mutex<HashMap<u128, Proof>>,
    hashers: [RandomState; 2],
}

#[derive(Clone)]
struct Proof {
    begun: Instant,
    /// The user, or that there is none.
    outcome: Arc<OnceCell<Option<String>>>,
}

impl Delegated {
    pub fn new(delegate: Arc<dyn Delegate>) -> Self {
        Self { delegate, proofs: Mutex::default(), hashers: [RandomState::new(), RandomState::new()] }
    }

    /// Judges the values of the cookie `name` at `now` (Unix seconds). `good_for` bounds how long a proof is
    /// believed; the token's own end comes first if it is earlier.
    pub async fn check(
        &self,
        cookie_headers: &[&str],
        name: &str,
        now: u64,
        good_for: Duration,
    ) -> Result<Identity, Rejection> {
        let values = cookie_headers.iter().flat_map(|header| cookie::values(header, name));
        let mut refused = Rejection::Missing;
        for value in values.take(VALUES) {
            match self.judge(name, value, now, good_for).await {
                Err(Rejection::Missing) => {}
                Err(rejection) => refused = rejection,
                accepted => return accepted,
            }
        }
        Err(refused)
    }

    async fn judge(
        &self,
        name: &str,
        value: &str,
        now: u64,
        good_for: Duration,
    ) -> Result<Identity, Rejection> {
        let token = base64::normalise(value).map_err(|_| Rejection::Missing)?;
        let claims = domino::claims(&token, Charset::default()).map_err(|_| Rejection::Invalid)?;
        let (Ok(claimed), Some(created), Some(expires)) = (claims.user, claims.created, claims.expires)
        else {
            return Err(Rejection::Invalid);
        };
        // Clocks may differ as much as a ring's default allows.
        if created.0 > now.saturating_add(60) {
            return Err(Rejection::NotYetValid);
        }
        if expires.0 < now {
            return Err(Rejection::Expired);
        }
        let user = self.prove(claimed, &token, good_for).await?;
        Ok(Identity {
            user,
            expires: expires.0,
            key_id: "delegated".into(),
            cookie: name.into(),
            token: Secret::from(token.as_ref()),
        })
    }

    /// The community's word, from memory or by asking once for everybody who waits.
    async fn prove(&self, name: String, token: &str, good_for: Duration) -> Result<String, Rejection> {
        let key = self.key(token);
        let proof = self.entry(key, good_for).ok_or(Rejection::Invalid)?;
        let asked = proof.outcome.get_or_try_init(|| self.delegate.prove(name, Secret::from(token))).await;
        match asked {
            Ok(Some(user)) => Ok(user.clone()),
            Ok(None) => Err(Rejection::Invalid),
            Err(Unreachable) => {
                // Nothing was learned: the next request asks again.
                self.lock().remove(&key);
                Err(Rejection::Invalid)
            }
        }
    }

    /// The proof of that token, new if there is none that may still be believed. `None`: too many.
    fn entry(&self, key: u128, good_for: Duration) -> Option<Proof> {
        let mut proofs = self.lock();
        let believed = |proof: &Proof| match proof.outcome.get() {
            None => true,
            Some(Some(_)) => proof.begun.elapsed() < good_for,
            Some(None) => proof.begun.elapsed() < REFUSED_FOR.min(good_for),
        };
        if let Some(known) = proofs.get(&key).filter(|proof| believed(proof)) {
            return Some(known.clone());
        }
        if proofs.len() >= PROOFS {
            proofs.retain(|_, proof| believed(proof));
        }
        if proofs.len() >= PROOFS {
            return None;
        }
        let fresh = Proof { begun: Instant::now(), outcome: Arc::default() };
        proofs.insert(key, fresh.clone());
        Some(fresh)
    }

    /// Keyed by random numbers of this process: nobody outside can make two tokens meet.
    fn key(&self, token: &str) -> u128 {
        let [first, second] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(token)));
        first << 64 | second
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u128, Proof>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Delegated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delegated").field("proofs", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use protocol::ltpa::SystemSeconds;
    use protocol::ltpa::domino::{DominoSecret, mint};

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const LONG: Duration = Duration::from_secs(300);

    /// Knows Ada; counts how often it is asked.
    #[derive(Default)]
    struct Community {
        asked: AtomicUsize,
        away: std::sync::atomic::AtomicBool,
    }

    impl Delegate for Community {
        fn prove(&self, name: String, _: Secret) -> Proving<'_> {
            Box::pin(async move {
                self.asked.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                if self.away.load(Ordering::SeqCst) {
                    return Err(Unreachable);
                }
                Ok((name == "CN=Ada/O=Acme").then(|| "CN=Ada/O=Acme".to_owned()))
            })
        }
    }

    fn cookie(name: &str, expires: u64) -> String {
        let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
        let (created, expires) = (SystemSeconds(NOW - 600), SystemSeconds(expires));
        format!("LtpaToken={}", mint(name.as_bytes(), created, expires, &secret).unwrap())
    }

    async fn check(delegated: &Delegated, header: &str, good_for: Duration) -> Result<String, Rejection> {
        delegated.check(&[header], "LtpaToken", NOW, good_for).await.map(|identity| identity.user)
    }

    #[tokio::test]
    async fn a_token_is_proved_once_for_all_who_wait_and_remembered() {
        let community = Arc::new(Community::default());
        let delegated = Delegated::new(Arc::clone(&community) as Arc<dyn Delegate>);
        let header = cookie("CN=Ada/O=Acme", NOW + 60);
        let (first, second) =
            tokio::join!(check(&delegated, &header, LONG), check(&delegated, &header, LONG));
        assert_eq!((first, second), (Ok("CN=Ada/O=Acme".into()), Ok("CN=Ada/O=Acme".into())));
        assert_eq!(check(&delegated, &header, LONG).await, Ok("CN=Ada/O=Acme".into()));
        assert_eq!(community.asked.load(Ordering::SeqCst), 1);
        // A proof is believed no longer than configured.
        check(&delegated, &header, Duration::ZERO).await.unwrap();
        assert_eq!(community.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_can_be_seen_to_be_worthless_costs_no_login() {
        let community = Arc::new(Community::default());
        let delegated = Delegated::new(Arc::clone(&community) as Arc<dyn Delegate>);
        assert_eq!(check(&delegated, "other=1", LONG).await, Err(Rejection::Missing));
        assert_eq!(check(&delegated, "LtpaToken=AAEC", LONG).await, Err(Rejection::Invalid));
        let expired = cookie("CN=Ada/O=Acme", NOW - 1);
        assert_eq!(check(&delegated, &expired, LONG).await, Err(Rejection::Expired));
        assert_eq!(community.asked.load(Ordering::SeqCst), 0);
        let foreign = cookie("CN=Eve/O=Acme", NOW + 60);
        for _ in 0..3 {
            assert_eq!(check(&delegated, &foreign, LONG).await, Err(Rejection::Invalid));
        }
        assert_eq!(community.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_outage_is_not_remembered_as_a_refusal() {
        let community = Arc::new(Community::default());
        let delegated = Delegated::new(Arc::clone(&community) as Arc<dyn Delegate>);
        let header = cookie("CN=Ada/O=Acme", NOW + 60);
        community.away.store(true, Ordering::SeqCst);
        assert_eq!(check(&delegated, &header, LONG).await, Err(Rejection::Invalid));
        community.away.store(false, Ordering::SeqCst);
        assert_eq!(check(&delegated, &header, LONG).await, Ok("CN=Ada/O=Acme".into()));
    }
}
