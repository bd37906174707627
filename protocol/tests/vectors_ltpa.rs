//! The published token vectors of `ltpa.md`, read from JSON below `ltpa/` in the set of vectors; the counts are
//! asserted for the repository's own set only.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a malformed vector file fails the test"
)]

#[path = "support/set.rs"]
mod set;

use std::sync::Arc;
use std::time::Duration;

use protocol::ltpa::domino::{self, DominoKey, DominoSecret};
use protocol::ltpa::keyfile::{KeyFile, KeyFileError, KeyVersion};
use protocol::ltpa::websphere::{self, SigningKey, VerifyKey, Version, WebSphereKey};
use protocol::ltpa::{Charset, Class, Identity, KeyLife, Policy, Rejection, SystemSeconds, base64, cookie};
use protocol::secret::Secret;
use serde_json::Value;
use set::{built_in, files, run_with_another_set};

#[test]
fn domino_tokens() {
    run("domino.json", "domino", 67, domino_case);
}

#[test]
fn cookie_headers() {
    run("cookie.json", "cookie", 12, cookie_case);
}

#[test]
fn websphere_tokens_of_version_1() {
    run("websphere.json", "was-ltpa1", 14, websphere_case);
}

#[test]
fn websphere_tokens_of_version_2() {
    run("websphere.json", "was-ltpa2", 63, websphere_case);
}

#[test]
fn websphere_key_files() {
    run("keyfile.json", "keyfile", 12, keyfile_case);
}

#[test]
fn tokens_and_keys_of_other_peoples_programs() {
    run("independent.json", "domino", 4, domino_case);
    run("independent.json", "was-ltpa2", 7, websphere_case);
    run("independent.json", "keyfile", 2, keyfile_case);
}

#[test]
fn another_set_runs_as_well() {
    run_with_another_set();
}

#[test]
fn the_canonical_domino_token_is_minted_alike() {
    let Some((_, case)) = find("domino.json", "canonical_upper_hex") else { return };
    let name = hex::decode(text(&case["expect"]["user_bytes_hex"])).expect("hex");
    let time = |field: &str| SystemSeconds(case["expect"][field].as_u64().expect("a time"));
    let key = &domino_keys(&case)[0];
    let token = domino::mint(&name, time("creation"), time("expiration"), &key.secret).expect("a token");
    assert_eq!(token, text(&case["token"]));
}

#[test]
fn websphere_tokens_are_minted_alike() {
    for (name, version) in [
        ("minimal", Version::Two),
        ("every_escape_in_user", Version::Two),
        ("fips_2_0", Version::Two),
        ("v1_minimal", Version::One),
    ] {
        let Some((file, case)) = find("websphere.json", name) else { continue };
        let (key, expect) = (signing_key(&file["keysets"][text(&case["keys"][0])]), &case["expect"]);
        let expires = expect["expiration_ms"].as_u64().expect("a time");
        let token =
            key.mint(version, text(&expect["realm"]), text(&expect["user"]), expires).expect("a token");
        assert_eq!(token, text(&case["token"]), "{name}");
    }
}

fn domino_case(_: &Value, case: &Value) {
    let now = SystemSeconds(case["now"].as_u64().expect("now"));
    let outcome = domino::verify(text(&case["token"]), &domino_keys(case), now, &policy(case));
    let Some(identity) = expected(case, outcome) else { return };
    let expect = &case["expect"];
    assert_eq!(hex::encode(identity.user_bytes()), text(&expect["user_bytes_hex"]));
    assert_eq!(identity.created.map(|time| time.0), expect["creation"].as_u64());
    assert_eq!(Some(identity.expires.0), expect["expiration"].as_u64());
}

/// The keys stand in the file, beside the tokens.
fn websphere_case(file: &Value, case: &Value) {
    let version = match text(&case["format"]) {
        "was-ltpa1" => Version::One,
        _ => Version::Two,
    };
    let keys: Vec<_> =
        case["keys"].as_array().expect("keys").iter().map(|id| websphere_key(file, text(id))).collect();
    let (now, policy) = (SystemSeconds(case["now"].as_u64().expect("now")), policy(case));
    let genuine = websphere::open(version, text(&case["token"]), &keys, now, &policy);
    let proof = genuine.as_ref().map_err(|reason| *reason).and_then(|genuine| genuine.prove(&policy));
    let expires_ms = proof.as_ref().ok().map(|proof| proof.expires_ms());
    let outcome = proof.and_then(|proof| proof.into_identity(now, &policy));
    let Some(identity) = expected(case, outcome.map(Arc::unwrap_or_clone)) else { return };
    let expect = &case["expect"];
    assert_eq!(identity.realm.as_deref(), expect["realm"].as_str());
    assert_eq!(expires_ms, expect["expiration_ms"].as_u64());
    assert_eq!(Some(identity.expires.0), expires_ms.map(|time| time / 1000));
    let genuine = genuine.expect("it was proved");
    let attributes = genuine.attributes().expect("it was proved");
    let attributes: serde_json::Map<_, _> =
        attributes.iter().map(|(name, values)| (name.to_owned(), values.into())).collect();
    assert_eq!(Value::Object(attributes), expect["attributes"]);
}

fn keyfile_case(_: &Value, case: &Value) {
    let expect = &case["expect"];
    let file = match read(case) {
        Ok(file) => file,
        Err(error) => {
            assert_eq!(expect["ok"], false, "refused: {error}");
            assert_eq!(error.reason(), text(&expect["reason"]));
            return;
        }
    };
    assert_eq!(expect["ok"], true, "accepted");
    let version = match file.version() {
        KeyVersion::One => "1.0",
        KeyVersion::Fips => "2.0",
    };
    assert_eq!(version, text(&expect["version"]));
    assert_eq!(file.realm(), expect["realm"].as_str());
    assert_eq!(hex::encode(file.shared().expose()), text(&expect["shared_hex"]));
    assert_eq!(hex::encode(file.public().modulus()), text(&expect["n_hex"]));
    assert_eq!(Some(u64::from(file.public().exponent())), expect["e"].as_u64());
    let private = file.private().expect("a private key");
    let mut primes = [private.p(), private.q()].map(|prime| hex_number(&prime));
    let mut expected = ["p_hex", "q_hex"].map(|field| text(&expect[field]).to_owned());
    primes.sort();
    expected.sort();
    assert_eq!(primes, expected);
    // d may be reduced in two ways; what counts is that it undoes e.
    let key = WebSphereKey {
        id: "k".into(),
        key: VerifyKey::new(&file).expect("a key").into(),
        life: KeyLife::ALWAYS,
    };
    let token = SigningKey::new(&file).expect("a key").mint(Version::Two, "r", "u", 9000).expect("a token");
    let policy = Policy { fips: true, ..Policy::default() };
    let proof = websphere::prove(Version::Two, &token, &[key], SystemSeconds(9), &policy).expect("a proof");
    assert_eq!((proof.identity().user.as_str(), proof.expires_ms()), ("u", 9000));
}

fn cookie_case(_: &Value, case: &Value) {
    let values: Vec<_> = cookie::values(text(&case["header"]), text(&case["cookie"]))
        .map(|value| match base64::normalise(value) {
            Ok(normal) => normal.to_string(),
            Err(Rejection::Empty) => String::new(),
            Err(reason) => panic!("{reason}"),
        })
        .collect();
    let expected: Vec<_> = case["expect"]["values"].as_array().expect("values").iter().map(text).collect();
    assert_eq!(values, expected);
}

/// Compares what all formats share; gives the identity back if there should be one.
fn expected(case: &Value, outcome: Result<Identity, Rejection>) -> Option<Identity> {
    let expect = &case["expect"];
    match outcome {
        Ok(identity) => {
            assert_eq!(expect["ok"], true, "accepted {identity:?}");
            assert_eq!(identity.user, text(&expect["user"]));
            assert_ne!(Some(identity.user.as_str()), expect["not_user"].as_str());
            if let Some(key) = expect["key"].as_str() {
                assert_eq!(&*identity.key_id, key);
            }
            Some(identity)
        }
        Err(reason) => {
            assert_eq!(expect["ok"], false, "refused: {reason}");
            assert_eq!(class_name(reason.class()), text(&expect["class"]), "{reason}");
            let reasons =
                expect["any_of"].as_array().map_or(vec![&expect["reason"]], |any| any.iter().collect());
            assert!(
                reasons.iter().any(|allowed| *allowed == reason.reason()),
                "{reason} is none of {reasons:?}"
            );
            None
        }
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Invalid => "invalid",
        Class::Expired => "expired",
        Class::NotYetValid => "not_yet_valid",
    }
}

fn policy(case: &Value) -> Policy {
    let policy = &case["policy"];
    Policy {
        skew: policy["skew_s"]
            .as_u64()
            .map(Duration::from_secs)
            .or(policy["skew_ms"].as_u64().map(Duration::from_millis))
            .unwrap_or_default(),
        charset: match policy["charset"].as_str() {
            None | Some("lmbcs") => Charset::Lmbcs,
            Some("utf-8") => Charset::Utf8,
            Some(other) => panic!("charset {other}"),
        },
        max_lifetime: policy["max_lifetime_s"].as_u64().map(Duration::from_secs),
        realms: policy["realms"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|realm| text(realm).to_owned())
            .collect(),
        require_inner_expire: policy["require_inner_expire"].as_bool().unwrap_or(false),
        expiry_difference: match policy["exp_diff_ms"].as_i64().unwrap_or(3000) {
            -1 => None,
            most => Some(Duration::from_millis(most.try_into().expect("a distance"))),
        },
        fips: true,
        fallback: false,
    }
}

fn domino_keys(case: &Value) -> Vec<DominoKey> {
    let secrets = case["secrets"].as_array().expect("secrets");
    let key = |secret: &Value| DominoKey {
        id: text(&secret["id"]).into(),
        secret: DominoSecret::from_base64(text(&secret["base64"])).expect("a secret"),
        life: KeyLife::ALWAYS,
    };
    secrets.iter().map(key).collect()
}

fn websphere_key(file: &Value, id: &str) -> WebSphereKey {
    let file = read(&file["keysets"][id]).expect("a key file");
    WebSphereKey { id: id.into(), key: VerifyKey::new(&file).expect("a key").into(), life: KeyLife::ALWAYS }
}

fn signing_key(keyset: &Value) -> SigningKey {
    SigningKey::new(&read(keyset).expect("a key file")).expect("a private key")
}

fn read(keyset: &Value) -> Result<KeyFile, KeyFileError> {
    KeyFile::read(text(&keyset["keyfile"]), &Secret::from(text(&keyset["password"])))
}

/// Without leading zeros, as the vectors write numbers.
fn hex_number(bytes: &[u8]) -> String {
    hex::encode(bytes).trim_start_matches('0').to_owned()
}

/// Runs every case of a format and names all that fail, not just the first. The repository's own set has so many in
/// that file; another one may have them wherever it likes.
fn run(file: &str, format: &str, count: usize, check: impl Fn(&Value, &Value)) {
    let files = if built_in() { vec![file.to_owned()] } else { files("ltpa") };
    let mut failed = Vec::new();
    let mut seen = 0;
    for file in files {
        let file = load(&file);
        for case in cases(&file).filter(|case| case["format"] == format) {
            seen += 1;
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&file, case))).is_err() {
                failed.push(text(&case["name"]).to_owned());
            }
        }
    }
    assert!(failed.is_empty(), "{} of {seen} failed: {failed:?}", failed.len());
    if built_in() {
        assert_eq!(seen, count);
    }
}

/// A vector of the repository's own set with its file; another set may lack it.
fn find(file: &str, name: &str) -> Option<(Value, Value)> {
    if !built_in() && !files("ltpa").iter().any(|there| there == file) {
        return None;
    }
    let file = load(file);
    let found = cases(&file).find(|case| case["name"] == name).cloned();
    assert!(found.is_some() || !built_in(), "{name} is missing");
    found.map(|case| (file, case))
}

fn cases(file: &Value) -> impl Iterator<Item = &Value> {
    file["vectors"].as_array().expect("vectors").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn load(name: &str) -> Value {
    set::read(&format!("ltpa/{name}"))
}
