//! What a login costs in arithmetic, on either side, and what a message on an encrypted channel costs.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has no result")]

use divan::{Bencher, black_box, counter::BytesCount};
use protocol::vp::crypto::Random;
use protocol::vp::crypto::dh::{KEY_LEN, Keypair};
use protocol::vp::crypto::login::{self, Auth, Offer};
use protocol::vp::crypto::rc2::Chain;

const MAGIC: u32 = 0x5a17_c0de;

fn main() {
    divan::main();
}

fn random() -> Random {
    Box::new(|out| out.fill(0x5a))
}

/// A key pair, made anew for each login on each side.
#[divan::bench]
fn dh_keypair(bencher: Bencher<'_, '_>) {
    bencher.bench(|| Keypair::new(black_box(&[0x5a; KEY_LEN])));
}

#[divan::bench]
fn dh_agree(bencher: Bencher<'_, '_>) {
    let (ours, theirs) = (Keypair::new(&[0x5a; KEY_LEN]), Keypair::new(&[0xa5; KEY_LEN]));
    bencher.bench(|| ours.agree(black_box(theirs.public())));
}

fn open(bencher: Bencher<'_, '_>, auth: &Auth) {
    let server = Keypair::new(&[0xa5; KEY_LEN]);
    let public = server.public().to_bytes();
    let offer = Offer { magic: MAGIC, public_key: &public };
    let (auth_type, data) = login::build(auth, Some(offer), &mut random()).unwrap();
    bencher.bench(|| login::open(auth_type, black_box(data.expose()), Some(&server), MAGIC).unwrap());
}

#[divan::bench]
fn login_open_rc2(bencher: Bencher<'_, '_>) {
    open(bencher, &Auth::Rc2Password("s3cret-password".into()));
}

#[divan::bench]
fn login_open_dh(bencher: Bencher<'_, '_>) {
    open(bencher, &Auth::DhPassword("s3cret-password".into()));
}

/// A chat message of typical length.
#[divan::bench]
fn channel_message(bencher: Bencher<'_, '_>) {
    let text = [b'x'; 200];
    let chain = Chain::new(&[7; 16]).unwrap();
    bencher
        .counter(BytesCount::of_slice(&text))
        .with_inputs(|| chain.clone())
        .bench_values(|mut chain| chain.encrypt(black_box(&text)));
}
