use super::*;

const MAGIC: u32 = 0x5a17_c0de;

fn random() -> Random {
    let mut next = 0x11_u8;
    Box::new(move |out| {
        for byte in out {
            next = next.wrapping_mul(13).wrapping_add(7);
            *byte = next;
        }
    })
}

fn server_key() -> Keypair {
    Keypair::new(&[0x42; KEY_LEN])
}

fn every_form() -> Vec<(Auth, Credential)> {
    let text = "geheim-Ünïcode";
    let password = Credential::Password(text.into());
    let token = Credential::Token(text.into());
    let carried = |form| Auth::Token { token: text.into(), form };
    vec![
        (Auth::PlainPassword(text.into()), password.clone()),
        (Auth::Rc2Password(text.into()), password.clone()),
        (Auth::DhPassword(text.into()), password),
        (carried(TokenForm::Raw), token.clone()),
        (carried(TokenForm::String), token.clone()),
        (carried(TokenForm::Dh), token),
        (Auth::Anonymous, Credential::Anonymous),
    ]
}

fn build_with_key(auth: &Auth, keypair: &Keypair) -> (u16, Secret) {
    let public = keypair.public().to_bytes();
    build(auth, Some(Offer { magic: MAGIC, public_key: &public }), &mut random()).unwrap()
}

#[test]
fn every_form_opens_to_what_was_built() {
    let keypair = server_key();
    for (auth, expected) in every_form() {
        let (kind, data) = build_with_key(&auth, &keypair);
        assert_eq!(open(kind, data.expose(), Some(&keypair), MAGIC).unwrap(), expected, "{kind}");
    }
}

#[test]
fn encrypted_forms_do_not_carry_the_text() {
    let keypair = server_key();
    for auth in [Auth::Rc2Password("geheim".into()), Auth::DhPassword("geheim".into())] {
        let (_, data) = build_with_key(&auth, &keypair);
        assert!(!data.expose().windows(6).any(|window| window == b"geheim"));
    }
}

#[test]
fn a_client_refuses_instead_of_falling_back() {
    let auth = Auth::DhPassword("geheim".into());
    let empty = Offer { magic: MAGIC, public_key: &[] };
    let bad = Offer { magic: MAGIC, public_key: &[1] };
    assert_eq!(build(&auth, None, &mut random()).unwrap_err(), AuthError::NoKeyOffered);
    assert_eq!(build(&auth, Some(empty), &mut random()).unwrap_err(), AuthError::NoKeyOffered);
    assert_eq!(
        build(&auth, Some(bad), &mut random()).unwrap_err(),
        AuthError::ServerKey(CryptoError::PublicKey)
    );
}

#[test]
fn a_text_that_does_not_fit_is_refused() {
    let long = Secret::new(vec![b'x'; 65_536]);
    for auth in [
        Auth::PlainPassword(long.clone()),
        Auth::DhPassword(long.clone()),
        Auth::Token { token: long, form: TokenForm::String },
    ] {
        let public = server_key().public().to_bytes();
        let offer = Offer { magic: MAGIC, public_key: &public };
        assert_eq!(build(&auth, Some(offer), &mut random()).unwrap_err(), AuthError::TooLong);
    }
}

#[test]
fn a_replayed_secret_is_refused() {
    let keypair = server_key();
    let (kind, data) = build_with_key(&Auth::DhPassword("geheim".into()), &keypair);
    assert_eq!(open(kind, data.expose(), Some(&keypair), MAGIC + 1), Err(OpenError::Magic));
}

#[test]
fn a_secret_for_another_key_does_not_open() {
    let keypair = server_key();
    let (kind, data) = build_with_key(&Auth::DhPassword("geheim".into()), &keypair);
    let other = Keypair::new(&[0x43; KEY_LEN]);
    assert!(open(kind, data.expose(), Some(&other), MAGIC).is_err());
    assert_eq!(open(kind, data.expose(), None, MAGIC), Err(OpenError::NoKeyOffered));
}

#[test]
fn cut_data_is_an_error_and_never_a_panic() {
    let keypair = server_key();
    for (auth, _) in every_form() {
        let (kind, data) = build_with_key(&auth, &keypair);
        if matches!(kind, auth_type::PLAIN_TOKEN | auth_type::ANONYMOUS) {
            continue;
        }
        for len in 0..data.expose().len() {
            assert!(open(kind, &data.expose()[..len], Some(&keypair), MAGIC).is_err(), "{kind} {len}");
        }
    }
}

#[test]
fn unknown_types_are_named() {
    assert_eq!(open(6, b"x", None, 0), Err(OpenError::UnknownType(6)));
}
