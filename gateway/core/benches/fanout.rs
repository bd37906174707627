//! One change of one person to many watchers: marking them, and taking the state.

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up shall stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use gateway_core::messages::{Interest, ToShard};
use gateway_core::shard::{Batch, Limits, Shard};
use gateway_core::{Epoch, ScopeId, StateRecord, SubscriberId, Ticket};
use protocol::presence::{PersonId, Presence, Status};

fn main() {
    divan::main();
}

const WATCHES: usize = 50;

/// A shard whose subscribers all watch person 0 and `WATCHES - 1` others of 1,000.
struct Crowd {
    shard: Shard,
    subscribers: Vec<SubscriberId>,
    person: PersonId,
    ticket: Ticket,
    seq: u64,
}

impl Crowd {
    fn new(size: usize) -> Self {
        let persons: Vec<PersonId> = (0..1000).map(|n| format!("CN=Person {n}/O=Acme").into()).collect();
        let mut shard = Shard::new(Epoch(1), Limits::default(), 1);
        let mut subscribers = Vec::new();
        for number in 0..size {
            let subscriber = shard.open(ScopeId(1));
            let mut list = vec![persons[0].clone()];
            list.extend((1..WATCHES).map(|n| persons[1 + (number * 7 + n) % 999].clone()));
            shard.watch(subscriber, &list, None).unwrap();
            subscribers.push(subscriber);
        }
        let mut ticket = None;
        for interest in shard.interests() {
            if let Interest::Watch { person, ticket: given, .. } = interest
                && person == persons[0]
            {
                ticket = Some(given);
            }
        }
        Self { shard, subscribers, person: persons[0].clone(), ticket: ticket.unwrap(), seq: 0 }
    }

    fn change(&mut self) {
        self.seq += 1;
        let status = if self.seq.is_multiple_of(2) { Status::Active } else { Status::Away };
        let record = StateRecord::new(self.person.clone(), Presence::of(status), self.seq, Duration::ZERO);
        self.shard.apply(ToShard::State { ticket: self.ticket, record: Arc::new(record) });
    }
}

/// Marks everybody dirty, then takes from everybody who was woken.
#[divan::bench(args = [1_000, 5_000, 19_000])]
fn change_and_take(bencher: Bencher<'_, '_>, size: usize) {
    let mut crowd = Crowd::new(size);
    let mut batch = Batch::default();
    let mut woken = Vec::new();
    bencher.counter(divan::counter::ItemsCount::new(size)).bench_local(|| {
        crowd.change();
        woken.extend(crowd.shard.woken());
        assert_eq!(woken.len(), size);
        for subscriber in woken.drain(..) {
            crowd.shard.take(subscriber, 64, &mut batch);
            black_box(&batch);
        }
    });
}

/// A change that nobody has taken before the next one comes.
#[divan::bench(args = [1_000, 19_000])]
fn coalesce(bencher: Bencher<'_, '_>, size: usize) {
    let mut crowd = Crowd::new(size);
    bencher.counter(divan::counter::ItemsCount::new(size)).bench_local(|| crowd.change());
}

/// A browser comes, watches its list and leaves.
#[divan::bench]
fn open_watch_close(bencher: Bencher<'_, '_>) {
    let mut crowd = Crowd::new(1_000);
    let list: Vec<PersonId> = (0..WATCHES).map(|n| format!("CN=Person {n}/O=Acme").into()).collect();
    bencher.bench_local(|| {
        let subscriber = crowd.shard.open(ScopeId(1));
        crowd.shard.watch(subscriber, black_box(&list), None).unwrap();
        crowd.shard.close(subscriber);
        crowd.shard.interests().for_each(drop);
    });
    black_box(crowd.subscribers.len());
}
