//! Making WebSphere tokens, for tests and for tools that have a whole key file. Nothing that serves requests
//! calls this.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U1024, U2048, Uint};
use sha1::{Digest as _, Sha1};
use thiserror::Error;
use zeroize::Zeroizing;

use super::super::keyfile::{KeyFile, KeyVersion, PrivateKey, number};
use super::body::escape;
use super::key::Ciphers;
use super::{Version, v1};

/// DigestInfo of a SHA-1 digest, up to the digest (RFC 8017, 9.2).
const SHA1_INFO: &[u8] =
    &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14];
/// The same for SHA-512.
const SHA512_INFO: &[u8] = &[
    0x30, 0x51, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
    0x04, 0x40,
];

/// A token that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MintError {
    /// Without a private key nothing can be signed.
    #[error("the key file has no private key")]
    NoPrivateKey,
    /// FIPS keys are for `LtpaToken2`.
    #[error("FIPS keys cannot make tokens of version 1")]
    Version,
}

/// A whole key file, private key included. Wiped when dropped.
pub struct SigningKey {
    version: KeyVersion,
    ciphers: Ciphers,
    private: PrivateKey,
    n: Odd<U2048>,
    length: usize,
}

impl SigningKey {
    /// Takes the keys from a file.
    ///
    /// # Errors
    /// [`MintError::NoPrivateKey`].
    pub fn new(file: &KeyFile) -> Result<Self, MintError> {
        let private = file.private().ok_or(MintError::NoPrivateKey)?.clone();
        let ciphers = Ciphers::of(file).ok_or(MintError::Version)?;
        let n = *number(&file.public().n).ok_or(MintError::Version)?;
        let n = Odd::new(n).into_option().ok_or(MintError::Version)?;
        Ok(Self { version: file.version(), ciphers, private, n, length: file.public().n.len() })
    }

    /// Makes the token that WebSphere makes for this user, as base64 text: the same input always gives the
    /// same token. Whoever logs the result gives the user's session away.
    ///
    /// # Errors
    /// [`MintError::Version`] for version 1 with FIPS keys.
    pub fn mint(
        &self,
        version: Version,
        realm: &str,
        user: &str,
        expires_ms: u64,
    ) -> Result<String, MintError> {
        let access_id = escape(&format!("user:{realm}/{user}"));
        let body = match version {
            Version::One => format!("u:{access_id}"),
            Version::Two => format!("expire:{expires_ms}$u:{access_id}"),
        };
        self.seal(version, body.as_bytes(), expires_ms)
    }

    /// Signs and encrypts a body as it is, whether or not a reader will like it.
    ///
    /// # Errors
    /// As [`Self::mint`].
    pub fn seal(&self, version: Version, body: &[u8], expires_ms: u64) -> Result<String, MintError> {
        let (cipher, signature) = match version {
            Version::One => (self.ciphers.one.as_ref().ok_or(MintError::Version)?, self.sign_v1(body)),
            Version::Two => (&self.ciphers.two, self.sign_v2(body)),
        };
        let tail = format!("%{expires_ms}%{}", STANDARD.encode(signature));
        Ok(STANDARD.encode(cipher.encrypt(&Zeroizing::new([body, tail.as_bytes()].concat()))))
    }

    fn sign_v1(&self, body: &[u8]) -> Vec<u8> {
        let root = self.root(&v1::representative(body));
        let other = self.n.as_ref().wrapping_sub(&root);
        self.bytes(if root < other { &root } else { &other })
    }

    fn sign_v2(&self, body: &[u8]) -> Vec<u8> {
        let (info, digest) = match self.version {
            KeyVersion::One => (SHA1_INFO, Sha1::digest(Sha1::digest(body)).to_vec()),
            KeyVersion::Fips => {
                let sha512 = |text: &[u8]| ring::digest::digest(&ring::digest::SHA512, text);
                (SHA512_INFO, sha512(sha512(body).as_ref()).as_ref().to_vec())
            }
        };
        let mut padded = vec![0, 1];
        padded.resize(self.length - 1 - info.len() - digest.len(), 0xFF);
        padded.push(0);
        padded.extend(info);
        padded.extend(digest);
        self.bytes(&self.root(&padded))
    }

    fn root(&self, padded: &[u8]) -> U2048 {
        let number = number(padded).unwrap_or_default();
        match self.version {
            // In half the width this takes an eighth of the time.
            KeyVersion::One => {
                let (number, d) = (number.resize(), self.private.d.resize());
                power::<{ U1024::LIMBS }>(&number, &d, self.n.resize()).resize()
            }
            KeyVersion::Fips => power(&number, &self.private.d, self.n),
        }
    }

    fn bytes(&self, number: &U2048) -> Vec<u8> {
        let bytes = number.to_be_bytes();
        let bytes = bytes.as_ref();
        bytes.get(bytes.len() - self.length..).unwrap_or_default().to_vec()
    }
}

fn power<const LIMBS: usize>(base: &Uint<LIMBS>, d: &Uint<LIMBS>, n: Odd<Uint<LIMBS>>) -> Uint<LIMBS> {
    FixedMontyForm::new(base, &FixedMontyParams::new_vartime(n)).pow(d).retrieve()
}
