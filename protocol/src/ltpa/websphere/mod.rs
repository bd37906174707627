//! WebSphere's tokens, `LtpaToken` and `LtpaToken2`: decrypt, check the signature, read the user. Implements
//! ltpa.md 4 and step 5 of ltpa.md 8.
//!
//! Version 3 and cookie fragments (ltpa.md 4.3) are not known here; such tokens cannot be decrypted.

mod body;
mod key;
mod mint;
mod v1;
mod v2;

use std::hint::black_box;
use std::sync::Arc;

pub use self::body::Attributes;
use self::body::{Plain, milliseconds};
pub use self::key::VerifyKey;
pub use self::mint::{MintError, SigningKey};
use super::{Format, Identity, KeyLife, Policy, Proof, Rejection, SystemSeconds, base64};
use crate::secret::Secret;

/// Base64 text of a signature with a 2048-bit key has 344 characters.
const MAX_SIGNATURE: usize = 258;

/// One key of a key ring.
#[derive(Clone, Debug)]
pub struct WebSphereKey {
    /// Names the key in logs and in [`Identity::key_id`].
    pub id: Arc<str>,
    /// Shared by the cookies that it is for.
    pub key: Arc<VerifyKey>,
    /// When it is used.
    pub life: KeyLife,
}

/// The two formats that WebSphere keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `LtpaToken`: 3DES, and an expiry that nothing protects.
    One,
    /// `LtpaToken2`.
    Two,
}

impl Version {
    fn format(self) -> Format {
        match self {
            Self::One => Format::WebSphere1,
            Self::Two => Format::WebSphere2,
        }
    }
}

/// A token with a good signature.
pub struct Genuine<'k> {
    version: Version,
    body: Secret,
    outer: Option<Result<u64, Rejection>>,
    key: &'k WebSphereKey,
}

/// Decrypts one normalised cookie value and checks its signature, with each active key in turn.
///
/// A key that cannot decrypt costs as much time as one whose signature check fails: a difference would tell
/// a stranger whether the padding was right.
///
/// # Errors
/// For text that is not a token, and [`Rejection::Undecryptable`], [`Rejection::BadBody`] or
/// [`Rejection::BadSignature`] of the last key.
pub fn open<'k>(
    version: Version,
    token: &str,
    keys: &'k [WebSphereKey],
    now: SystemSeconds,
    policy: &Policy,
) -> Result<Genuine<'k>, Rejection> {
    if token.len() > base64::MAX_TEXT {
        return Err(Rejection::TooLong);
    }
    let mut buffer = vec![0; token.len().div_ceil(4) * 3];
    let encrypted = base64::decode(token, &mut buffer)?;
    let mut refused = Rejection::Undecryptable;
    for key in keys.iter().filter(|key| key.life.covers(now)) {
        if key.key.is_fips() && !policy.fips {
            continue;
        }
        match open_with(version, encrypted, key) {
            Ok(genuine) => return Ok(genuine),
            Err(reason) => refused = reason,
        }
    }
    Err(refused)
}

fn open_with<'k>(
    version: Version,
    encrypted: &[u8],
    key: &'k WebSphereKey,
) -> Result<Genuine<'k>, Rejection> {
    let mut plain = Secret::new(encrypted.to_vec());
    let mut buffer = [0; MAX_SIGNATURE];
    let parts = key
        .key
        .decrypt(version, plain.expose_mut())
        .ok_or(Rejection::Undecryptable)
        .and_then(|text| Plain::split(text).ok_or(Rejection::BadBody))
        .and_then(|parts| match (version, parts.outer) {
            (Version::One, None) => Err(Rejection::BadBody),
            _ => Ok((signature(&parts, key.key.modulus_len(), &mut buffer)?, parts)),
        });
    let (signature, parts) = match parts {
        Ok(parts) => parts,
        Err(reason) => {
            black_box(key.key.is_signed(version, encrypted, &key.key.decoy()));
            return Err(reason);
        }
    };
    if !key.key.is_signed(version, parts.body, signature) {
        return Err(Rejection::BadSignature);
    }
    let (outer, body_len) = (parts.outer.map(milliseconds), parts.body.len());
    plain.expose_mut().truncate(body_len);
    Ok(Genuine { version, body: plain, outer, key })
}

fn signature<'b>(parts: &Plain<'_>, length: usize, buffer: &'b mut [u8]) -> Result<&'b [u8], Rejection> {
    let text = str::from_utf8(parts.signature).map_err(|_| Rejection::BadSignature)?;
    let bytes = base64::decode(text, buffer).map_err(|_| Rejection::BadSignature)?;
    if bytes.len() == length { Ok(bytes) } else { Err(Rejection::BadSignature) }
}

impl Genuine<'_> {
    /// What the token says, for people who look into it.
    ///
    /// # Errors
    /// For a body that breaks the grammar.
    pub fn attributes(&self) -> Result<Attributes<'_>, Rejection> {
        Attributes::parse(self.body.expose())
    }

    /// Whom the token names and until when, under the rules of a site.
    ///
    /// # Errors
    /// The first check of ltpa.md 8 after the signature that the token fails, other than time.
    pub fn prove(&self, policy: &Policy) -> Result<Proof, Rejection> {
        let attributes = self.attributes()?;
        let (realm, user) = attributes.user()?;
        let expires_ms = self.expires_ms(&attributes, policy)?;
        if !policy.realms.is_empty() && !policy.realms.contains(&realm) {
            return Err(Rejection::WrongRealm);
        }
        let identity = Identity {
            user,
            user_bytes: None,
            realm: Some(realm),
            created: None,
            expires: SystemSeconds(expires_ms / 1000),
            key_id: self.key.id.clone(),
            format: self.version.format(),
        };
        Ok(Proof { identity: Arc::new(identity), expires_ms, key_life: self.key.life })
    }

    /// The signed expiry counts; the one outside may only stand in for it, or differ a little.
    fn expires_ms(&self, attributes: &Attributes<'_>, policy: &Policy) -> Result<u64, Rejection> {
        match (attributes.expire().transpose()?, self.outer.transpose()?) {
            (None, None) => Err(Rejection::BadTime),
            (None, Some(_)) if policy.require_inner_expire => Err(Rejection::UnsignedExpiry),
            (None, Some(outer)) => Ok(outer),
            (Some(inner), Some(outer))
                if policy
                    .expiry_difference
                    .is_some_and(|most| u128::from(inner.abs_diff(outer)) > most.as_millis()) =>
            {
                Err(Rejection::ExpiryMismatch)
            }
            (Some(inner), _) => Ok(inner),
        }
    }
}

/// Everything about one normalised cookie value except time.
///
/// # Errors
/// As [`open`] and [`Genuine::prove`].
pub fn prove(
    version: Version,
    token: &str,
    keys: &[WebSphereKey],
    now: SystemSeconds,
    policy: &Policy,
) -> Result<Proof, Rejection> {
    open(version, token, keys, now, policy)?.prove(policy)
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;

    use super::key::{Ciphers, SIGNATURES};
    use super::*;
    use crate::ltpa::keyfile::KeyFile;

    fn key_file() -> KeyFile {
        let vectors = include_str!("../../../tests/vectors/ltpa/websphere.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let text = |field: &str| vectors["keysets"]["A"][field].as_str().unwrap();
        KeyFile::read(text("keyfile"), &text("password").into()).unwrap()
    }

    /// The reason, and how many signatures were checked for it.
    fn refusal(version: Version, token: &str) -> (Option<Rejection>, usize) {
        let key = Arc::new(VerifyKey::new(&key_file()).unwrap());
        let keys = [WebSphereKey { id: "k".into(), key, life: KeyLife::ALWAYS }];
        let before = SIGNATURES.get();
        let opened = open(version, token, &keys, SystemSeconds(1), &Policy::default());
        (opened.err(), SIGNATURES.get() - before)
    }

    /// Padding, split and signature are told apart by nothing that takes time: each costs one signature.
    #[test]
    fn no_refusal_is_cheaper_than_another() {
        for version in [Version::One, Version::Two] {
            let ciphers = Ciphers::of(&key_file()).unwrap();
            let cipher = if version == Version::One { ciphers.one.unwrap() } else { ciphers.two };
            let sealed = |plain: &str| STANDARD.encode(cipher.encrypt(plain.as_bytes()));
            let good = SigningKey::new(&key_file()).unwrap().mint(version, "realm", "ada", 9000).unwrap();
            assert_eq!(refusal(version, &good), (None, 1));
            let wrong = STANDARD.encode([7; 128]);
            for (what, token, reason) in [
                ("not whole blocks", STANDARD.encode([1; 33]), Rejection::Undecryptable),
                ("bad padding", STANDARD.encode([1; 48]), Rejection::Undecryptable),
                ("no parts", sealed("u:user"), Rejection::BadBody),
                ("a wrong signature", sealed(&format!("u:user%9000%{wrong}")), Rejection::BadSignature),
                ("an empty signature", sealed("u:user%9000%"), Rejection::BadSignature),
                ("a short signature", sealed("u:user%9000%QUJD"), Rejection::BadSignature),
                ("a signature that is no text", sealed("u:user%9000%!"), Rejection::BadSignature),
            ] {
                assert_eq!(refusal(version, &token), (Some(reason), 1), "{version:?}: {what}");
            }
        }
    }
}
