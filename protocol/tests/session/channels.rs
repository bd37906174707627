//! Channels in clear, of both sides.

use bytes::Bytes;
use proptest::prelude::*;
use protocol::vp::client;
use protocol::vp::message::{ChannelAccept, ChannelId};
use protocol::vp::prim::IdBlock;
use protocol::vp::reason::Reason;
use protocol::vp::server;
use protocol::vp::service::Service;
use protocol::vp::session::{Acceptance, ChannelError, ChannelLimits, Incoming, NewChannel};

use crate::pair::{Pair, alice};

fn open(pair: &mut Pair) -> ChannelId {
    pair.client.open(Service::AWARENESS, IdBlock::default(), Bytes::new()).unwrap()
}

fn sent_to_server(channel: ChannelId, send_type: u16, data: &[u8]) -> server::Event {
    server::Event::Received { channel, send_type, data: Bytes::copy_from_slice(data), sealed: false }
}

fn sent_to_client(channel: ChannelId, send_type: u16, data: &[u8]) -> client::Event {
    client::Event::Received { channel, send_type, data: Bytes::copy_from_slice(data) }
}

fn gone_at_client(channel: ChannelId, reason: Reason) -> client::Event {
    client::Event::Destroyed { channel, reason, data: Bytes::new() }
}

fn gone_at_server(channel: ChannelId, reason: Reason) -> server::Event {
    server::Event::Destroyed { channel, reason, data: Bytes::new() }
}

#[test]
fn data_waits_for_the_accept_and_keeps_its_order() {
    let mut pair = Pair::up();
    let channel = open(&mut pair);
    assert_eq!(channel, ChannelId(1));
    for number in 0..5 {
        pair.client.send(channel, number, Bytes::from(vec![7; usize::from(number)])).unwrap();
    }
    pair.talk();
    let [server::Event::Create { channel: created, create }] = &pair.at_server[..] else {
        panic!("{:?}", pair.at_server)
    };
    assert_eq!((*created, create.service), (channel, Service::AWARENESS));
    assert_eq!(pair.server.send(channel, 1, Bytes::new()), Err(ChannelError::NotWaiting));
    pair.at_server.clear();
    pair.server.accept(channel, Acceptance { data: "yes".into(), ..Acceptance::default() }).unwrap();
    pair.server.send(channel, 9, "first".into()).unwrap();
    pair.talk();
    pair.client.send(channel, 5, "last".into()).unwrap();
    pair.talk();
    let opened = client::Event::Opened { channel, data: "yes".into(), peer: None };
    assert_eq!(pair.at_client, [opened, sent_to_client(channel, 9, b"first")]);
    let mut expected: Vec<_> =
        (0..5).map(|number| sent_to_server(channel, number, &vec![7; usize::from(number)])).collect();
    expected.push(sent_to_server(channel, 5, b"last"));
    assert_eq!(pair.at_server, expected);
    assert_eq!(pair.server.accept(channel, Acceptance::default()), Err(ChannelError::NotWaiting));
}

#[test]
fn a_server_creates_channels_with_ids_of_its_own() {
    let config = client::Config { incoming: Incoming::Only(vec![Service::IM.id]), ..Default::default() };
    let mut pair = Pair::up_with(config, server::Config::default());
    let new = NewChannel { creator: Some(alice()), data: "hi".into(), ..NewChannel::to_service(Service::IM) };
    let channel = pair.server.create(new).unwrap();
    assert_eq!(channel, ChannelId(0x8000_0001));
    pair.server.send(channel, 100, "queued".into()).unwrap();
    pair.talk();
    let [client::Event::Incoming { channel: incoming, create }] = &pair.at_client[..] else {
        panic!("{:?}", pair.at_client)
    };
    assert_eq!((*incoming, &create.data[..], create.creator.as_ref()), (channel, &b"hi"[..], Some(&alice())));
    pair.at_client.clear();
    pair.client.accept(channel, Acceptance::default()).unwrap();
    pair.client.send(channel, 100, "answer".into()).unwrap();
    pair.talk();
    assert_eq!(pair.at_client, [sent_to_client(channel, 100, b"queued")]);
    let accept = ChannelAccept { service: Service::IM, ..ChannelAccept::default() };
    let accepted = server::Event::Accepted { channel, accept };
    assert_eq!(pair.at_server, [accepted, sent_to_server(channel, 100, b"answer")]);
}

/// The level-25 probe of vp-wire.md 4: a server creates a channel to see whether the client answers.
#[test]
fn a_client_answers_the_servers_probe_by_itself() {
    let mut pair = Pair::up();
    let channel = pair.server.create(NewChannel::to_service(Service::new(0x1234, 0, 0))).unwrap();
    pair.talk();
    assert_eq!(pair.at_server, [gone_at_server(channel, Reason::SERVICE_UNSUPPORTED)]);
    assert_eq!(pair.at_client, []);
    assert!(pair.client.is_up());
}

#[test]
fn a_server_refuses_services_that_it_does_not_have() {
    let config =
        server::Config { incoming: Incoming::Only(vec![Service::AWARENESS.id]), ..Default::default() };
    let mut pair = Pair::up_with(client::Config::default(), config);
    let refused = pair.client.open(Service::PLACES, IdBlock::default(), Bytes::new()).unwrap();
    let taken = open(&mut pair);
    pair.talk();
    assert_eq!(pair.at_client, [gone_at_client(refused, Reason::SERVICE_UNSUPPORTED)]);
    assert!(matches!(pair.at_server[..], [server::Event::Create { channel, .. }] if channel == taken));
}

#[test]
fn destroys_may_cross() {
    let mut pair = Pair::up();
    let channel = open(&mut pair);
    pair.talk();
    pair.server.accept(channel, Acceptance::default()).unwrap();
    pair.talk();
    pair.at_client.clear();
    pair.at_server.clear();
    pair.client.send(channel, 1, "on its way".into()).unwrap();
    pair.client.destroy(channel, Reason::OK).unwrap();
    pair.server.send(channel, 2, "on its way".into()).unwrap();
    pair.server.destroy(channel, Reason::ABORTED).unwrap();
    pair.talk();
    assert_eq!((pair.at_client.len(), pair.at_server.len()), (0, 0));
    assert_eq!(pair.client.send(channel, 1, Bytes::new()), Err(ChannelError::Unknown));
    assert_eq!(pair.client.destroy(channel, Reason::OK), Err(ChannelError::Unknown));
    assert_ne!(open(&mut pair), channel, "an id is not used again at once");
}

#[test]
fn channels_and_what_waits_for_them_are_bounded() {
    let channels = ChannelLimits { channels: 3, waiting_bytes: 1000 };
    let config = client::Config { channels, ..Default::default() };
    let mut pair = Pair::up_with(config, server::Config::default());
    let ids = [open(&mut pair), open(&mut pair), open(&mut pair)];
    let fourth = pair.client.open(Service::RESOLVE, IdBlock::default(), Bytes::new());
    assert_eq!(fourth, Err(ChannelError::TooMany));
    pair.client.send(ids[0], 1, vec![0; 500].into()).unwrap();
    pair.client.send(ids[1], 1, vec![0; 300].into()).unwrap();
    assert_eq!(pair.client.send(ids[2], 1, vec![0; 100].into()), Err(ChannelError::QueueFull));
    pair.client.destroy(ids[0], Reason::OK).unwrap();
    pair.client.send(ids[2], 1, vec![0; 500].into()).unwrap();
    pair.talk();
    for channel in [ids[1], ids[2]] {
        pair.server.accept(channel, Acceptance::default()).unwrap();
    }
    pair.talk();
    let received = pair.at_server.iter().filter(|event| matches!(event, server::Event::Received { .. }));
    assert_eq!(received.count(), 2);
    assert!(pair.client.open(Service::RESOLVE, IdBlock::default(), Bytes::new()).is_ok());
}

#[test]
fn a_peer_that_says_too_much_before_the_accept_loses_the_channel() {
    let channels = ChannelLimits { channels: 3, waiting_bytes: 1000 };
    let config = server::Config { channels, ..Default::default() };
    let mut pair = Pair::up_with(client::Config::default(), config);
    let channel = open(&mut pair);
    pair.talk();
    // A client of ours would wait, so the bytes come from elsewhere.
    for _ in 0..3 {
        let mut frame = vec![0, 0, 0x01, 0x9e, 0, 4, 0, 0, 0, 0, 0, 1, 0, 9, 0, 0, 0x01, 0x90];
        frame.extend_from_slice(&[0; 400]);
        pair.server.receive(&frame, pair.now);
    }
    pair.talk();
    assert_eq!(pair.at_server.last(), Some(&gone_at_server(channel, Reason::OUT_OF_RESOURCES)));
    assert_eq!(pair.at_client, [gone_at_client(channel, Reason::OUT_OF_RESOURCES)]);
}

#[test]
fn commands_are_refused_while_output_piles_up() {
    let config = server::Config { max_output: 1000, ..Default::default() };
    let mut pair = Pair::up_with(client::Config::default(), config);
    let channel = open(&mut pair);
    pair.talk();
    pair.server.accept(channel, Acceptance::default()).unwrap();
    while pair.server.output_len() < 1000 {
        pair.server.send(channel, 1, vec![0; 100].into()).unwrap();
    }
    assert_eq!(pair.server.send(channel, 1, Bytes::new()), Err(ChannelError::Backlog));
    assert_eq!(pair.server.admin("text"), Err(ChannelError::Backlog));
    pair.talk();
    pair.server.send(channel, 1, Bytes::new()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_sent_arrives_in_order(seed: u64, sends in proptest::collection::vec((any::<bool>(), 0..3_usize, 0..2000_usize), 1..40)) {
        let mut pair = Pair::up();
        let ids = [open(&mut pair), open(&mut pair), open(&mut pair)];
        pair.talk();
        for channel in ids {
            pair.server.accept(channel, Acceptance::default()).unwrap();
        }
        pair.talk();
        pair.at_client.clear();
        pair.at_server.clear();
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        for (number, (up, which, len)) in sends.into_iter().enumerate() {
            let (channel, send_type) = (ids[which], u16::try_from(number).unwrap());
            let data = vec![(seed >> (number % 8)) as u8; len];
            if up {
                pair.client.send(channel, send_type, data.clone().into()).unwrap();
                to_server.push(sent_to_server(channel, send_type, &data));
            } else {
                pair.server.send(channel, send_type, data.clone().into()).unwrap();
                to_client.push(sent_to_client(channel, send_type, &data));
            }
            if number % 5 == 0 {
                pair.talk();
            }
        }
        pair.talk();
        prop_assert_eq!(&pair.at_server, &to_server);
        prop_assert_eq!(&pair.at_client, &to_client);
    }
}
