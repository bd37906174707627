//! Out of any Cookie headers comes at most one user, by a token that stands in them and proves that user alone;
//! whatever else the cookies of that name hold is told apart. The bytes 1 to 5 in the input stand for tokens, so
//! that the fuzzer can arrange genuine ones; 10 begins another header.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::ltpa::domino::{DominoKey, DominoSecret, mint};
use protocol::ltpa::ring::{KeyRing, MAX_VALUES, SsoCookie, Verifier};
use protocol::ltpa::{KeyLife, Policy, SystemSeconds, base64, cookie};

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);
const NAMES: [&str; 2] = ["LtpaToken2", "LtpaToken"];

fuzz_target!(|input: &[u8]| {
    let tokens = [
        token("Ada", 1, 600),
        token("Bob", 1, 600),
        token("Ada", 1, -600),
        token("Ada", 2, 600),
        token("Bob", 2, 600),
    ];
    let mut headers = vec![Vec::new()];
    for byte in input {
        let header = headers.last_mut().expect("there is one");
        match byte {
            1..=5 => header.extend_from_slice(tokens[usize::from(byte - 1)].as_bytes()),
            b'\n' => headers.push(Vec::new()),
            byte => header.push(*byte),
        }
    }
    let header = headers.join(&b"; "[..]);
    for name in NAMES {
        let apart: Vec<_> = headers.iter().flat_map(|header| cookie::values(header, name)).collect();
        assert_eq!(cookie::values(&header, name).collect::<Vec<_>>(), apart);
    }
    for fallback in [false, true] {
        let policy = Policy { fallback, ..Policy::default() };
        let cookies = vec![sso_cookie(NAMES[0], 2), sso_cookie(NAMES[1], 1)];
        let ring = KeyRing::new(cookies, policy).unwrap();
        let Ok(accepted) = ring.accept(&header, NOW) else { continue };
        let user = &accepted.identity.user;
        let known = tokens.iter().find(|token| **token == *accepted.token).expect("a token of ours");
        let alone = format!("{}={known}", accepted.cookie);
        assert_eq!(ring.check(&alone, NOW).unwrap(), *accepted.identity);
        for name in NAMES {
            for value in cookie::values(&header, name).take(MAX_VALUES) {
                if let Ok(other) = ring.check(&[name.as_bytes(), b"=", value].concat(), NOW) {
                    assert_eq!(other.user, *user);
                }
            }
            let first = cookie::values(&header, name).next();
            let is_told = accepted.cookie == name || accepted.others.iter().any(|(other, _)| *other == name);
            assert_eq!(is_told, first.is_some());
        }
        for (name, token) in &accepted.others {
            let Some(token) = token else { continue };
            let sent = cookie::values(&header, name).any(|value| base64::normalise(value).as_ref() == Ok(token));
            assert!(sent, "a token from elsewhere");
        }
    }
});

fn sso_cookie(name: &str, byte: u8) -> SsoCookie {
    let key = DominoKey { id: "k".into(), secret: secret(byte), life: KeyLife::ALWAYS };
    SsoCookie { name: name.to_owned(), verifier: Verifier::Domino(vec![key]), unsigned_expiry: false }
}

fn token(user: &str, byte: u8, lifetime: i64) -> String {
    let expires = SystemSeconds(NOW.0.saturating_add_signed(lifetime));
    mint(user.as_bytes(), SystemSeconds(NOW.0 - 900), expires, &secret(byte)).unwrap()
}

fn secret(byte: u8) -> DominoSecret {
    DominoSecret::from_bytes(&[byte; 20]).unwrap()
}
