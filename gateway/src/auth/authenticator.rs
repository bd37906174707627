//! The check of a request's cookies against the key ring, with its log line and metric.
//!
//! A check is never longer than a few RSA operations, whatever a request brings (ltpa.md 6 and 8 bound values
//! and keys), so it runs where the request is served: no queue that could grow, no lock that is held meanwhile.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use protocol::ltpa::ring::{Accepted, KeyRing, SsoCookie};
use protocol::ltpa::{self, Class, Format, KeyLife, Proof, SystemSeconds, cookie};
use protocol::secret::Secret;

use super::cache::ProofCache;
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
    /// Random per process: lines about one token match, and a line says nothing about the token.
    salt: RandomState,
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
        Self { ring, names: sso.names, cookies, cache, changes, metrics, salt: RandomState::new() }
    }

    /// Judges the `Cookie` headers of one request at `now`, in Unix seconds.
    ///
    /// # Errors
    /// [`Rejection`], whose exact reason has been logged and counted.
    pub fn check(&self, cookie_headers: &[&str], now: u64) -> Result<Identity, Rejection> {
        let Some(ring) = &self.ring else {
            self.metrics.token_checked("none", "none");
            return Err(Rejection::Missing);
        };
        let header = joined(cookie_headers);
        let mut last = None;
        let accepted = ring.accept_with(&header, SystemSeconds(now), |cookie, token| {
            last = Some(cookie.verifier.format());
            self.prove(ring, cookie, token, now)
        });
        match accepted.and_then(|accepted| self.spell(accepted)) {
            Ok((user, accepted)) => {
                self.metrics.token_checked(accepted.identity.format.name(), "ok");
                tracing::debug!(
                    token = self.digest(&accepted.token),
                    key = &*accepted.identity.key_id,
                    cookie = accepted.cookie,
                    expires = accepted.identity.expires.0,
                    "token accepted"
                );
                let ltpa::Identity { expires, key_id, .. } = accepted.identity;
                let cookie = self.cookies.iter().find(|name| ***name == *accepted.cookie).cloned();
                Ok(Identity {
                    user,
                    expires: expires.0,
                    key_id,
                    cookie: cookie.unwrap_or_default(),
                    token: Secret::from(&*accepted.token),
                })
            }
            Err(reason) => Err(self.refused(ring, &header, last, reason)),
        }
    }

    /// What one token proves, from memory where that is quicker.
    fn prove(
        &self,
        ring: &KeyRing,
        cookie: &SsoCookie,
        token: &str,
        now: u64,
    ) -> Result<Proof, ltpa::Rejection> {
        let verify = || cookie.verifier.prove(token, SystemSeconds(now), ring.policy());
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

    /// The user in the configured spelling, taken out of the identity.
    fn spell<'a>(&self, mut accepted: Accepted<'a>) -> Result<(String, Accepted<'a>), ltpa::Rejection> {
        let user = std::mem::take(&mut accepted.identity.user);
        Ok((spelled(user, self.names).ok_or(ltpa::Rejection::BadName)?, accepted))
    }

    /// `format` is that of the last token that could be looked into.
    fn refused(
        &self,
        ring: &KeyRing,
        header: &str,
        format: Option<Format>,
        reason: ltpa::Rejection,
    ) -> Rejection {
        if reason == ltpa::Rejection::NoToken {
            self.metrics.token_checked("none", "none");
            return Rejection::Missing;
        }
        self.metrics.token_checked(format.map_or("none", Format::name), reason.reason());
        let shown = ring.cookie_names().find_map(|name| cookie::values(header, name).next());
        let token = self.digest(shown.unwrap_or_default());
        let reason_word = reason.reason();
        match reason.class() {
            // Every token ends; the page logs in again.
            Class::Expired => {
                tracing::debug!(token, reason = reason_word, "token refused");
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

    /// Eight digits that stand for a token in the log until the process ends.
    fn digest(&self, token: &str) -> String {
        format!("{:08x}", self.salt.hash_one(token) >> 32)
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
fn joined<'a>(headers: &[&'a str]) -> Cow<'a, str> {
    match headers {
        [] => Cow::Borrowed(""),
        [one] => Cow::Borrowed(one),
        several => Cow::Owned(several.join("; ")),
    }
}
