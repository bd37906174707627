//! The key ring: which cookies may carry tokens, in which format and with which keys, and how one identity
//! comes out of all of them. Implements ltpa.md 6 and the selection in ltpa.md 8.
//!
//! It keeps no state. Caching what was verified and remembering who has logged out are the caller's.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::base64::{self, Normal};
use super::domino::{self, DominoKey};
use super::websphere::{self, Version, WebSphereKey};
use super::{Format, Identity, Policy, Proof, Rejection, SystemSeconds, cookie};

/// How many values of one cookie name are tried. More than one comes from another Domain or Path, or was
/// planted.
pub const MAX_VALUES: usize = 3;
/// How many keys one cookie may have.
pub const MAX_KEYS: usize = 4;

/// One cookie of a site.
#[derive(Clone, Debug)]
pub struct SsoCookie {
    /// The whole name, case-sensitive.
    pub name: String,
    /// What its values hold and what proves them.
    pub verifier: Verifier,
    /// Whether the expiry of its WebSphere tokens may stand outside the signature, whatever the policy: those of
    /// version 1 are never otherwise.
    pub unsigned_expiry: bool,
}

/// A token format with its keys, in the order in which they are tried.
#[derive(Clone, Debug)]
pub enum Verifier {
    /// Domino's own format.
    Domino(Vec<DominoKey>),
    /// WebSphere's older format. Its expiry is not signed: for estates that cannot do without.
    WebSphere1(Vec<WebSphereKey>),
    /// WebSphere's newer format.
    WebSphere2(Vec<WebSphereKey>),
}

impl Verifier {
    /// The format of the tokens.
    pub fn format(&self) -> Format {
        match self {
            Self::Domino(_) => Format::Domino,
            Self::WebSphere1(_) => Format::WebSphere1,
            Self::WebSphere2(_) => Format::WebSphere2,
        }
    }

    /// Whom one normalised cookie value names, whatever the time.
    ///
    /// # Errors
    /// The first check of ltpa.md 8 that the token fails.
    pub fn prove(&self, token: &str, now: SystemSeconds, policy: &Policy) -> Result<Proof, Rejection> {
        match self {
            Self::Domino(keys) => domino::prove(token, keys, now, policy),
            Self::WebSphere1(keys) => websphere::prove(Version::One, token, keys, now, policy),
            Self::WebSphere2(keys) => websphere::prove(Version::Two, token, keys, now, policy),
        }
    }

    fn key_count(&self) -> usize {
        match self {
            Self::Domino(keys) => keys.len(),
            Self::WebSphere1(keys) | Self::WebSphere2(keys) => keys.len(),
        }
    }

    /// The first key that is of no use for this format under this policy.
    fn unfit_key(&self, policy: &Policy) -> Option<&WebSphereKey> {
        match self {
            Self::Domino(_) => None,
            Self::WebSphere1(keys) => keys.iter().find(|key| !key.key.is_for(Version::One)),
            Self::WebSphere2(keys) => keys.iter().find(|key| key.key.is_fips() && !policy.fips),
        }
    }
}

/// A ring that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RingError {
    /// Without a cookie nobody could ever be known.
    #[error("no single sign-on cookie is configured")]
    NoCookies,
    /// One name, two meanings.
    #[error("the cookie {0} is configured twice")]
    DuplicateCookie(String),
    /// A cookie that nothing can prove.
    #[error("the cookie {0} has no key")]
    NoKeys(String),
    /// Every key costs time for every bad token.
    #[error("the cookie {0} has more than {MAX_KEYS} keys")]
    TooManyKeys(String),
    /// FIPS keys are for `LtpaToken2` only, and only where the policy says so.
    #[error("the cookie {cookie} may not use the FIPS key {key}")]
    FipsKey {
        /// The cookie's name.
        cookie: String,
        /// The key's id.
        key: String,
    },
    /// Version 1 has no signed expiry: every token would be refused.
    #[error("the cookie {0} holds tokens of version 1, whose expiry is never signed, as is demanded")]
    UnsignedExpiry(String),
}

/// Everything that proves who a browser belongs to, for one site.
#[derive(Clone, Debug)]
pub struct KeyRing {
    cookies: Vec<SsoCookie>,
    policy: Policy,
    /// The same for cookies that may have an unsigned expiry.
    lenient: Policy,
}

/// A valid token and where it was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// What the token proves.
    pub identity: Arc<Identity>,
    /// The cookie's name.
    pub cookie: &'a str,
    /// The token's text, normalised. Only this one may travel on to a backend, so that gateway and backend
    /// cannot disagree about the user.
    pub token: Normal<'a>,
    /// The other cookies of the ring that are there, each with its token if that proves the same user. What
    /// else they hold may not travel on either.
    pub others: Vec<(&'a str, Option<Normal<'a>>)>,
}

/// Why nobody is known, and by which cookie.
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    /// What is wrong.
    pub reason: Rejection,
    /// The cookie and the value, as sent, that it is wrong with; `None` if there is none.
    pub shown: Option<(&'a SsoCookie, &'a [u8])>,
}

impl From<Refusal<'_>> for Rejection {
    fn from(refusal: Refusal<'_>) -> Self {
        refusal.reason
    }
}

impl fmt::Debug for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, shown: _ } = self;
        f.debug_struct("Refusal").field("reason", reason).finish_non_exhaustive()
    }
}

impl fmt::Debug for Accepted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, cookie, token: _, others: _ } = self;
        f.debug_struct("Accepted").field("identity", identity).field("cookie", cookie).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Puts a ring together. The order of the cookies is their rank: `LtpaToken2` belongs before `LtpaToken`.
    ///
    /// # Errors
    /// [`RingError`] if it could accept nothing or is ambiguous.
    pub fn new(cookies: Vec<SsoCookie>, policy: Policy) -> Result<Self, RingError> {
        if cookies.is_empty() {
            return Err(RingError::NoCookies);
        }
        for (index, cookie) in cookies.iter().enumerate() {
            let name = || cookie.name.clone();
            if cookies.iter().take(index).any(|earlier| earlier.name == cookie.name) {
                return Err(RingError::DuplicateCookie(name()));
            }
            match cookie.verifier.key_count() {
                0 => return Err(RingError::NoKeys(name())),
                1..=MAX_KEYS => {}
                _ => return Err(RingError::TooManyKeys(name())),
            }
            if let Some(key) = cookie.verifier.unfit_key(&policy) {
                return Err(RingError::FipsKey { cookie: name(), key: key.id.to_string() });
            }
            let is_strict = policy.require_inner_expire && !cookie.unsigned_expiry;
            if cookie.verifier.format() == Format::WebSphere1 && is_strict {
                return Err(RingError::UnsignedExpiry(name()));
            }
        }
        let lenient = Policy { require_inner_expire: false, ..policy.clone() };
        Ok(Self { cookies, policy, lenient })
    }

    /// The cookies, best first.
    pub fn cookies(&self) -> &[SsoCookie] {
        &self.cookies
    }

    /// The names of the cookies that may carry tokens, best first.
    pub fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.cookies.iter().map(|cookie| cookie.name.as_str())
    }

    /// Who the cookies of a request prove it comes from.
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub fn check<H: AsRef<[u8]> + ?Sized>(
        &self,
        cookie_header: &H,
        now: SystemSeconds,
    ) -> Result<Identity, Rejection> {
        self.accept(cookie_header, now).map(|accepted| Arc::unwrap_or_clone(accepted.identity))
    }

    /// Who the cookies of a request prove it comes from, with the token that does. Every cookie is looked
    /// at, so that two valid tokens of different users are noticed; the first valid one wins.
    ///
    /// # Errors
    /// [`Rejection::NoToken`] without a configured cookie; [`Rejection::MixedUsers`]; or what is wrong with
    /// the first cookie that holds a token, unless the policy lets another one stand in.
    pub fn accept<'a, H: AsRef<[u8]> + ?Sized>(
        &'a self,
        cookie_header: &'a H,
        now: SystemSeconds,
    ) -> Result<Accepted<'a>, Rejection> {
        Ok(self.accept_with(cookie_header, now, |cookie, token| self.prove(cookie, token, now))?)
    }

    /// Whom one normalised value of a cookie of this ring names, whatever the time.
    ///
    /// # Errors
    /// As [`Verifier::prove`].
    pub fn prove(&self, cookie: &SsoCookie, token: &str, now: SystemSeconds) -> Result<Proof, Rejection> {
        let policy = if cookie.unsigned_expiry { &self.lenient } else { &self.policy };
        cookie.verifier.prove(token, now, policy)
    }

    /// [`Self::accept`] with proofs from elsewhere: `prove` gets a cookie of this ring and a normalised
    /// token, and may remember what [`Self::prove`] said about the same text. Time is judged here.
    ///
    /// # Errors
    /// As [`Self::accept`], with the value that it is about.
    pub fn accept_with<'a, H: AsRef<[u8]> + ?Sized>(
        &'a self,
        cookie_header: &'a H,
        now: SystemSeconds,
        mut prove: impl FnMut(&'a SsoCookie, &str) -> Result<Proof, Rejection>,
    ) -> Result<Accepted<'a>, Refusal<'a>> {
        let mut accepted: Option<Accepted<'a>> = None;
        let mut refused: Option<Refusal<'a>> = None;
        let mut others = Vec::new();
        for cookie in &self.cookies {
            let found = accept_cookie(cookie, cookie_header.as_ref(), |token| {
                prove(cookie, token)?.into_identity(now, &self.policy)
            });
            match (found, &accepted) {
                (Ok((found, _)), None) => accepted = Some(found),
                (Ok((found, value)), Some(first)) => {
                    require_same_user(first, &found, value, cookie)?;
                    others.push((found.cookie, Some(found.token)));
                }
                (Err(Refusal { reason: Rejection::NoToken, .. }), _) => {}
                (Err(refusal), Some(_)) if refusal.reason != Rejection::MixedUsers => {
                    others.push((&cookie.name, None));
                }
                (Err(refusal), None) if self.leaves_room(refusal.reason) => {
                    others.push((&cookie.name, None));
                    refused = refused.or(Some(refusal));
                }
                (Err(refusal), _) => return Err(refusal),
            }
        }
        match accepted {
            Some(accepted) => Ok(Accepted { others, ..accepted }),
            None => Err(refused.unwrap_or(Refusal { reason: Rejection::NoToken, shown: None })),
        }
    }

    /// The rules of the site.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether the next cookie may still answer. Never after a genuine token whose time is over, and after
    /// a forged one only if the policy says so.
    fn leaves_room(&self, reason: Rejection) -> bool {
        let is_forged = reason.class() == super::Class::Invalid && reason != Rejection::MixedUsers;
        reason.is_no_token() || self.policy.fallback && is_forged
    }
}

/// The first valid value of one cookie.
fn accept_cookie<'a>(
    cookie: &'a SsoCookie,
    header: &'a [u8],
    mut identify: impl FnMut(&str) -> Result<Arc<Identity>, Rejection>,
) -> Result<(Accepted<'a>, &'a [u8]), Refusal<'a>> {
    let mut accepted: Option<(Accepted<'a>, &'a [u8])> = None;
    let mut refused = Refusal { reason: Rejection::NoToken, shown: None };
    for value in cookie::values(header, &cookie.name).take(MAX_VALUES) {
        let found = base64::normalise(value)
            .and_then(|token| Ok((identify(&token)?, token)))
            .map(|(identity, token)| Accepted { identity, cookie: &cookie.name, token, others: Vec::new() });
        match (found, &accepted) {
            (Ok(found), None) => accepted = Some((found, value)),
            (Ok(found), Some((first, _))) => require_same_user(first, &found, value, cookie)?,
            (Err(reason), _) if more_telling(refused.reason, reason) => {
                refused = Refusal { reason, shown: Some((cookie, value)) };
            }
            (Err(_), _) => {}
        }
    }
    accepted.ok_or(refused)
}

fn require_same_user<'a>(
    first: &Accepted<'_>,
    other: &Accepted<'_>,
    value: &'a [u8],
    cookie: &'a SsoCookie,
) -> Result<(), Refusal<'a>> {
    if first.identity.is_same_user(&other.identity) {
        return Ok(());
    }
    Err(Refusal { reason: Rejection::MixedUsers, shown: Some((cookie, value)) })
}

/// Whether the other reason helps a user more than the one so far: a genuine token before a broken one before
/// none.
fn more_telling(one: Rejection, other: Rejection) -> bool {
    let rank = |reason: Rejection| match reason {
        Rejection::Expired => 4,
        Rejection::NotYetValid => 3,
        Rejection::TooShort | Rejection::TooLong => 1,
        reason if reason.is_no_token() => 0,
        _ => 2,
    };
    rank(other) > rank(one) || one == Rejection::NoToken
}

#[cfg(test)]
mod tests;
