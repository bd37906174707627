//! What a token check costs, beside the bare primitives that no check can do without.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up may panic")]

use std::hint::black_box;

use divan::Bencher;
use protocol::ltpa::domino::{DominoKey, DominoSecret, mint};
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::ring::{KeyRing, SsoCookie, Verifier};
use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version, WebSphereKey};
use protocol::ltpa::{KeyLife, Policy, SystemSeconds};
use protocol::secret::Secret;

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);
const SECRET: [u8; 20] = [7; 20];
const USER: &[u8] = b"CN=Ada Test/OU=Lab/O=Example";

fn main() {
    divan::main();
}

mod domino {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use protocol::ltpa::domino;
    use sha1::{Digest as _, Sha1};

    use super::*;

    /// The floor: decode the text, hash the same bytes once.
    #[divan::bench(sample_size = 1000)]
    fn bare_sha1_and_base64(bencher: Bencher<'_, '_>) {
        let token = token();
        bencher.bench(|| {
            let mut buffer = [0; 300];
            let length = STANDARD.decode_slice(black_box(&token), &mut buffer).expect("base64");
            let hash = Sha1::new().chain_update(&buffer[..length - 20]).chain_update(SECRET).finalize();
            hash[..] == buffer[length - 20..length]
        });
    }

    /// One cookie value.
    #[divan::bench(sample_size = 1000)]
    fn verify(bencher: Bencher<'_, '_>) {
        let (token, policy) = (token(), Policy::default());
        let key = DominoKey { id: "primary".into(), secret: secret(), life: KeyLife::ALWAYS };
        bencher.bench(|| domino::verify(black_box(&token), std::slice::from_ref(&key), NOW, &policy).is_ok());
    }

    /// From the text of the Cookie header to the identity.
    #[divan::bench(sample_size = 1000)]
    fn key_ring(bencher: Bencher<'_, '_>) {
        let header = format!("LtpaToken={}", token());
        let ring = ring();
        bencher.bench(|| ring.check(black_box(&header), NOW).is_ok());
    }

    fn token() -> String {
        mint(USER, SystemSeconds(NOW.0 - 60), SystemSeconds(NOW.0 + 1740), &secret()).expect("a token")
    }

    fn ring() -> KeyRing {
        let key = DominoKey { id: "primary".into(), secret: secret(), life: KeyLife::ALWAYS };
        let verifier = Verifier::Domino(vec![key]);
        let cookie = SsoCookie { name: "LtpaToken".to_owned(), verifier, unsigned_expiry: false };
        KeyRing::new(vec![cookie], Policy::default()).expect("a ring")
    }

    fn secret() -> DominoSecret {
        DominoSecret::from_bytes(&SECRET).expect("twenty bytes")
    }
}

mod websphere {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use cbc::cipher::block_padding::Pkcs7;
    use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
    use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
    use sha1::{Digest as _, Sha1};

    use super::*;

    const USER: &str = "uid=ada,ou=people,dc=example,dc=test";

    /// The floor of version 2: decode the text, decrypt it, check one RSA signature.
    #[divan::bench(sample_size = 100)]
    fn bare_rsa_aes_and_base64(bencher: Bencher<'_, '_>) {
        let (file, token) = (key_file(), token(Version::Two));
        let aes_key: [u8; 16] = file.shared().expose()[..16].try_into().expect("a key");
        let key = RsaPublicKeyComponents { n: file.public().modulus(), e: &[1, 0, 1] };
        bencher.bench(|| {
            let mut buffer = STANDARD.decode(black_box(&token)).expect("base64");
            let aes = cbc::Decryptor::<aes::Aes128>::new(&aes_key.into(), &aes_key.into());
            let plain = aes.decrypt_padded::<Pkcs7>(&mut buffer).expect("padding");
            let mut parts = plain.split(|byte| *byte == b'%');
            let (body, signature) = (parts.next().expect("a body"), parts.nth(1).expect("a signature"));
            let signature = STANDARD.decode(signature).expect("base64");
            key.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &Sha1::digest(body), &signature).is_ok()
        });
    }

    /// From the text of the Cookie header to the identity.
    #[divan::bench(sample_size = 100, args = [Version::Two, Version::One])]
    fn key_ring(bencher: Bencher<'_, '_>, version: Version) {
        let header = format!("Ltpa={}", token(version));
        let ring = ring(version);
        assert!(ring.check(&header, NOW).is_ok());
        bencher.bench(|| ring.check(black_box(&header), NOW).is_ok());
    }

    /// The same token again, with a proof that was kept.
    #[divan::bench(sample_size = 1000)]
    fn key_ring_with_memory(bencher: Bencher<'_, '_>) {
        let token = token(Version::Two);
        let header = format!("Ltpa={token}");
        let ring = ring(Version::Two);
        let mut memory = std::collections::HashMap::new();
        ring.accept_with(&header, NOW, |cookie, token| {
            let proof = cookie.verifier.prove(token, NOW, ring.policy())?;
            memory.insert(token.to_owned(), proof.clone());
            Ok(proof)
        })
        .expect("a good token");
        bencher.bench(|| {
            let recall = |token: &str| memory.get(token).cloned();
            ring.accept_with(black_box(&header), NOW, |_, token| Ok(recall(token).expect("kept"))).is_ok()
        });
    }

    fn key_file() -> KeyFile {
        let vectors = include_str!("../tests/vectors/ltpa/websphere.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).expect("JSON");
        let text = |field: &str| vectors["keysets"]["A"][field].as_str().expect("text");
        KeyFile::read(text("keyfile"), &Secret::from(text("password"))).expect("a key file")
    }

    fn token(version: Version) -> String {
        let key = SigningKey::new(&key_file()).expect("a private key");
        key.mint(version, "defaultWIMFileBasedRealm", USER, (NOW.0 + 1740) * 1000).expect("a token")
    }

    fn ring(version: Version) -> KeyRing {
        let key = VerifyKey::new(&key_file()).expect("a key");
        let keys = vec![WebSphereKey { id: "primary".into(), key: key.into(), life: KeyLife::ALWAYS }];
        let verifier = match version {
            Version::One => Verifier::WebSphere1(keys),
            Version::Two => Verifier::WebSphere2(keys),
        };
        let unsigned_expiry = version == Version::One;
        let cookie = SsoCookie { name: "Ltpa".to_owned(), verifier, unsigned_expiry };
        KeyRing::new(vec![cookie], Policy::default()).expect("a ring")
    }
}
