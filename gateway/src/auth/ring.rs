//! The key ring of a configuration.

use std::sync::Arc;

use protocol::ltpa::Policy;
use protocol::ltpa::domino::{BadSecret, DominoKey, DominoSecret};
use protocol::ltpa::ring::{KeyRing, RingError, SsoCookie, Verifier};
use protocol::ltpa::websphere::WebSphereKey;

use crate::config::{KeyMaterial, Sso, SsoKey, TokenFormat};

/// Settings that make no ring. A configuration that was read from a file cannot be like that: its checks are
/// stricter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableRing {
    #[error("key {0}: {1}")]
    Secret(String, BadSecret),
    #[error(transparent)]
    Ring(#[from] RingError),
}

/// Cookies, keys and rules as the token checks want them; `None` without single sign-on.
pub fn ring(sso: &Sso) -> Result<Option<KeyRing>, UnusableRing> {
    if sso.keys.is_empty() && sso.cookies.is_empty() {
        return Ok(None);
    }
    let mut cookies = Vec::new();
    for cookie in &sso.cookies {
        let keys = sso.keys.iter().filter(|key| key.is_for(cookie.format, sso.fips));
        let verifier = match cookie.format {
            TokenFormat::Domino => Verifier::Domino(keys.filter_map(domino_key).collect::<Result<_, _>>()?),
            TokenFormat::Ltpa1 => Verifier::WebSphere1(keys.filter_map(websphere_key).collect()),
            TokenFormat::Ltpa2 => Verifier::WebSphere2(keys.filter_map(websphere_key).collect()),
        };
        let (name, unsigned_expiry) = (cookie.name.clone(), cookie.unsigned_expiry);
        cookies.push(SsoCookie { name, verifier, unsigned_expiry });
    }
    Ok(Some(KeyRing::new(cookies, policy(sso))?))
}

fn policy(sso: &Sso) -> Policy {
    Policy {
        skew: sso.skew,
        charset: sso.charset,
        max_lifetime: sso.max_lifetime,
        fallback: sso.fallback,
        realms: sso.realms.clone(),
        fips: sso.fips,
        ..Policy::default()
    }
}

fn domino_key(key: &SsoKey) -> Option<Result<DominoKey, UnusableRing>> {
    let KeyMaterial::Domino(secret) = &key.material else { return None };
    let secret = DominoSecret::from_bytes(secret.expose());
    Some(match secret {
        Ok(secret) => Ok(DominoKey { id: key.id.as_str().into(), secret, life: key.life }),
        Err(error) => Err(UnusableRing::Secret(key.id.clone(), error)),
    })
}

fn websphere_key(key: &SsoKey) -> Option<WebSphereKey> {
    let KeyMaterial::WebSphere(verify) = &key.material else { return None };
    Some(WebSphereKey { id: key.id.as_str().into(), key: Arc::clone(verify), life: key.life })
}
