//! What a verifier keeps of a key file: the shared and the public key, never the private one.

use std::fmt;

use super::super::cipher::Cipher;
use super::super::keyfile::{KeyFile, KeyFileError, KeyVersion};
use super::{Version, v1, v2};
use crate::secret::Secret;

/// Keys that check tokens and cannot make them: whoever steals them from memory can read tokens, not sign
/// them.
#[derive(Clone)]
pub struct VerifyKey {
    realm: Option<String>,
    /// Only keys of version 1.0 have it.
    one: Option<(Cipher, v1::Verifier)>,
    two: (Cipher, v2::Verifier),
    is_fips: bool,
}

impl VerifyKey {
    /// Reads the text of a key file, checks it in full and forgets its private key.
    ///
    /// # Errors
    /// As [`KeyFile::read`].
    pub fn read(text: &str, password: &Secret) -> Result<Self, KeyFileError> {
        Self::new(&KeyFile::read(text, password)?)
    }

    /// Takes what it needs from a key file.
    ///
    /// # Errors
    /// None for a file that could be read.
    pub fn new(file: &KeyFile) -> Result<Self, KeyFileError> {
        let ciphers = Ciphers::of(file).ok_or(KeyFileError::Version)?;
        let public = file.public();
        let one = ciphers.one.and_then(|cipher| Some((cipher, v1::Verifier::new(&public.n, public.e)?)));
        Ok(Self {
            realm: file.realm().map(str::to_owned),
            one,
            two: (ciphers.two, v2::Verifier::new(file.version(), public)),
            is_fips: file.version() == KeyVersion::Fips,
        })
    }

    /// The realm that the key file names.
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Whether these are FIPS keys, which make `LtpaToken2` only.
    pub fn is_fips(&self) -> bool {
        self.is_fips
    }

    /// Whether tokens of this version can be checked.
    pub fn is_for(&self, version: Version) -> bool {
        version == Version::Two || self.one.is_some()
    }

    pub(super) fn modulus_len(&self) -> usize {
        self.two.1.modulus_len()
    }

    pub(super) fn decrypt<'b>(&self, version: Version, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        match version {
            Version::One => self.one.as_ref()?.0.decrypt(buffer),
            Version::Two => self.two.0.decrypt(buffer),
        }
    }

    pub(super) fn is_signed(&self, version: Version, body: &[u8], signature: &[u8]) -> bool {
        #[cfg(test)]
        SIGNATURES.with(|count| count.set(count.get() + 1));
        match version {
            Version::One => {
                self.one.as_ref().is_some_and(|(_, verifier)| verifier.is_signed(body, signature))
            }
            Version::Two => self.two.1.is_signed(body, signature),
        }
    }

    /// A signature that is wrong but takes as long to check as a right one.
    pub(super) fn decoy(&self) -> Vec<u8> {
        let mut decoy = vec![1; self.modulus_len()];
        if let Some(first) = decoy.first_mut() {
            *first = 0;
        }
        decoy
    }
}

#[cfg(test)]
thread_local! {
    /// Signatures that this thread has checked.
    pub(super) static SIGNATURES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { realm, is_fips, one: _, two: _ } = self;
        f.debug_struct("VerifyKey").field("realm", realm).field("is_fips", is_fips).finish_non_exhaustive()
    }
}

/// The ciphers that a shared key is for.
pub(super) struct Ciphers {
    pub(super) one: Option<Cipher>,
    pub(super) two: Cipher,
}

impl Ciphers {
    /// `None` cannot happen for a file that could be read.
    pub(super) fn of(file: &KeyFile) -> Option<Self> {
        let shared = file.shared().expose();
        Some(match file.version() {
            KeyVersion::One => Self {
                one: Some(Cipher::triple_des(shared.try_into().ok()?)),
                two: Cipher::aes128(shared.first_chunk()?),
            },
            KeyVersion::Fips => Self { one: None, two: Cipher::aes256(shared.try_into().ok()?)? },
        })
    }
}
