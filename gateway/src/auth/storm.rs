//! Everybody comes back at once, each with a token that nobody here has seen, and among them are people who forge.
//! Checks run where requests are served; this shows that a worker's other work goes on, that the memory is bounded, and
//! that whoever comes again costs nothing dear. `LIVENAME_LONG` makes it 100,000 sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use protocol::ltpa::KeyLife;
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::ring::MAX_VALUES;
use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version};

use super::{Authenticator, Rejection};
use crate::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat};
use crate::telemetry::Metrics;

const NOW: u64 = 1_767_225_600;
const WORKERS: usize = 4;
/// Of so many requests one forges.
const FORGED: usize = 4;
/// Tokens that one signature can stand in: the expiry outside it may differ by 3000 ms either way.
const SPELLINGS: usize = 6000;
/// What the memory keeps of refusals (cache/mod.rs).
const REFUSALS: usize = 16 * 64;

fn key_file(id: &str) -> KeyFile {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/vectors/ltpa/websphere.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let text = |field: &str| vectors["keysets"][id][field].as_str().unwrap();
    KeyFile::read(text("keyfile"), &text("password").into()).unwrap()
}

/// Genuine tokens, all different: a signature is dear to make, so that each stands in thousands of them.
fn tokens(count: usize) -> Vec<String> {
    let file = key_file("A");
    let key: [u8; 16] = file.shared().expose()[..16].try_into().unwrap();
    let signing = SigningKey::new(&file).unwrap();
    let expires = (NOW + 1800) * 1000;
    let mut tokens = Vec::with_capacity(count);
    for user in 0..count.div_ceil(SPELLINGS) {
        let token = signing.mint(Version::Two, "realm", &format!("uid=u{user}"), expires).unwrap();
        let mut bytes = STANDARD.decode(token).unwrap();
        let cipher = cbc::Decryptor::<aes::Aes128>::new(&key.into(), &key.into());
        let plain = String::from_utf8(cipher.decrypt_padded::<Pkcs7>(&mut bytes).unwrap().to_vec()).unwrap();
        for spelling in 0..SPELLINGS.min(count - tokens.len()) {
            let outer = expires - 3000 + spelling as u64;
            let plain = plain.replace(&format!("%{expires}%"), &format!("%{outer}%"));
            let cipher = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &key.into());
            tokens.push(STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(plain.as_bytes())));
        }
    }
    tokens
}

/// Three values that look like tokens and prove nothing: the dearest request that there is.
fn forged(token: &str, number: usize) -> String {
    let mut bytes = STANDARD.decode(token).unwrap();
    let mut header = String::new();
    for value in 0..MAX_VALUES {
        let length = bytes.len();
        bytes[(number + value) % length] ^= 1 << (number % 8);
        header.push_str(&format!("LtpaToken2={}; ", STANDARD.encode(&bytes)));
    }
    header
}

struct Storm {
    authenticator: Authenticator,
    metrics: Arc<Metrics>,
    headers: Vec<String>,
    next: AtomicUsize,
    admitted: AtomicUsize,
}

impl Storm {
    fn new(headers: Vec<String>) -> Self {
        let metrics = Arc::new(Metrics::new());
        let key = |id: &str| SsoKey {
            id: id.to_owned(),
            material: KeyMaterial::WebSphere(Arc::new(VerifyKey::new(&key_file(id)).unwrap())),
            life: KeyLife::ALWAYS,
        };
        let cookie =
            SsoCookie { name: "LtpaToken2".into(), format: TokenFormat::Ltpa2, unsigned_expiry: false };
        let sso = Sso { cookies: vec![cookie], keys: vec![key("B"), key("A")], ..Sso::default() };
        let authenticator = Authenticator::new(&sso, Arc::clone(&metrics));
        Self { authenticator, metrics, headers, next: AtomicUsize::new(0), admitted: AtomicUsize::new(0) }
    }

    /// All requests, once, on so many workers; each worker has other work as well.
    fn breaks(&self) {
        self.next.store(0, Ordering::SeqCst);
        self.admitted.store(0, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    let worker = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let (turns, over) = (AtomicUsize::new(0), AtomicBool::new(false));
                    let other_work = async {
                        while !over.load(Ordering::Relaxed) {
                            turns.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                        }
                    };
                    let requests = async {
                        let served = self.requests().await;
                        over.store(true, Ordering::Relaxed);
                        served
                    };
                    let (served, ()) = worker.block_on(async { tokio::join!(requests, other_work) });
                    assert!(
                        turns.load(Ordering::Relaxed) >= served,
                        "other work gets its turn after each request"
                    );
                });
            }
        });
    }

    /// A worker's share: one request after the other, as connections bring them.
    async fn requests(&self) -> usize {
        let mut served = 0;
        while let Some(header) = self.headers.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            match self.authenticator.check(&[header], NOW) {
                Ok(_) => _ = self.admitted.fetch_add(1, Ordering::Relaxed),
                Err(rejection) => assert_eq!(rejection, Rejection::Invalid),
            }
            served += 1;
            tokio::task::yield_now().await;
        }
        served
    }

    fn counted(&self, series: &str) -> usize {
        let scrape = self.metrics.gather();
        let value = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    fn verified(&self) -> usize {
        self.counted("livename_token_verification_seconds_count{format=\"ltpa2\"}")
    }
}

#[test]
fn a_storm_of_logins_is_served_and_nothing_grows_without_bound() {
    let sessions = if std::env::var_os("LIVENAME_LONG").is_some() { 100_000 } else { 1200 };
    let tokens = tokens(sessions);
    let header = |(number, token): (usize, &String)| {
        if number % FORGED == 0 { forged(token, number) } else { format!("LtpaToken2={token}") }
    };
    let headers: Vec<_> = tokens.iter().enumerate().map(header).collect();
    let forgers = sessions.div_ceil(FORGED);
    let genuine = sessions - forgers;
    let storm = Storm::new(headers);

    let start = Instant::now();
    storm.breaks();
    let elapsed = start.elapsed();
    assert_eq!(storm.admitted.load(Ordering::SeqCst), genuine);
    let verified = storm.verified();
    assert!(verified >= sessions && verified <= genuine + forgers * MAX_VALUES, "{verified}");
    let (proofs, refusals) = storm.authenticator.remembered();
    assert_eq!(proofs, genuine);
    assert!(refusals <= REFUSALS, "{refusals}");
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
    println!(
        "{sessions} requests, {verified} verifications with two keys in {elapsed:?}: {:.0} a second and core",
        verified as f64 / elapsed.as_secs_f64() / cores as f64
    );

    // Again: what was proved is known, and only those who forge cost anything.
    storm.breaks();
    assert_eq!(storm.admitted.load(Ordering::SeqCst), genuine);
    assert_eq!(storm.counted("livename_token_cache_total{result=\"hit\"}"), genuine);
    assert!(storm.verified() - verified <= forgers * MAX_VALUES);
    assert_eq!(storm.authenticator.remembered().0, genuine);
}
