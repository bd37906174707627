//! What breaks the rules, what is forgiven, and what a closed machine does.

use bytes::{Bytes, BytesMut};
use protocol::vp::client::{self, Auth};
use protocol::vp::message::{
    AcceptedLogin, ChannelAccept, ChannelCreate, ChannelDestroy, ChannelId, ChannelSend, Handshake,
    HandshakeAck, Header, Login, LoginAck, LoginRedirect, Message,
};
use protocol::vp::prim::IdBlock;
use protocol::vp::reason::Reason;
use protocol::vp::server;
use protocol::vp::service::Service;
use protocol::vp::session::{Acceptance, ProtocolError};

use crate::pair::{Pair, alice};

fn framed(channel: ChannelId, message: &Message) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode_frame(&Header::on(channel), &mut out).unwrap();
    out
}

fn says_to_server(pair: &mut Pair, channel: u32, message: &Message) {
    pair.server.receive(&framed(ChannelId(channel), message), pair.now);
    pair.talk();
}

fn says_to_client(pair: &mut Pair, channel: u32, message: &Message) {
    pair.client.receive(&framed(ChannelId(channel), message), pair.now);
    pair.talk();
}

fn server_error(pair: &Pair) -> ProtocolError {
    match pair.at_server.last() {
        Some(server::Event::Closed(server::Closed::Protocol(error))) => error.clone(),
        other => panic!("{other:?}"),
    }
}

fn client_error(pair: &Pair) -> ProtocolError {
    match pair.at_client.last() {
        Some(client::Event::Closed(client::Closed::Protocol(error))) => error.clone(),
        other => panic!("{other:?}"),
    }
}

fn login() -> Message {
    Message::Login(Login { auth_type: 3, ..Login::default() })
}

#[test]
fn a_server_takes_nothing_out_of_order() {
    let status = Message::SetUserStatus(Default::default());
    let create = Message::ChannelCreate(ChannelCreate { channel: ChannelId(1), ..Default::default() });
    // How far the session is, and what has no place there.
    let at_start =
        [login(), Message::LoginContinue, status.clone(), create.clone(), Message::SenseService(1)];
    let when_up = [
        Message::Handshake(Handshake::default()),
        login(),
        Message::LoginContinue,
        Message::LoginAck(LoginAck::default()),
        Message::HandshakeAck(HandshakeAck::default()),
        Message::Admin("text".to_owned()),
    ];
    let deciding = [login(), Message::LoginContinue, status, create];
    let cases = at_start.iter().map(|message| (0, message));
    let cases = cases.chain(deciding.iter().map(|message| (1, message)));
    for (phase, message) in cases.chain(when_up.iter().map(|message| (2, message))) {
        let mut pair = if phase == 2 { Pair::up() } else { Pair::plain() };
        if phase == 1 {
            pair.talk();
        }
        says_to_server(&mut pair, 0, message);
        let error = server_error(&pair);
        assert_eq!(error, ProtocolError::OutOfOrder { message: message.name() }, "phase {phase}");
        assert_eq!((error.kind(), error.reason()), ("out_of_order", Reason::INVALID_REQUEST));
    }
}

#[test]
fn keepalives_and_unknown_messages_have_a_place_everywhere() {
    let mut pair = Pair::plain();
    let unknown = Message::Unknown { kind: 0x0025, body: Bytes::from_static(b"from a newer component") };
    for _ in 0..3 {
        says_to_server(&mut pair, 0, &unknown);
        says_to_client(&mut pair, 0, &unknown);
        pair.server.receive(&[0x80, 0x81, 0, 0, 0, 0, 0xff], pair.now);
        pair.client.receive(&[0x80, 0x81, 0, 0, 0, 0, 0xff], pair.now);
        pair.talk();
    }
    pair.admit();
    pair.talk();
    says_to_server(&mut pair, 0, &unknown);
    assert!(pair.client.is_up() && pair.server.is_up());
}

#[test]
fn a_client_takes_no_login_out_of_order() {
    let redirect = LoginRedirect { host: "a".to_owned(), ..Default::default() };
    for message in [
        Message::HandshakeAck(HandshakeAck::default()),
        Message::LoginAck(LoginAck::default()),
        Message::LoginRedirect(redirect),
    ] {
        let mut pair = Pair::up();
        says_to_client(&mut pair, 0, &message);
        assert_eq!(client_error(&pair), ProtocolError::OutOfOrder { message: message.name() });
        assert_eq!(
            pair.at_server,
            [server::Event::Closed(server::Closed::ByClient(Reason::INVALID_REQUEST))]
        );
    }
}

/// Newer servers may lay out the tail of a LoginAck differently (vp-wire.md 3).
#[test]
fn a_login_ack_with_an_unknown_tail_is_a_success() {
    let mut pair = Pair::plain();
    pair.talk();
    let mut frame =
        framed(ChannelId::MASTER, &Message::LoginAck(LoginAck { login: alice(), ..Default::default() }));
    let cut = frame.len() - 4;
    frame.truncate(cut);
    frame[..4].copy_from_slice(&u32::try_from(cut - 4).unwrap().to_be_bytes());
    assert!(AcceptedLogin::decode(&frame.clone().freeze().slice(4..)).unwrap().is_some());
    pair.client.receive(&frame, pair.now);
    pair.talk();
    assert_eq!(pair.at_client, [client::Event::LoggedIn { info: alice(), status: None, privacy: None }]);
}

#[test]
fn a_malformed_message_ends_the_session_by_name() {
    // A ChannelDestroy that ends inside its reason.
    let cut = [0, 0, 0, 10, 0, 3, 0, 0, 0, 0, 0, 0, 0x80, 0];
    let mut pair = Pair::up();
    pair.server.receive(&cut, pair.now);
    pair.talk();
    assert_eq!(
        (server_error(&pair).kind(), server_error(&pair).reason()),
        ("message", Reason::PROTOCOL_ERROR)
    );
    let mut pair = Pair::up();
    pair.client.receive(&cut, pair.now);
    pair.talk();
    assert_eq!(client_error(&pair).kind(), "message");
    assert!(pair.server.is_closed());
}

#[test]
fn frames_are_small_before_the_login_and_may_be_large_after_it() {
    let length = (64 * 1024 + 1_u32).to_be_bytes();
    let mut pair = Pair::plain();
    pair.server.receive(&length, pair.now);
    pair.talk();
    assert_eq!(
        (server_error(&pair).kind(), server_error(&pair).reason()),
        ("frame", Reason::MESSAGE_TOO_LARGE)
    );
    let mut pair = Pair::plain();
    pair.client.receive(&length, pair.now);
    pair.talk();
    assert_eq!(client_error(&pair).kind(), "frame");

    let mut pair = Pair::up();
    let channel = pair.client.open(Service::AWARENESS, IdBlock::default(), Bytes::new()).unwrap();
    pair.talk();
    pair.server.accept(channel, Acceptance::default()).unwrap();
    for _ in 0..2 {
        pair.client.send(channel, 1, vec![1; 100_000].into()).unwrap();
        pair.server.send(channel, 1, vec![1; 100_000].into()).unwrap();
        pair.talk();
    }
    assert_eq!((pair.at_client.len(), pair.at_server.len()), (3, 3));
    pair.client.receive(&(16 * 1024 * 1024 + 1_u32).to_be_bytes(), pair.now);
    pair.talk();
    assert_eq!(client_error(&pair).kind(), "frame");
}

#[test]
fn an_accept_that_nobody_waits_for_is_answered_with_a_destroy() {
    let mut pair = Pair::up();
    let channel = pair.client.open(Service::AWARENESS, IdBlock::default(), Bytes::new()).unwrap();
    pair.talk();
    pair.server.accept(channel, Acceptance::default()).unwrap();
    pair.talk();
    pair.at_client.clear();
    pair.at_server.clear();
    let accept = Message::ChannelAccept(ChannelAccept::default());
    pair.client.receive(&framed(ChannelId(77), &accept), pair.now);
    let reason = Reason::INVALID_REQUEST;
    let destroy = Message::ChannelDestroy(ChannelDestroy { reason, data: Bytes::new() });
    assert_eq!(pair.client.output(), framed(ChannelId(77), &destroy));
    assert_eq!(pair.client.next_event(), None);
    says_to_client(&mut pair, channel.0, &accept);
    assert_eq!(pair.at_client, [client::Event::Destroyed { channel, reason, data: Bytes::new() }]);
    assert_eq!(pair.at_server, [server::Event::Destroyed { channel, reason, data: Bytes::new() }]);
}

#[test]
fn what_is_said_on_unknown_channels_is_ignored() {
    let mut pair = Pair::up();
    for message in
        [Message::ChannelSend(ChannelSend::default()), Message::ChannelDestroy(ChannelDestroy::default())]
    {
        says_to_client(&mut pair, 0x8000_0009, &message);
        says_to_server(&mut pair, 9, &message);
    }
    assert_eq!((pair.at_client.len(), pair.at_server.len()), (0, 0));
    assert!(pair.client.is_up() && pair.server.is_up());
}

#[test]
fn ids_of_the_wrong_side_are_refused_and_doubled_ones_end_both() {
    let create = |id| {
        Message::ChannelCreate(ChannelCreate {
            channel: ChannelId(id),
            service: Service::AWARENESS,
            ..Default::default()
        })
    };
    let destroy = |id, reason| {
        framed(ChannelId(id), &Message::ChannelDestroy(ChannelDestroy { reason, data: Bytes::new() }))
    };
    let mut pair = Pair::up();
    pair.server.receive(&framed(ChannelId::MASTER, &create(0x8000_0005)), pair.now);
    assert_eq!(pair.server.output(), destroy(0x8000_0005, Reason::INVALID_REQUEST));
    assert_eq!(pair.server.next_event(), None);

    pair.server.receive(&framed(ChannelId::MASTER, &create(5)), pair.now);
    pair.server.receive(&framed(ChannelId::MASTER, &create(5)), pair.now);
    assert_eq!(pair.server.output(), destroy(5, Reason::CHANNEL_EXISTS));
    assert!(matches!(pair.server.next_event(), Some(server::Event::Create { .. })));
    assert!(matches!(pair.server.next_event(), Some(server::Event::Destroyed { .. })));

    says_to_server(&mut pair, 0, &create(0));
    assert_eq!(server_error(&pair).kind(), "master_channel");
}

#[test]
fn a_closed_machine_stays_silent() {
    let mut pair = Pair::up();
    pair.server.kick(Reason::USER_REMOVED);
    pair.talk();
    pair.at_client.clear();
    pair.at_server.clear();
    let sense = framed(ChannelId::MASTER, &Message::SenseService(1));
    let much_later = pair.now * 2;
    pair.server.receive(&sense, pair.now);
    pair.client.receive(&sense, pair.now);
    pair.server.tick(much_later);
    pair.client.tick(much_later);
    pair.client.logout(much_later);
    pair.server.kick(Reason::OK);
    assert!(pair.server.inject(&Message::SenseService(1)).is_err());
    assert_eq!((pair.client.output_len(), pair.server.output_len()), (0, 0));
    pair.talk();
    assert_eq!((pair.at_client.len(), pair.at_server.len()), (0, 0));
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let auth = Auth::PlainPassword("geheim".into());
    let mut pair = Pair::new(client::Config::default(), server::Config::default(), auth, 1);
    let shown = format!("{:?}", pair.client);
    pair.talk();
    let shown = format!("{shown} {:?} {:?}", pair.server, pair.at_server);
    assert!(shown.contains("Login") && !shown.contains("geheim"), "{shown}");
}
