//! Several generators against one gateway, and a community whose clock is another.

use std::time::Duration;

use loadtest::report::Results;

use crate::real::{Real, Tokens};
use crate::support::{Ended, Folder, Program, has_gateway, wait};

/// Against a community that tells the truth.
fn plan(real: &Real, phases: &str) -> String {
    format!(
        "[target]\nurl = \"{}\"\ncontrol = \"{}\"\ndomino_secret_file = \"domino.secret\"\n\
         [population]\nwatches = 15\nchanges_per_second = 30\n\
         [transports]\nwebsocket = 1\nsse = 1\npoll = 1\n[thresholds]\np99 = \"5s\"\n{phases}",
        real.url, real.control
    )
}

/// `livename-load run test.toml --out NAME` with more arguments.
fn arguments<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "test.toml", "--out", name], more].concat()
}

fn sum(parts: &[&Results], count: impl Fn(&Results) -> u64) -> u64 {
    parts.iter().map(|results| count(results)).sum()
}

#[test]
fn two_generators_play_one_plan_and_their_report_is_one() {
    if !has_gateway() {
        return;
    }
    let real = Real::start_with(Tokens::Domino, &["--online", "80"]);
    let folder = &real.folder;
    let phases = "[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 15\n\
                  [[phase]]\nkind = \"hold\"\nduration = \"3s\"\nreloads_per_second = 4\n\
                  [[phase]]\nkind = \"storm\"\nduration = \"3s\"\nreconnect_percent = 100\nbrowsers = 3\n";
    folder.write("test.toml", &plan(&real, phases));
    let one = folder.start(&arguments("one", &["--part", "1/2"]));
    let two = folder.start(&arguments("two", &["--part", "2/2"]));
    let (one, two) = (one.end(), two.end());
    for Ended { code, out, err, .. } in [&one, &two] {
        assert_eq!(*code, Some(0), "{err}{out}");
        assert!(out.starts_with("CONVERGED") && out.contains("of 2: gateway and community served"), "{out}");
    }
    let (one, two) = (one.results.unwrap(), two.results.unwrap());
    let parts = [&one, &two];
    let plays = |results: &Results| results.phases.iter().map(|phase| phase.browsers).collect::<Vec<_>>();
    assert_eq!((plays(&one), plays(&two)), (vec![8, 8, 9], vec![7, 7, 9]));
    // The whole plan, once: 15 come, 12 change pages, 15 come back, 3 more come.
    let pages = |results: &Results| results.counts().visits + results.counts().not_started;
    assert_eq!(sum(&parts, pages), 45);
    // Changes are made by one, seen by both.
    let due = |results: &Results| results.phases[1].changes.map(|changes| changes.due);
    assert!(
        (80..110).contains(&due(&one).unwrap()) && due(&two).is_none(),
        "{:?} {:?}",
        due(&one),
        due(&two)
    );

    let changes = real.stats()["changes"].as_u64();
    let ended = folder.start(&["report", "two.json", "one.json", "--out", "both"]).end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    assert!(ended.out.starts_with("CONVERGED: 18 browsers agree"), "{}", ended.out);
    let both = ended.results.unwrap();
    assert_eq!(both.counts().delivered, sum(&parts, |results| results.counts().delivered));
    assert_eq!(both.updates().count(), sum(&parts, |results| results.updates().count()));
    assert_eq!(both.lists().count(), sum(&parts, |results| results.lists().count()));
    assert!(both.generators.len() == 2 && both.generators[0].cpu >= 0.0);
    assert!(both.timeline.iter().any(|tick| tick.open >= 15), "all browsers are in one series");
    assert!(ended.html.contains("1 of 2 on ") && ended.html.contains("2 of 2 on "));

    let again = folder.start(&["report", "both.json", "--out", "again"]).end();
    assert_eq!((again.code, again.html), (Some(0), ended.html), "the same page once more");
    let twice = folder.start(&["report", "one.json", "one.json", "--out", "x"]).end();
    assert_eq!(twice.code, Some(64));
    assert!(twice.err.contains("one.json: part: part 1 of 2, as one.json"), "{}", twice.err);
    let half = folder.start(&["report", "one.json", "both.json", "--out", "x"]).end();
    assert!(half.err.contains("both.json: generators: these are already results of 2"), "{}", half.err);
    assert_eq!(changes, real.stats()["changes"].as_u64(), "the community is left in peace");
}

#[test]
fn phases_begin_together_though_a_generator_is_held_up() {
    if !has_gateway() {
        return;
    }
    let real = Real::start_with(Tokens::Domino, &["--online", "80"]);
    let folder = &real.folder;
    let phases = "[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 6\ncheck = true\n\
                  [[phase]]\nkind = \"hold\"\nduration = \"3s\"\n";
    folder.write("test.toml", &plan(&real, phases));
    let one = folder.start(&arguments("one", &["--part", "1/2"]));
    let two = folder.start(&arguments("two", &["--part", "2/2"]));
    wait("the first phase", || (real.stats()["changes"].as_u64()? > 0).then_some(()));
    two.signal("STOP");
    std::thread::sleep(Duration::from_secs(4));
    two.signal("CONT");
    let second_phase = |ended: Ended| {
        assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
        let results = ended.results.unwrap();
        let first = results.timeline.iter().find(|tick| tick.phase == 1).unwrap();
        results.started + first.at
    };
    let apart = (second_phase(one.end()) - second_phase(two.end())).abs();
    assert!(apart < 1.5, "{apart} s");
}

#[test]
fn generators_that_do_not_fit_are_told() {
    if !has_gateway() {
        return;
    }
    let folder = Folder::new();
    let ended = folder.start(&["run", "smoke", "--part", "1/2"]).end();
    assert_eq!(ended.code, Some(64));
    assert!(
        ended.err.contains("--part 1/2: several generators need a plan with a [target]"),
        "{}",
        ended.err
    );
    let real = Real::start_with(Tokens::Domino, &["--online", "80"]);
    let folder = &real.folder;
    folder.write("test.toml", &plan(&real, "[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 4\n"));
    // One of them waits for the second part; its twin is told.
    let start = |name| folder.start(&arguments(name, &["--part", "1/2"]));
    let mut twins = vec![start("one"), start("twin")];
    let refused = wait("a refusal", || twins.iter_mut().position(Program::has_ended));
    let (refused, waiting) = (twins.remove(refused).end(), twins.remove(0));
    assert_eq!(refused.code, Some(69), "{}", refused.err);
    assert!(refused.err.contains("waiting for 1 more of this test (test, seed 1: start)"), "{}", refused.err);
    assert!(refused.err.contains("part 1 is waiting here already"), "{}", refused.err);
    waiting.signal("INT");
    let ended = waiting.end();
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(ended.err.contains("waiting for the other generators; this is part 1 of 2"), "{}", ended.err);
}

#[test]
fn times_are_right_though_the_community_has_another_clock() {
    if !has_gateway() {
        return;
    }
    for (shift, words) in [("-3000", "behind"), ("2000", "ahead of")] {
        let real = Real::start_with(Tokens::Domino, &["--online", "80", "--clock-shift-ms", shift]);
        let phases = "[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 9\n\
                      [[phase]]\nkind = \"hold\"\nduration = \"3s\"\n";
        let ended = real.folder.run(&plan(&real, phases)).end();
        assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
        let results = ended.results.unwrap();
        let clock = results.clock.unwrap();
        let ahead = shift.parse::<f64>().unwrap() / 1000.0;
        assert!(!clock.same && (clock.first.ahead - ahead).abs() <= clock.first.error + 0.001, "{clock:?}");
        assert!(clock.error < 0.1, "{clock:?}");
        let (half, count) = (results.updates().quantile(0.5).unwrap(), results.updates().count());
        // Uncorrected they would be nothing, or seconds.
        assert!(half > Duration::from_micros(50) && half < Duration::from_millis(500), "{half:?}");
        assert!(count > 100 && results.counts().early < count / 50, "{:?}", results.counts());
        let sentence = format!(" ms {words} this machine's (± ");
        assert!(ended.out.contains(&sentence) && ended.out.contains("times are corrected"), "{}", ended.out);
        assert!(ended.html.contains(words) && ended.html.contains('±'));
    }
}

#[test]
fn on_one_machine_nothing_is_corrected() {
    if !has_gateway() {
        return;
    }
    let folder = Folder::new();
    let phases = "[population]\npeople = 20\n[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 5\n";
    let ended = folder.run(phases).end();
    let clock = ended.results.unwrap().clock.unwrap();
    assert!(clock.same && clock.first.ahead.abs() <= clock.first.error + 0.001, "{clock:?}");
    assert!(ended.out.contains("run on one machine, by one clock"), "{}", ended.out);
}
