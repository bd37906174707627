//! RC2 in CBC mode as this protocol uses it (vp-wire.md 6.1): effective key length always 1024 bits, a fixed
//! first IV, padding with n bytes of value n.

use std::fmt;

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit};
use rc2::Rc2;
use zeroize::Zeroize;

use super::CryptoError;

/// Bytes of a block.
pub const BLOCK: usize = 8;

/// The first IV of every chain.
pub const FIRST_IV: [u8; BLOCK] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

/// "RC2/40" means a key of 5 bytes, "RC2/128" one of 16; both are stretched to this many effective bits.
const EFFECTIVE_KEY_BITS: usize = 1024;

/// One direction of encrypted data: a key and the IV that carries over from message to message
/// (vp-wire.md 6.4). A login secret is a chain of one message.
#[derive(Clone)]
pub struct Chain {
    cipher: Rc2,
    iv: [u8; BLOCK],
}

impl Chain {
    /// A chain at its beginning.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] unless the key has 1 to 128 bytes.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        if key.is_empty() || key.len() > EFFECTIVE_KEY_BITS / 8 {
            return Err(CryptoError::KeyLength);
        }
        Ok(Self { cipher: Rc2::new_with_eff_key_len(key, EFFECTIVE_KEY_BITS), iv: FIRST_IV })
    }

    /// Encrypts one message and moves the IV on. The result is 1 to 8 bytes longer than the input.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let mode = cbc::Encryptor::inner_iv_init(&self.cipher, &self.iv.into());
        let ciphertext = mode.encrypt_padded_vec::<Pkcs7>(plaintext);
        self.carry_over(&ciphertext);
        ciphertext
    }

    /// Decrypts one message and moves the IV on. On an error the chain stays where it was; there is no way
    /// to go on with it, because the peer's has moved.
    ///
    /// # Errors
    /// [`CryptoError::CiphertextLength`] and [`CryptoError::Padding`].
    pub fn decrypt(&mut self, ciphertext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
            return Err(CryptoError::CiphertextLength);
        }
        let mode = cbc::Decryptor::inner_iv_init(&self.cipher, &self.iv.into());
        let plaintext = mode.decrypt_padded_vec::<Pkcs7>(ciphertext).map_err(|_| CryptoError::Padding)?;
        self.carry_over(ciphertext);
        Ok(plaintext)
    }

    /// The IV of the next message.
    pub fn iv(&self) -> [u8; BLOCK] {
        self.iv
    }

    fn carry_over(&mut self, ciphertext: &[u8]) {
        if let Some(last) = ciphertext.last_chunk() {
            self.iv = *last;
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // The expanded key wipes itself (feature `zeroize` of the cipher).
        self.iv.zeroize();
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_impossible_length_are_refused() {
        assert_eq!(Chain::new(&[]).unwrap_err(), CryptoError::KeyLength);
        assert_eq!(Chain::new(&[7; 129]).unwrap_err(), CryptoError::KeyLength);
        assert!(Chain::new(&[7; 128]).is_ok());
    }

    #[test]
    fn the_iv_carries_over() {
        let (mut ours, mut theirs) = (Chain::new(b"12345").unwrap(), Chain::new(b"12345").unwrap());
        let (first, second) = (ours.encrypt(b"same text"), ours.encrypt(b"same text"));
        assert_ne!(first, second);
        assert_eq!(theirs.decrypt(&first).unwrap(), b"same text");
        assert_eq!(theirs.decrypt(&second).unwrap(), b"same text");
        assert_eq!(ours.iv(), theirs.iv());
    }

    #[test]
    fn a_failed_decryption_leaves_the_chain_alone() {
        let mut chain = Chain::new(b"12345").unwrap();
        assert_eq!(chain.decrypt(&[]).unwrap_err(), CryptoError::CiphertextLength);
        assert_eq!(chain.decrypt(&[1; 12]).unwrap_err(), CryptoError::CiphertextLength);
        assert_eq!(chain.iv(), FIRST_IV);
    }
}
