//! What a token check costs a request, cold and remembered, beside the bare primitives that no check can do
//! without. Metrics and logging are included, as they are in the program.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that cannot be set up may panic")]

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use gateway::auth::Authenticator;
use gateway::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat};
use gateway::telemetry::Metrics;
use protocol::ltpa::KeyLife;
use protocol::ltpa::keyfile::KeyFile;
use protocol::secret::Secret;

const NOW: u64 = 1_767_225_600;

fn main() {
    divan::main();
}

fn authenticator(name: &str, format: TokenFormat, material: KeyMaterial) -> Authenticator {
    let sso = Sso {
        cookies: vec![SsoCookie { name: name.to_owned(), format }],
        keys: vec![SsoKey { id: "primary".to_owned(), material, life: KeyLife::ALWAYS }],
        ..Sso::default()
    };
    Authenticator::new(&sso, Arc::new(Metrics::new()))
}

fn key_file() -> KeyFile {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/vectors/ltpa/websphere.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).expect("JSON");
    let text = |field: &str| vectors["keysets"]["A"][field].as_str().expect("text");
    KeyFile::read(text("keyfile"), &Secret::from(text("password"))).expect("a key file")
}

mod domino {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use protocol::ltpa::SystemSeconds;
    use protocol::ltpa::domino::{DominoSecret, mint};
    use sha1::{Digest as _, Sha1};

    use super::*;

    const SECRET: [u8; 20] = [7; 20];

    fn token() -> String {
        let secret = DominoSecret::from_bytes(&SECRET).expect("twenty bytes");
        mint(b"CN=Ada Test/OU=Lab/O=Example", SystemSeconds(NOW - 60), SystemSeconds(NOW + 1740), &secret)
            .expect("a token")
    }

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

    #[divan::bench(sample_size = 1000)]
    fn request(bencher: Bencher<'_, '_>) {
        let header = format!("LtpaToken={}", token());
        let material = KeyMaterial::Domino(Secret::new(SECRET.to_vec()));
        let authenticator = authenticator("LtpaToken", TokenFormat::Domino, material);
        bencher.bench(|| authenticator.check(&[black_box(&header)], NOW).is_ok());
    }
}

mod ltpa2 {
    use std::collections::HashMap;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use cbc::cipher::block_padding::Pkcs7;
    use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
    use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version};
    use ring::digest::{SHA256, digest};
    use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
    use sha1::{Digest as _, Sha1};

    use super::*;

    fn token() -> String {
        let key = SigningKey::new(&key_file()).expect("a private key");
        let user = "uid=ada,ou=people,dc=example,dc=test";
        key.mint(Version::Two, "defaultWIMFileBasedRealm", user, (NOW + 1740) * 1000).expect("a token")
    }

    fn checks() -> Authenticator {
        let key = VerifyKey::new(&key_file()).expect("a key");
        authenticator("LtpaToken2", TokenFormat::Ltpa2, KeyMaterial::WebSphere(Arc::new(key)))
    }

    /// The floor of a cold check: decode the text, decrypt it, check one RSA signature.
    #[divan::bench(sample_size = 50)]
    fn bare_rsa_aes_and_base64(bencher: Bencher<'_, '_>) {
        let (file, token) = (key_file(), token());
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

    /// Each check asks a memory that is empty. Time moves on by more than an entry lives.
    #[divan::bench(sample_size = 50)]
    fn request_cold(bencher: Bencher<'_, '_>) {
        let key = SigningKey::new(&key_file()).expect("a private key");
        let token = key
            .mint(
                Version::Two,
                "defaultWIMFileBasedRealm",
                "uid=ada,ou=people,dc=example,dc=test",
                (NOW + 1_000_000_000) * 1000,
            )
            .expect("a token");
        let header = format!("LtpaToken2={token}");
        let checks = checks();
        let mut now = NOW;
        bencher.bench_local(|| {
            now += 1000;
            assert!(checks.check(&[black_box(&header)], now).is_ok());
        });
    }

    /// The floor of a remembered check: hash the decoded token, look it up.
    #[divan::bench(sample_size = 1000)]
    fn bare_sha256_and_lookup(bencher: Bencher<'_, '_>) {
        let bytes = STANDARD.decode(token()).expect("base64");
        let known = |bytes: &[u8]| <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).expect("32 bytes");
        let map = HashMap::from([(known(&bytes), 1)]);
        bencher.bench(|| map.get(&known(black_box(&bytes))).copied());
    }

    #[divan::bench(sample_size = 1000)]
    fn request_remembered(bencher: Bencher<'_, '_>) {
        let header = format!("LtpaToken2={}", token());
        let checks = checks();
        assert!(checks.check(&[&header], NOW).is_ok());
        bencher.bench(|| checks.check(&[black_box(&header)], NOW).is_ok());
    }
}
