//! The cryptography of the Sametime community protocol (vp-wire.md 6): RC2 in CBC mode, Diffie-Hellman,
//! login secrets and channel ciphers.
//!
//! All of it is weak by today's measure and here because the servers speak it. Where secrecy matters, put
//! TLS around the connection. Nothing here draws random bytes or keeps state of a connection.

use thiserror::Error;

pub mod channel;
pub mod dh;
pub mod login;
pub mod rc2;

/// Where keys come from: fills the slice with random bytes. The caller hands in the generator of the
/// operating system, tests a seeded one.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// What is wrong with keys or ciphertext. The peer is to blame for all of it.
///
/// The texts name no secret. [`CryptoError::kind`] is short and fixed, fit for a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// An RC2 key of no bytes or more than 128.
    #[error("cipher key of a length that RC2 does not take")]
    KeyLength,
    /// Ciphertext that is empty or not whole blocks of 8 bytes.
    #[error("ciphertext is not a positive number of whole blocks")]
    CiphertextLength,
    /// The last block does not end in valid padding: wrong key, or a message was lost.
    #[error("ciphertext does not decrypt under this key")]
    Padding,
    /// A public key that is empty, longer than 64 bytes, 0, 1, p-1 or not below p (vp-wire.md 6.2).
    #[error("public key outside the group")]
    PublicKey,
    /// The peer offers or answers ciphers in a way that cannot be followed (vp-wire.md 6.4).
    #[error("no cipher that both sides know")]
    NoCommonCipher,
    /// RC2/40 needs login ids of at least 5 bytes on both sides (vp-wire.md 6.4).
    #[error("login id is too short to be a cipher key")]
    LoginIdTooShort,
}

impl CryptoError {
    /// A short fixed name, for metrics.
    pub fn kind(self) -> &'static str {
        match self {
            Self::KeyLength => "cipher_key_length",
            Self::CiphertextLength => "ciphertext_length",
            Self::Padding => "ciphertext_padding",
            Self::PublicKey => "public_key",
            Self::NoCommonCipher => "no_common_cipher",
            Self::LoginIdTooShort => "login_id_too_short",
        }
    }
}
