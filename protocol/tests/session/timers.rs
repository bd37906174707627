//! Time limits, keepalive, and the ends of a session.

use std::time::Duration;

use bytes::Bytes;
use protocol::vp::client::{self, Closed};
use protocol::vp::prim::IdBlock;
use protocol::vp::reason::Reason;
use protocol::vp::server;
use protocol::vp::service::Service;
use protocol::vp::session::{ChannelError, Incoming, NewChannel};

use crate::pair::Pair;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_server_that_does_not_answer_the_handshake_is_given_up() {
    let mut pair = Pair::plain();
    pair.client.tick(pair.now + 14 * SECOND);
    assert!(!pair.client.is_closed());
    assert_eq!(pair.client.next_wake(), Some(pair.now + 15 * SECOND));
    pair.client.tick(pair.now + 15 * SECOND);
    assert_eq!(pair.client.next_event(), Some(client::Event::Closed(Closed::Timeout("handshake"))));
    assert_eq!(pair.client.next_wake(), None);
}

#[test]
fn a_server_that_does_not_answer_the_login_is_given_up() {
    let mut pair = Pair::plain();
    pair.talk();
    pair.sleep(29 * SECOND);
    assert!(!pair.client.is_closed());
    pair.sleep(SECOND);
    assert_eq!(pair.at_client, [client::Event::Closed(Closed::Timeout("login"))]);
    assert!(!pair.server.is_closed(), "its owner has all the time it needs");
}

#[test]
fn a_client_that_says_nothing_is_given_up() {
    let mut pair = Pair::plain();
    pair.server.tick(pair.now + 30 * SECOND);
    let closed = server::Event::Closed(server::Closed::Timeout("handshake"));
    assert_eq!(pair.server.next_event(), Some(closed));
    pair.client.receive(&pair.server.output(), pair.now);
    let closed = client::Event::Closed(Closed::ByServer(Reason::IDLE_TOO_LONG));
    assert_eq!(pair.client.next_event(), Some(closed));
}

#[test]
fn a_client_that_stops_after_the_handshake_is_given_up() {
    let mut pair = Pair::plain();
    pair.server.receive(&pair.client.output(), pair.now);
    pair.server.tick(pair.now + 30 * SECOND);
    let events: Vec<_> = std::iter::from_fn(|| pair.server.next_event()).collect();
    assert_eq!(events.last(), Some(&server::Event::Closed(server::Closed::Timeout("login"))));
}

#[test]
fn keepalives_flow_both_ways_and_count_once() {
    let mut pair = Pair::up();
    pair.sleep(59 * SECOND);
    assert_eq!((pair.at_client.len(), pair.at_server.len()), (0, 0));
    pair.sleep(SECOND);
    assert_eq!(pair.at_client, [client::Event::PeerKeepalive]);
    assert_eq!(pair.at_server, [server::Event::PeerKeepalive]);
    pair.sleep(120 * SECOND);
    assert_eq!(pair.at_client.len(), 3);

    pair.client.receive(&[0x80; 100], pair.now);
    pair.talk();
    assert_eq!(pair.at_client.len(), 4);
}

#[test]
fn a_keepalive_is_the_single_byte_of_the_protocol() {
    let mut pair = Pair::up();
    pair.client.tick(pair.now + 60 * SECOND);
    assert_eq!(pair.client.output(), Bytes::from_static(&[0x80]));
    let config = client::Config { keepalive: Duration::ZERO, ..client::Config::default() };
    let pair = Pair::up_with(config, server::Config::default());
    assert_eq!(pair.client.next_wake(), None);
}

#[test]
fn channels_that_nobody_answers_are_given_up() {
    let config = client::Config { incoming: Incoming::Ask, ..client::Config::default() };
    let mut pair = Pair::up_with(config, server::Config::default());
    let ours = pair.client.open(Service::AWARENESS, IdBlock::default(), Bytes::new()).unwrap();
    let theirs = pair.server.create(NewChannel::to_service(Service::IM)).unwrap();
    pair.talk();
    pair.sleep(29 * SECOND);
    assert_eq!((pair.at_client.len(), pair.at_server.len()), (1, 1));
    pair.sleep(SECOND);
    let reason = Reason::CONNECTION_TIMED_OUT;
    for channel in [ours, theirs] {
        let data = Bytes::new();
        let gone = client::Event::Destroyed { channel, reason, data: data.clone() };
        assert!(pair.at_client.contains(&gone), "{channel}");
        let gone = server::Event::Destroyed { channel, reason, data };
        assert!(pair.at_server.contains(&gone), "{channel}");
    }
    assert!(pair.client.is_up() && pair.server.is_up());
}

#[test]
fn a_kick_is_told_with_its_reason() {
    let mut pair = Pair::up();
    pair.server.kick(Reason::OTHER_COMPUTER);
    pair.talk();
    let reason = Reason::OTHER_COMPUTER;
    assert_eq!(pair.at_client, [client::Event::Closed(Closed::ByServer(reason))]);
    assert_eq!(pair.at_server, [server::Event::Closed(server::Closed::ByServer(reason))]);
    let refused = pair.client.open(Service::AWARENESS, IdBlock::default(), Bytes::new());
    assert_eq!(refused, Err(ChannelError::NotUp));
}

#[test]
fn a_logout_destroys_every_channel_first() {
    let mut pair = Pair::up();
    let channel = pair.client.open(Service::AWARENESS, IdBlock::default(), Bytes::new()).unwrap();
    pair.talk();
    pair.at_server.clear();
    pair.client.logout(pair.now);
    pair.talk();
    assert_eq!(pair.at_client, [client::Event::Closed(Closed::LoggedOut)]);
    let gone = server::Event::Destroyed { channel, reason: Reason::OK, data: Bytes::new() };
    let closed = server::Event::Closed(server::Closed::ByClient(Reason::OK));
    assert_eq!(pair.at_server, [gone, closed]);
}

#[test]
fn the_end_of_the_transport_is_told_once() {
    let mut pair = Pair::up();
    pair.client.closed(pair.now);
    pair.client.closed(pair.now);
    pair.client.logout(pair.now);
    pair.server.closed(pair.now);
    pair.talk();
    assert_eq!(pair.at_client, [client::Event::Closed(Closed::Transport)]);
    assert_eq!(pair.at_server, [server::Event::Closed(server::Closed::Transport)]);
}
