//! What one frame, one awareness update and one full snapshot cost.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has no result")]

use bytes::{Bytes, BytesMut};
use divan::{Bencher, black_box, counter::BytesCount};
use protocol::vp::awareness::{Block, OnlineState, ToClient, ToServer};
use protocol::vp::frame::{Item, Splitter};
use protocol::vp::message::{ChannelId, ChannelSend, Header, Message};
use protocol::vp::prim::{AwareId, UserStatus};

/// Ids of one ADD, and so blocks of one snapshot.
const BATCH: usize = 250;

fn main() {
    divan::main();
}

fn block(number: usize) -> Block {
    let id = AwareId::user(format!("uid=u{number:05},ou=people,o=renovation"));
    let status = UserStatus { status: 0x0060, time: 0, desc: "In der Mittagspause".into() };
    let state =
        OnlineState { alt_id: id.user.clone(), status, name: format!("Andreas Beispiel {number:05}") };
    Block { id, group: String::new(), state: Some(state) }
}

fn snapshot() -> (u16, Bytes) {
    ToClient::Snapshot((0..BATCH).map(block).collect()).encode().unwrap()
}

fn update_frame() -> Bytes {
    let (send_type, data) = ToClient::Update(block(7)).encode().unwrap();
    let mut out = BytesMut::new();
    let send = Message::ChannelSend(ChannelSend { send_type, data });
    send.encode_frame(&Header::on(ChannelId(2)), &mut out).unwrap();
    out.freeze()
}

/// From bytes of the socket to the message: one update, framed.
#[divan::bench]
fn frame_decode(bencher: Bencher<'_, '_>) {
    let frame = update_frame();
    let mut splitter = Splitter::new(1 << 24);
    bencher.counter(BytesCount::new(frame.len())).bench_local(|| {
        splitter.push(black_box(&frame));
        let Ok(Some(Item::Frame(frame))) = splitter.next() else { unreachable!("one frame was pushed") };
        Message::decode(&frame).unwrap()
    });
}

#[divan::bench]
fn update_encode(bencher: Bencher<'_, '_>) {
    let update = ToClient::Update(block(7));
    bencher.bench(|| black_box(&update).encode().unwrap());
}

#[divan::bench]
fn update_decode(bencher: Bencher<'_, '_>) {
    let (send_type, payload) = ToClient::Update(block(7)).encode().unwrap();
    bencher
        .counter(BytesCount::new(payload.len()))
        .bench(|| ToClient::decode(send_type, black_box(&payload)).unwrap());
}

#[divan::bench]
fn snapshot_of_250_decode(bencher: Bencher<'_, '_>) {
    let (send_type, payload) = snapshot();
    bencher
        .counter(BytesCount::new(payload.len()))
        .bench(|| ToClient::decode(send_type, black_box(&payload)).unwrap());
}

#[divan::bench]
fn add_of_250_decode(bencher: Bencher<'_, '_>) {
    let add = ToServer::Add((0..BATCH).map(|number| block(number).id).collect());
    let (send_type, payload) = add.encode().unwrap();
    bencher
        .counter(BytesCount::new(payload.len()))
        .bench(|| ToServer::decode(send_type, black_box(&payload)).unwrap());
}
