//! A Domino token of any name is read back as that name, and a changed one is not accepted. The input is a
//! position, a mask, two times and a name; the whole input is also read as the text of a token.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use protocol::ltpa::domino::{DominoKey, DominoSecret, mint, verify};
use protocol::ltpa::{Charset, Identity, KeyLife, Policy, Rejection, SystemSeconds};

fuzz_target!(|input: &[u8]| {
    let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
    let key = DominoKey { id: "k".into(), secret: secret.clone(), life: KeyLife::ALWAYS };
    let keys = [key];
    for charset in [Charset::Lmbcs, Charset::Utf8] {
        let policy = Policy { charset, ..Policy::default() };
        let check = |token: &str, now| verify(token, &keys, now, &policy);
        let mint_again = |identity: &Identity| {
            mint(identity.user_bytes(), identity.created.unwrap(), identity.expires, &secret).unwrap()
        };
        if let Ok(text) = str::from_utf8(input)
            && let Ok(identity) = check(text, SystemSeconds(1_767_225_600))
        {
            assert_eq!(check(&mint_again(&identity), identity.expires).unwrap(), identity);
        }

        let Some((parts, name)) = input.split_first_chunk::<11>() else { return };
        let [p0, p1, mask, c0, c1, c2, c3, e0, e1, e2, e3] = *parts;
        let created = SystemSeconds(u32::from_be_bytes([c0, c1, c2, c3]).into());
        let expires = SystemSeconds(u32::from_be_bytes([e0, e1, e2, e3]).into());
        let Ok(token) = mint(name, created, expires, &secret) else { return };
        match check(&token, expires) {
            Ok(identity) => {
                assert_eq!((identity.user_bytes(), identity.expires), (name, expires));
                assert!(!identity.user.chars().any(char::is_control) && !identity.user.trim().is_empty());
                assert_eq!(mint_again(&identity), token);
            }
            Err(reason) => assert_eq!(reason, Rejection::BadName),
        }
        if mask != 0 {
            let mut bytes = STANDARD.decode(&token).unwrap();
            let at = usize::from(u16::from_be_bytes([p0, p1])) % bytes.len();
            bytes[at] ^= mask;
            assert_eq!(check(&STANDARD.encode(bytes), expires), Err(Rejection::BadMac));
        }
    }
});
