//! Cache poisoning and storms; ltpa.md 9.

use std::sync::Arc;

use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version, WebSphereKey, prove};
use protocol::ltpa::{KeyLife, Policy, SystemSeconds};
use protocol::secret::Secret;

use super::*;
use crate::auth::{Authenticator, Rejection as Refusal};
use crate::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat};
use crate::telemetry::Metrics;

const NOW: u64 = 1_767_225_600;

fn key_file(id: &str) -> KeyFile {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/vectors/ltpa/websphere.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let text = |field: &str| vectors["keysets"][id][field].as_str().unwrap();
    KeyFile::read(text("keyfile"), &Secret::from(text("password"))).unwrap()
}

fn token(user: &str, expires: u64) -> String {
    SigningKey::new(&key_file("A")).unwrap().mint(Version::Two, "realm", user, expires * 1000).unwrap()
}

fn sso(keys: &[(&str, KeyLife)]) -> Sso {
    let key = |(id, life): &(&str, KeyLife)| SsoKey {
        id: (*id).to_owned(),
        material: KeyMaterial::WebSphere(Arc::new(VerifyKey::new(&key_file(id)).unwrap())),
        life: *life,
    };
    Sso {
        cookies: vec![SsoCookie {
            name: "LtpaToken2".into(),
            format: TokenFormat::Ltpa2,
            unsigned_expiry: false,
        }],
        keys: keys.iter().map(key).collect(),
        ..Sso::default()
    }
}

struct Check {
    authenticator: Authenticator,
    metrics: Arc<Metrics>,
}

impl Check {
    fn new(sso: &Sso) -> Self {
        let metrics = Arc::new(Metrics::new());
        Self { authenticator: Authenticator::new(sso, Arc::clone(&metrics)), metrics }
    }

    fn user(&self, token: &str, now: u64) -> Result<String, Refusal> {
        self.authenticator.check(&[&format!("LtpaToken2={token}")], now).map(|identity| identity.user)
    }

    fn counted(&self, result: &str) -> u64 {
        let series = format!("livename_token_cache_total{{result=\"{result}\"}} ");
        let scrape = self.metrics.gather();
        let value = scrape.lines().find_map(|line| line.strip_prefix(&series));
        value.map_or(0, |value| value.parse().unwrap())
    }
}

#[test]
fn a_token_is_verified_once_and_its_time_is_judged_always() {
    let check = Check::new(&sso(&[("A", KeyLife::ALWAYS)]));
    let token = token("uid=ada", NOW + 100);
    for now in [NOW, NOW + 1, NOW + 160] {
        assert_eq!(check.user(&token, now).as_deref(), Ok("uid=ada"), "{now}");
    }
    assert_eq!(check.user(&token, NOW + 161), Err(Refusal::Expired));
    // The last one is verified anew: the entry ended with the token.
    assert_eq!((check.counted("miss"), check.counted("hit")), (2, 2));
}

#[test]
fn a_proof_is_made_anew_after_five_minutes() {
    let check = Check::new(&sso(&[("A", KeyLife::ALWAYS)]));
    let token = token("uid=ada", NOW + 7200);
    for (now, misses) in [(NOW, 1), (NOW + 300, 1), (NOW + 301, 2)] {
        assert!(check.user(&token, now).is_ok());
        assert_eq!(check.counted("miss"), misses, "{now}");
    }
}

#[test]
fn nearly_the_same_token_is_another_one() {
    let check = Check::new(&sso(&[("A", KeyLife::ALWAYS)]));
    let good = token("uid=ada", NOW + 600);
    assert!(check.user(&good, NOW).is_ok());
    for at in [0, 20, good.len() / 2, good.len() - 4] {
        let mut near = good.clone();
        near.replace_range(at..=at, if &good[at..=at] == "A" { "B" } else { "A" });
        assert_eq!(check.user(&near, NOW), Err(Refusal::Invalid), "{at}");
        assert_eq!(check.user(&near, NOW), Err(Refusal::Invalid), "{at}, from memory");
    }
    assert_eq!((check.counted("hit"), check.counted("refused")), (0, 4));
    assert!(check.user(&good, NOW).is_ok());
}

#[test]
fn a_key_that_ends_or_begins_changes_what_is_remembered() {
    let until = KeyLife { not_after: Some(SystemSeconds(NOW)), ..KeyLife::ALWAYS };
    let check = Check::new(&sso(&[("A", until)]));
    let token_of_a = token("uid=ada", NOW + 600);
    assert!(check.user(&token_of_a, NOW).is_ok());
    assert_eq!(check.user(&token_of_a, NOW + 1), Err(Refusal::Invalid));

    let from = KeyLife { not_before: Some(SystemSeconds(NOW + 5)), ..KeyLife::ALWAYS };
    let check = Check::new(&sso(&[("A", from)]));
    assert_eq!(check.user(&token_of_a, NOW), Err(Refusal::Invalid));
    assert_eq!(check.user(&token_of_a, NOW + 4), Err(Refusal::Invalid));
    assert!(
        check.user(&token_of_a, NOW + 5).is_ok(),
        "a refusal of less than ten seconds ago must not count"
    );
}

#[test]
fn a_refusal_is_repeated_for_ten_seconds() {
    let check = Check::new(&sso(&[("B", KeyLife::ALWAYS)]));
    let token = token("uid=ada", NOW + 600);
    for (now, misses) in [(NOW, 1), (NOW + 10, 1), (NOW + 11, 2)] {
        assert_eq!(check.user(&token, now), Err(Refusal::Invalid));
        assert_eq!(check.counted("miss"), misses, "{now}");
    }
}

#[test]
fn another_ring_remembers_nothing() {
    let token = token("uid=ada", NOW + 600);
    let old = Check::new(&sso(&[("A", KeyLife::ALWAYS)]));
    assert!(old.user(&token, NOW).is_ok());
    let new = Check::new(&sso(&[("B", KeyLife::ALWAYS)]));
    assert_eq!(new.user(&token, NOW), Err(Refusal::Invalid));
}

fn proof() -> Proof {
    let key = VerifyKey::new(&key_file("A")).unwrap();
    let key = WebSphereKey { id: "A".into(), key: key.into(), life: KeyLife::ALWAYS };
    let token = token("uid=ada", NOW + 600);
    prove(Version::Two, &token, &[key], SystemSeconds(NOW), &Policy::default()).unwrap()
}

#[test]
fn neither_proofs_nor_garbage_grow_without_bound_and_what_is_asked_for_stays() {
    let (cache, proof) = (ProofCache::new().unwrap(), proof());
    let key = |number: u32| cache.key(0, 0, Format::WebSphere2, &number.to_string());
    cache.keep(key(0), &Ok(proof.clone()), NOW, NOW + 600);
    let entry = Entry { proof: proof.clone(), until: 0 }.bytes();
    let most = SHARDS * SHARD_BYTES / entry;
    for number in 1..=u32::try_from(most * 2).unwrap() {
        cache.keep(key(number), &Ok(proof.clone()), NOW, NOW + 600);
        if number % 1000 == 0 {
            assert!(cache.recall(&key(0), NOW).is_some(), "forgotten at {number}");
        }
    }
    for number in 0..10_000 {
        let key = cache.key(1, 0, Format::WebSphere2, &number.to_string());
        cache.keep(key, &Err(Rejection::BadSignature), NOW, NOW);
    }
    let (proofs, refusals) = cache.size();
    assert!(proofs <= most && proofs > most / 3, "{proofs} of {most}");
    assert!(refusals <= SHARDS * SHARD_REFUSALS, "{refusals}");
    assert!(cache.recall(&key(0), NOW).is_some(), "garbage must not push proofs out");
}

#[test]
fn everything_that_matters_is_part_of_the_key() {
    let cache = ProofCache::new().unwrap();
    let keys = [
        cache.key(0, 0, Format::WebSphere2, "token"),
        cache.key(1, 0, Format::WebSphere2, "token"),
        cache.key(0, 1, Format::WebSphere2, "token"),
        cache.key(0, 0, Format::WebSphere1, "token"),
        cache.key(0, 0, Format::WebSphere2, "tokem"),
        ProofCache::new().unwrap().key(0, 0, Format::WebSphere2, "token"),
    ];
    for (index, key) in keys.iter().enumerate() {
        assert!(keys.iter().skip(index + 1).all(|other| other.0 != key.0), "{index}");
    }
}

/// Many users at once: every answer is right, whoever asks first.
#[test]
fn a_storm_from_several_threads_is_answered() {
    let check = Check::new(&sso(&[("A", KeyLife::ALWAYS)]));
    let key = SigningKey::new(&key_file("A")).unwrap();
    let tokens: Vec<_> = (0..40)
        .map(|n| key.mint(Version::Two, "realm", &format!("uid=u{n}"), (NOW + 600) * 1000).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (n, token) in tokens.iter().enumerate() {
                    assert_eq!(check.user(token, NOW), Ok(format!("uid=u{n}")));
                }
            });
        }
    });
    assert_eq!(check.counted("hit") + check.counted("miss"), 160);
    assert_eq!(check.authenticator.remembered(), (40, 0));
}
