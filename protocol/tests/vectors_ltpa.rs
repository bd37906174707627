//! The published token vectors of `ltpa.md`, read from JSON. `LIVENAME_VECTORS` replaces the directory that
//! holds `ltpa/`; the counts are asserted for the built-in set only.

#![allow(clippy::expect_used, clippy::panic, reason = "a malformed vector file fails the test")]

use std::path::PathBuf;
use std::time::Duration;

use protocol::ltpa::domino::{self, DominoKey, DominoSecret};
use protocol::ltpa::{Charset, Class, Identity, Policy, Rejection, SystemSeconds, base64, cookie};
use serde_json::Value;

#[test]
fn domino_tokens() {
    run("domino.json", "domino", 67, domino_case);
}

#[test]
fn cookie_headers() {
    run("cookie.json", "cookie", 12, cookie_case);
}

#[test]
fn tokens_of_other_peoples_programs() {
    run("independent.json", "domino", 4, domino_case);
}

#[test]
fn the_canonical_token_is_minted_alike() {
    let file = load("domino.json");
    let case = cases(&file).find(|case| case["name"] == "canonical_upper_hex").expect("the canonical vector");
    let name = hex::decode(text(&case["expect"]["user_bytes_hex"])).expect("hex");
    let time = |field: &str| SystemSeconds(case["expect"][field].as_u64().expect("a time"));
    let key = &domino_keys(case)[0];
    let token = domino::mint(&name, time("creation"), time("expiration"), &key.secret).expect("a token");
    assert_eq!(token, text(&case["token"]));
}

fn domino_case(case: &Value) {
    let now = SystemSeconds(case["now"].as_u64().expect("now"));
    let outcome = domino::verify(text(&case["token"]), &domino_keys(case), now, &policy(case));
    let Some(identity) = expected(case, outcome) else { return };
    let expect = &case["expect"];
    assert_eq!(hex::encode(&identity.user_bytes), text(&expect["user_bytes_hex"]));
    assert_eq!(identity.created.map(|time| time.0), expect["creation"].as_u64());
    assert_eq!(Some(identity.expires.0), expect["expiration"].as_u64());
}

fn cookie_case(case: &Value) {
    let values: Vec<_> = cookie::values(text(&case["header"]), text(&case["cookie"]))
        .map(|value| match base64::normalise(value) {
            Ok(normal) => normal.into_owned(),
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
        skew: Duration::from_secs(policy["skew_s"].as_u64().unwrap_or(0)),
        charset: match policy["charset"].as_str() {
            None | Some("lmbcs") => Charset::Lmbcs,
            Some("utf-8") => Charset::Utf8,
            Some(other) => panic!("charset {other}"),
        },
        max_lifetime: policy["max_lifetime_s"].as_u64().map(Duration::from_secs),
        ..Policy::default()
    }
}

fn domino_keys(case: &Value) -> Vec<DominoKey> {
    let secrets = case["secrets"].as_array().expect("secrets");
    let key = |secret: &Value| DominoKey {
        id: text(&secret["id"]).into(),
        secret: DominoSecret::from_base64(text(&secret["base64"])).expect("a secret"),
        not_after: None,
    };
    secrets.iter().map(key).collect()
}

/// Runs every case of a format and names all that fail, not just the first.
fn run(file: &str, format: &str, count: usize, check: impl Fn(&Value)) {
    let file = load(file);
    let mut failed = Vec::new();
    let mut seen = 0;
    for case in cases(&file).filter(|case| case["format"] == format) {
        seen += 1;
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case))).is_err() {
            failed.push(text(&case["name"]));
        }
    }
    assert!(failed.is_empty(), "{} of {seen} failed: {failed:?}", failed.len());
    assert!(seen > 0);
    if std::env::var_os("LIVENAME_VECTORS").is_none() {
        assert_eq!(seen, count);
    }
}

fn cases(file: &Value) -> impl Iterator<Item = &Value> {
    file["vectors"].as_array().expect("vectors").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn load(name: &str) -> Value {
    let built_in = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let root = std::env::var_os("LIVENAME_VECTORS").map_or_else(built_in, PathBuf::from);
    let path = root.join("ltpa").join(name);
    let json = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
