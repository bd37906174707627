//! Single sign-on for tests: one Domino secret, and tokens made with it or with another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat};
use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::ltpa::{KeyLife, SystemSeconds};
use protocol::secret::Secret;

pub const SECRET: [u8; 20] = *b"twenty secret bytes.";
const OTHER_SECRET: [u8; 20] = *b"twenty other bytes..";

/// Cookie `LtpaToken`, domain `.example`.
pub fn sso() -> Sso {
    let material = KeyMaterial::Domino(Secret::new(SECRET.to_vec()));
    Sso {
        domain: Some(".example".into()),
        cookies: vec![SsoCookie {
            name: "LtpaToken".into(),
            format: TokenFormat::Domino,
            unsigned_expiry: false,
        }],
        keys: vec![SsoKey { id: "test".into(), material, life: KeyLife::ALWAYS }],
        skew: Duration::from_secs(60),
        ..Sso::default()
    }
}

/// A `Cookie` header that proves `user` for the next ten minutes.
pub fn cookie(user: &str) -> String {
    cookie_of(user, -60, 600, SECRET)
}

/// The secret itself, for whoever else believes these tokens.
pub fn secret() -> DominoSecret {
    DominoSecret::from_bytes(&SECRET).unwrap()
}

/// As [`cookie`], for that long.
pub fn short_cookie(user: &str, seconds: i64) -> String {
    cookie_of(user, -60, seconds, SECRET)
}

/// Genuine, but its time is over.
pub fn expired_cookie(user: &str) -> String {
    cookie_of(user, -7200, -3600, SECRET)
}

/// Made with a secret that nobody here believes.
pub fn forged_cookie(user: &str) -> String {
    cookie_of(user, -60, 600, OTHER_SECRET)
}

fn cookie_of(user: &str, from: i64, to: i64, secret: [u8; 20]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let at = |offset| SystemSeconds(now.checked_add_signed(offset).unwrap());
    let secret = DominoSecret::from_bytes(&secret).unwrap();
    format!("LtpaToken={}", mint(user.as_bytes(), at(from), at(to), &secret).unwrap())
}
