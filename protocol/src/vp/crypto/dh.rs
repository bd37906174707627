//! Diffie-Hellman in the protocol's fixed 512-bit group (vp-wire.md 6.2).
//!
//! Arithmetic is constant time, so that a peer who measures learns nothing about the private key. The group
//! itself is too small to keep a secret from a determined reader of the traffic.

use std::fmt;

use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{U512, const_monty_params};
use zeroize::{Zeroize, Zeroizing};

use super::CryptoError;

/// Bytes of a key or shared secret when padded.
pub const KEY_LEN: usize = 64;

/// Bytes of the cipher key that comes out.
pub const CIPHER_KEY_LEN: usize = 16;

const_monty_params!(
    Prime,
    U512,
    "cf84afce86ddfa527f136d10357528eefba0afef808f29174e3b6a9e97000171\
     7c8f106c41c161a6ce91057b34da62cbb87bfdc1b35c1b910fea72249d566b9f",
    "The modulus, vp-wire.md 6.2."
);

type Residue = ConstMontyForm<Prime, { U512::LIMBS }>;

const BASE: U512 = U512::from_u8(3);

/// A cipher key that two sides agreed on: the last 16 bytes of the shared secret.
pub type CipherKey = Zeroizing<[u8; CIPHER_KEY_LEN]>;

/// The prime, big-endian.
pub fn prime() -> [u8; KEY_LEN] {
    bytes(&Prime::PARAMS.modulus().get())
}

/// A private key with its public half.
pub struct Keypair {
    private: U512,
    public: PublicKey,
}

impl Keypair {
    /// Makes a key pair of 64 random bytes. The caller draws them anew for each login.
    pub fn new(private: &[u8; KEY_LEN]) -> Self {
        let private = U512::from_be_slice(private);
        Self { public: PublicKey(Residue::new(&BASE).pow(&private).retrieve()), private }
    }

    /// The half that is sent.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key for RC2 that both sides can compute.
    pub fn agree(&self, peer: &PublicKey) -> CipherKey {
        let secret = self.shared_secret(peer);
        let mut key = Zeroizing::new([0; CIPHER_KEY_LEN]);
        if let Some(tail) = secret.last_chunk() {
            *key = *tail;
        }
        key
    }

    /// The whole shared secret, big-endian, padded to 64 bytes.
    pub fn shared_secret(&self, peer: &PublicKey) -> Zeroizing<[u8; KEY_LEN]> {
        let mut secret = Residue::new(&peer.0).pow(&self.private).retrieve();
        let padded = Zeroizing::new(bytes(&secret));
        secret.zeroize();
        padded
    }
}

impl Drop for Keypair {
    fn drop(&mut self) {
        self.private.zeroize();
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keypair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A public key that is safe to compute with: 2 ..= p-2.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(U512);

impl PublicKey {
    /// Reads a key of any length up to 64 bytes: other implementations drop leading zero bytes.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] if it is empty, longer, or 0, 1, p-1 or not below p: with those the
    /// secret would not depend on the private key.
    pub fn from_bytes(key: &[u8]) -> Result<Self, CryptoError> {
        let mut padded = [0; KEY_LEN];
        let start = KEY_LEN.checked_sub(key.len()).ok_or(CryptoError::PublicKey)?;
        let (_, tail) = padded.split_at_mut_checked(start).ok_or(CryptoError::PublicKey)?;
        tail.copy_from_slice(key);
        let value = U512::from_be_slice(&padded);
        let minus_one = Prime::PARAMS.modulus().get().wrapping_sub(&U512::ONE);
        if value <= U512::ONE || value >= minus_one {
            return Err(CryptoError::PublicKey);
        }
        Ok(Self(value))
    }

    /// Big-endian, padded to 64 bytes. The padding matters: a client falls back to a weaker login when the
    /// key is shorter (vp-wire.md 5).
    pub fn to_bytes(&self) -> [u8; KEY_LEN] {
        bytes(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:x})", self.0)
    }
}

fn bytes(value: &U512) -> [u8; KEY_LEN] {
    value.to_be_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_outside_the_group_are_refused() {
        let mut below = prime();
        below[63] -= 1;
        let mut above = prime();
        above[63] += 1;
        let refused: [&[u8]; 9] =
            [&[], &[0], &[1], &[0; 64], &below, &prime(), &above, &[0xff; 64], &[3; 65]];
        for key in refused {
            assert_eq!(PublicKey::from_bytes(key), Err(CryptoError::PublicKey), "{key:02x?}");
        }
    }

    #[test]
    fn short_keys_are_padded() {
        let key = PublicKey::from_bytes(&[2]).unwrap();
        assert_eq!(key.to_bytes()[63], 2);
        assert_eq!(key.to_bytes()[..63], [0; 63]);
        below_the_top_is_fine();
    }

    fn below_the_top_is_fine() {
        let mut key = prime();
        key[63] -= 2;
        assert!(PublicKey::from_bytes(&key).is_ok());
    }

    #[test]
    fn debug_hides_the_private_key() {
        let pair = Keypair::new(&[0x5a; 64]);
        assert!(!format!("{pair:?}").contains("5a5a5a5a"));
    }
}
