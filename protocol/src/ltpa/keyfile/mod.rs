//! WebSphere's exported LTPA keys: a properties file whose secret parts are encrypted with a password.
//! Implements ltpa.md 3.
//!
//! Not covered: files that newest Liberty wraps with a configured AES key instead of a password.

mod properties;
mod rsa;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use thiserror::Error;
use zeroize::Zeroizing;

pub(super) use self::rsa::number;
pub use self::rsa::{PrivateKey, PublicKey};
use super::cipher::Cipher;
use crate::secret::Secret;

/// Real files have less than 2 KB.
const MAX_FILE: usize = 64 * 1024;

const VERSION: &str = "com.ibm.websphere.ltpa.version";
const SHARED_1: &str = "com.ibm.websphere.ltpa.3DESKey";
const SHARED_FIPS: &str = "com.ibm.websphere.ltpa.SharedKey";
const PRIVATE: &str = "com.ibm.websphere.ltpa.PrivateKey";
const PUBLIC: &str = "com.ibm.websphere.ltpa.PublicKey";
const REALM: &str = "com.ibm.websphere.ltpa.Realm";

/// Which algorithms a key file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVersion {
    /// `1.0`: 3DES, AES-128, RSA-1024.
    One,
    /// `2.0`: AES-256, RSA-2048; for LtpaToken2 only.
    Fips,
}

impl KeyVersion {
    /// Bytes of the RSA modulus.
    pub(super) fn modulus_len(self) -> usize {
        match self {
            Self::One => 128,
            Self::Fips => 256,
        }
    }
}

/// Why a key file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// Larger than any key file is.
    #[error("the file is too large for an LTPA key file")]
    TooLarge,
    /// A property is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Neither 1.0 nor 2.0.
    #[error("ltpa.version is neither 1.0 nor 2.0")]
    Version,
    /// Not base64, or not the numbers it should hold.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// Decryption gave nothing sensible.
    #[error("{0} cannot be decrypted: wrong password, or a damaged file")]
    Undecryptable(&'static str),
    /// The private key is not the one to the public key; a wrong password can have the same effect.
    #[error("the private key and the public key do not belong together: wrong password, or a damaged file")]
    Mismatch,
}

impl KeyFileError {
    /// A fixed word for logs and metric labels.
    pub fn reason(self) -> &'static str {
        "bad_keyfile"
    }
}

/// The content of a key file, decrypted and checked.
#[derive(Clone)]
pub struct KeyFile {
    version: KeyVersion,
    realm: Option<String>,
    shared: Secret,
    public: PublicKey,
    private: Option<PrivateKey>,
}

impl KeyFile {
    /// Reads the text of a key file. The private key may have been taken out of it: a verifier needs only
    /// the shared and the public key. If it is there, it is checked.
    ///
    /// # Errors
    /// [`KeyFileError`] for the first thing that is wrong.
    pub fn read(text: &str, password: &Secret) -> Result<Self, KeyFileError> {
        if text.len() > MAX_FILE {
            return Err(KeyFileError::TooLarge);
        }
        let properties = properties::parse(text);
        let property = |name| properties.get(name).ok_or(KeyFileError::Missing(name));
        let bytes = |name| {
            let text = property(name)?.trim_ascii();
            STANDARD.decode(text).map(Zeroizing::new).map_err(|_| KeyFileError::Unreadable(name))
        };
        let version = match property(VERSION)?.trim_ascii() {
            "1.0" => KeyVersion::One,
            "2.0" => KeyVersion::Fips,
            _ => return Err(KeyFileError::Version),
        };
        let wrapping = wrapping_key(version, password).ok_or(KeyFileError::Version)?;
        let decrypted = |name| {
            let mut buffer = bytes(name)?;
            let plain = wrapping.decrypt(&mut buffer).ok_or(KeyFileError::Undecryptable(name))?;
            Ok(Zeroizing::new(plain.to_vec()))
        };

        let (shared_name, shared_len) = match version {
            KeyVersion::One => (SHARED_1, 24),
            KeyVersion::Fips => (SHARED_FIPS, 32),
        };
        let shared = decrypted(shared_name)?;
        if shared.len() != shared_len {
            return Err(KeyFileError::Undecryptable(shared_name));
        }
        let public =
            PublicKey::from_bytes(version, &bytes(PUBLIC)?).ok_or(KeyFileError::Unreadable(PUBLIC))?;
        let private = match decrypted(PRIVATE) {
            Ok(plain) => {
                Some(PrivateKey::from_bytes(version, &public, &plain).ok_or(KeyFileError::Mismatch)?)
            }
            Err(KeyFileError::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        let realm = properties.get(REALM).filter(|realm| !realm.is_empty()).cloned();
        Ok(Self { version, realm, shared: Secret::new(shared.to_vec()), public, private })
    }

    /// Which algorithms the keys are for.
    pub fn version(&self) -> KeyVersion {
        self.version
    }

    /// The realm that the file names.
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// The key that tokens are encrypted with; 24 or 32 bytes.
    pub fn shared(&self) -> &Secret {
        &self.shared
    }

    /// The key that signatures are checked with.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key that tokens are signed with, if the file has it. Nothing that serves requests needs it.
    pub fn private(&self) -> Option<&PrivateKey> {
        self.private.as_ref()
    }
}

/// The cipher that protects the file itself, from the password.
fn wrapping_key(version: KeyVersion, password: &Secret) -> Option<Cipher> {
    match version {
        KeyVersion::One => {
            let mut key = Zeroizing::new([0; 24]);
            key.first_chunk_mut::<20>()?.copy_from_slice(&Sha1::digest(password.expose()));
            Some(Cipher::triple_des(&key))
        }
        KeyVersion::Fips => {
            let digest = ring::digest::digest(&ring::digest::SHA256, password.expose());
            let key = Zeroizing::new(*digest.as_ref().first_chunk()?);
            Cipher::aes256(&key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../tests/vectors/ltpa/keyfile.json");

    fn file_a() -> String {
        let vectors: serde_json::Value = serde_json::from_str(FILE).unwrap();
        vectors["vectors"][0]["keyfile"].as_str().unwrap().to_owned()
    }

    fn read(text: &str, password: &str) -> Result<KeyFile, KeyFileError> {
        KeyFile::read(text, &Secret::from(password))
    }

    #[test]
    fn a_file_without_its_private_key_is_enough_for_a_verifier() {
        let text: String = file_a()
            .lines()
            .filter(|line| !line.contains("PrivateKey"))
            .map(|line| format!("{line}\n"))
            .collect();
        let file = read(&text, "WebAS").unwrap();
        assert!(file.private().is_none());
        assert_eq!(file.public(), read(&file_a(), "WebAS").unwrap().public());
        assert_eq!(read(&text, "webas").err(), Some(KeyFileError::Undecryptable(SHARED_1)));
    }

    #[test]
    fn errors_name_the_property() {
        let broken = file_a().replace("ltpa.PublicKey=A", "ltpa.PublicKey=!");
        assert_eq!(read(&broken, "WebAS").err(), Some(KeyFileError::Unreadable(PUBLIC)));
        assert_eq!(read("", "WebAS").err(), Some(KeyFileError::Missing(VERSION)));
        assert_eq!(read(&" ".repeat(MAX_FILE + 1), "WebAS").err(), Some(KeyFileError::TooLarge));
    }
}
