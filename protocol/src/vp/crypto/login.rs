//! Login secrets: builds and opens the auth data of every auth type (vp-wire.md 5).
//!
//! | type | carries |
//! | --- | --- |
//! | 0 | a password in clear |
//! | 1 | a token, bare or as a string |
//! | 2 | a password under a key that travels beside it |
//! | 3 | nothing |
//! | 4, 5 | a password or token under a Diffie-Hellman key, with the server's magic against replay |
//!
//! Whether a password is right or a token valid is not decided here.

use bytes::BufMut;
use thiserror::Error;
use zeroize::Zeroizing;

use super::dh::{KEY_LEN, Keypair, PublicKey};
use super::rc2::Chain;
use super::{CryptoError, Random};
use crate::secret::Secret;
use crate::vp::message::auth_type;

/// Bytes of the key of auth type 2.
const SHORT_KEY_LEN: usize = 5;

/// The word in front of Diffie-Hellman auth data; its meaning is unknown.
const DH_WORD: u16 = 1;

/// How a client proves who it is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Auth type 0: the password in clear. Only inside TLS.
    PlainPassword(Secret),
    /// Auth type 2: the password under a key that travels in clear. Sametime 1.5 knows nothing better.
    Rc2Password(Secret),
    /// Auth type 4: the password under a Diffie-Hellman key. Refused when the server offers no key, instead
    /// of falling back to something weaker.
    DhPassword(Secret),
    /// Auth type 1 or 5: the text of an SSO cookie.
    Token {
        /// The text as found in the cookie (Base64, not decoded).
        token: Secret,
        /// How it travels.
        form: TokenForm,
    },
    /// Auth type 3. The login type should carry the bit 0x0800 (vp-wire.md 5.2).
    Anonymous,
}

/// How a token travels. Which one a server wants is not known for certain, so it is a setting
/// (vp-wire.md 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenForm {
    /// Auth type 1, the bare bytes.
    #[default]
    Raw,
    /// Auth type 1, with a length in front.
    String,
    /// Auth type 5, under a Diffie-Hellman key.
    Dh,
}

/// What a client shows, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The bytes of a password.
    Password(Secret),
    /// The bytes of a token.
    Token(Secret),
    /// None.
    Anonymous,
}

/// What the server's HandshakeAck gives for the login.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Proves that the secret was made for this connection.
    pub magic: u32,
    /// The server's public key as received; empty counts as none.
    pub public_key: &'a [u8],
}

/// Why a client cannot build its auth data. The server is to blame for all but [`TooLong`].
///
/// [`TooLong`]: AuthError::TooLong
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A Diffie-Hellman form was asked for and the server offers no key.
    #[error("the server offers no key for an encrypted login")]
    NoKeyOffered,
    /// The server's key cannot be used.
    #[error("the server's login key: {0}")]
    ServerKey(CryptoError),
    /// A password or token of more than 65,535 bytes does not fit into a string.
    #[error("the password or token is too long to be sent")]
    TooLong,
}

impl AuthError {
    /// A short fixed name, for metrics.
    pub fn kind(self) -> &'static str {
        match self {
            Self::NoKeyOffered => "no_login_key_offered",
            Self::ServerKey(_) => "login_key_unusable",
            Self::TooLong => "credential_too_long",
        }
    }
}

/// Why a server cannot open auth data. The client is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// An auth type that is not in the table.
    #[error("unknown auth type {0:#06x}")]
    UnknownType(u16),
    /// A Diffie-Hellman form although no key was offered.
    #[error("an encrypted login without an offered key")]
    NoKeyOffered,
    /// A field ends too early or says too much.
    #[error("auth data ends inside a field")]
    Truncated,
    /// Keys or ciphertext are wrong.
    #[error("auth data: {0}")]
    Crypto(#[from] CryptoError),
    /// The magic is not the one of this connection: a replay.
    #[error("auth data was made for another connection")]
    Magic,
}

/// Builds type (one of [`auth_type`]) and data of a Login.
///
/// # Errors
/// [`AuthError`]; it never chooses a weaker form than asked for.
pub fn build(auth: &Auth, offer: Option<Offer<'_>>, random: &mut Random) -> Result<(u16, Secret), AuthError> {
    Ok(match auth {
        Auth::PlainPassword(password) => (auth_type::PLAIN_PASSWORD, string(password.expose())?),
        Auth::Rc2Password(password) => (auth_type::RC2_PASSWORD, build_rc2(password, random)?),
        Auth::DhPassword(password) => (auth_type::DH_PASSWORD, build_dh(password, offer, random)?),
        Auth::Token { token, form: TokenForm::Raw } => (auth_type::PLAIN_TOKEN, token.clone()),
        Auth::Token { token, form: TokenForm::String } => (auth_type::PLAIN_TOKEN, string(token.expose())?),
        Auth::Token { token, form: TokenForm::Dh } => (auth_type::DH_TOKEN, build_dh(token, offer, random)?),
        Auth::Anonymous => (auth_type::ANONYMOUS, Secret::default()),
    })
}

/// Opens the auth data of a Login of a type of [`auth_type`].
///
/// `keypair` and `magic` are what this connection's HandshakeAck carried, if it carried any.
///
/// # Errors
/// [`OpenError`]. What the client is told must not differ between its variants.
pub fn open(
    auth_type: u16,
    data: &[u8],
    keypair: Option<&Keypair>,
    magic: u32,
) -> Result<Credential, OpenError> {
    Ok(match auth_type {
        auth_type::PLAIN_PASSWORD => {
            let (password, _) = split_string(data).ok_or(OpenError::Truncated)?;
            Credential::Password(secret(password))
        }
        auth_type::PLAIN_TOKEN => Credential::Token(secret(bare_token(data))),
        auth_type::RC2_PASSWORD => Credential::Password(open_rc2(data)?),
        auth_type::ANONYMOUS => Credential::Anonymous,
        auth_type::DH_PASSWORD => Credential::Password(open_dh(data, keypair, magic)?),
        auth_type::DH_TOKEN => Credential::Token(open_dh(data, keypair, magic)?),
        other => return Err(OpenError::UnknownType(other)),
    })
}

fn build_rc2(password: &Secret, random: &mut Random) -> Result<Secret, AuthError> {
    let mut key = [0; SHORT_KEY_LEN];
    random(&mut key);
    let mut chain = Chain::new(&key).map_err(AuthError::ServerKey)?;
    let mut out = Vec::new();
    put_opaque(&mut out, &key)?;
    put_opaque(&mut out, &chain.encrypt(password.expose()))?;
    Ok(Secret::new(out))
}

fn build_dh(text: &Secret, offer: Option<Offer<'_>>, random: &mut Random) -> Result<Secret, AuthError> {
    let offer = offer.filter(|offer| !offer.public_key.is_empty()).ok_or(AuthError::NoKeyOffered)?;
    let server = PublicKey::from_bytes(offer.public_key).map_err(AuthError::ServerKey)?;
    let mut private = Zeroizing::new([0; KEY_LEN]);
    random(&mut private[..]);
    let keypair = Keypair::new(&private);
    let mut chain = Chain::new(&keypair.agree(&server)[..]).map_err(AuthError::ServerKey)?;

    let mut plaintext = Zeroizing::new(Vec::with_capacity(4 + 2 + text.expose().len()));
    plaintext.extend_from_slice(&offer.magic.to_be_bytes());
    plaintext.extend_from_slice(&length16(text.expose())?.to_be_bytes());
    plaintext.extend_from_slice(text.expose());

    let mut out = Vec::new();
    out.put_u16(DH_WORD);
    put_opaque(&mut out, &keypair.public().to_bytes())?;
    put_opaque(&mut out, &chain.encrypt(&plaintext))?;
    Ok(Secret::new(out))
}

fn open_rc2(data: &[u8]) -> Result<Secret, OpenError> {
    let (key, rest) = split_opaque(data).ok_or(OpenError::Truncated)?;
    let (ciphertext, _) = split_opaque(rest).ok_or(OpenError::Truncated)?;
    Ok(Secret::new(Chain::new(key)?.decrypt(ciphertext)?))
}

fn open_dh(data: &[u8], keypair: Option<&Keypair>, magic: u32) -> Result<Secret, OpenError> {
    let keypair = keypair.ok_or(OpenError::NoKeyOffered)?;
    let (_word, rest) = data.split_first_chunk::<2>().ok_or(OpenError::Truncated)?;
    let (key, rest) = split_opaque(rest).ok_or(OpenError::Truncated)?;
    let (ciphertext, _) = split_opaque(rest).ok_or(OpenError::Truncated)?;
    let client = PublicKey::from_bytes(key)?;
    let plaintext = Zeroizing::new(Chain::new(&keypair.agree(&client)[..])?.decrypt(ciphertext)?);
    let (echoed, rest) = plaintext.split_first_chunk().ok_or(OpenError::Truncated)?;
    if u32::from_be_bytes(*echoed) != magic {
        return Err(OpenError::Magic);
    }
    let (text, _) = split_string(rest).ok_or(OpenError::Truncated)?;
    Ok(secret(text))
}

/// A token may travel bare or with its length in front. A bare one starts with text, which read as a length
/// is at least 0x2020 and would have to match by chance (vp-wire.md 5.3).
fn bare_token(data: &[u8]) -> &[u8] {
    match split_string(data) {
        Some((token, [])) => token,
        _ => data,
    }
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes.to_vec())
}

fn string(bytes: &[u8]) -> Result<Secret, AuthError> {
    let mut out = Vec::with_capacity(2 + bytes.len());
    out.put_u16(length16(bytes)?);
    out.put_slice(bytes);
    Ok(Secret::new(out))
}

fn length16(bytes: &[u8]) -> Result<u16, AuthError> {
    u16::try_from(bytes.len()).map_err(|_| AuthError::TooLong)
}

fn put_opaque(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), AuthError> {
    out.put_u32(u32::try_from(bytes.len()).map_err(|_| AuthError::TooLong)?);
    out.put_slice(bytes);
    Ok(())
}

fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

fn split_opaque(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests;
