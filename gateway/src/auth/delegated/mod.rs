//! Delegated validation: for estates that do not hand out their Domino secret, a token is proved by a login
//! to the community, and what the community says is remembered for a while.
//!
//! Only tokens in Domino's readable format: name and times are read first, so that nothing malformed or
//! expired ever costs a login. The community's word about these bytes makes name and times authentic; the
//! identity is the one that the community returns. One login per token at a time, however many requests wait
//! for it, and it goes on when they do not; all tables are bounded. Whoever shows forged tokens waits: their
//! logins are counted by address, and have a share of the community's pace for themselves.

mod proofs;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::ltpa::ring::MAX_VALUES;
use protocol::ltpa::{self, base64, cookie, domino};
use protocol::secret::Secret;
use tokio::sync::watch;

use self::proofs::{Known, Outcome, Proofs};
use super::digest::digest;
use super::names::spelled;
use super::tries::{Tries, Try};
use super::{Identity, Rejection};
use crate::config::{Delegation, Limits, Sso};
use crate::telemetry::Metrics;

/// What metrics call these tokens.
const FORMAT: &str = "delegated";

/// Whoever can prove a token by using it. Implemented by the community.
pub trait Delegate: Send + Sync {
    /// The user that the token belongs to, or `None` if it is refused; `Err` if nobody can be asked. Ends by
    /// itself.
    fn prove(&self, name: String, token: Secret) -> Proving<'_>;
}

/// A proof under way.
pub type Proving<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Unreachable>> + Send + 'a>>;

/// Nobody could be asked; nothing is known about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// What a request shows.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The `Cookie` headers.
    pub cookies: &'a [&'a [u8]],
    pub client: IpAddr,
    /// In Unix seconds.
    pub now: u64,
}

/// Proves the tokens of one cookie. Shared by all workers; outlives reloads.
pub struct Delegated {
    delegate: Arc<dyn Delegate>,
    proofs: Mutex<Proofs>,
    tries: Tries,
    hashers: [RandomState; 2],
    metrics: Arc<Metrics>,
}

/// Why a value proves nobody.
#[derive(Clone, Copy)]
enum Doubt {
    Flaw(ltpa::Rejection),
    /// By the community.
    Refused,
    Unreachable,
    /// Too many that were refused came from this address.
    TooMany,
}

/// A proof under way. When it goes, however it ends, nobody waits for it any more.
struct UnderWay {
    delegated: Arc<Delegated>,
    key: u128,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.delegated.lock().forget(self.key);
    }
}

impl Delegated {
    pub fn new(delegate: Arc<dyn Delegate>, metrics: Arc<Metrics>) -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        Self { delegate, proofs: Mutex::default(), tries: Tries::default(), hashers, metrics }
    }

    /// Judges the cookies of one request by the rules of the site. Every value is looked at, so that two valid
    /// tokens of different users are noticed.
    pub async fn check(
        self: &Arc<Self>,
        shown: Shown<'_>,
        sso: &Sso,
        delegation: &Delegation,
        limits: &Limits,
    ) -> Result<Identity, Rejection> {
        let values = shown.cookies.iter().flat_map(|header| cookie::values(*header, &delegation.cookie));
        let mut accepted: Option<Identity> = None;
        let mut refused: Option<(Doubt, &[u8])> = None;
        for value in values.take(MAX_VALUES) {
            match self.judge(value, shown, sso, delegation, limits).await {
                Ok(found) => match &accepted {
                    Some(first) if first.user != found.user => {
                        return Err(self.refuse(Doubt::Flaw(ltpa::Rejection::MixedUsers), value));
                    }
                    Some(_) => {}
                    None => accepted = Some(found),
                },
                Err(doubt) if refused.is_none_or(|(earlier, _)| doubt.rank() > earlier.rank()) => {
                    refused = Some((doubt, value));
                }
                Err(_) => {}
            }
        }
        match (accepted, refused) {
            (Some(identity), _) => {
                self.metrics.token_checked(FORMAT, "ok");
                let token = digest(identity.token.expose());
                tracing::debug!(token, key = FORMAT, expires = identity.expires, "token accepted");
                Ok(identity)
            }
            (None, Some((doubt, value))) => Err(self.refuse(doubt, value)),
            (None, None) => Err(Rejection::Missing),
        }
    }

    async fn judge(
        self: &Arc<Self>,
        value: &[u8],
        shown: Shown<'_>,
        sso: &Sso,
        delegation: &Delegation,
        limits: &Limits,
    ) -> Result<Identity, Doubt> {
        let token = base64::normalise(value).map_err(Doubt::Flaw)?;
        let (name, expires) = claimed(&token, shown.now, sso).map_err(Doubt::Flaw)?;
        let user = self.prove(name, &token, shown.client, delegation, limits).await?;
        Ok(Identity {
            user: spelled(user, sso.names).ok_or(Doubt::Flaw(ltpa::Rejection::BadName))?,
            expires,
            key_id: FORMAT.into(),
            cookie: delegation.cookie.as_str().into(),
            token: Secret::from(&*token),
            others: Vec::new(),
        })
    }

    /// The community's word, from memory or by asking once for everybody who waits.
    async fn prove(
        self: &Arc<Self>,
        name: String,
        token: &str,
        client: IpAddr,
        delegation: &Delegation,
        limits: &Limits,
    ) -> Result<String, Doubt> {
        let key = self.key(token);
        let mut answer = {
            let mut proofs = self.lock();
            match proofs.recall(key, delegation.good_for) {
                Known::User(user) => {
                    self.metrics.token_recalled("hit");
                    return Ok(user.to_string());
                }
                Known::Refused => {
                    self.metrics.token_recalled("refused");
                    return Err(Doubt::Refused);
                }
                Known::UnderWay(answer) => answer,
                Known::Nothing => {
                    self.metrics.token_recalled("miss");
                    let attempt = self.tries.begin_unnamed(client, limits).map_err(|_| Doubt::TooMany)?;
                    let (tell, answer) = watch::channel(None);
                    if !proofs.begin(key, answer.clone()) {
                        attempt.give_back();
                        return Err(Doubt::Unreachable);
                    }
                    let under_way = UnderWay { delegated: Arc::clone(self), key };
                    tokio::spawn(under_way.ask(name, Secret::from(token), attempt, tell));
                    answer
                }
            }
        };
        match answer.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Ok(Some(user)))) => Ok(user.to_string()),
            Ok(Some(Ok(None))) => Err(Doubt::Refused),
            Ok(Some(Err(Unreachable)) | None) | Err(_) => Err(Doubt::Unreachable),
        }
    }

    /// Counts and logs.
    fn refuse(&self, doubt: Doubt, value: &[u8]) -> Rejection {
        let (token, reason, rejection) = (digest(value), doubt.reason(), doubt.rejection());
        self.metrics.token_checked(FORMAT, reason);
        if rejection == Rejection::NotYetValid {
            tracing::warn!(token, reason, "token refused: the clock here is behind its issuer's");
        } else {
            tracing::info!(token, reason, "token refused");
        }
        rejection
    }

    /// Keyed by random numbers of this process: nobody outside can make two tokens meet.
    fn key(&self, token: &str) -> u128 {
        let [first, second] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(token)));
        first << 64 | second
    }

    fn lock(&self) -> MutexGuard<'_, Proofs> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// Asks and tells those who wait, whoever of them is still there.
    async fn ask(self, name: String, token: Secret, attempt: Try, tell: watch::Sender<Option<Outcome>>) {
        let outcome: Outcome =
            self.delegated.delegate.prove(name, token).await.map(|user| user.map(Arc::from));
        if outcome != Ok(None) {
            attempt.give_back();
        }
        self.delegated.lock().keep(self.key, &outcome);
        tell.send_replace(Some(outcome));
    }
}

/// Name and end that a token claims, if a genuine one with them could be good now.
pub(crate) fn claimed(token: &str, now: u64, sso: &Sso) -> Result<(String, u64), ltpa::Rejection> {
    let claims = domino::claims(token, sso.charset)?;
    let (created, expires) = claims.created.zip(claims.expires).ok_or(ltpa::Rejection::BadTime)?;
    let lifetime = expires.0.checked_sub(created.0).ok_or(ltpa::Rejection::BadTime)?;
    let name = claims.user?;
    if sso.max_lifetime.is_some_and(|longest| lifetime > longest.as_secs()) {
        return Err(ltpa::Rejection::Lifetime);
    }
    let skew = sso.skew.as_secs();
    if created.0 > now.saturating_add(skew) {
        return Err(ltpa::Rejection::NotYetValid);
    }
    if now > expires.0.saturating_add(skew) {
        return Err(ltpa::Rejection::Expired);
    }
    Ok((name, expires.0))
}

impl Doubt {
    fn reason(self) -> &'static str {
        match self {
            Self::Flaw(reason) => reason.reason(),
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TooMany => "too_many",
        }
    }

    fn rejection(self) -> Rejection {
        match self {
            Self::Flaw(ltpa::Rejection::Expired) => Rejection::Expired,
            Self::Flaw(ltpa::Rejection::NotYetValid) => Rejection::NotYetValid,
            Self::Flaw(_) | Self::Refused => Rejection::Invalid,
            Self::Unreachable | Self::TooMany => Rejection::Unavailable,
        }
    }

    /// What helps a user most is said of several.
    fn rank(self) -> u8 {
        match self.rejection() {
            Rejection::Missing | Rejection::Invalid => 0,
            Rejection::NotYetValid => 1,
            Rejection::Expired => 2,
            Rejection::Unavailable => 3,
        }
    }
}

impl fmt::Debug for Delegated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delegated").finish_non_exhaustive()
    }
}
