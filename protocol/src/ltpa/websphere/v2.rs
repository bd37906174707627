//! Signatures of `LtpaToken2`: RSA PKCS#1 v1.5 over the digest of the body, which is hashed once more by the
//! signature scheme. Implements ltpa.md 4.1.

use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
};
use sha1::{Digest as _, Sha1};

use crate::ltpa::keyfile::{KeyVersion, PublicKey};

/// A public key, prepared.
#[derive(Clone)]
pub(super) struct Verifier {
    version: KeyVersion,
    n: Vec<u8>,
    /// Big-endian without leading zeros.
    e: Vec<u8>,
}

impl Verifier {
    pub(super) fn new(version: KeyVersion, public: &PublicKey) -> Self {
        let e = public.e.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        Self { version, n: public.n.clone(), e }
    }

    pub(super) fn modulus_len(&self) -> usize {
        self.n.len()
    }

    /// Whether the signature is the body's.
    pub(super) fn is_signed(&self, body: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        match self.version {
            KeyVersion::One => {
                let digest = Sha1::digest(body);
                key.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &digest, signature)
            }
            KeyVersion::Fips => {
                let digest = ring::digest::digest(&ring::digest::SHA512, body);
                key.verify(&RSA_PKCS1_2048_8192_SHA512, digest.as_ref(), signature)
            }
        }
        .is_ok()
    }
}
