use std::path::Path;

use super::*;
use crate::measure::{Agreement, Clocks, Offset};
use crate::plan::Plan;
use crate::report::{Checked, Line, compare, page, summary};

fn results() -> Results {
    let text = "[[phase]]\nname = \"a < b\"\nkind = \"hold\"\nduration = \"1s\"\n";
    let plan = Plan::parse(Path::new("x.toml"), text).unwrap();
    let mut results = Results::new(&plan, "http://localhost", "livename 0", 0.0);
    let mut phase = PhaseResult::begin(&plan.phases[0]);
    phase.counts.visits = 10;
    phase.counts.opened = 10;
    phase.updates[0] = Latency::from_buckets([(1000, 99), (50_000, 1)]);
    let agreement = Agreement { browsers: 10, states: 50, ..Agreement::default() };
    phase.checked = Some(Checked { agreement, seconds: 0.2 });
    results.phases.push(phase);
    results
}

#[test]
fn agreement_without_failures_is_good() {
    let mut results = results();
    results.conclude(&Thresholds::default());
    assert_eq!((results.converged, results.exit_code()), (Some(true), 0));
    assert!(
        summary(&results).starts_with("CONVERGED: 10 browsers agree with the community in all 50 states")
    );
    assert!(results.warnings.is_empty(), "{:?}", results.warnings);
}

#[test]
fn a_stale_state_fails_the_test_and_is_the_first_line() {
    let mut results = results();
    let checked = results.phases[0].checked.as_mut().unwrap();
    checked.agreement.stale = 1;
    checked.agreement.examples.push("browser 7".into());
    results.conclude(&Thresholds::default());
    assert_eq!(results.exit_code(), FAILED);
    let text = summary(&results);
    assert!(text.starts_with("NOT CONVERGED: of 50 states of 10 browsers 1 are wrong"), "{text}");
    assert!(text.contains("for example browser 7"));
}

#[test]
fn thresholds_and_failures_are_judged() {
    let mut results = results();
    let limit = |ms| Some(Duration::from_millis(ms));
    results.conclude(&Thresholds { p50: limit(2), p99: limit(2), ..Thresholds::default() });
    assert_eq!(results.missed, Vec::<String>::new());
    results.conclude(&Thresholds { p50: limit(0), list_p99: limit(1), ..Thresholds::default() });
    assert_eq!(results.missed, ["p50 is 1.00 ms, over 0.00 µs", "list_p99 was never measured"]);
    results.phases[0].failures.insert("unreachable".into(), 1);
    results.conclude(&Thresholds::default());
    assert_eq!(results.missed, ["1 failures are 10.00 % of all pages, over 1 %"]);
    assert_eq!(results.exit_code(), FAILED);
    assert!(summary(&results).contains("unreachable: nothing accepts connections there"));
    results.interrupted = true;
    assert_eq!(results.exit_code(), INTERRUPTED);
}

#[test]
fn a_slow_generator_is_told() {
    let mut results = results();
    results.phases[0].seconds = 2.0;
    results.phases[0].used.generator = 1.95;
    results.phases[0].counts.late_starts = 3;
    results.timeline.push(tick(0.2));
    results.conclude(&Thresholds::default());
    let text = results.warnings.join("\n");
    for part in ["late itself, up to 200 ms", "3 pages started more than", "used all of its 1 thread in"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(Line(("x", &results.timeline[0])).to_string().contains("generator late by 200 ms"));
}

#[test]
fn results_survive_json_and_make_a_page() {
    let mut results = results();
    results.timeline = vec![tick(0.0), tick(0.01)];
    results.conclude(&Thresholds::default());
    let json = serde_json::to_string(&results).unwrap();
    let again: Results = serde_json::from_str(&json).unwrap();
    assert_eq!(summary(&again), summary(&results));
    let html = page(&again);
    assert!(html.contains("a &lt; b") && !html.contains("a < b<"), "names are escaped");
    assert!(!html.contains("http://www") && !html.contains("src="), "nothing is loaded");
    let text = compare(&results, &again);
    assert!(text.contains("change to browser p50") && !text.contains("% *"), "{text}");
}

#[test]
fn clocks_are_told_and_what_they_blur() {
    let mut results = results();
    let offset = |ahead| Offset { ahead, error: 0.0005 };
    let mut clock = Clocks::new(offset(-1.5), false);
    results.clock = Some(clock);
    results.phases[0].counts.early = 1;
    results.conclude(&Thresholds::default());
    let text = summary(&results);
    assert!(
        text.contains("The community's clock is 1500.000 ms behind this machine's (± 0.500 ms)"),
        "{text}"
    );
    let warnings = results.warnings.join("\n");
    assert!(warnings.contains("1 change came before"), "{warnings}");
    assert!(
        warnings.contains("± 0.500 ms only, and half of all changes arrive within 1.00 ms"),
        "{warnings}"
    );
    clock.add(offset(-1.4));
    results.clock = Some(clock);
    results.conclude(&Thresholds::default());
    assert!(results.warnings.join("\n").contains("drifted apart by 100.000 ms"), "{:?}", results.warnings);
    results.clock = Some(Clocks::new(offset(0.0), true));
    results.phases[0].counts.early = 0;
    results.conclude(&Thresholds::default());
    assert!(results.warnings.is_empty() && summary(&results).contains("run on one machine, by one clock"));
}

fn tick(lag: f64) -> crate::report::Tick {
    crate::report::Tick {
        at: 1.0 + lag,
        phase: 0,
        hour: None,
        wanted: 10,
        open: 10,
        coming: 0,
        delivered: 5.0,
        failures: Default::default(),
        p50: Some(0.001),
        p99: Some(0.01),
        max: Some(0.05),
        cpu: [0.1, 0.1, 0.1],
        memory: [1 << 20; 3],
        lag,
    }
}
