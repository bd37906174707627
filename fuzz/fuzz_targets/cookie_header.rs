//! Out of any Cookie header comes at most one user, by a token that stands in it and proves that user alone.
//! The bytes 1 to 5 in the input stand for tokens, so that the fuzzer can arrange genuine ones.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::ltpa::domino::{DominoKey, DominoSecret, mint};
use protocol::ltpa::ring::{KeyRing, MAX_VALUES, SsoCookie, Verifier};
use protocol::ltpa::{KeyLife, Policy, SystemSeconds, cookie};

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);
const NAMES: [&str; 2] = ["LtpaToken2", "LtpaToken"];

fuzz_target!(|input: &[u8]| {
    let Ok(input) = str::from_utf8(input) else { return };
    let tokens = [
        ("\u{1}", token("Ada", 1, 600)),
        ("\u{2}", token("Bob", 1, 600)),
        ("\u{3}", token("Ada", 1, -600)),
        ("\u{4}", token("Ada", 2, 600)),
        ("\u{5}", token("Bob", 2, 600)),
    ];
    let header = tokens.iter().fold(input.to_owned(), |header, (mark, token)| header.replace(mark, token));
    for fallback in [false, true] {
        let policy = Policy { fallback, ..Policy::default() };
        let cookies = vec![sso_cookie(NAMES[0], 2), sso_cookie(NAMES[1], 1)];
        let ring = KeyRing::new(cookies, policy).unwrap();
        let Ok(accepted) = ring.accept(&header, NOW) else { continue };
        let user = &accepted.identity.user;
        let (_, known) = tokens.iter().find(|(_, token)| *token == accepted.token).expect("a token of ours");
        let alone = format!("{}={known}", accepted.cookie);
        assert_eq!(ring.check(&alone, NOW).unwrap(), accepted.identity);
        for name in NAMES {
            for value in cookie::values(&header, name).take(MAX_VALUES) {
                if let Ok(other) = ring.check(&format!("{name}={value}"), NOW) {
                    assert_eq!(other.user, *user);
                }
            }
        }
    }
});

fn sso_cookie(name: &str, byte: u8) -> SsoCookie {
    let key = DominoKey { id: "k".into(), secret: secret(byte), life: KeyLife::ALWAYS };
    SsoCookie { name: name.to_owned(), verifier: Verifier::Domino(vec![key]) }
}

fn token(user: &str, byte: u8, lifetime: i64) -> String {
    let expires = SystemSeconds(NOW.0.saturating_add_signed(lifetime));
    mint(user.as_bytes(), SystemSeconds(NOW.0 - 900), expires, &secret(byte)).unwrap()
}

fn secret(byte: u8) -> DominoSecret {
    DominoSecret::from_bytes(&[byte; 20]).unwrap()
}
