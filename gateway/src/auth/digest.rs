//! What stands for a token in the log.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use protocol::ltpa::base64;

/// Random per process, so that reloads do not change it: lines about one token match, and a line says nothing
/// about the token.
static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Eight digits that stand for a token in the log until the process ends, however the client spells it.
pub(super) fn digest(value: &[u8]) -> String {
    let hash = match base64::normalise(value) {
        Ok(token) => SALT.hash_one(token.as_bytes()),
        Err(_) => SALT.hash_one(value),
    };
    format!("{:08x}", hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_token_have_one_digest() {
        let plain = digest(b"QUJD+A==");
        for spelling in [&b"\"QUJD+A==\""[..], b"QUJD%2BA", b"QUJD+A", b"QUJD+A%3D%3d"] {
            assert_eq!(digest(spelling), plain);
        }
        assert_ne!(digest(b"QUJD+B=="), plain);
        assert_eq!(digest(b"\xFF").len(), 8);
    }
}
