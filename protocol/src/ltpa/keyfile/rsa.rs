//! The RSA numbers of a key file: their layouts and whether they belong together. Implements the second half
//! of ltpa.md 3.

use crypto_bigint::{NonZero, U2048};
use zeroize::Zeroizing;

use super::KeyVersion;

/// The part that everybody may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Big-endian, exactly as long as the version says, first bit set.
    pub(in crate::ltpa) n: Vec<u8>,
    pub(in crate::ltpa) e: u32,
}

impl PublicKey {
    /// `n[129] e[3]`, or `n[257] e[3]`.
    pub(super) fn from_bytes(version: KeyVersion, bytes: &[u8]) -> Option<Self> {
        let (n, e) = bytes.split_last_chunk()?;
        let (sign, n) = n.split_first()?;
        let is_modulus = n.len() == version.modulus_len()
            && n.first().is_some_and(|first| first & 0x80 != 0)
            && n.last().is_some_and(|last| last & 1 == 1);
        let e = exponent(*e);
        (*sign == 0 && is_modulus && e > 1 && e & 1 == 1).then(|| Self { n: n.to_vec(), e })
    }

    /// The modulus, big-endian, without a sign byte.
    pub fn modulus(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent.
    pub fn exponent(&self) -> u32 {
        self.e
    }
}

/// The part that makes tokens. Wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey {
    pub(in crate::ltpa) d: Zeroizing<U2048>,
    p: Zeroizing<U2048>,
    q: Zeroizing<U2048>,
}

impl PrivateKey {
    /// Reads either layout and checks that the numbers belong to the public key.
    pub(super) fn from_bytes(version: KeyVersion, public: &PublicKey, bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let prime_len = version.modulus_len() / 2 + 1;
        // The oldest files have no d; they are known by their length.
        let has_d = version == KeyVersion::Fips || bytes.len() > 3 + 2 * prime_len;
        let stored_d = if has_d { Some(number(counted(&mut rest, version.modulus_len())?)?) } else { None };
        let e = exponent(*take(&mut rest, 3)?.first_chunk()?);
        let p = number(take(&mut rest, prime_len)?)?;
        let q = number(take(&mut rest, prime_len)?)?;
        if !rest.is_empty() || e != public.e || p.wrapping_mul(&*q) != *number(&public.n)? {
            return None;
        }
        let d = match stored_d {
            Some(d) => d,
            None => private_exponent(e, &p, &q)?,
        };
        (inverts(&d, e, &p) && inverts(&d, e, &q)).then_some(Self { d, p, q })
    }

    /// The private exponent, big-endian, padded with zeros on the left.
    pub fn d(&self) -> Zeroizing<Vec<u8>> {
        bytes(&self.d)
    }

    /// The prime that the file lists first, as [`Self::d`].
    pub fn p(&self) -> Zeroizing<Vec<u8>> {
        bytes(&self.p)
    }

    /// The prime that the file lists second, as [`Self::d`].
    pub fn q(&self) -> Zeroizing<Vec<u8>> {
        bytes(&self.q)
    }
}

fn bytes(number: &U2048) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(number.to_be_bytes().as_ref().to_vec())
}

/// d·e = 1 modulo p - 1: with this for both primes, d undoes e whatever it was reduced by.
fn inverts(d: &U2048, e: u32, p: &U2048) -> bool {
    let Some(order) = NonZero::new(p.wrapping_sub(&U2048::ONE)).into_option() else { return false };
    // The remainder has at most 1024 bits and e has 24: the product fits.
    d.rem(&order).wrapping_mul(&U2048::from(e)).rem(&order) == U2048::ONE
}

fn private_exponent(e: u32, p: &U2048, q: &U2048) -> Option<Zeroizing<U2048>> {
    let order = p.wrapping_sub(&U2048::ONE).wrapping_mul(&q.wrapping_sub(&U2048::ONE));
    let order = NonZero::new(order).into_option()?;
    U2048::from(e).invert_mod(&order).into_option().map(Zeroizing::new)
}

/// `None` for a number of more than 2048 bits.
pub(in crate::ltpa) fn number(bytes: &[u8]) -> Option<Zeroizing<U2048>> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let significant = bytes.get(start..)?;
    let mut padded = Zeroizing::new([0; U2048::BYTES]);
    let gap = padded.len().checked_sub(significant.len())?;
    padded.get_mut(gap..)?.copy_from_slice(significant);
    Some(Zeroizing::new(U2048::from_be_slice(padded.as_slice())))
}

fn exponent(bytes: [u8; 3]) -> u32 {
    let [high, middle, low] = bytes;
    u32::from_be_bytes([0, high, middle, low])
}

/// `len[4] d[len]`, where len may or may not count a sign byte.
fn counted<'b>(rest: &mut &'b [u8], modulus_len: usize) -> Option<&'b [u8]> {
    let length = u32::from_be_bytes(*take(rest, 4)?.first_chunk()?);
    let length =
        usize::try_from(length).ok().filter(|length| (modulus_len..=modulus_len + 1).contains(length))?;
    take(rest, length)
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
