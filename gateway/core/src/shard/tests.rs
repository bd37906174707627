use super::*;
use crate::Ticket;
use protocol::presence::{Presence, Status};
use std::time::Duration;

const SCOPE: ScopeId = ScopeId(1);
const EPOCH: Epoch = Epoch(77);

/// A shard with a hub that answers when told to.
struct Bench {
    shard: Shard,
    tickets: Map<PersonId, Ticket>,
    seq: u64,
}

impl Bench {
    fn new() -> Self {
        let limits = Limits { watches: 100, notices: 2, ..Limits::default() };
        Self { shard: Shard::new(EPOCH, limits, 1), tickets: Map::with_hasher(Keyed(1)), seq: 0 }
    }

    fn watch(&mut self, subscriber: SubscriberId, persons: &[&str], since: Option<Cursor>) {
        self.shard.watch(subscriber, &ids(persons), since).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        for interest in self.shard.interests() {
            match interest {
                Interest::Watch { person, ticket, .. } => self.tickets.insert(person, ticket),
                Interest::Unwatch { person, .. } => self.tickets.remove(&person),
            };
        }
        assert!(self.shard.is_consistent());
    }

    fn publish(&mut self, person: &str, status: Status) {
        self.seq += 1;
        self.answer(person, status, self.seq);
    }

    fn answer(&mut self, person: &str, status: Status, seq: u64) {
        let ticket = self.tickets[&PersonId::from(person)];
        let record = StateRecord::new(person.into(), Presence::of(status), seq, Duration::ZERO);
        self.shard.apply(ToShard::State { ticket, record: Arc::new(record) });
        assert!(self.shard.is_consistent());
    }

    fn take(&mut self, subscriber: SubscriberId) -> (Vec<String>, Batch) {
        let mut batch = Batch::default();
        assert!(self.shard.take(subscriber, usize::MAX, &mut batch));
        (texts(&batch), batch)
    }

    fn woken(&mut self) -> Vec<SubscriberId> {
        self.shard.woken().collect()
    }
}

fn ids(names: &[&str]) -> Vec<PersonId> {
    names.iter().map(|name| PersonId::from(*name)).collect()
}

fn texts(batch: &Batch) -> Vec<String> {
    batch.states.iter().map(|state| format!("{} {}", state.person, state.presence.status.name())).collect()
}

#[test]
fn a_lone_change_wakes_its_watcher_once() {
    let mut bench = Bench::new();
    let (ann, bob) = (bench.shard.open(SCOPE), bench.shard.open(SCOPE));
    bench.watch(ann, &["x", "y"], None);
    bench.watch(bob, &["y"], None);
    bench.publish("x", Status::Active);
    assert_eq!(bench.woken(), [ann]);
    bench.publish("x", Status::Away);
    assert_eq!(bench.woken(), []);
    assert_eq!(bench.take(ann).0, ["x away"]);
    assert_eq!(bench.shard.counters().coalesced, 1);
    bench.publish("x", Status::Dnd);
    assert_eq!(bench.woken(), [ann]);
    assert_eq!(bench.take(bob).0, [] as [&str; 0]);
}

#[test]
fn a_second_watcher_has_the_state_at_once() {
    let mut bench = Bench::new();
    let (ann, bob) = (bench.shard.open(SCOPE), bench.shard.open(SCOPE));
    bench.watch(ann, &["x"], None);
    bench.publish("x", Status::Active);
    bench.shard.watch(bob, &ids(&["x"]), None).unwrap();
    assert!(!bench.shard.has_interests());
    assert_eq!(bench.take(bob).0, ["x active"]);
}

#[test]
fn a_small_budget_reaches_everybody() {
    let mut bench = Bench::new();
    let ann = bench.shard.open(SCOPE);
    bench.watch(ann, &["x", "y", "z"], None);
    let mut batch = Batch::default();
    let mut seen = Vec::new();
    for _ in 0..3 {
        for person in ["x", "y", "z"] {
            bench.publish(person, Status::Active);
        }
        bench.shard.take(ann, 1, &mut batch);
        assert!(batch.more && batch.cursor.is_none());
        seen.extend(texts(&batch));
    }
    assert_eq!(seen, ["x active", "y active", "z active"]);
}

#[test]
fn a_watch_list_has_a_limit_and_a_refused_call_does_nothing() {
    let mut bench = Bench::new();
    let ann = bench.shard.open(SCOPE);
    let names: Vec<PersonId> = (0..101).map(|n| PersonId::from(n.to_string())).collect();
    assert_eq!(bench.shard.watch(ann, &names, None), Err(WatchError::TooMany { limit: 100 }));
    assert!(!bench.shard.has_interests());
    assert_eq!(bench.shard.watch(ann, &names[1..], None), Ok(()));
    assert_eq!(bench.shard.watch(ann, &names[1..], None), Ok(()), "the same ones again");
    assert_eq!(bench.shard.watch(ann, &names[..1], None), Err(WatchError::TooMany { limit: 100 }));
    assert_eq!(bench.shard.watch(ann, &ids(&[""]), None), Err(WatchError::BadId { limit: 1024 }));
    assert_eq!(bench.shard.counters().watches, 100);
}

#[test]
fn no_cursor_is_given_before_everybody_was_heard_of() {
    let mut bench = Bench::new();
    let ann = bench.shard.open(SCOPE);
    bench.watch(ann, &["x", "y"], None);
    bench.answer("x", Status::Active, 10);
    assert_eq!(bench.take(ann).1.cursor, None);
    bench.answer("y", Status::Offline, 3);
    assert_eq!(bench.take(ann).1.cursor, Some(Cursor { epoch: EPOCH, scope: SCOPE, seq: 10 }));
}

#[test]
fn a_cursor_brings_only_what_is_newer() {
    let mut bench = Bench::new();
    let (ann, bob) = (bench.shard.open(SCOPE), bench.shard.open(SCOPE));
    bench.watch(ann, &["x"], None);
    bench.answer("x", Status::Active, 3);
    let since = Some(Cursor { epoch: EPOCH, scope: SCOPE, seq: 4 });
    bench.watch(bob, &["x", "y", "z"], since);
    bench.answer("y", Status::Away, 4);
    assert_eq!(bench.woken(), [ann]);
    bench.answer("z", Status::Away, 5);
    assert_eq!(bench.take(bob).0, ["z away"]);
    bench.answer("y", Status::Dnd, 6);
    assert_eq!(bench.take(bob).0, ["y dnd"]);
    let other = Some(Cursor { epoch: Epoch(1), scope: SCOPE, seq: 4 });
    let carl = bench.shard.open(SCOPE);
    bench.watch(carl, &["x"], other);
    assert_eq!(bench.take(carl).0, ["x active"]);
}

#[test]
fn unwatching_drops_what_was_not_taken() {
    let mut bench = Bench::new();
    let ann = bench.shard.open(SCOPE);
    let names: Vec<String> = (0..80).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.watch(ann, &names, None);
    for name in &names {
        bench.publish(name, Status::Active);
    }
    bench.shard.unwatch(ann, &ids(&names[..79]));
    bench.shard.unwatch(ann, &ids(&["nobody"]));
    bench.drain();
    assert_eq!(bench.take(ann).0, ["79 active"]);
    assert_eq!(bench.tickets.len(), 1);
    bench.shard.close(ann);
    bench.drain();
    assert!(bench.tickets.is_empty() && bench.shard.is_empty());
}

#[test]
fn a_late_message_about_an_earlier_watch_is_harmless() {
    let mut bench = Bench::new();
    let ann = bench.shard.open(SCOPE);
    bench.watch(ann, &["x"], None);
    let old = bench.tickets[&PersonId::from("x")];
    bench.shard.unwatch(ann, &ids(&["x"]));
    bench.watch(ann, &["x"], None);
    let record = Arc::new(StateRecord::new("x".into(), Presence::default(), 1, Duration::ZERO));
    bench.shard.apply(ToShard::State { ticket: old, record });
    assert!(bench.take(ann).0.is_empty());
}

#[test]
fn notices_keep_their_order_and_overflow_ends_the_subscriber() {
    let mut bench = Bench::new();
    let ann = bench.shard.open(SCOPE);
    bench.watch(ann, &["x"], None);
    bench.publish("x", Status::Active);
    for notice in ["a", "b"] {
        bench.shard.notice(ann, notice.into());
    }
    assert_eq!(bench.take(ann).1.notices, ["a", "b"]);
    for notice in ["a", "b", "c", "d"] {
        bench.shard.notice(ann, notice.into());
    }
    bench.drain();
    let (_, batch) = bench.take(ann);
    assert_eq!((batch.ended, batch.notices.len(), batch.cursor), (Some(Ended::Overflow), 2, None));
    assert!(bench.tickets.is_empty());
    assert_eq!(bench.shard.watch(ann, &ids(&["x"]), None), Err(WatchError::NoSubscriber));
    bench.shard.close(ann);
    assert!(bench.shard.is_empty());
}

#[test]
fn a_closed_scope_ends_its_subscribers_only() {
    let mut bench = Bench::new();
    let (ann, bob) = (bench.shard.open(SCOPE), bench.shard.open(ScopeId(2)));
    bench.watch(ann, &["x"], None);
    bench.watch(bob, &["y"], None);
    bench.shard.apply(ToShard::ScopeClosed(SCOPE));
    assert!(bench.shard.is_consistent());
    assert_eq!(bench.woken(), [ann]);
    assert_eq!(bench.take(ann).1.ended, Some(Ended::ScopeClosed));
    bench.publish("y", Status::Active);
    assert_eq!(bench.take(bob).0, ["y active"]);
    bench.shard.close(ann);
    bench.shard.close(bob);
    assert!(bench.shard.is_empty());
}

#[test]
fn a_watch_costs_eight_bytes_on_each_side() {
    assert_eq!((size_of::<subscriber::Watch>(), size_of::<Watcher>()), (8, 8));
    assert!(size_of::<Subscriber>() <= 192, "{}", size_of::<Subscriber>());
}
