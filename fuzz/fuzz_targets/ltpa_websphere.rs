//! Any signed body is read or refused in the same way each time, whom it names can be written again, and a
//! changed token never names another user. The input is a version, a position, a mask and a body; the whole
//! input is also read as the text of a token.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version, WebSphereKey, open, prove};
use protocol::ltpa::{KeyLife, Policy, Rejection, SystemSeconds};
use protocol::secret::Secret;

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);
const OUTER_MS: u64 = 1_767_232_800_000;

static KEYS: LazyLock<(SigningKey, [WebSphereKey; 1])> = LazyLock::new(|| {
    let text = include_str!("../corpus/ltpa_keyfile/file_A");
    let file = KeyFile::read(text, &Secret::from("WebAS")).unwrap();
    let key = VerifyKey::new(&file).unwrap();
    (SigningKey::new(&file).unwrap(), [WebSphereKey { id: "k".into(), key: key.into(), life: KeyLife::ALWAYS }])
});

fuzz_target!(|input: &[u8]| {
    let (signing_key, keys) = &*KEYS;
    let policy = Policy { require_inner_expire: false, ..Policy::default() };
    if let Ok(text) = str::from_utf8(input) {
        let _ = prove(Version::One, text, keys, NOW, &policy);
        let _ = prove(Version::Two, text, keys, NOW, &policy);
    }

    let Some((&[version, p0, p1, mask], body)) = input.split_first_chunk::<4>() else { return };
    let version = if version & 1 == 1 { Version::One } else { Version::Two };
    let token = signing_key.seal(version, body, OUTER_MS).unwrap();
    let genuine = match open(version, &token, keys, NOW, &policy) {
        Ok(genuine) => genuine,
        Err(Rejection::TooLong) => return,
        // A backslash that escapes nothing in the body escapes what follows the body. No writer leaves one.
        Err(reason) => {
            assert!(matches!(reason, Rejection::BadSignature | Rejection::BadBody), "{reason}");
            assert_eq!(body.iter().rev().take_while(|byte| **byte == b'\\').count() % 2, 1);
            return;
        }
    };
    let proof = genuine.prove(&policy);
    // Escapes may make a very long name too long for a cookie.
    if let Ok(proof) = &proof
        && body.len() < 1000
    {
        let identity = proof.identity();
        let realm = identity.realm.as_deref().expect("a realm");
        let again = signing_key.mint(version, realm, &identity.user, proof.expires_ms()).unwrap();
        assert_eq!(prove(version, &again, keys, NOW, &policy).as_ref(), Ok(proof));
    }

    if mask != 0 {
        let mut bytes = STANDARD.decode(&token).unwrap();
        let at = usize::from(u16::from_be_bytes([p0, p1])) % bytes.len();
        bytes[at] ^= mask;
        let changed = prove(version, &STANDARD.encode(bytes), keys, NOW, &policy);
        if let (Ok(changed), Ok(proof)) = (&changed, &proof) {
            // Version 1 protects the name and nothing else.
            assert_eq!((version, &changed.identity().user), (Version::One, &proof.identity().user));
        } else {
            assert!(changed.is_err());
        }
    }
});
