use std::path::Path;
use std::time::Duration;

use super::*;
use crate::measure::{Agreement, Latency, Punctuality};
use crate::plan::{Plan, Thresholds};
use crate::report::{Checked, Tick, Used};

fn tick(at: f64, delivered: f64, failed: u64) -> Tick {
    Tick {
        at,
        phase: 0,
        hour: None,
        wanted: 10,
        open: 9,
        coming: 1,
        delivered,
        failures: if failed > 0 { [("unreachable".to_owned(), failed)].into() } else { Default::default() },
        p50: Some(delivered / 1000.0),
        p99: Some(delivered / 100.0),
        max: Some(1.0),
        cpu: [0.5, 0.25, 0.125],
        memory: [100, 20, 30],
        lag: 0.001 * at,
    }
}

fn piece(number: usize, of: usize) -> Piece {
    let text = "seed = 7\n[[phase]]\nname = \"work\"\nkind = \"hold\"\nduration = \"3s\"\n";
    let mut plan = Plan::parse(Path::new("x.toml"), text).unwrap();
    plan.part = Part { number, of };
    let mut results = Results::new(&plan, "http://localhost", "livename 0", 100.0 + number as f64 * 0.1);
    results.host = format!("host{number}");
    results.seconds = 3.2;
    results.memory.browsers = 10;
    results.memory.generator = 1000 * number as u64;
    // One of them runs beside the gateway.
    results.memory.gateway = (number == 2).then_some(5000);
    let mut phase = PhaseResult::begin(&plan.phases[0]);
    phase.seconds = 3.0;
    phase.browsers = 10;
    phase.counts.visits = 10;
    phase.counts.opened = 10;
    phase.counts.delivered = 1000 * number as u64;
    phase.own.due = 3;
    phase.own.updates.record(500);
    phase.updates[0] = Latency::from_buckets([(1000 * number as u64, 100)]);
    phase.used = Used { gateway: if number == 2 { 1.5 } else { 0.0 }, generator: 0.5, community: 0.0 };
    phase.changes = (number == 1).then_some(Punctuality { due: 60, missed: 0, latest: 0.0 });
    let agreement = Agreement { browsers: 10, states: 50, ..Agreement::default() };
    phase.checked = Some(Checked { agreement, seconds: 0.2 * number as f64 });
    results.phases.push(phase);
    results.timeline = vec![tick(1.0, 10.0, 1), tick(2.1, 20.0, 0), tick(3.4, 30.0, 2)];
    results.conclude(&Thresholds { p99: Some(Duration::from_millis(10)), ..Thresholds::default() });
    Piece { file: format!("{number}.json"), results }
}

fn whole(pieces: Vec<Piece>) -> Results {
    together(pieces).unwrap().unwrap()
}

#[test]
fn parts_are_added_and_what_all_saw_is_taken_once() {
    let whole = whole(vec![piece(2, 2), piece(1, 2)]);
    assert_eq!((whole.exit_code(), whole.converged, whole.part), (0, Some(true), Part::WHOLE));
    let phase = &whole.phases[0];
    assert_eq!((phase.browsers, phase.counts.delivered, phase.updates[0].count()), (20, 3000, 200));
    assert_eq!((phase.own.due, phase.own.updates.count()), (6, 2));
    let checked = phase.checked.as_ref().unwrap();
    assert_eq!((checked.agreement.states, checked.seconds), (100, 0.4));
    assert_eq!((phase.used.gateway, phase.used.generator), (1.5, 1.0));
    assert_eq!(phase.changes.unwrap().due, 60);
    assert_eq!(whole.cost(phase), Some(500.0), "1.5 s for 3,000 changes");
    let memory = whole.memory;
    assert_eq!((memory.browsers, memory.gateway, memory.generator), (20, Some(2500), 1500));
    assert!((whole.started - 100.1).abs() < 1e-9 && (whole.seconds - 3.3).abs() < 1e-9);
    let hosts: Vec<_> =
        whole.generators.iter().map(|one| (one.host.as_str(), one.delivered, one.memory)).collect();
    assert_eq!(hosts, [("host1", 1000, 20), ("host2", 2000, 20)]);
    assert_eq!(whole.missed, Vec::<String>::new());
    let part = piece(2, 2).results;
    assert_eq!(
        (part.cost(&part.phases[0]), part.memory_of_gateway()),
        (None, None),
        "others were served, too"
    );
}

#[test]
fn seconds_are_those_of_the_same_time() {
    let mut late = piece(2, 2);
    late.results.started += 1.0;
    let whole = whole(vec![piece(1, 2), late]);
    let seen: Vec<_> = whole.timeline.iter().map(|tick| (tick.at, tick.delivered, tick.open)).collect();
    // The other looked at 4.5 s, a little late: in the fourth second holds what it saw in the third.
    assert_eq!(seen, [(1.0, 10.0, 9), (2.0, 30.0, 18), (3.0, 50.0, 18), (4.0, 20.0, 9), (5.0, 30.0, 9)]);
    let failed: u64 = whole.timeline.iter().flat_map(|tick| tick.failures.values()).sum();
    assert_eq!(failed, 6, "none is lost, none counted twice");
    let second = &whole.timeline[1];
    assert_eq!((second.cpu, second.memory), ([0.5, 0.5, 0.125], [100, 40, 30]));
    assert!(
        (second.p50.unwrap() - (0.02 * 20.0 + 0.01 * 10.0) / 30.0).abs() < 1e-9 && second.p99 == Some(0.2)
    );
}

#[test]
fn one_that_did_not_converge_is_enough() {
    let mut wrong = piece(2, 2);
    wrong.results.phases[0].checked.as_mut().unwrap().agreement.stale = 1;
    let found = whole(vec![piece(1, 2), wrong]);
    assert_eq!((found.converged, found.exit_code()), (Some(false), 1));
    let mut gone = piece(2, 2);
    gone.results.phases[0].checked = None;
    gone.results.converged = None;
    gone.results.ended_early = Some("the gateway is gone".into());
    let found = whole(vec![piece(1, 2), gone]);
    assert_eq!((found.converged, found.exit_code()), (None, 1));
    assert_eq!(found.ended_early.as_deref(), Some("generator 2 of 2 on host2: the gateway is gone"));
    let mut slow = piece(2, 2);
    slow.results.phases[0].updates[0] = Latency::from_buckets([(50_000, 3)]);
    let found = whole(vec![piece(1, 2), slow]);
    assert_eq!(found.missed, ["p99 is 50.0 ms, over 10.0 ms"], "by the thresholds of the plan");
}

#[test]
fn what_does_not_belong_together_is_told_with_file_and_field() {
    let told = |edit: &dyn Fn(&mut Results)| {
        let mut other = piece(2, 2);
        edit(&mut other.results);
        together(vec![piece(1, 2), other]).unwrap_err().to_string()
    };
    type Edit<'a> = &'a dyn Fn(&mut Results);
    let cases: [(Edit<'_>, &str); 10] = [
        (&|other| other.name = "y".into(), "2.json: name: \"y\"; in 1.json it is \"x\""),
        (&|other| other.target = "http://h".into(), "2.json: target: \"http://h\"; in 1.json it is"),
        (&|other| other.phases[0].name = "z".into(), "2.json: phases[0].name: \"z\"; in 1.json"),
        (&|other| other.phases[0].seconds = 9.0, "2.json: phases[0].seconds: 9.0; in 1.json it is 3.0"),
        (&|other| other.thresholds.p99 = None, "2.json: thresholds: "),
        (&|other| other.started += 60.0, "2.json: started: 160 s since 1970"),
        (&|other| other.seed = 8, "2.json: seed: 8; in 1.json it is 7"),
        (&|other| other.part.number = 1, "2.json: part: part 1 of 2, as 1.json"),
        (&|other| other.part.of = 3, "2.json: part: part 2 of 3; 1.json is part 1 of 2"),
        (&|other| drop(other.phases.pop()), "2.json: phases: 0; in 1.json it is 1"),
    ];
    for (edit, wanted) in cases {
        let told = told(edit);
        assert!(told.starts_with(wanted), "{told}");
    }
    let alone = together(vec![piece(1, 3), piece(2, 3)]).unwrap_err().to_string();
    assert_eq!(alone, "1.json: part: part 3 of 3 is not among the files");
    let twins = together(vec![piece(1, 1), piece(1, 1)]).unwrap_err().to_string();
    assert_eq!(twins, "1.json: seed: 7, as in 1.json: both played the same browsers");
    let mut other = piece(1, 1);
    other.results.seed = 8;
    let both = whole(vec![piece(1, 1), other]);
    let again = together(vec![Piece { file: "both.json".into(), results: both }, piece(1, 1)]).unwrap_err();
    assert_eq!(again.field, "generators");
}
