//! The check of a request's cookies against the key ring, with its log line and metric.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use protocol::ltpa::domino::{DominoKey, DominoSecret};
use protocol::ltpa::ring::{Accepted, KeyRing, SsoCookie, Verifier};
use protocol::ltpa::websphere::WebSphereKey;
use protocol::ltpa::{self, Class, KeyLife, Policy, SystemSeconds, cookie};
use protocol::secret::Secret;

use super::Identity;
use crate::config::{KeyMaterial, Sso, SsoKey, TokenFormat};
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
    metrics: Arc<Metrics>,
    /// Random per process: lines about one token match, and a line says nothing about the token.
    salt: RandomState,
}

impl Authenticator {
    /// Takes the cookies and keys of the configuration; without any, every check ends in
    /// [`Rejection::Missing`]. So it does, with an error in the log, if they are ambiguous or prove
    /// nothing, which a configuration that was read from a file cannot be.
    pub fn new(sso: &Sso, metrics: Arc<Metrics>) -> Self {
        let absent = sso.keys.is_empty() && sso.cookies.is_empty();
        let ring = if absent { None } else { ring(sso) };
        Self { ring, metrics, salt: RandomState::new() }
    }

    /// Judges the `Cookie` headers of one request at `now`, in Unix seconds.
    ///
    /// # Errors
    /// [`Rejection`], whose exact reason has been logged and counted.
    pub fn check(&self, cookie_headers: &[&str], now: u64) -> Result<Identity, Rejection> {
        let Some(ring) = &self.ring else {
            self.metrics.token_checked("none");
            return Err(Rejection::Missing);
        };
        let header = joined(cookie_headers);
        match ring.accept(&header, SystemSeconds(now)) {
            Ok(accepted) => {
                self.metrics.token_checked("ok");
                tracing::debug!(
                    token = self.digest(&accepted.token),
                    key = &*accepted.identity.key_id,
                    cookie = accepted.cookie,
                    expires = accepted.identity.expires.0,
                    "token accepted"
                );
                Ok(identity(accepted))
            }
            Err(reason) => Err(self.refused(ring, &header, reason)),
        }
    }

    fn refused(&self, ring: &KeyRing, header: &str, reason: ltpa::Rejection) -> Rejection {
        if reason == ltpa::Rejection::NoToken {
            self.metrics.token_checked("none");
            return Rejection::Missing;
        }
        self.metrics.token_checked(reason.reason());
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
}

/// `None`, with a line in the log, if the settings make no ring.
fn ring(sso: &Sso) -> Option<KeyRing> {
    let mut cookies = Vec::new();
    for cookie in &sso.cookies {
        let keys = sso.keys.iter().filter(|key| key.is_for(cookie.format, sso.fips));
        let verifier = match cookie.format {
            TokenFormat::Domino => Verifier::Domino(keys.map(domino_key).collect::<Option<_>>()?),
            TokenFormat::Ltpa1 => Verifier::WebSphere1(keys.filter_map(websphere_key).collect()),
            TokenFormat::Ltpa2 => Verifier::WebSphere2(keys.filter_map(websphere_key).collect()),
        };
        cookies.push(SsoCookie { name: cookie.name.clone(), verifier });
    }
    let policy = Policy {
        skew: sso.skew,
        charset: sso.charset,
        max_lifetime: sso.max_lifetime,
        fallback: sso.fallback,
        realms: sso.realms.clone(),
        require_inner_expire: !sso.unsigned_expiry,
        fips: sso.fips,
        ..Policy::default()
    };
    KeyRing::new(cookies, policy)
        .inspect_err(|error| tracing::error!(%error, "single sign-on cannot work: every token is refused"))
        .ok()
}

fn domino_key(key: &SsoKey) -> Option<DominoKey> {
    let KeyMaterial::Domino(secret) = &key.material else { return None };
    let secret = DominoSecret::from_bytes(secret.expose())
        .inspect_err(|error| tracing::error!(%error, key = key.id, "single sign-on cannot work: every token is refused"))
        .ok()?;
    Some(DominoKey { id: key.id.as_str().into(), secret, life: KeyLife::ALWAYS })
}

fn websphere_key(key: &SsoKey) -> Option<WebSphereKey> {
    let KeyMaterial::WebSphere(verify) = &key.material else { return None };
    Some(WebSphereKey { id: key.id.as_str().into(), key: Arc::clone(verify), life: KeyLife::ALWAYS })
}

fn identity(accepted: Accepted<'_>) -> Identity {
    let ltpa::Identity { user, expires, key_id, .. } = accepted.identity;
    Identity { user, expires: expires.0, key_id, token: Secret::from(&*accepted.token) }
}

/// HTTP/2 allows a header per cookie (RFC 9113 8.2.3).
fn joined<'a>(headers: &[&'a str]) -> Cow<'a, str> {
    match headers {
        [] => Cow::Borrowed(""),
        [one] => Cow::Borrowed(one),
        several => Cow::Owned(several.join("; ")),
    }
}
