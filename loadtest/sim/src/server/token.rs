//! How the simulated servers check a login token.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::ltpa::domino::{self, DominoKey, DominoSecret};
use protocol::ltpa::{Class, KeyLife, Policy, SystemSeconds};
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
            let text = str::from_utf8(token.expose()).map_err(|_| Reason::TOKEN_INVALID)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
            let checked = domino::verify(text, &keys, SystemSeconds(now), &Policy::default());
            checked.map(|identity| identity.user).map_err(|rejection| match rejection.class() {
                Class::Expired => Reason::TOKEN_EXPIRED,
                Class::Invalid | Class::NotYetValid => Reason::TOKEN_INVALID,
            })
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

impl fmt::Debug for TokenCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCheck(…)")
    }
}
