//! Encrypted channels: ended here, and relayed between two logins.

use bytes::Bytes;
use protocol::vp::client;
use protocol::vp::crypto::channel::Wish;
use protocol::vp::message::{ChannelCreate, ChannelId, EncryptionOffer, mode};
use protocol::vp::prim::{EncryptItem, LoginInfo};
use protocol::vp::reason::Reason;
use protocol::vp::server;
use protocol::vp::service::Service;
use protocol::vp::session::{
    Acceptance, AnsweredEncryption, ChannelError, Incoming, NewChannel, OfferedEncryption,
};

use crate::pair::{Pair, alice};

const TEXTS: [&str; 3] = ["hello Bob", "", "a text that is longer than one block"];

fn asking() -> client::Config {
    client::Config { incoming: Incoming::Ask, ..Default::default() }
}

fn encrypted(wish: Wish) -> NewChannel {
    NewChannel { encryption: OfferedEncryption::Own(wish), ..NewChannel::to_service(Service::IM) }
}

fn accepting(wish: Wish) -> Acceptance {
    Acceptance { encryption: AnsweredEncryption::Own(wish), acceptor: Some(bob()), ..Acceptance::default() }
}

fn bob() -> LoginInfo {
    LoginInfo { login_id: "BB0B:2".into(), user_id: "CN=Bob/O=Acme".to_owned(), ..alice() }
}

fn created(pair: &mut Pair) -> (ChannelId, ChannelCreate) {
    pair.talk();
    match pair.at_server.pop() {
        Some(server::Event::Create { channel, create }) => (channel, create),
        other => panic!("{other:?}"),
    }
}

fn texts_at_server(pair: &Pair) -> Vec<Bytes> {
    let data = |event: &server::Event| match event {
        server::Event::Received { data, sealed: false, .. } => Some(data.clone()),
        _ => None,
    };
    pair.at_server.iter().filter_map(data).collect()
}

fn texts_at_client(pair: &Pair) -> Vec<Bytes> {
    let data = |event: &client::Event| match event {
        client::Event::Received { data, .. } => Some(data.clone()),
        _ => None,
    };
    pair.at_client.iter().filter_map(data).collect()
}

#[test]
fn a_channel_between_client_and_server_is_encrypted_both_ways() {
    let mut pair = Pair::up();
    let channel = pair.client.create(encrypted(Wish::Require)).unwrap();
    pair.client.send(channel, 100, "queued secret".into()).unwrap();
    created(&mut pair);
    pair.server.accept(channel, accepting(Wish::Prefer)).unwrap();
    pair.talk();
    for text in TEXTS {
        pair.server.send(channel, 100, text.into()).unwrap();
        pair.client.send(channel, 100, text.into()).unwrap();
    }
    pair.client.send(channel, 100, "not to be read on the wire".into()).unwrap();
    let wire = pair.client.output();
    assert!(!wire.windows(6).any(|window| window == b"to be "));
    pair.server.receive(&wire, pair.now);
    pair.talk();
    assert_eq!(texts_at_client(&pair), TEXTS);
    let expected = [&["queued secret"], &TEXTS[..], &["not to be read on the wire"]].concat();
    assert_eq!(texts_at_server(&pair), expected);
}

#[test]
fn login_ids_are_the_keys_of_the_weaker_cipher() {
    let mut pair = Pair::up_with(asking(), server::Config::default());
    let only_weak =
        EncryptionOffer::any_of(vec![EncryptItem { cipher: EncryptItem::RC2_40, info: Bytes::new() }]);
    // The offer is written by hand, so the server only relays; what it relays is ciphertext.
    let new = NewChannel {
        creator: Some(bob()),
        encryption: OfferedEncryption::Relayed(only_weak),
        ..NewChannel::to_service(Service::IM)
    };
    let channel = pair.server.create(new).unwrap();
    pair.talk();
    let answer = Acceptance { encryption: AnsweredEncryption::Own(Wish::Prefer), ..Acceptance::default() };
    pair.client.accept(channel, answer).unwrap();
    pair.client.send(channel, 100, "hello".into()).unwrap();
    pair.talk();
    let [server::Event::Accepted { accept, .. }, server::Event::Received { data, sealed: true, .. }] =
        &pair.at_server[..]
    else {
        panic!("{:?}", pair.at_server)
    };
    assert_eq!(accept.encryption.mode, mode::RC2_40);
    let mut chain = protocol::vp::crypto::rc2::Chain::new(b"A1B2C").unwrap();
    assert_eq!(chain.decrypt(data).unwrap(), b"hello");
}

/// Alice and Bob talk through a server that rewrites channel ids and never sees a plaintext.
#[test]
fn a_server_relays_without_reading() {
    let mut left = Pair::up();
    let mut right = Pair::up_with(asking(), server::Config::default());
    let here = left.client.create(encrypted(Wish::Require)).unwrap();
    let (_, create) = created(&mut left);
    let relayed = NewChannel {
        creator: Some(alice()),
        data: create.data,
        encryption: OfferedEncryption::Relayed(create.encryption),
        ..NewChannel::to_service(create.service)
    };
    let there = right.server.create(relayed).unwrap();
    right.talk();
    let answer = Acceptance { encryption: AnsweredEncryption::Own(Wish::Require), ..Acceptance::default() };
    right.client.accept(there, answer).unwrap();
    right.talk();
    let Some(server::Event::Accepted { accept, .. }) = right.at_server.pop() else { panic!() };
    assert_eq!(accept.encryption.mode, mode::RC2_128);
    let acceptance = Acceptance {
        data: accept.data,
        acceptor: Some(bob()),
        encryption: AnsweredEncryption::Relayed(accept.encryption),
    };
    left.server.accept(here, acceptance).unwrap();
    left.talk();
    for text in TEXTS {
        left.client.send(here, 100, text.into()).unwrap();
    }
    left.talk();
    for event in left.at_server.drain(..) {
        let server::Event::Received { send_type, data, sealed: true, .. } = event else {
            panic!("{event:?}")
        };
        right.server.send_sealed(there, send_type, data).unwrap();
    }
    right.talk();
    assert_eq!(texts_at_client(&right), TEXTS);
    right.client.send(there, 100, "reply".into()).unwrap();
    right.talk();
    let Some(server::Event::Received { data, sealed: true, .. }) = right.at_server.pop() else { panic!() };
    left.server.send_sealed(here, 100, data).unwrap();
    left.talk();
    assert_eq!(texts_at_client(&left), ["reply"]);
}

#[test]
fn without_a_common_cipher_there_is_no_channel() {
    let mut pair = Pair::up();
    let channel = pair.client.create(encrypted(Wish::Require)).unwrap();
    created(&mut pair);
    assert_eq!(pair.server.accept(channel, accepting(Wish::Clear)), Err(ChannelError::Encryption));
    pair.talk();
    let reason = Reason::NO_COMMON_ENCRYPTION;
    assert_eq!(pair.at_client, [client::Event::Destroyed { channel, reason, data: Bytes::new() }]);
}

#[test]
fn a_broken_chain_ends_the_channel_on_both_sides() {
    for data in ["garbage!", "odd"] {
        let mut pair = Pair::up();
        let channel = pair.client.create(encrypted(Wish::Require)).unwrap();
        let (_, create) = created(&mut pair);
        // The server pretends to relay and sends what is no ciphertext.
        let mut answer = accepting(Wish::Require);
        answer.encryption = AnsweredEncryption::Relayed(protocol::vp::message::EncryptionChoice {
            mode: mode::RC2_128,
            item: create.encryption.items.into_iter().find(|item| item.cipher == EncryptItem::RC2_128),
            repeated: None,
        });
        pair.server.accept(channel, answer).unwrap();
        pair.server.send_sealed(channel, 100, data.into()).unwrap();
        pair.talk();
        let reason = Reason::ENCRYPTION_BAD_DATA;
        assert_eq!(pair.at_server, [server::Event::Destroyed { channel, reason, data: Bytes::new() }]);
        assert_eq!(
            pair.at_client.last(),
            Some(&client::Event::Destroyed { channel, reason, data: Bytes::new() })
        );
        assert!(pair.client.is_up());
    }
}
