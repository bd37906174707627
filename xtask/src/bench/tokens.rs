//! `cargo xtask bench tokens`: verifications of single sign-on tokens, each format cold and remembered, beside the bare
//! primitives that no check can do without.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;

use super::report::{Goal, Interval, Report, Row};
use crate::step::{Outcome, cargo, root};

/// What the program itself is called in the figures.
const OURS: &str = "livename";
/// A remembered check that takes no longer is quick enough, whatever the primitives take.
const QUICK_ENOUGH: f64 = 500.0;

#[derive(Args)]
pub(crate) struct Tokens {
    /// How often everything is measured
    #[arg(long, default_value_t = 31)]
    rounds: usize,
}

/// Nanoseconds of each round, by what and who.
type Samples = BTreeMap<(String, String), Vec<f64>>;

pub(crate) fn run(bench: &Tokens) -> Outcome {
    let output = cargo("token checks", &["bench", "--package", "gateway", "--bench", "tokens"])
        .env("LIVENAME_ROUNDS", &bench.rounds.to_string())
        .output()?;
    let report = report(&samples(&output)?)?;
    report.print();
    report.write(&root().join("target/bench/tokens.json"))
}

fn samples(output: &str) -> Result<Samples, String> {
    let mut samples = Samples::new();
    for line in output.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text = |field: &str| line.get(field).and_then(Value::as_str).map(str::to_owned);
        let figure = (text("what"), text("peer"), line.get("ns").and_then(Value::as_f64));
        let (Some(what), Some(peer), Some(ns)) = figure else { return Err(format!("what is {line}?")) };
        samples.entry((what, peer)).or_default().push(ns);
    }
    Ok(samples)
}

fn report(samples: &Samples) -> Result<Report, String> {
    let mut report = Report::default();
    for ((what, peer), ns) in samples {
        let figure = Interval::of(ns).ok_or("nothing was measured")?;
        let is_floor = |(other, who): &&(String, String)| other == what && who != OURS;
        let floor = samples.keys().find(is_floor).filter(|_| peer == OURS);
        let goal = floor.and_then(|floor| {
            let theirs = samples.get(floor)?;
            Some(Goal {
                rank: "goal",
                to: floor.1.clone(),
                ratio: Interval::of_ratio(ns, theirs)?,
                at_most: limit(what, Interval::of(theirs)?.median),
            })
        });
        if peer == OURS {
            report.notes.push(format!("{what}: {:.0} checks per second and core", 1e9 / figure.median));
        }
        let goals = goal.into_iter().collect();
        report.rows.push(Row { what: what.clone(), peer: peer.clone(), figure, unit: "ns", goals });
    }
    if report.rows.is_empty() {
        return Err("the bench has printed no figures".to_owned());
    }
    Ok(report)
}

/// How many times what the primitives take a check may take.
fn limit(what: &str, floor: f64) -> f64 {
    if what.ends_with("remembered") {
        return f64::max(2.0, QUICK_ENOUGH / floor);
    }
    if what == "Domino" { 2.0 } else { 1.3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_made_of_the_lines_of_the_bench() {
        let mut output = "   Running benches\n".to_owned();
        for (what, peer, ns) in [
            ("Domino", "SHA-1", 100),
            ("Domino", OURS, 190),
            ("Domino", OURS, 210),
            ("Domino", "SHA-1", 100),
            ("LtpaToken2, remembered", "SHA-256", 200),
            ("LtpaToken2, remembered", OURS, 480),
            ("LtpaToken2", "RSA", 1000),
            ("LtpaToken2", OURS, 1400),
        ] {
            output.push_str(&format!("{{\"what\":\"{what}\",\"peer\":\"{peer}\",\"ns\":{ns}}}\n"));
        }
        let report = report(&samples(&output).unwrap()).unwrap();
        let goal = |what: &str| {
            let row = report.rows.iter().find(|row| row.what == what && row.peer == OURS).unwrap();
            row.goals.first().map(|goal| (goal.ratio.median, goal.at_most, goal.is_met())).unwrap()
        };
        assert_eq!(goal("Domino"), (2.0, 2.0, true));
        assert_eq!(goal("LtpaToken2, remembered"), (2.4, 2.5, true));
        assert_eq!(goal("LtpaToken2"), (1.4, 1.3, false));
        assert!(report.notes.contains(&"Domino: 5000000 checks per second and core".to_owned()));
        assert!(samples("{}").is_err() && super::report(&Samples::new()).is_err());
    }
}
