//! How the simulated servers check a login token.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::ltpa::domino::{self, DominoKey, DominoSecret};
use protocol::ltpa::websphere::{self, VerifyKey, Version, WebSphereKey};
use protocol::ltpa::{Class, KeyLife, Policy, Rejection, SystemSeconds};
use protocol::secret::Secret;
use protocol::vp::reason::Reason;

/// Turns a token into the name of its user, or says why not (vp-wire.md 5.3).
#[derive(Clone)]
pub struct TokenCheck(Arc<Check>);

type Check = dyn Fn(&Secret) -> Result<String, Reason> + Send + Sync;

impl TokenCheck {
    /// Any rule.
    pub fn new(check: impl Fn(&Secret) -> Result<String, Reason> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    /// No token is ever good.
    pub fn none() -> Self {
        Self::new(|_| Err(Reason::TOKEN_INVALID))
    }

    /// LTPA tokens in Domino's format, made with this secret (ltpa.md 7).
    pub fn domino(secret: DominoSecret) -> Self {
        let keys = [DominoKey { id: "community".into(), secret, life: KeyLife::ALWAYS }];
        Self::new(move |token| {
            let checked = domino::verify(text_of(token)?, &keys, now(), &Policy::default());
            checked.map(|identity| identity.user).map_err(reason)
        })
    }

    /// WebSphere's tokens, `LtpaToken2` and `LtpaToken`, made with the keys that these belong to.
    pub fn websphere(key: VerifyKey) -> Self {
        let keys = [WebSphereKey { id: "community".into(), key: Arc::new(key), life: KeyLife::ALWAYS }];
        Self::new(move |token| {
            let (text, now) = (text_of(token)?, now());
            // Those of version 1 have no other.
            let policy = Policy { require_inner_expire: false, ..Policy::default() };
            let prove = |version| websphere::prove(version, text, &keys, now, &policy);
            let proof = prove(Version::Two).or_else(|_| prove(Version::One));
            let proved = proof.and_then(|proof| proof.into_identity(now, &policy));
            proved.map(|identity| identity.user.clone()).map_err(reason)
        })
    }

    /// What this rule does not accept, the other may.
    pub fn or(self, other: Self) -> Self {
        Self::new(move |token| self.check(token).or_else(|_| other.check(token)))
    }

    pub(super) fn check(&self, token: &Secret) -> Result<String, Reason> {
        (self.0)(token)
    }
}

fn text_of(token: &Secret) -> Result<&str, Reason> {
    str::from_utf8(token.expose()).map_err(|_| Reason::TOKEN_INVALID)
}

fn now() -> SystemSeconds {
    SystemSeconds(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()))
}

fn reason(rejection: Rejection) -> Reason {
    match rejection.class() {
        Class::Expired => Reason::TOKEN_EXPIRED,
        Class::Invalid | Class::NotYetValid => Reason::TOKEN_INVALID,
    }
}

impl fmt::Debug for TokenCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCheck(…)")
    }
}
