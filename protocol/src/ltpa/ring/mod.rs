//! The key ring: which cookies may carry tokens, in which format and with which keys, and how one identity
//! comes out of all of them. Implements ltpa.md 6 and the selection in ltpa.md 8.
//!
//! It keeps no state. Caching what was verified and remembering who has logged out are the caller's.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::domino::{self, DominoKey};
use super::websphere::{self, Version, WebSphereKey};
use super::{Format, Identity, Policy, Proof, Rejection, SystemSeconds, base64, cookie};

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
    /// Version 1 has no signed expiry: the policy would refuse every token.
    #[error("the cookie {0} holds tokens of version 1, whose expiry is never signed, as the policy demands")]
    UnsignedExpiry(String),
}

/// Everything that proves who a browser belongs to, for one site.
#[derive(Clone, Debug)]
pub struct KeyRing {
    cookies: Vec<SsoCookie>,
    policy: Policy,
}

/// A valid token and where it was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// What the token proves.
    pub identity: Identity,
    /// The cookie's name.
    pub cookie: &'a str,
    /// The token's text, normalised. Only this one may travel on to a backend, so that gateway and backend
    /// cannot disagree about the user.
    pub token: Cow<'a, str>,
}

impl fmt::Debug for Accepted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, cookie, token: _ } = self;
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
            if cookie.verifier.format() == Format::WebSphere1 && policy.require_inner_expire {
                return Err(RingError::UnsignedExpiry(name()));
            }
        }
        Ok(Self { cookies, policy })
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
    pub fn check(&self, cookie_header: &str, now: SystemSeconds) -> Result<Identity, Rejection> {
        self.accept(cookie_header, now).map(|accepted| accepted.identity)
    }

    /// Who the cookies of a request prove it comes from, with the token that does. Every cookie is looked
    /// at, so that two valid tokens of different users are noticed; the first valid one wins.
    ///
    /// # Errors
    /// [`Rejection::NoToken`] without a configured cookie; [`Rejection::MixedUsers`]; or what is wrong with
    /// the first cookie that holds a token, unless the policy lets another one stand in.
    pub fn accept<'a>(
        &'a self,
        cookie_header: &'a str,
        now: SystemSeconds,
    ) -> Result<Accepted<'a>, Rejection> {
        self.accept_with(cookie_header, now, |cookie, token| cookie.verifier.prove(token, now, &self.policy))
    }

    /// [`Self::accept`] with proofs from elsewhere: `prove` gets a cookie of this ring and a normalised
    /// token, and may remember what [`Verifier::prove`] said about the same text. Time is judged here.
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub fn accept_with<'a>(
        &'a self,
        cookie_header: &'a str,
        now: SystemSeconds,
        mut prove: impl FnMut(&'a SsoCookie, &str) -> Result<Proof, Rejection>,
    ) -> Result<Accepted<'a>, Rejection> {
        let mut accepted: Option<Accepted<'a>> = None;
        let mut refused = None;
        for cookie in &self.cookies {
            let found = accept_cookie(cookie, cookie_header, |token| {
                prove(cookie, token)?.into_identity(now, &self.policy)
            });
            match (found, &accepted) {
                (Ok(found), None) => accepted = Some(found),
                (Ok(found), Some(first)) => require_same_user(first, &found)?,
                (Err(Rejection::MixedUsers), _) => return Err(Rejection::MixedUsers),
                (Err(_), Some(_)) => {}
                (Err(reason), None) if self.leaves_room(reason) => {
                    refused = refused.filter(|earlier| *earlier != Rejection::NoToken).or(Some(reason));
                }
                (Err(reason), None) => return Err(reason),
            }
        }
        accepted.ok_or(refused.unwrap_or(Rejection::NoToken))
    }

    /// The rules of the site.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether the next cookie may still answer. Never after a genuine token whose time is over, and after
    /// a forged one only if the policy says so.
    fn leaves_room(&self, reason: Rejection) -> bool {
        reason.is_no_token() || self.policy.fallback && reason.class() == super::Class::Invalid
    }
}

/// The first valid value of one cookie.
fn accept_cookie<'a>(
    cookie: &'a SsoCookie,
    header: &'a str,
    mut identify: impl FnMut(&str) -> Result<Identity, Rejection>,
) -> Result<Accepted<'a>, Rejection> {
    let mut accepted: Option<Accepted<'a>> = None;
    let mut refused = Rejection::NoToken;
    for value in cookie::values(header, &cookie.name).take(MAX_VALUES) {
        let found = base64::normalise(value)
            .and_then(|token| Ok(Accepted { identity: identify(&token)?, cookie: &cookie.name, token }));
        match (found, &accepted) {
            (Ok(found), None) => accepted = Some(found),
            (Ok(found), Some(first)) => require_same_user(first, &found)?,
            (Err(reason), _) => refused = more_telling(refused, reason),
        }
    }
    accepted.ok_or(refused)
}

fn require_same_user(first: &Accepted<'_>, other: &Accepted<'_>) -> Result<(), Rejection> {
    if first.identity.is_same_user(&other.identity) { Ok(()) } else { Err(Rejection::MixedUsers) }
}

/// Of two reasons the one that a user can act on: a genuine token before a broken one before none.
fn more_telling(one: Rejection, other: Rejection) -> Rejection {
    let rank = |reason: Rejection| match reason {
        Rejection::Expired => 3,
        Rejection::NotYetValid => 2,
        reason if !reason.is_no_token() => 1,
        _ => 0,
    };
    if rank(other) > rank(one) || one == Rejection::NoToken { other } else { one }
}

#[cfg(test)]
mod tests;
