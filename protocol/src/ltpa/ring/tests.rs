use super::*;
use crate::ltpa::domino::{DominoSecret, mint};

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);

fn key(byte: u8) -> DominoKey {
    let secret = DominoSecret::from_bytes(&[byte; 20]).unwrap();
    DominoKey { id: format!("k{byte}").into(), secret, not_after: None }
}

fn cookie(name: &str, keys: &[u8]) -> SsoCookie {
    let keys = keys.iter().map(|byte| key(*byte)).collect();
    SsoCookie { name: name.to_owned(), verifier: Verifier::Domino(keys) }
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
    assert_eq!(accepted.token, good);
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
