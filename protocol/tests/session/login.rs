//! Getting in, and not getting in.

use proptest::prelude::*;
use protocol::secret::Secret;
use protocol::vp::client::{self, Auth, TokenForm};
use protocol::vp::crypto::login::Credential;
use protocol::vp::message::{Version, auth_type};
use protocol::vp::prim::PrivacyInfo;
use protocol::vp::reason::Reason;
use protocol::vp::server::{self, LoginRequest};
use protocol::vp::session::{ChannelError, ProtocolError};

use crate::pair::{ALICE, Pair, alice, status};

fn forms(secret: &str) -> Vec<(Auth, u16, Credential)> {
    let text = || Secret::from(secret);
    let password = || Credential::Password(text());
    let token = || Credential::Token(text());
    let carried = |form| Auth::Token { token: text(), form };
    vec![
        (Auth::PlainPassword(text()), auth_type::PLAIN_PASSWORD, password()),
        (Auth::Rc2Password(text()), auth_type::RC2_PASSWORD, password()),
        (Auth::DhPassword(text()), auth_type::DH_PASSWORD, password()),
        (carried(TokenForm::Raw), auth_type::PLAIN_TOKEN, token()),
        (carried(TokenForm::String), auth_type::PLAIN_TOKEN, token()),
        (carried(TokenForm::Dh), auth_type::DH_TOKEN, token()),
        (Auth::Anonymous, auth_type::ANONYMOUS, Credential::Anonymous),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_form_of_login_succeeds(seed in 0..u64::MAX / 2, secret in "[A-Za-z+/=]{4,300}") {
        for (auth, auth_type, credential) in forms(&secret) {
            let mut pair = Pair::new(client::Config::default(), server::Config::default(), auth, seed);
            pair.talk();
            prop_assert!(matches!(pair.at_server[0], server::Event::Handshake(_)));
            let request = LoginRequest { name: ALICE.to_owned(), login_type: 0x14b4, credential, auth_type };
            prop_assert_eq!(&pair.at_server[1..], &[server::Event::Login(request)]);
            pair.admit();
            pair.talk();
            let privacy = Some(PrivacyInfo::default());
            let expected = client::Event::LoggedIn { info: alice(), status: Some(status(0x20, "here")), privacy };
            prop_assert_eq!(&pair.at_client, &[expected]);
            prop_assert!(pair.client.is_up() && pair.server.is_up());
        }
    }
}

#[test]
fn a_refused_login_ends_both_sides_with_the_reason() {
    let mut pair = Pair::plain();
    pair.talk();
    pair.server.refuse(Reason::INCORRECT_LOGIN).unwrap();
    pair.talk();
    let reason = Reason::INCORRECT_LOGIN;
    assert_eq!(pair.at_client, [client::Event::Closed(client::Closed::ByServer(reason))]);
    assert_eq!(pair.at_server.last(), Some(&server::Event::Closed(server::Closed::ByServer(reason))));
    assert_eq!(
        pair.server.admit(alice(), PrivacyInfo::default(), status(0, "")),
        Err(ChannelError::NotWaiting)
    );
}

#[test]
fn an_encrypted_login_is_refused_by_the_client_when_no_key_is_offered() {
    let old = server::Config { version: Version { major: 0x1e, minor: 0x18 }, ..server::Config::default() };
    for auth in
        [Auth::DhPassword("geheim".into()), Auth::Token { token: "geheim".into(), form: TokenForm::Dh }]
    {
        let mut pair = Pair::new(client::Config::default(), old.clone(), auth, 3);
        pair.talk();
        let Some(client::Event::Closed(closed)) = pair.at_client.last() else {
            panic!("{:?}", pair.at_client)
        };
        assert_eq!(closed.kind(), "no_login_key_offered");
        assert!(!pair.at_server.iter().any(|event| matches!(event, server::Event::Login(_))));
        assert!(pair.server.is_closed());
    }
    let mut pair = Pair::new(client::Config::default(), old, Auth::Rc2Password("geheim".into()), 3);
    pair.talk();
    assert!(matches!(pair.at_server[1], server::Event::Login(_)));
}

#[test]
fn a_login_secret_of_another_connection_is_refused() {
    let mut first = Pair::plain();
    first.server.receive(&first.client.output(), first.now);
    first.client.receive(&first.server.output(), first.now);
    let recorded = first.client.output();

    let mut second = Pair::new(client::Config::default(), server::Config::default(), Auth::Anonymous, 8);
    second.server.receive(&second.client.output(), second.now);
    second.server.receive(&recorded, second.now);
    let events: Vec<_> = std::iter::from_fn(|| second.server.next_event()).collect();
    let Some(server::Event::Closed(server::Closed::Protocol(error))) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((error.kind(), error.reason()), ("credential", Reason::INCORRECT_LOGIN));
    assert!(!events.iter().any(|event| matches!(event, server::Event::Login(_))));
}

#[test]
fn another_major_version_is_refused() {
    let config =
        client::Config { version: Version { major: 0x1f, minor: 0x1d }, ..client::Config::default() };
    let mut pair = Pair::new(config, server::Config::default(), Auth::Anonymous, 1);
    pair.talk();
    assert_eq!(pair.at_client, [client::Event::Closed(client::Closed::ByServer(Reason::VERSION_MISMATCH))]);
    let version = Version { major: 0x1f, minor: 0x1d };
    assert_eq!(
        pair.at_server,
        [server::Event::Closed(server::Closed::Protocol(ProtocolError::Version(version)))]
    );
}
