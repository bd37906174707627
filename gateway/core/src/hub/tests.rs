use super::*;
use crate::Ticket;
use protocol::presence::Status;

const SCOPE: ScopeId = ScopeId(1);
const ANN: LoginId = LoginId(1);
const BOB: LoginId = LoginId(2);

/// A hub with one scope and one shard, and a clock.
struct Bench {
    hub: Hub,
    now: Duration,
    effects: Vec<Effect>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let mut bench = Self { hub: Hub::new(1, 1), now: Duration::ZERO, effects: Vec::new() };
        bench.apply(Event::ScopeOpened { scope: SCOPE, settings: Arc::new(settings) });
        bench
    }

    fn apply(&mut self, event: Event) {
        self.hub.apply(event, self.now, &mut self.effects);
    }

    fn up(&mut self, login: LoginId) {
        self.apply(Event::LoginUp { scope: SCOPE, login });
    }

    fn watch(&mut self, person: &str) {
        let watch = Interest::Watch { scope: SCOPE, person: person.into(), ticket: Ticket(9) };
        self.apply(Event::Interest { shard: ShardId(0), changes: vec![watch] });
    }

    fn unwatch(&mut self, person: &str) {
        let unwatch = Interest::Unwatch { scope: SCOPE, person: person.into(), ticket: Ticket(9) };
        self.apply(Event::Interest { shard: ShardId(0), changes: vec![unwatch] });
    }

    fn entry(&mut self, login: LoginId, person: &str, status: Status) {
        let entries = vec![(person.into(), Presence::of(status))];
        self.apply(Event::Entries { login, entries, snapshot: true, decoded_at: self.now });
    }

    fn wait(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(wake) = self.hub.next_wake().filter(|wake| *wake <= until) {
            self.now = self.now.max(wake);
            self.apply(Event::Tick);
        }
        self.now = until;
    }

    /// What has come out since the last look, as text.
    fn told(&mut self) -> Vec<String> {
        let text = |effect| match effect {
            Effect::Shard { message: ToShard::State { record, .. }, .. } => {
                format!("{} {}", record.person, record.presence.status.name())
            }
            Effect::Shard { message: ToShard::ScopeClosed(_), .. } => "closed".into(),
            Effect::Upstream { login, command: Command::Add(ids) } => format!("{} add {ids:?}", login.0),
            Effect::Upstream { login, command: Command::Remove(ids) } => {
                format!("{} remove {ids:?}", login.0)
            }
        };
        self.effects.drain(..).map(text).collect()
    }
}

#[test]
fn only_differences_are_published() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.entry(ANN, "x", Status::Active);
    bench.entry(ANN, "x", Status::Active);
    bench.entry(ANN, "x", Status::Away);
    assert_eq!(bench.told(), ["1 add [\"x\"]", "x active", "x away"]);
    let counters = bench.hub.counters();
    assert_eq!((counters.applied, counters.unchanged, counters.known), (2, 1, 1));
}

#[test]
fn a_second_shard_has_the_state_at_once() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.entry(ANN, "x", Status::Active);
    bench.told();
    let watch = Interest::Watch { scope: SCOPE, person: "x".into(), ticket: Ticket(4) };
    bench.apply(Event::Interest { shard: ShardId(1), changes: vec![watch] });
    assert_eq!(bench.told(), ["x active"]);
    bench.entry(ANN, "x", Status::Away);
    assert_eq!(bench.told(), ["x away", "x away"]);
}

#[test]
fn a_person_nobody_tells_about_is_unknown_after_a_while_and_only_then() {
    let mut bench = Bench::new(Settings::default());
    bench.watch("x");
    bench.wait(4);
    assert_eq!(bench.told(), [] as [&str; 0]);
    bench.wait(1);
    assert_eq!(bench.told(), ["x unknown"]);
    bench.up(ANN);
    bench.entry(ANN, "x", Status::Offline);
    assert_eq!(bench.told(), ["1 add [\"x\"]", "x offline"]);
}

#[test]
fn a_watch_lingers_and_is_then_removed_upstream() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.entry(ANN, "x", Status::Active);
    bench.unwatch("x");
    bench.wait(299);
    bench.watch("x");
    assert_eq!(bench.told(), ["1 add [\"x\"]", "x active", "x active"]);
    bench.unwatch("x");
    bench.wait(299);
    assert_eq!(bench.told(), [] as [&str; 0]);
    bench.wait(1);
    assert_eq!(bench.told(), ["1 remove [\"x\"]"]);
    bench.apply(Event::LoginDown(ANN));
    bench.apply(Event::ScopeClosed(SCOPE));
    assert!(bench.hub.is_empty());
}

#[test]
fn a_short_loss_publishes_nothing_but_differences() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.watch("y");
    bench.entry(ANN, "x", Status::Active);
    bench.entry(ANN, "y", Status::Active);
    bench.told();
    bench.apply(Event::LoginDown(ANN));
    bench.wait(4);
    bench.up(BOB);
    bench.entry(BOB, "x", Status::Active);
    bench.entry(BOB, "y", Status::Away);
    bench.wait(60);
    assert_eq!(bench.told(), ["2 add [\"x\", \"y\"]", "y away"]);
}

#[test]
fn a_long_loss_makes_persons_unknown_once() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.entry(ANN, "x", Status::Active);
    bench.apply(Event::LoginDown(ANN));
    bench.up(BOB);
    bench.apply(Event::LoginDown(BOB));
    bench.told();
    bench.wait(100);
    assert_eq!(bench.told(), ["x unknown"]);
    bench.up(LoginId(3));
    bench.entry(LoginId(3), "x", Status::Active);
    assert_eq!(bench.told(), ["3 add [\"x\"]", "x active"]);
    assert_eq!(bench.hub.counters().lost, 1);
}

#[test]
fn losing_an_observer_moves_its_persons_to_the_others() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.up(BOB);
    bench.watch("x");
    bench.watch("y");
    assert_eq!(bench.told(), ["1 add [\"x\"]", "2 add [\"y\"]"]);
    bench.entry(ANN, "x", Status::Active);
    bench.apply(Event::LoginDown(ANN));
    bench.entry(BOB, "x", Status::Active);
    bench.wait(20);
    assert_eq!(bench.told(), ["x active", "2 add [\"x\"]", "y unknown"]);
    bench.entry(ANN, "x", Status::Away);
    assert_eq!(bench.told(), [] as [&str; 0], "a login that has gone is not believed");
}

#[test]
fn a_person_that_one_login_ignores_moves_to_another() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.up(BOB);
    bench.wait(30);
    assert_eq!(bench.told(), ["1 add [\"x\"]", "x unknown", "2 add [\"x\"]", "1 remove [\"x\"]"]);
    assert_eq!(bench.hub.counters().unanswered, 1);
    bench.entry(ANN, "x", Status::Away);
    assert_eq!(bench.told(), [] as [&str; 0]);
    bench.entry(BOB, "x", Status::Away);
    assert_eq!(bench.told(), ["x away"]);
}

#[test]
fn a_person_that_everybody_ignores_is_asked_for_again_with_patience() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("x");
    bench.told();
    bench.wait(600);
    let adds = bench.told().iter().filter(|told| told.contains("add")).count();
    assert!((4..=6).contains(&adds), "{adds}");
    bench.entry(ANN, "x", Status::Active);
    bench.wait(600);
    assert_eq!(bench.told().last().map(String::as_str), Some("x active"));
}

#[test]
fn a_login_holds_no_more_than_its_limit_and_the_rest_waits() {
    let mut bench = Bench::new(Settings { watches_per_login: Some(1), ..Settings::default() });
    bench.up(ANN);
    bench.watch("x");
    bench.watch("y");
    assert_eq!(bench.told(), ["1 add [\"x\"]"]);
    bench.entry(ANN, "x", Status::Active);
    bench.unwatch("x");
    bench.wait(300);
    assert_eq!(bench.told(), ["x active", "y unknown", "1 remove [\"x\"]", "1 add [\"y\"]"]);
}

#[test]
fn a_limit_that_the_server_does_not_tell_is_learned() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    for person in ["a", "b", "c"] {
        bench.watch(person);
    }
    bench.entry(ANN, "a", Status::Active);
    bench.entry(ANN, "b", Status::Active);
    bench.wait(30);
    bench.told();
    bench.watch("d");
    assert_eq!(bench.told(), [] as [&str; 0], "the login is full");
    bench.up(BOB);
    assert_eq!(bench.told(), ["2 add [\"d\"]"]);
}

#[test]
fn a_scope_that_is_not_open_is_said_to_be_closed() {
    let mut bench = Bench::new(Settings::default());
    bench.apply(Event::ScopeClosed(SCOPE));
    assert_eq!(bench.told(), ["closed"]);
    bench.watch("x");
    assert_eq!(bench.told(), ["closed"]);
    assert!(bench.hub.is_empty());
}

#[test]
fn a_state_keeps_the_time_when_it_was_decoded_before_it_waited_for_the_hub() {
    let mut bench = Bench::new(Settings::default());
    bench.up(ANN);
    bench.watch("a");
    bench.now += Duration::from_secs(60);
    bench.effects.clear();
    let decoded_at = bench.now - Duration::from_secs(3);
    let entries = vec![("a".into(), Presence::of(Status::Away))];
    bench.apply(Event::Entries { login: ANN, entries, snapshot: true, decoded_at });
    let told = bench.effects.iter().find_map(|effect| match effect {
        Effect::Shard { message: ToShard::State { record, .. }, .. } => Some(record.decoded_at),
        _ => None,
    });
    assert_eq!(told, Some(decoded_at));
}
