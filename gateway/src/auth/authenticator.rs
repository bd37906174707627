//! The check of a request's cookies against the key ring, with its log line and metric.
//!
//! A check is never longer than a few RSA operations, whatever a request brings (ltpa.md 6 and 8 bound values
//! and keys), so it runs where the request is served: no queue that could grow, no lock that is held meanwhile.
//! `storm.rs` shows what that means when everybody comes back at once.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use protocol::ltpa::base64::Normal;
use protocol::ltpa::ring::{Accepted, KeyRing, Refusal, SsoCookie};
use protocol::ltpa::{self, Class, Format, KeyLife, Proof, SystemSeconds};
use protocol::secret::Secret;

use super::cache::ProofCache;
use super::digest::digest;
use super::names::spelled;
use super::{Identity, ring};
use crate::config::{NameForm, Sso};
use crate::telemetry::Metrics;

/// As much as the rest of the program, and a client, may learn of a refusal. The exact reason is only in
/// the log and the metric: telling reasons apart from outside would help whoever forges tokens (ltpa.md 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No cookie that could carry a token.
    #[error("no token")]
    Missing,
    /// Nothing that was shown proves anything.
    #[error("no valid token")]
    Invalid,
    /// Genuine, but its time is over: a fresh login helps.
    #[error("the token has expired")]
    Expired,
    /// Genuine, but from the future: the clocks of the servers differ.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Nobody could be asked about a delegated token: nothing is known, and a login would not help.
    #[error("the token cannot be judged at the moment")]
    Unavailable,
}

/// Judges cookies. One per configuration; a reload makes a new one.
#[derive(Debug)]
pub struct Authenticator {
    /// `None` without single sign-on: nobody is known.
    ring: Option<KeyRing>,
    names: NameForm,
    /// Of the ring, in its order.
    cookies: Vec<Arc<str>>,
    /// `None` where every check is cheap.
    cache: Option<ProofCache>,
    /// The seconds from which another set of keys is used, in order.
    changes: Vec<u64>,
    metrics: Arc<Metrics>,
}

impl Authenticator {
    /// Takes the cookies and keys of the configuration; without any, every check ends in
    /// [`Rejection::Missing`]. So it does, with an error in the log, if they are ambiguous or prove
    /// nothing, which a configuration that was read from a file cannot be.
    pub fn new(sso: &Sso, metrics: Arc<Metrics>) -> Self {
        let ring = ring(sso).unwrap_or_else(|error| {
            tracing::error!(%error, "single sign-on cannot work: every token is refused");
            None
        });
        let cookies = ring.iter().flat_map(KeyRing::cookie_names).map(Arc::from).collect();
        let is_dear = |cookie: &SsoCookie| cookie.verifier.format() != Format::Domino;
        let cache = ring.as_ref().filter(|ring| ring.cookies().iter().any(is_dear));
        let cache = cache.and_then(|_| ProofCache::new());
        let mut changes: Vec<u64> = sso.keys.iter().flat_map(|key| changes(&key.life)).collect();
        changes.sort_unstable();
        Self { ring, names: sso.names, cookies, cache, changes, metrics }
    }

    /// A request has shown no token, here or to anybody else who could judge one.
    pub fn missing(&self) {
        self.metrics.token_checked("none", "none");
    }

    /// Judges the `Cookie` headers of one request at `now`, in Unix seconds. [`Rejection::Missing`] is left to the
    /// caller to count, who may know another way.
    ///
    /// # Errors
    /// [`Rejection`], whose exact reason has been logged and counted.
    pub fn check<H: AsRef<[u8]>>(&self, cookie_headers: &[H], now: u64) -> Result<Identity, Rejection> {
        let Some(ring) = &self.ring else { return Err(Rejection::Missing) };
        let header = joined(cookie_headers);
        let accepted = ring
            .accept_with(&*header, SystemSeconds(now), |cookie, token| self.prove(ring, cookie, token, now));
        match accepted {
            Ok(accepted) => self.accepted(accepted),
            Err(refusal) => Err(self.refused(refusal)),
        }
    }

    /// The user in the configured spelling.
    fn accepted(&self, accepted: Accepted<'_>) -> Result<Identity, Rejection> {
        let Accepted { identity, cookie, token, others } = accepted;
        let (format, expires, key_id) = (identity.format, identity.expires.0, Arc::clone(&identity.key_id));
        // Nobody else has it where nothing is remembered.
        let user = Arc::try_unwrap(identity).map_or_else(|shared| shared.user.clone(), |own| own.user);
        let Some(user) = spelled(user, self.names) else {
            return Err(self.reject(format.name(), ltpa::Rejection::BadName, token.as_bytes()));
        };
        self.metrics.token_checked(format.name(), "ok");
        tracing::debug!(token = digest(token.as_bytes()), key = &*key_id, cookie, expires, "token accepted");
        let name =
            |name: &str| self.cookies.iter().find(|known| ***known == *name).cloned().unwrap_or_default();
        let secret = |token: Option<Normal<'_>>| token.map(|token| Secret::from(&*token));
        Ok(Identity {
            user,
            expires,
            key_id,
            cookie: name(cookie),
            token: Secret::from(&*token),
            others: others.into_iter().map(|(cookie, token)| (name(cookie), secret(token))).collect(),
        })
    }

    /// What one token proves, from memory where that is quicker.
    fn prove(
        &self,
        ring: &KeyRing,
        cookie: &SsoCookie,
        token: &str,
        now: u64,
    ) -> Result<Proof, ltpa::Rejection> {
        let verify = || ring.prove(cookie, token, SystemSeconds(now));
        let format = cookie.verifier.format();
        let Some(cache) = self.cache.as_ref().filter(|_| format != Format::Domino) else { return verify() };
        let place = ring.cookies().iter().position(|other| std::ptr::eq(other, cookie)).unwrap_or_default();
        let epoch = self.changes.partition_point(|change| *change <= now);
        let key = cache.key(epoch, place, format, token);
        if let Some(known) = cache.recall(&key, now) {
            self.metrics.token_recalled(if known.is_ok() { "hit" } else { "refused" });
            return known;
        }
        self.metrics.token_recalled("miss");
        let start = Instant::now();
        let found = verify();
        self.metrics.token_verified(format.name(), start.elapsed().as_secs_f64());
        let skew = ring.policy().skew.as_secs();
        let end = found.as_ref().map_or(now, |proof| (proof.expires_ms() / 1000).saturating_add(skew));
        cache.keep(key, &found, now, end);
        found
    }

    fn refused(&self, refusal: Refusal<'_>) -> Rejection {
        match refusal.shown {
            Some((cookie, value)) => self.reject(cookie.verifier.format().name(), refusal.reason, value),
            None => Rejection::Missing,
        }
    }

    /// Counts and logs.
    fn reject(&self, format: &'static str, reason: ltpa::Rejection, value: &[u8]) -> Rejection {
        self.metrics.token_checked(format, reason.reason());
        let (token, reason_word) = (digest(value), reason.reason());
        match reason.class() {
            Class::Expired => {
                tracing::info!(token, reason = reason_word, "token refused");
                Rejection::Expired
            }
            Class::NotYetValid => {
                tracing::warn!(
                    token,
                    reason = reason_word,
                    "token refused: the clock here is behind its issuer's"
                );
                Rejection::NotYetValid
            }
            Class::Invalid => {
                tracing::info!(token, reason = reason_word, "token refused");
                Rejection::Invalid
            }
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        self.cache.as_ref().map_or((0, 0), ProofCache::size)
    }
}

/// The seconds from which a key is used, and from which it is not used any more.
fn changes(life: &KeyLife) -> impl Iterator<Item = u64> {
    let start = life.not_before.map(|start| start.0);
    start.into_iter().chain(life.not_after.map(|end| end.0.saturating_add(1)))
}

/// HTTP/2 allows a header per cookie (RFC 9113 8.2.3).
fn joined<H: AsRef<[u8]>>(headers: &[H]) -> Cow<'_, [u8]> {
    match headers {
        [] => Cow::Borrowed(&[]),
        [one] => Cow::Borrowed(one.as_ref()),
        several => {
            let several: Vec<&[u8]> = several.iter().map(AsRef::as_ref).collect();
            Cow::Owned(several.join(&b"; "[..]))
        }
    }
}
