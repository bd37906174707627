//! Domino's own token: data, and a SHA-1 over data and a shared secret. Implements ltpa.md 2 and step 4 of
//! ltpa.md 8.
//!
//! The hash is what the format prescribes. Nothing here is stricter or cleverer than Domino, except for
//! spelling (base64, hex digits, names), which never differs in genuine tokens.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    Charset, Format, Identity, KeyLife, Policy, Proof, Rejection, SystemSeconds, base64 as text, name,
};

/// Version 0, the only one there is.
const HEADER: [u8; 4] = [0, 1, 2, 3];
const SECRET: usize = 20;
const MAC: usize = 20;
/// Header, two times of eight hex digits, MAC: a token without its name.
const FRAME: usize = 4 + 8 + 8 + MAC;
/// Domino's MAXUSERNAME is 256 with the NUL.
const MAX_NAME: usize = 255;
/// Room for the longest token, in whole base64 groups.
const MAX_BUFFER: usize = (FRAME + MAX_NAME).div_ceil(3) * 3;

/// The 20 bytes behind the base64 text of the item `LTPA_DominoSecret`. Wiped when dropped.
#[derive(Clone)]
pub struct DominoSecret(Zeroizing<[u8; SECRET]>);

/// The secret has another length than 20 bytes, or is not base64. Some libraries pad or cut; that would
/// only hide a wrong configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a Domino SSO secret is the base64 text of exactly 20 bytes")]
pub struct BadSecret;

impl DominoSecret {
    /// Takes the decoded bytes.
    ///
    /// # Errors
    /// [`BadSecret`] unless there are 20 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadSecret> {
        bytes.try_into().map(|bytes| Self(Zeroizing::new(bytes))).map_err(|_| BadSecret)
    }

    /// Takes the text of the item.
    ///
    /// # Errors
    /// [`BadSecret`] unless it is strict base64 of 20 bytes.
    pub fn from_base64(item: &str) -> Result<Self, BadSecret> {
        let mut buffer = Zeroizing::new([0; 33]);
        let bytes = text::decode(item.trim(), &mut *buffer).map_err(|_| BadSecret)?;
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for DominoSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DominoSecret(…)")
    }
}

/// One secret of a key ring.
#[derive(Clone, Debug)]
pub struct DominoKey {
    /// Names the key in logs and in [`Identity::key_id`].
    pub id: Arc<str>,
    /// What the tokens are made with.
    pub secret: DominoSecret,
    /// When it is used.
    pub life: KeyLife,
}

/// Checks one normalised cookie value against each active key: everything except its time.
///
/// # Errors
/// The first check of ltpa.md 8 that the token fails.
pub fn prove(
    token: &str,
    keys: &[DominoKey],
    now: SystemSeconds,
    policy: &Policy,
) -> Result<Proof, Rejection> {
    // The bytes are not wiped: the same token stands in the request that it came with.
    let mut buffer = [0; MAX_BUFFER];
    let parts = Parts::split(text::decode(token, &mut buffer)?)?;
    let key = parts.signer(keys, now).ok_or(Rejection::BadMac)?;
    if parts.header != HEADER {
        return Err(Rejection::BadHeader);
    }
    let created = seconds(parts.created).ok_or(Rejection::BadTime)?;
    let expires = seconds(parts.expires).ok_or(Rejection::BadTime)?;
    let lifetime = expires.checked_sub(created).ok_or(Rejection::BadTime)?;
    let user = name::decode(parts.name, policy.charset)?;
    if policy.max_lifetime.is_some_and(|longest| lifetime > longest.as_secs()) {
        return Err(Rejection::Lifetime);
    }
    let identity = Identity {
        user_bytes: (user.as_bytes() != parts.name).then(|| parts.name.into()),
        user,
        realm: None,
        created: Some(SystemSeconds(created)),
        expires: SystemSeconds(expires),
        key_id: key.id.clone(),
        format: Format::Domino,
    };
    Ok(Proof { identity: Arc::new(identity), expires_ms: expires.saturating_mul(1000), key_life: key.life })
}

/// [`prove`], and its time as well.
///
/// # Errors
/// The first check of ltpa.md 8 that the token fails.
pub fn verify(
    token: &str,
    keys: &[DominoKey],
    now: SystemSeconds,
    policy: &Policy,
) -> Result<Identity, Rejection> {
    prove(token, keys, now, policy)?.into_identity(now, policy).map(Arc::unwrap_or_clone)
}

/// What a token says of itself, without any proof. For people who look into a token that was refused; no
/// decision may rest on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The name, or why it cannot be read.
    pub user: Result<String, Rejection>,
    /// `None` if it is not a time.
    pub created: Option<SystemSeconds>,
    /// `None` if it is not a time.
    pub expires: Option<SystemSeconds>,
}

/// Reads one normalised cookie value without looking at its MAC.
///
/// # Errors
/// For text that cannot be cut into the fields of a token.
pub fn claims(token: &str, charset: Charset) -> Result<Claims, Rejection> {
    let mut buffer = [0; MAX_BUFFER];
    let parts = Parts::split(text::decode(token, &mut buffer)?)?;
    if parts.header != HEADER {
        return Err(Rejection::BadHeader);
    }
    Ok(Claims {
        user: name::decode(parts.name, charset),
        created: seconds(parts.created).map(SystemSeconds),
        expires: seconds(parts.expires).map(SystemSeconds),
    })
}

/// A token that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MintError {
    /// The name is empty or longer than 255 bytes.
    #[error("the name in a token has 1 to 255 bytes")]
    Name,
    /// Times end in 2106, and the end may not come before the beginning.
    #[error("the times of a token are seconds since 1970 that fit 32 bits, the end not before the beginning")]
    Times,
}

/// Makes a token as Domino does, as base64 text: the same input always gives the same token. `name` is
/// already in the charset of its readers. Whoever logs the result gives the user's session away.
///
/// # Errors
/// [`MintError`] for what the format has no room for.
pub fn mint(
    name: &[u8],
    created: SystemSeconds,
    expires: SystemSeconds,
    secret: &DominoSecret,
) -> Result<String, MintError> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(MintError::Name);
    }
    if expires.0 > u64::from(u32::MAX) || created > expires {
        return Err(MintError::Times);
    }
    let mut token = Vec::with_capacity(FRAME + name.len());
    token.extend(HEADER);
    token.extend(format!("{:08X}{:08X}", created.0, expires.0).into_bytes());
    token.extend(name);
    token.extend(mac(&token, secret));
    Ok(STANDARD.encode(token))
}

/// The secret comes last, decoded (ltpa.md 2).
fn mac(signed: &[u8], secret: &DominoSecret) -> [u8; MAC] {
    let mut hash = Sha1::new();
    hash.update(signed);
    hash.update(secret.0.as_slice());
    hash.finalize().into()
}

/// A token cut into its fields, none of them believed yet.
struct Parts<'t> {
    header: [u8; 4],
    created: [u8; 8],
    expires: [u8; 8],
    name: &'t [u8],
    signed: &'t [u8],
    mac: [u8; MAC],
}

impl<'t> Parts<'t> {
    fn split(token: &'t [u8]) -> Result<Self, Rejection> {
        if token.len() > FRAME + MAX_NAME {
            return Err(Rejection::TooLong);
        }
        let (signed, mac) = token.split_last_chunk().ok_or(Rejection::TooShort)?;
        let (header, rest) = signed.split_first_chunk().ok_or(Rejection::TooShort)?;
        let (created, rest) = rest.split_first_chunk().ok_or(Rejection::TooShort)?;
        let (expires, name) = rest.split_first_chunk().ok_or(Rejection::TooShort)?;
        if name.is_empty() {
            return Err(Rejection::TooShort);
        }
        Ok(Self { header: *header, created: *created, expires: *expires, name, signed, mac: *mac })
    }

    fn signer<'k>(&self, keys: &'k [DominoKey], now: SystemSeconds) -> Option<&'k DominoKey> {
        keys.iter()
            .filter(|key| key.life.covers(now))
            .find(|key| is_equal(mac(self.signed, &key.secret), self.mac))
    }
}

/// Takes the same time wherever the first difference is.
fn is_equal(one: [u8; MAC], other: [u8; MAC]) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (one, other)| difference | one ^ other);
    difference.ct_eq(&0).into()
}

/// Eight hex digits and nothing else: library parsers let signs through.
fn seconds(digits: [u8; 8]) -> Option<u64> {
    digits.into_iter().try_fold(0, |sum, digit| Some(sum << 4 | u64::from(char::from(digit).to_digit(16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, not_after: Option<u64>) -> DominoKey {
        let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
        let life = KeyLife { not_after: not_after.map(SystemSeconds), ..KeyLife::ALWAYS };
        DominoKey { id: id.into(), secret, life }
    }

    #[test]
    fn a_key_past_its_end_proves_nothing() {
        let (start, end) = (SystemSeconds(1000), SystemSeconds(2000));
        let token = mint(b"Ada", start, end, &key("a", None).secret).unwrap();
        let check = |keys: &[DominoKey], now| verify(&token, keys, SystemSeconds(now), &Policy::default());
        assert!(check(&[key("a", Some(1500))], 1500).is_ok());
        assert_eq!(check(&[key("a", Some(1500))], 1501), Err(Rejection::BadMac));
        assert_eq!(&*check(&[key("a", Some(1500)), key("b", None)], 1501).unwrap().key_id, "b");
    }

    #[test]
    fn a_key_before_its_beginning_proves_nothing() {
        let mut key = key("a", None);
        key.life.not_before = Some(SystemSeconds(1500));
        let token = mint(b"Ada", SystemSeconds(1000), SystemSeconds(2000), &key.secret).unwrap();
        let check = |now| verify(&token, std::slice::from_ref(&key), SystemSeconds(now), &Policy::default());
        assert_eq!(check(1499), Err(Rejection::BadMac));
        assert!(check(1500).is_ok());
    }

    #[test]
    fn claims_are_read_without_a_key() {
        let token = mint(b"Ada", SystemSeconds(1), SystemSeconds(2), &key("a", None).secret).unwrap();
        let claims = claims(&token, Charset::Lmbcs).unwrap();
        assert_eq!(claims.user.as_deref(), Ok("Ada"));
        assert_eq!((claims.created, claims.expires), (Some(SystemSeconds(1)), Some(SystemSeconds(2))));
        assert_eq!(super::claims("QUJD", Charset::Lmbcs), Err(Rejection::TooShort));
    }

    #[test]
    fn only_what_fits_the_format_is_minted() {
        let secret = key("a", None).secret;
        let mint = |name: &[u8], from, to| mint(name, SystemSeconds(from), SystemSeconds(to), &secret);
        assert_eq!(mint(b"", 1, 2), Err(MintError::Name));
        assert_eq!(mint(&[b'a'; 256], 1, 2), Err(MintError::Name));
        assert_eq!(mint(b"a", 2, 1), Err(MintError::Times));
        assert_eq!(mint(b"a", 1, 1 << 32), Err(MintError::Times));
        assert!(mint(&[b'a'; 255], 1, u32::MAX.into()).is_ok());
    }

    #[test]
    fn a_secret_has_twenty_bytes_and_stays_out_of_debug_text() {
        assert!(DominoSecret::from_base64("AAECAwQFBgcICQoLDA0ODxAREhM=\n").is_ok());
        for item in [
            "",
            "AAECAwQFBgcICQoLDA0ODxAREg==",
            "AAECAwQFBgcICQoLDA0ODxAREhMU",
            "AAECAwQFBgcICQoLDA0ODxAREhM",
        ] {
            assert_eq!(DominoSecret::from_base64(item).err(), Some(BadSecret), "{item}");
        }
        let shown = format!("{:?}", key("k", None));
        assert!(shown.contains("DominoSecret(…)") && !shown.contains('7'), "{shown}");
    }
}
