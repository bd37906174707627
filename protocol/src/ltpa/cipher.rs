//! The block ciphers of the WebSphere formats: 3DES in ECB mode and AES in CBC mode with a fixed IV, PKCS#5
//! padding. Implements what ltpa.md 3, 4.1 and 4.2 say about encryption.
//!
//! Neither mode protects what it hides. Only a signature does, so nothing decrypted here may be believed.

use std::fmt;

use aes::{Aes128, Aes256};
use cbc::cipher::block_padding::{Padding as _, Pkcs7};
use cbc::cipher::{
    Array, Block, BlockCipherDecrypt as _, BlockCipherEncrypt as _, BlockModeDecrypt as _,
    BlockModeEncrypt as _, InnerIvInit as _, KeyInit as _,
};
use des::TdesEde3;
use zeroize::Zeroizing;

/// A cipher with its key, ready for use. All of it is wiped when dropped: an IV here is the key, or half of it.
#[derive(Clone)]
pub(super) enum Cipher {
    TripleDes(Box<TdesEde3>),
    Aes128(Box<Aes128>, Zeroizing<[u8; 16]>),
    Aes256(Box<Aes256>, Zeroizing<[u8; 16]>),
}

impl Cipher {
    pub(super) fn triple_des(key: &[u8; 24]) -> Self {
        Self::TripleDes(Box::new(TdesEde3::new(key.into())))
    }

    /// The IV is the key.
    pub(super) fn aes128(key: &[u8; 16]) -> Self {
        Self::Aes128(Box::new(Aes128::new(key.into())), Zeroizing::new(*key))
    }

    /// The IV is the first half of the key; `None` cannot happen for a key of this length.
    pub(super) fn aes256(key: &[u8; 32]) -> Option<Self> {
        Some(Self::Aes256(Box::new(Aes256::new(key.into())), Zeroizing::new(*key.first_chunk()?)))
    }

    /// Decrypts in place; `None` for a length that is no multiple of the block or for bad padding.
    pub(super) fn decrypt<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        match self {
            Self::TripleDes(cipher) => {
                let (blocks, tail) = Block::<TdesEde3>::slice_as_chunks_mut(buffer);
                if !tail.is_empty() {
                    return None;
                }
                cipher.decrypt_blocks(blocks);
                Pkcs7::unpad_blocks(blocks).ok()
            }
            Self::Aes128(cipher, iv) => {
                cbc::Decryptor::inner_iv_init(&**cipher, (&**iv).into()).decrypt_padded::<Pkcs7>(buffer).ok()
            }
            Self::Aes256(cipher, iv) => {
                cbc::Decryptor::inner_iv_init(&**cipher, (&**iv).into()).decrypt_padded::<Pkcs7>(buffer).ok()
            }
        }
    }

    pub(super) fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::TripleDes(cipher) => {
                let padding = 8 - plain.len() % 8;
                let mut buffer = plain.to_vec();
                buffer.extend(std::iter::repeat_n(padding.to_le_bytes()[0], padding));
                let (blocks, _) = Array::slice_as_chunks_mut(&mut buffer);
                cipher.encrypt_blocks(blocks);
                buffer
            }
            Self::Aes128(cipher, iv) => {
                cbc::Encryptor::inner_iv_init(&**cipher, (&**iv).into()).encrypt_padded_vec::<Pkcs7>(plain)
            }
            Self::Aes256(cipher, iv) => {
                cbc::Encryptor::inner_iv_init(&**cipher, (&**iv).into()).encrypt_padded_vec::<Pkcs7>(plain)
            }
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type error if one of them is no longer wiped when dropped.
    #[test]
    fn keys_are_wiped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<TdesEde3>();
        wiped::<Aes128>();
        wiped::<Aes256>();
        wiped::<Zeroizing<[u8; 16]>>();
    }

    #[test]
    fn every_cipher_reads_what_it_wrote_and_nothing_else() {
        let ciphers =
            [Cipher::triple_des(&[1; 24]), Cipher::aes128(&[2; 16]), Cipher::aes256(&[3; 32]).unwrap()];
        for cipher in ciphers {
            for length in [0, 1, 7, 8, 15, 16, 17, 100] {
                let mut buffer = cipher.encrypt(&vec![b'x'; length]);
                assert!(buffer.len() > length);
                assert_eq!(cipher.decrypt(&mut buffer), Some(vec![b'x'; length].as_slice()));
            }
            assert_eq!(cipher.decrypt(&mut []), None);
            assert_eq!(cipher.decrypt(&mut [0; 17]), None);
            assert_eq!(cipher.decrypt(&mut [0; 48]), None);
            assert_eq!(format!("{cipher:?}"), "Cipher(…)");
        }
    }
}
