//! Random payloads of the services.

use proptest::prelude::*;
use protocol::vp::awareness::{AttributeSet, AttributeUnset, Block, OnlineState, ToClient, ToServer};
use protocol::vp::im::Said;
use protocol::vp::resolve::{Answer, Match, Request, Response};
use protocol::vp::storage::Value;

use super::values::{aware_id, bytes, text, user_status};

pub(crate) fn to_server() -> impl Strategy<Value = ToServer> {
    let ids = || prop::collection::vec(aware_id(), 0..6);
    prop_oneof![
        ids().prop_map(ToServer::Add),
        ids().prop_map(ToServer::Remove),
        (any::<u32>(), bytes()).prop_map(|(key, value)| ToServer::SetAttribute { key, value }),
        any::<u32>().prop_map(|key| ToServer::UnsetAttribute { key }),
        prop::collection::vec(any::<u32>(), 0..6).prop_map(ToServer::WatchAttributes),
        (0x0300..=u16::MAX).prop_map(ToServer::Ignored),
    ]
}

pub(crate) fn to_client() -> impl Strategy<Value = ToClient> {
    prop_oneof![
        prop::collection::vec(block(), 0..6).prop_map(ToClient::Snapshot),
        block().prop_map(ToClient::Update),
        aware_id().prop_map(ToClient::Group),
        (aware_id(), any::<u32>(), bytes(), any::<[u32; 3]>()).prop_map(|(id, key, value, unknown)| {
            ToClient::AttributeSet(AttributeSet { id, key, value, unknown })
        }),
        (aware_id(), any::<u32>(), any::<u32>())
            .prop_map(|(id, key, unknown)| ToClient::AttributeUnset(AttributeUnset { id, key, unknown })),
        (0x0300..=u16::MAX).prop_map(ToClient::Ignored),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    let state = (text(), user_status(), text()).prop_map(|(alt_id, status, name)| OnlineState {
        alt_id,
        status,
        name,
    });
    (aware_id(), text(), prop::option::of(state)).prop_map(|(id, group, state)| Block { id, group, state })
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    (any::<u32>(), prop::collection::vec(text(), 0..5), any::<u32>()).prop_map(|(id, names, flags)| Request {
        id,
        names,
        flags,
    })
}

pub(crate) fn response() -> impl Strategy<Value = Response> {
    let found = (text(), text(), text(), any::<u32>()).prop_map(|(id, name, desc, kind)| Match {
        id,
        name,
        desc,
        kind,
    });
    let answer = (any::<u32>(), text(), prop::collection::vec(found, 0..3))
        .prop_map(|(code, name, matches)| Answer { code, name, matches });
    (any::<u32>(), any::<u32>(), prop::collection::vec(answer, 0..4))
        .prop_map(|(id, code, results)| Response { id, code, results })
}

pub(crate) fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        text().prop_map(Said::Text),
        any::<bool>().prop_map(Said::Typing),
        (2..u32::MAX, any::<u32>(), bytes()).prop_map(|(kind, subkind, data)| Said::Other {
            kind,
            subkind,
            data
        }),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    (any::<u32>(), bytes()).prop_map(|(key, data)| Value { key, data })
}
