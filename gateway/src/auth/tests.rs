//! The vectors of ltpa.md 9 through the whole check, and what is counted and logged about them.

use std::sync::Arc;

use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::ltpa::websphere::VerifyKey;
use protocol::ltpa::{KeyLife, SystemSeconds};
use protocol::secret::Secret;

use super::{Authenticator, Identity, Rejection};
use crate::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat};
use crate::telemetry::Metrics;

const NOW: u64 = 1_767_225_600;

struct Check {
    authenticator: Authenticator,
    metrics: Arc<Metrics>,
}

impl Check {
    fn new(keys: &[u8]) -> Self {
        let metrics = Arc::new(Metrics::new());
        let authenticator = Authenticator::new(&sso(keys), metrics.clone());
        Self { authenticator, metrics }
    }

    fn token(&self, token: &str) -> Result<Identity, Rejection> {
        self.authenticator.check(&[&format!("a=b; LtpaToken={token}")], NOW)
    }

    fn counted(&self, outcome: &str) -> bool {
        let wanted = format!("outcome=\"{outcome}\"}} 1");
        self.metrics
            .gather()
            .lines()
            .any(|line| line.starts_with("livename_token_checks_total{") && line.ends_with(&wanted))
    }
}

fn sso(keys: &[u8]) -> Sso {
    let key = |byte: &u8| SsoKey {
        id: format!("k{byte}"),
        material: KeyMaterial::Domino(Secret::new(vec![*byte; 20])),
        life: KeyLife::ALWAYS,
    };
    Sso {
        cookies: vec![SsoCookie {
            name: "LtpaToken".into(),
            format: TokenFormat::Domino,
            unsigned_expiry: false,
        }],
        keys: keys.iter().map(key).collect(),
        ..Sso::default()
    }
}

fn secret(byte: u8) -> DominoSecret {
    DominoSecret::from_bytes(&[byte; 20]).unwrap()
}

fn token(created: u64, expires: u64, key: u8) -> String {
    mint(b"CN=Ada Test/O=Example", SystemSeconds(created), SystemSeconds(expires), &secret(key)).unwrap()
}

#[test]
fn a_good_token_proves_its_user_with_either_key() {
    for key in [1, 2] {
        let check = Check::new(&[1, 2]);
        let token = token(NOW - 60, NOW + 1800, key);
        let identity = check.token(&token).unwrap();
        assert_eq!(identity.user, "CN=Ada Test/O=Example");
        assert_eq!((identity.expires, &*identity.key_id), (NOW + 1800, &*format!("k{key}")));
        assert_eq!(identity.token.expose(), token.as_bytes());
        assert!(check.counted("ok"));
        assert!(!format!("{identity:?}").contains(&token));
    }
}

#[test]
fn what_proves_nothing_is_refused_and_counted_by_reason() {
    let good = token(NOW - 60, NOW + 1800, 1);
    let mut tampered = good.clone();
    tampered.replace_range(30..31, if &good[30..31] == "A" { "B" } else { "A" });
    for (name, token, expected, outcome) in [
        ("expired", token(NOW - 3600, NOW - 61, 1), Rejection::Expired, "expired"),
        ("future", token(NOW + 61, NOW + 3600, 1), Rejection::NotYetValid, "not_yet_valid"),
        ("tampered", tampered, Rejection::Invalid, "bad_mac"),
        ("foreign", token(NOW - 60, NOW + 1800, 9), Rejection::Invalid, "bad_mac"),
        ("foreign and expired", token(NOW - 3600, NOW - 61, 9), Rejection::Invalid, "bad_mac"),
        ("cut", good[..40].to_owned(), Rejection::Invalid, "too_short"),
        ("junk", "%%%".to_owned(), Rejection::Invalid, "bad_base64"),
        ("huge", "A".repeat(5000), Rejection::Invalid, "too_long"),
    ] {
        let check = Check::new(&[1]);
        assert_eq!(check.token(&token), Err(expected), "{name}");
        assert!(check.counted(outcome), "{name}: {}", check.metrics.gather());
    }
}

#[test]
fn the_clock_tolerance_is_the_configured_one() {
    let check = Check::new(&[1]);
    assert!(check.token(&token(NOW - 3600, NOW - 60, 1)).is_ok());
    let strict = Sso { skew: std::time::Duration::ZERO, ..sso(&[1]) };
    let strict = Authenticator::new(&strict, check.metrics);
    let header = format!("LtpaToken={}", token(NOW - 3600, NOW - 1, 1));
    assert_eq!(strict.check(&[&header], NOW), Err(Rejection::Expired));
}

#[test]
fn no_cookie_no_header_and_no_keys_are_all_no_token() {
    let check = Check::new(&[1]);
    assert_eq!(check.authenticator.check::<&str>(&[], NOW), Err(Rejection::Missing));
    check.authenticator.missing();
    assert!(check.counted("none"));
    assert_eq!(check.authenticator.check(&["LtpaToken2=x"], NOW), Err(Rejection::Missing));
    let nobody = Authenticator::new(&Sso::default(), check.metrics);
    let header = format!("LtpaToken={}", token(NOW - 60, NOW + 60, 1));
    assert_eq!(nobody.check(&[&header], NOW), Err(Rejection::Missing));
}

#[test]
fn cookies_spread_over_headers_are_one_list() {
    let check = Check::new(&[1]);
    let header = format!("LtpaToken={}", token(NOW - 60, NOW + 1800, 1));
    assert!(check.authenticator.check(&["a=b", &header, "c=d"], NOW).is_ok());
    let other: &[u8] = b"app=caf\xE9; x";
    assert!(check.authenticator.check(&[other, header.as_bytes()], NOW).is_ok());
    let bob = mint(b"CN=Bob", SystemSeconds(NOW - 60), SystemSeconds(NOW + 60), &secret(1)).unwrap();
    let bob = [other, b"; LtpaToken=", bob.as_bytes()].concat();
    assert_eq!(check.authenticator.check(&[header.as_bytes(), &bob], NOW), Err(Rejection::Invalid));
}

/// Vectors of the WebSphere formats through the whole check; ltpa.md 4.
#[test]
fn websphere_tokens_are_proved_by_the_key_file_of_their_server() {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/vectors/ltpa/websphere.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let set = &vectors["keysets"]["A"];
    let key =
        VerifyKey::read(set["keyfile"].as_str().unwrap(), &set["password"].as_str().unwrap().into()).unwrap();
    let vector =
        vectors["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == "minimal").unwrap();
    let header = format!("LtpaToken2={}", vector["token"].as_str().unwrap());
    let now = vector["now"].as_u64().unwrap();
    let sso = |realm: &str| Sso {
        cookies: vec![SsoCookie {
            name: "LtpaToken2".into(),
            format: TokenFormat::Ltpa2,
            unsigned_expiry: false,
        }],
        keys: vec![SsoKey {
            id: "was".into(),
            material: KeyMaterial::WebSphere(Arc::new(key.clone())),
            life: KeyLife::ALWAYS,
        }],
        realms: vec![realm.to_owned()],
        ..Sso::default()
    };
    let check = |realm, now| Authenticator::new(&sso(realm), Arc::new(Metrics::new())).check(&[&header], now);
    let identity = check("defaultWIMFileBasedRealm", now).unwrap();
    assert_eq!(
        (identity.user.as_str(), &*identity.key_id),
        (vector["expect"]["user"].as_str().unwrap(), "was")
    );
    assert_eq!(check("another", now), Err(Rejection::Invalid));
    assert_eq!(check("defaultWIMFileBasedRealm", identity.expires + 61), Err(Rejection::Expired));
}

/// Not by a file: its checks are stricter.
#[test]
fn a_ring_that_proves_nothing_lets_nobody_in() {
    let short = SsoKey {
        id: "short".into(),
        material: KeyMaterial::Domino(Secret::new(vec![1; 19])),
        life: KeyLife::ALWAYS,
    };
    let header = format!("LtpaToken={}", token(NOW - 60, NOW + 60, 1));
    for keys in [vec![], vec![short]] {
        let nobody = Authenticator::new(&Sso { keys, ..sso(&[]) }, Arc::new(Metrics::new()));
        assert_eq!(nobody.check(&[&header], NOW), Err(Rejection::Missing));
    }
}
