use super::*;
use crate::ltpa::KeyLife;
use crate::ltpa::domino::{DominoSecret, mint};
use crate::ltpa::keyfile::KeyFile;
use crate::ltpa::websphere::{SigningKey, VerifyKey};
use crate::secret::Secret;

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);

fn key(byte: u8) -> DominoKey {
    let secret = DominoSecret::from_bytes(&[byte; 20]).unwrap();
    DominoKey { id: format!("k{byte}").into(), secret, life: KeyLife::ALWAYS }
}

fn cookie(name: &str, keys: &[u8]) -> SsoCookie {
    let keys = keys.iter().map(|byte| key(*byte)).collect();
    SsoCookie { name: name.to_owned(), verifier: Verifier::Domino(keys), unsigned_expiry: false }
}

/// `LtpaToken2` with key 2 before `LtpaToken` with key 1.
fn ring(policy: Policy) -> KeyRing {
    KeyRing::new(vec![cookie("LtpaToken2", &[2]), cookie("LtpaToken", &[1])], policy).unwrap()
}

fn token(user: &str, key_byte: u8) -> String {
    token_until(user, key_byte, NOW.0 + 1800)
}

fn token_until(user: &str, key_byte: u8, end: u64) -> String {
    mint(user.as_bytes(), SystemSeconds(NOW.0 - 3600), SystemSeconds(end), &key(key_byte).secret).unwrap()
}

fn user(header: &str) -> Result<String, Rejection> {
    ring(Policy::default()).check(header, NOW).map(|identity| identity.user)
}

#[test]
fn a_request_without_a_configured_cookie_has_no_token() {
    assert_eq!(user(""), Err(Rejection::NoToken));
    assert_eq!(user(&format!("ltpatoken={}", token("Ada", 1))), Err(Rejection::NoToken));
}

#[test]
fn the_first_valid_of_several_values_wins_and_is_the_one_handed_on() {
    let good = token("Ada", 1);
    let header = format!("LtpaToken=QUJD; LtpaToken=\"{}\"; x=y", good.replace('=', "%3D"));
    let ring = ring(Policy::default());
    let accepted = ring.accept(&header, NOW).unwrap();
    assert_eq!((accepted.identity.user.as_str(), accepted.cookie), ("Ada", "LtpaToken"));
    assert_eq!(&*accepted.token, good);
    assert!(!format!("{accepted:?}").contains(&good));
}

#[test]
fn only_three_values_are_tried() {
    let good = token("Ada", 1);
    assert!(user(&format!("LtpaToken=a; LtpaToken=b; LtpaToken={good}")).is_ok());
    assert_eq!(
        user(&format!("LtpaToken=a; LtpaToken=b; LtpaToken=c; LtpaToken={good}")),
        Err(Rejection::BadBase64)
    );
}

#[test]
fn two_valid_values_of_different_users_are_refused() {
    let header = |other| format!("LtpaToken={}; LtpaToken={}", token("Ada", 1), token(other, 1));
    assert_eq!(user(&header("Ada")).as_deref(), Ok("Ada"));
    assert_eq!(user(&header("ada")), Err(Rejection::MixedUsers));
}

#[test]
fn what_else_the_cookies_hold_is_told_apart_from_what_proves_the_same_user() {
    let (ada, forged) = (token("Ada", 1), token("Ada", 9));
    let ring = ring(Policy::default());
    let others = |header: &str| {
        let accepted = ring.accept(header, NOW).unwrap();
        let known = |(name, token): &(&str, Option<Normal<'_>>)| {
            (name.to_string(), token.as_ref().map(|token| token.to_string()))
        };
        accepted.others.iter().map(known).collect::<Vec<_>>()
    };
    let (one, two) = ("LtpaToken".to_owned(), "LtpaToken2".to_owned());
    assert_eq!(others(&format!("{one}={ada}")), []);
    assert_eq!(others(&format!("{one}={ada}; {two}=DEL")), [(two.clone(), None)]);
    let better = token("Ada", 2);
    assert_eq!(others(&format!("{one}={ada}; {two}={better}")), [(one.clone(), Some(ada))]);
    assert_eq!(others(&format!("{one}={forged}; {two}={better}")), [(one, None)]);
}

#[test]
fn a_refusal_names_the_value_that_it_is_about() {
    let ring = ring(Policy::default());
    let forged = token("Ada", 9);
    let header = format!("LtpaToken=QUJD; LtpaToken={forged}; LtpaToken2=DEL");
    let refusal = ring.accept_with(&header, NOW, |cookie, text| ring.prove(cookie, text, NOW)).unwrap_err();
    let (cookie, value) = refusal.shown.unwrap();
    assert_eq!((refusal.reason, &*cookie.name, value), (Rejection::BadMac, "LtpaToken", forged.as_bytes()));
    assert_eq!(format!("{refusal:?}"), "Refusal { reason: BadMac, .. }");
}

#[test]
fn two_cookies_of_different_users_are_refused() {
    let header = |other| format!("LtpaToken={}; LtpaToken2={}", token(other, 1), token("Ada", 2));
    let ring = ring(Policy::default());
    let accepted = header("Ada");
    assert_eq!(ring.accept(&accepted, NOW).unwrap().cookie, "LtpaToken2");
    assert_eq!(user(&header("Bob")), Err(Rejection::MixedUsers));
}

#[test]
fn a_forged_better_cookie_falls_back_only_where_allowed() {
    let header = format!("LtpaToken2={}; LtpaToken={}", token("Ada", 9), token("Ada", 1));
    assert_eq!(user(&header), Err(Rejection::BadMac));
    let lenient = ring(Policy { fallback: true, ..Policy::default() });
    assert_eq!(lenient.check(&header, NOW).unwrap().user, "Ada");
}

#[test]
fn an_expired_better_cookie_never_falls_back() {
    let header = format!("LtpaToken2={}; LtpaToken={}", token_until("Ada", 2, NOW.0 - 90), token("Ada", 1));
    for fallback in [false, true] {
        let ring = ring(Policy { fallback, ..Policy::default() });
        assert_eq!(ring.check(&header, NOW), Err(Rejection::Expired));
    }
}

#[test]
fn what_a_logout_leaves_behind_counts_as_no_token() {
    let good = token("Ada", 1);
    for junk in ["", "\"\"", "DEL", "deleted!"] {
        assert_eq!(user(&format!("LtpaToken2={junk}; LtpaToken={good}")).as_deref(), Ok("Ada"), "{junk}");
    }
    assert_eq!(user("LtpaToken2="), Err(Rejection::Empty));
}

#[test]
fn a_lesser_cookie_that_is_stale_does_not_spoil_a_good_one() {
    let header = format!("LtpaToken2={}; LtpaToken={}", token("Ada", 2), token_until("Bob", 1, NOW.0 - 90));
    assert_eq!(user(&header).as_deref(), Ok("Ada"));
}

#[test]
fn the_most_telling_reason_is_reported() {
    let stale = token_until("Ada", 1, NOW.0 - 90);
    assert_eq!(user(&format!("LtpaToken=QUJD; LtpaToken={stale}; LtpaToken=!")), Err(Rejection::Expired));
    assert_eq!(user("LtpaToken=!; LtpaToken=QUJD"), Err(Rejection::TooShort));
    let long = "A".repeat(base64::MAX_TEXT + 1);
    assert_eq!(user(&format!("LtpaToken={long}")), Err(Rejection::TooLong));
}

#[test]
fn a_ring_that_proves_nothing_or_is_ambiguous_is_not_built() {
    let build = |cookies| KeyRing::new(cookies, Policy::default()).map(|_| ());
    assert_eq!(build(vec![]), Err(RingError::NoCookies));
    assert_eq!(build(vec![cookie("a", &[])]), Err(RingError::NoKeys("a".to_owned())));
    assert_eq!(build(vec![cookie("a", &[1; 5])]), Err(RingError::TooManyKeys("a".to_owned())));
    assert_eq!(
        build(vec![cookie("a", &[1]), cookie("b", &[1]), cookie("a", &[2])]),
        Err(RingError::DuplicateCookie("a".to_owned()))
    );
}

/// The key files that the vectors list under this name.
fn key_file(id: &str) -> KeyFile {
    let vectors = include_str!("../../../tests/vectors/ltpa/websphere.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let text = |field: &str| vectors["keysets"][id][field].as_str().unwrap();
    KeyFile::read(text("keyfile"), &Secret::from(text("password"))).unwrap()
}

fn websphere_keys(id: &str) -> Vec<WebSphereKey> {
    vec![WebSphereKey {
        id: id.into(),
        key: VerifyKey::new(&key_file(id)).unwrap().into(),
        life: KeyLife::ALWAYS,
    }]
}

fn websphere_cookie(version: Version, id: &str) -> SsoCookie {
    let keys = websphere_keys(id);
    let (name, verifier) = match version {
        Version::One => ("LtpaToken", Verifier::WebSphere1(keys)),
        Version::Two => ("LtpaToken2", Verifier::WebSphere2(keys)),
    };
    SsoCookie { name: name.to_owned(), verifier, unsigned_expiry: version == Version::One }
}

fn websphere_token(version: Version, user: &str) -> String {
    let signing_key = SigningKey::new(&key_file("A")).unwrap();
    signing_key.mint(version, "realm", user, (NOW.0 + 600) * 1000).unwrap()
}

#[test]
fn websphere_tokens_of_both_versions_stand_side_by_side() {
    let cookies = vec![websphere_cookie(Version::Two, "A"), websphere_cookie(Version::One, "A")];
    let ring = KeyRing::new(cookies, Policy::default()).unwrap();
    let header = |one: &str, two: &str| {
        let (one, two) = (websphere_token(Version::One, one), websphere_token(Version::Two, two));
        format!("LtpaToken={one}; LtpaToken2={two}")
    };
    let identity = ring.check(&header("uid=ada", "uid=ada"), NOW).unwrap();
    assert_eq!((&*identity.user, identity.realm.as_deref()), ("uid=ada", Some("realm")));
    assert_eq!((identity.format, &*identity.key_id), (Format::WebSphere2, "A"));
    assert_eq!(ring.check(&header("uid=bob", "uid=ada"), NOW), Err(Rejection::MixedUsers));
    let only_one = format!("LtpaToken={}", websphere_token(Version::One, "uid=ada"));
    assert_eq!(ring.check(&only_one, NOW).unwrap().format, Format::WebSphere1);
    // What version 1 cannot do without is not given away for version 2.
    let unsigned = SigningKey::new(&key_file("A")).unwrap();
    let unsigned = unsigned.seal(Version::Two, b"u:user\\:realm/uid=ada", (NOW.0 + 600) * 1000).unwrap();
    let unsigned = format!("LtpaToken2={unsigned}");
    assert_eq!(ring.check(&unsigned, NOW), Err(Rejection::UnsignedExpiry));
    let mut two = websphere_cookie(Version::Two, "A");
    two.unsigned_expiry = true;
    let lenient = KeyRing::new(vec![two], Policy::default()).unwrap();
    assert_eq!(lenient.check(&unsigned, NOW).unwrap().user, "uid=ada");
    let shown = format!("{:?}", websphere_keys("A")[0].key);
    assert_eq!(shown, r#"VerifyKey { realm: Some("defaultWIMFileBasedRealm"), is_fips: false, .. }"#);
}

#[test]
fn a_remembered_proof_is_judged_by_time_at_every_use() {
    let ring = KeyRing::new(vec![websphere_cookie(Version::Two, "A")], Policy::default()).unwrap();
    let token = websphere_token(Version::Two, "uid=ada");
    let header = format!("LtpaToken2={token}");
    let mut proved = 0;
    let mut memory = None;
    let mut check = |now| {
        let accepted = ring.accept_with(&header, now, |cookie, text| {
            assert_eq!(text, token);
            if memory.is_none() {
                proved += 1;
                memory = Some(cookie.verifier.prove(text, now, ring.policy())?);
            }
            memory.clone().ok_or(Rejection::NoToken)
        });
        accepted.map(|accepted| accepted.identity.user.clone()).map_err(Rejection::from)
    };
    assert_eq!(check(NOW).as_deref(), Ok("uid=ada"));
    assert_eq!(check(SystemSeconds(NOW.0 + 660)).as_deref(), Ok("uid=ada"));
    assert_eq!(check(SystemSeconds(NOW.0 + 661)), Err(Rejection::Expired));
    assert_eq!(proved, 1);
}

#[test]
fn a_remembered_proof_ends_with_its_key() {
    let mut keys = websphere_keys("A");
    keys[0].life.not_after = Some(NOW);
    let verifier = Verifier::WebSphere2(keys);
    let token = websphere_token(Version::Two, "uid=ada");
    let later = SystemSeconds(NOW.0 + 1);
    let proof = verifier.prove(&token, NOW, &Policy::default()).unwrap();
    assert_eq!(proof.judge(NOW, &Policy::default()), Ok(()));
    assert_eq!(proof.judge(later, &Policy::default()), Err(Rejection::KeyRetired));
    assert_eq!(verifier.prove(&token, later, &Policy::default()), Err(Rejection::Undecryptable));
}

#[test]
fn keys_and_policies_that_do_not_fit_are_refused_at_once() {
    let build = |cookie, policy| KeyRing::new(vec![cookie], policy).map(|_| ()).err();
    let lenient = Policy { require_inner_expire: false, ..Policy::default() };
    let fips = Policy { fips: true, ..lenient.clone() };
    let refused = |cookie: &str| Some(RingError::FipsKey { cookie: cookie.to_owned(), key: "F".to_owned() });
    assert_eq!(build(websphere_cookie(Version::Two, "F"), lenient), refused("LtpaToken2"));
    assert_eq!(build(websphere_cookie(Version::Two, "F"), fips.clone()), None);
    assert_eq!(build(websphere_cookie(Version::One, "F"), fips), refused("LtpaToken"));
    let strict = SsoCookie { unsigned_expiry: false, ..websphere_cookie(Version::One, "A") };
    let refused = Some(RingError::UnsignedExpiry("LtpaToken".to_owned()));
    assert_eq!(build(strict, Policy::default()), refused);
}
