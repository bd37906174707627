//! What a token check costs a request, cold and remembered, beside the bare primitives that no check can do
//! without. Metrics and logging are included, as they are in the program.
//!
//! All contenders run in each round, in turns; every line of the output is one figure of one round, for
//! `cargo xtask bench tokens` to make a table of.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that cannot be set up may panic")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use gateway::auth::Authenticator;
use gateway::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat};
use gateway::telemetry::Metrics;
use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version};
use protocol::ltpa::{KeyLife, SystemSeconds};
use protocol::secret::Secret;
use ring::digest::{SHA256, SHA512, digest};
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
};
use serde_json::json;
use sha1::{Digest as _, Sha1};

const NOW: u64 = 1_767_225_600;
/// An entry of the memory lives for less.
const LATER: u64 = 1000;
const SECRET: [u8; 20] = [7; 20];
/// How long one contender runs in one round.
const TURN: Duration = Duration::from_millis(20);

struct Contender {
    what: &'static str,
    peer: &'static str,
    run: Box<dyn FnMut()>,
}

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 31 } else { 1 };
    let rounds = std::env::var("LIVENAME_ROUNDS").ok().and_then(|given| given.parse().ok()).unwrap_or(rounds);
    let mut contenders = contenders();
    for round in 0..rounds {
        let count = contenders.len();
        for place in 0..count {
            // Each is first as often as the others.
            let Contender { what, peer, run } = &mut contenders[(place + round) % count];
            let nanoseconds = time(run);
            println!("{}", json!({"what": what, "peer": peer, "round": round, "ns": nanoseconds}));
        }
    }
}

fn time(run: &mut dyn FnMut()) -> f64 {
    const BATCH: u32 = 50;
    let (start, mut calls) = (Instant::now(), 0_u32);
    while start.elapsed() < TURN {
        for _ in 0..BATCH {
            run();
        }
        calls += BATCH;
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

fn contenders() -> Vec<Contender> {
    let mut all = vec![
        contender("Domino", "SHA-1 + base64", sha1_and_base64()),
        contender("Domino", "livename", request("LtpaToken", &domino(), TokenFormat::Domino, None, false)),
    ];
    for (what, remembered, id, format) in [
        ("LtpaToken v1", "LtpaToken v1, remembered", "A", TokenFormat::Ltpa1),
        ("LtpaToken2", "LtpaToken2, remembered", "A", TokenFormat::Ltpa2),
        ("LtpaToken2 FIPS", "LtpaToken2 FIPS, remembered", "F", TokenFormat::Ltpa2),
    ] {
        let file = key_file(id);
        let token = websphere(&file, format);
        if format == TokenFormat::Ltpa2 {
            all.push(contender(what, "RSA + AES + base64", rsa_and_aes(&file, &token)));
        }
        all.push(contender(what, "livename", request("Ltpa", &token, format, Some(&file), true)));
        all.push(contender(remembered, "SHA-256 + map", sha256_and_map(&token)));
        all.push(contender(remembered, "livename", request("Ltpa", &token, format, Some(&file), false)));
    }
    all
}

fn contender(what: &'static str, peer: &'static str, run: impl FnMut() + 'static) -> Contender {
    Contender { what, peer, run: Box::new(run) }
}

fn domino() -> String {
    let secret = DominoSecret::from_bytes(&SECRET).expect("twenty bytes");
    let (from, to) = (SystemSeconds(NOW - 60), SystemSeconds(NOW + 1740));
    mint(b"CN=Ada Test/OU=Lab/O=Example", from, to, &secret).expect("a token")
}

fn key_file(id: &str) -> KeyFile {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/vectors/ltpa/websphere.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).expect("JSON");
    let text = |field: &str| vectors["keysets"][id][field].as_str().expect("text");
    KeyFile::read(text("keyfile"), &Secret::from(text("password"))).expect("a key file")
}

/// Good for so long that cold checks can move the time on.
fn websphere(file: &KeyFile, format: TokenFormat) -> String {
    let version = if format == TokenFormat::Ltpa1 { Version::One } else { Version::Two };
    let (key, user) = (SigningKey::new(file).expect("a private key"), "uid=ada,ou=people,dc=example,dc=test");
    key.mint(version, "defaultWIMFileBasedRealm", user, (NOW + (1 << 40)) * 1000).expect("a token")
}

/// The check of a request with this cookie; cold, each one meets a memory that has forgotten the token.
fn request(
    name: &str,
    token: &str,
    format: TokenFormat,
    file: Option<&KeyFile>,
    is_cold: bool,
) -> impl FnMut() + use<> {
    let material = match file {
        Some(file) => KeyMaterial::WebSphere(Arc::new(VerifyKey::new(file).expect("a key"))),
        None => KeyMaterial::Domino(Secret::new(SECRET.to_vec())),
    };
    let unsigned_expiry = format == TokenFormat::Ltpa1;
    let sso = Sso {
        cookies: vec![SsoCookie { name: name.to_owned(), format, unsigned_expiry }],
        keys: vec![SsoKey { id: "primary".to_owned(), material, life: KeyLife::ALWAYS }],
        fips: true,
        ..Sso::default()
    };
    let authenticator = Authenticator::new(&sso, Arc::new(Metrics::new()));
    let header = format!("{name}={token}");
    let mut now = NOW;
    move || {
        if is_cold {
            now += LATER;
        }
        assert!(authenticator.check(&[black_box(&header)], now).is_ok());
    }
}

/// The floor of Domino's format: decode the text, hash the same bytes once.
fn sha1_and_base64() -> impl FnMut() {
    let token = domino();
    move || {
        let mut buffer = [0; 300];
        let length = STANDARD.decode_slice(black_box(&token), &mut buffer).expect("base64");
        let hash = Sha1::new().chain_update(&buffer[..length - 20]).chain_update(SECRET).finalize();
        assert!(hash[..] == buffer[length - 20..length]);
    }
}

/// The floor of a cold check: decode the text, decrypt it, check one RSA signature.
fn rsa_and_aes(file: &KeyFile, token: &str) -> impl FnMut() + use<> {
    let (shared, n, token) =
        (file.shared().expose().to_vec(), file.public().modulus().to_vec(), token.to_owned());
    let iv: [u8; 16] = shared[..16].try_into().expect("a key");
    move || {
        let mut buffer = STANDARD.decode(black_box(&token)).expect("base64");
        let plain = match <[u8; 32]>::try_from(&*shared) {
            Ok(key) => {
                let aes = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &iv.into());
                aes.decrypt_padded::<Pkcs7>(&mut buffer).expect("padding")
            }
            Err(_) => {
                let aes = cbc::Decryptor::<aes::Aes128>::new(&iv.into(), &iv.into());
                aes.decrypt_padded::<Pkcs7>(&mut buffer).expect("padding")
            }
        };
        let mut parts = plain.split(|byte| *byte == b'%');
        let (body, signature) = (parts.next().expect("a body"), parts.nth(1).expect("a signature"));
        let signature = STANDARD.decode(signature).expect("base64");
        let key = RsaPublicKeyComponents { n: &n[..], e: &[1, 0, 1][..] };
        if n.len() == 256 {
            let digest = digest(&SHA512, body);
            key.verify(&RSA_PKCS1_2048_8192_SHA512, digest.as_ref(), &signature).expect("signed");
        } else {
            let digest = Sha1::digest(body);
            key.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &digest, &signature).expect("signed");
        }
    }
}

/// The floor of a remembered check: hash the decoded token, look it up.
fn sha256_and_map(token: &str) -> impl FnMut() + use<> {
    let bytes = STANDARD.decode(token).expect("base64");
    let known = |bytes: &[u8]| <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).expect("32 bytes");
    let map = HashMap::from([(known(&bytes), 1)]);
    move || assert!(map.contains_key(&known(black_box(&bytes))))
}
