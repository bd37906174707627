//! Signatures of `LtpaToken` in the WebSphere format: RSA-1024 over SHA-1 in ISO/IEC 9796-1 form. Implements
//! ltpa.md 4.2.
//!
//! No library has this form any more. It works on public numbers only, so time does not matter.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U1024};
use sha1::{Digest as _, Sha1};

/// Bytes of modulus and signature.
const LENGTH: usize = 128;
/// The shadow of each nibble.
const SHADOW: [u8; 16] = [14, 3, 5, 8, 9, 4, 2, 15, 0, 13, 11, 6, 7, 10, 12, 1];

/// A public key, prepared.
#[derive(Clone)]
pub(super) struct Verifier {
    n: U1024,
    e: U64,
    params: FixedMontyParams<{ U1024::LIMBS }>,
}

impl Verifier {
    /// `None` unless the modulus is odd and has 128 bytes.
    pub(super) fn new(n: &[u8], e: u32) -> Option<Self> {
        let n = U1024::from_be_slice(n.first_chunk::<LENGTH>().filter(|_| n.len() == LENGTH)?);
        let params = FixedMontyParams::new_vartime(Odd::new(n).into_option()?);
        Some(Self { n, e: U64::from(e), params })
    }

    /// Whether the signature is the smaller of the two roots of the body's representative.
    pub(super) fn is_signed(&self, body: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = <&[u8; LENGTH]>::try_from(signature) else { return false };
        let s = U1024::from_be_slice(signature);
        // n is odd, so halving it gives (n - 1) / 2.
        if s == U1024::ZERO || s > self.n.shr_vartime(1) {
            return false;
        }
        let root = FixedMontyForm::new(&s, &self.params).pow_vartime(&self.e).retrieve();
        let ends_in_6 = root.to_le_bytes().as_ref().first().is_some_and(|byte| byte & 0x0F == 6);
        let root = if ends_in_6 { root } else { self.n.wrapping_sub(&root) };
        root == U1024::from_be_slice(&representative(body))
    }
}

/// What a signature of this body is a root of.
pub(super) fn representative(body: &[u8]) -> [u8; LENGTH] {
    let hash: [u8; 20] = Sha1::digest(body).into();
    let mut padded = [0; LENGTH];
    // From the right: each byte of the hash, last one first and over again, with its shadow before it.
    for (pair, byte) in padded.rchunks_exact_mut(2).zip(hash.into_iter().rev().cycle()) {
        pair.copy_from_slice(&[shadow(byte), byte]);
    }
    // The border between the hash and its repetition.
    if let Some(border) = padded.get_mut(LENGTH - 2 * hash.len()) {
        *border ^= 1;
    }
    let [first, .., last] = &mut padded;
    *first = *first & 0x7F | 0x40;
    *last = *last << 4 | 6;
    padded
}

fn shadow(byte: u8) -> u8 {
    let of = |nibble: u8| SHADOW.get(usize::from(nibble)).copied().unwrap_or_default();
    of(byte >> 4) << 4 | of(byte & 0x0F)
}
