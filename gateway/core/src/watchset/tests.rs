use super::*;

const TIMEOUT: Duration = Duration::from_secs(30);

fn watchset(batch: usize, batches_in_flight: usize) -> WatchSet {
    WatchSet::new(Pace { batch, batches_in_flight, answer_timeout: TIMEOUT }, Keyed(1))
}

fn ids(names: &[&str]) -> Vec<PersonId> {
    names.iter().map(|name| PersonId::from(*name)).collect()
}

fn flush(set: &mut WatchSet, now: Duration) -> Vec<Command> {
    let mut commands = Vec::new();
    set.flush(now, &mut commands);
    commands
}

fn want(set: &mut WatchSet, names: &[&str]) {
    ids(names).into_iter().for_each(|id| set.want(id));
}

#[test]
fn a_lone_person_is_asked_for_at_once() {
    let mut set = watchset(250, 4);
    want(&mut set, &["a"]);
    assert_eq!(flush(&mut set, Duration::ZERO), [Command::Add(ids(&["a"]))]);
    assert_eq!(flush(&mut set, Duration::ZERO), []);
}

#[test]
fn the_next_batch_waits_until_one_in_flight_is_answered_in_full() {
    let mut set = watchset(2, 2);
    want(&mut set, &["a", "b", "c", "d", "e"]);
    assert_eq!(
        flush(&mut set, Duration::ZERO),
        [Command::Add(ids(&["a", "b"])), Command::Add(ids(&["c", "d"]))]
    );
    assert_eq!(set.answer(&"a".into(), true), Answer::First);
    assert_eq!(flush(&mut set, Duration::ZERO), []);
    assert_eq!(set.answer(&"b".into(), true), Answer::First);
    assert_eq!(set.answer(&"b".into(), true), Answer::Again);
    assert_eq!(flush(&mut set, Duration::ZERO), [Command::Add(ids(&["e"]))]);
}

#[test]
fn a_batch_fits_64_kib() {
    let mut set = watchset(1000, 1000);
    let long: Vec<String> = (0..500).map(|n| format!("{n:0500}")).collect();
    want(&mut set, &long.iter().map(String::as_str).collect::<Vec<_>>());
    let sizes: Vec<usize> = flush(&mut set, Duration::ZERO)
        .into_iter()
        .map(|command| match command {
            Command::Add(ids) => ids.iter().map(|id| 6 + id.as_str().len()).sum::<usize>() + 4,
            Command::Remove(_) => 0,
        })
        .collect();
    assert!(sizes.iter().all(|bytes| *bytes <= 64 << 10), "{sizes:?}");
    assert!(sizes.len() == 4, "{sizes:?}");
}

#[test]
fn forgetting_removes_only_what_was_asked_for() {
    let mut set = watchset(1, 1);
    want(&mut set, &["a", "b"]);
    flush(&mut set, Duration::ZERO);
    set.forget(&"b".into());
    assert_eq!(flush(&mut set, Duration::ZERO), []);
    set.forget(&"a".into());
    want(&mut set, &["a"]);
    assert_eq!(flush(&mut set, Duration::ZERO), [Command::Remove(ids(&["a"])), Command::Add(ids(&["a"]))]);
    assert_eq!(set.load(), 1);
}

#[test]
fn persons_never_named_are_overdue_and_free_their_batch() {
    let mut set = watchset(2, 1);
    want(&mut set, &["a", "b", "c"]);
    flush(&mut set, Duration::ZERO);
    set.answer(&"a".into(), true);
    assert_eq!(set.next_wake(), Some(TIMEOUT));
    assert_eq!(set.overdue(TIMEOUT - Duration::from_millis(1)), []);
    assert_eq!(set.overdue(TIMEOUT), ids(&["b"]));
    assert_eq!(flush(&mut set, TIMEOUT), [Command::Add(ids(&["c"]))]);
    assert_eq!(set.answer(&"b".into(), true), Answer::First, "named after all");
    assert_eq!(set.answered(), 2);
}

#[test]
fn a_late_update_is_no_answer_to_a_wish_not_yet_sent() {
    let mut set = watchset(1, 1);
    want(&mut set, &["a", "b"]);
    flush(&mut set, Duration::ZERO);
    assert_eq!(set.answer(&"b".into(), true), Answer::Stray);
    assert_eq!(set.answer(&"x".into(), true), Answer::Stray);
}

#[test]
fn a_lost_connection_gives_everybody_back() {
    let mut set = watchset(1, 1);
    want(&mut set, &["b", "a"]);
    flush(&mut set, Duration::ZERO);
    assert_eq!(set.clear(), ids(&["a", "b"]));
    assert_eq!((set.load(), set.next_wake()), (0, None));
    assert_eq!(flush(&mut set, Duration::ZERO), []);
}

#[test]
fn an_overdue_person_can_be_asked_for_again() {
    let mut set = watchset(1, 1);
    want(&mut set, &["a"]);
    flush(&mut set, Duration::ZERO);
    set.overdue(TIMEOUT);
    set.ask_again(&"a".into());
    assert_eq!(flush(&mut set, TIMEOUT), [Command::Add(ids(&["a"]))]);
    set.overdue(TIMEOUT * 2);
    set.ask_again(&"a".into());
    set.forget(&"a".into());
    assert_eq!(flush(&mut set, TIMEOUT * 2), [Command::Remove(ids(&["a"]))]);
}

#[test]
fn an_update_to_an_earlier_watch_is_no_answer() {
    let mut set = watchset(2, 1);
    want(&mut set, &["a"]);
    flush(&mut set, Duration::ZERO);
    assert_eq!(set.answer(&"a".into(), true), Answer::First);
    set.forget(&"a".into());
    want(&mut set, &["a"]);
    flush(&mut set, Duration::ZERO);
    assert_eq!(set.answer(&"a".into(), false), Answer::Stray);
    assert_eq!(set.overdue(TIMEOUT), ids(&["a"]), "the server has ignored the second watch");
    assert_eq!(set.answer(&"a".into(), false), Answer::Stray);
    set.ask_again(&"a".into());
    assert_eq!(set.answer(&"a".into(), true), Answer::First);
    assert_eq!(set.answer(&"a".into(), false), Answer::Again);
}
