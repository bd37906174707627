//! From samples to a table and a file: medians with intervals, ratios within a round, goals.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::idle;
use super::peers::Peer;
use super::stage::Stage;
use crate::bench::report::{self, Goal, Interval, Report, Row};
use crate::step::Outcome;

/// What one peer needed in one stage of one round.
pub(super) struct Sample {
    pub(super) round: usize,
    pub(super) peer: String,
    pub(super) stage: String,
    /// Figures by name.
    pub(super) figures: Value,
}

impl Sample {
    pub(super) fn is(&self, round: usize, peer: &str, stage: &str) -> bool {
        self.round == round && self.peer == peer && self.stage == stage
    }

    pub(super) fn json(&self) -> Value {
        let Self { round, peer, stage, figures } = self;
        json!({ "round": round, "peer": peer, "stage": stage, "figures": figures })
    }

    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let round = usize::try_from(value.get("round")?.as_u64()?).ok()?;
        let figures = value.get("figures")?.clone();
        Some(Self { round, peer: text("peer")?, stage: text("stage")?, figures })
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).and_then(Value::as_f64)
    }
}

/// What shall be reached: in which stages, which figure, how it stands to whom.
struct Wanted {
    stages: &'static str,
    figure: &'static str,
    to: Peer,
    at_most: f64,
}

const fn wanted(stages: &'static str, figure: &'static str, to: Peer, at_most: f64) -> Wanted {
    Wanted { stages, figure, to, at_most }
}

const GOALS: [Wanted; 6] = [
    wanted("everybody", "lockstep cpu", Peer::Floor, 1.3),
    wanted("everybody", "burst cpu", Peer::JoinedFloor, 1.5),
    wanted("pattern", "realistic cpu", Peer::Floor, 1.2),
    wanted("pattern", "realistic cpu", Peer::Nchan, 0.3),
    wanted("pattern", "realistic p99", Peer::Floor, 2.0),
    wanted("pattern", "saturated cpu", Peer::JoinedFloor, 1.3),
];

/// Figures that are in the file and not in the table.
const BESIDE: [&str; 5] = [" bytes", "calm changes", "calm cpu", "calm rate", "realistic rate"];

/// The most important figures of a stage, for the progress line.
pub(super) fn brief(figures: &Value) -> String {
    let Some(figures) = figures.as_object() else { return String::new() };
    let brief = figures.iter().filter_map(|(name, figure)| {
        let (figure, unit) = (figure.as_f64()?, unit(name));
        let unit = if name.ends_with(" cpu") { unit } else { "" };
        let is_brief =
            [" cpu", " calls", " instructions", " watches", " bare"].iter().any(|end| name.ends_with(end));
        is_brief.then(|| format!("{name} {figure:.2} {unit}").trim_end().to_owned())
    });
    brief.collect::<Vec<_>>().join(", ")
}

/// Prints the table and writes the file.
pub(super) fn tell(samples: &[Sample], mut notes: Vec<String>, file: &Path) -> Outcome {
    notes.push(
        "cpu: of the server, per delivered change, and instructions (in user mode) and system calls beside it; rate: \
         deliveries a second, server on one core; p50, p99: from when a change was due to the browser; memory: \
         anonymous memory of the server per session; kernel: both ends of a connection; Livename's latencies include \
         the simulated community"
            .into(),
    );
    let (rows, ratios): (Vec<Row>, Vec<Value>) = found(samples).into_iter().unzip();
    let is_beside = |row: &&Row| row.goals.is_empty() && BESIDE.iter().any(|end| row.what.ends_with(end));
    let shown = rows.iter().filter(|row| !is_beside(row)).cloned().collect();
    Report { rows: shown, notes: notes.clone() }.print();
    let mut found = Report { rows, notes }.json();
    let rows = found.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten();
    for (row, ratios) in rows.filter_map(Value::as_object_mut).zip(ratios) {
        row.insert("ratios".into(), ratios);
    }
    report::write(&found, file)?;
    println!("{}", file.display());
    Ok(())
}

/// A row for each figure of each server, with its ratios to the floors.
fn found(samples: &[Sample]) -> Vec<(Row, Value)> {
    // In the order of the first round; what is counted stands beside what is timed.
    let mut titles: Vec<String> = Vec::new();
    let mut stages: Vec<&str> = Vec::new();
    for sample in samples {
        if !stages.contains(&&*sample.stage) {
            stages.push(&sample.stage);
            titles.push(title(&sample.stage));
        }
    }
    stages.sort_by_key(|stage| titles.iter().position(|other| *other == title(stage)));
    let mut rows = Vec::new();
    for stage in stages {
        let of_stage: Vec<&Sample> = samples.iter().filter(|sample| sample.stage == stage).collect();
        let names: BTreeSet<&str> = of_stage
            .iter()
            .filter_map(|sample| sample.figures.as_object())
            .flat_map(|figures| figures.keys().map(String::as_str))
            .collect();
        for name in names {
            let what = what(&of_stage, stage, name);
            for peer in Peer::ALL {
                let Some(figure) = Interval::of(&column(&of_stage, peer, name)) else { continue };
                let goals = if peer == Peer::Livename { goals(&of_stage, stage, name) } else { Vec::new() };
                let row =
                    Row { what: what.clone(), peer: peer.name().into(), figure, unit: unit(name), goals };
                rows.push((row, ratios(&of_stage, peer, name)));
            }
        }
    }
    rows
}

fn title(stage: &str) -> String {
    Stage::parse(stage).map_or_else(|| stage.to_owned(), Stage::title)
}

/// `everybody-1000: lockstep cpu`. With latencies in calm times it matters of how many changes they are.
fn what(samples: &[&Sample], stage: &str, name: &str) -> String {
    let title = title(stage);
    let changes = samples.iter().find_map(|sample| sample.figure("calm changes"));
    match changes.filter(|_| matches!(name, "calm p50" | "calm p99")) {
        Some(changes) => format!("{title}: {name} of {changes} changes"),
        None => format!("{title}: {name}"),
    }
}

fn goals(samples: &[&Sample], stage: &str, name: &str) -> Vec<Goal> {
    let mut goals: Vec<Goal> = GOALS
        .iter()
        .filter(|goal| stage.starts_with(goal.stages) && name == goal.figure)
        .filter_map(|goal| {
            let ratio = ratio(samples, Peer::Livename, goal.to, name)?;
            Some(Goal { rank: "goal", to: goal.to.name().into(), ratio, at_most: goal.at_most })
        })
        .collect();
    let limit = idle::GOALS.iter().find(|(figure, _)| stage == idle::NAME && name == *figure);
    if let Some((_, limit)) = limit {
        let samples = column(samples, Peer::Livename, name);
        let shares: Vec<f64> = samples.iter().map(|bytes| bytes / limit).collect();
        let goal = |ratio| Goal { rank: "goal", to: format!("{limit} bytes"), ratio, at_most: 1.0 };
        goals.extend(Interval::of(&shares).map(goal));
    }
    goals
}

/// To both floors, where they were measured in the same.
fn ratios(samples: &[&Sample], peer: Peer, name: &str) -> Value {
    let to = |floor: Peer| {
        let Interval { median, low, high } = ratio(samples, peer, floor, name)?;
        Some((floor.name().to_owned(), json!({ "median": median, "interval": [low, high] })))
    };
    Value::Object([Peer::Floor, Peer::JoinedFloor].into_iter().filter_map(to).collect())
}

/// Within each round that has both.
fn ratio(samples: &[&Sample], ours: Peer, theirs: Peer, name: &str) -> Option<Interval> {
    let of = |peer: Peer, round| {
        let sample = samples.iter().find(|sample| sample.round == round && sample.peer == peer.name())?;
        sample.figure(name)
    };
    let rounds: BTreeSet<usize> = samples.iter().map(|sample| sample.round).collect();
    let pairs = rounds.into_iter().filter_map(|round| Some((of(ours, round)?, of(theirs, round)?)));
    let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs.unzip();
    Interval::of_ratio(&ours, &theirs)
}

fn column(samples: &[&Sample], peer: Peer, name: &str) -> Vec<f64> {
    samples
        .iter()
        .filter(|sample| sample.peer == peer.name())
        .filter_map(|sample| sample.figure(name))
        .collect()
}

fn unit(name: &str) -> &'static str {
    match name.rsplit(' ').next() {
        Some("cpu") => "µs",
        Some("rate") => "1/s",
        Some("p50" | "p99") => "ms",
        Some("calls") => "calls",
        Some("instructions") => "instructions",
        Some("changes") => "changes",
        _ => "bytes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(round: usize, peer: Peer, cpu: f64) -> Sample {
        let figures = json!({ "lockstep cpu": cpu });
        Sample { round, peer: peer.name().into(), stage: "everybody-1000".into(), figures }
    }

    #[test]
    fn ratios_are_made_within_rounds_that_have_both() {
        let samples = [
            sample(0, Peer::Livename, 6.0),
            sample(0, Peer::Floor, 5.0),
            sample(1, Peer::Floor, 9.0),
            sample(2, Peer::Livename, 12.0),
            sample(2, Peer::Floor, 10.0),
        ];
        let samples: Vec<&Sample> = samples.iter().collect();
        let ratio = ratio(&samples, Peer::Livename, Peer::Floor, "lockstep cpu").unwrap();
        assert!((ratio.median - 1.2).abs() < 1e-9 && (ratio.high - 1.2).abs() < 1e-9);
        let goals = goals(&samples, "everybody-1000", "lockstep cpu");
        assert_eq!(goals.len(), 1);
        assert!(goals[0].is_met());
        let to_floor = ratios(&samples, Peer::Livename, "lockstep cpu");
        assert_eq!(to_floor["floor"]["median"], 1.2);
        assert!(to_floor.get("joined floor").is_none(), "it was not measured");
        let back = Sample::from_json(&samples[0].json()).unwrap();
        assert!(back.is(0, "livename", "everybody-1000"));
    }
    #[test]
    fn counts_stand_beside_the_time_of_the_same_stage() {
        let stages = ["everybody-1000", "idle", "calls-1000"];
        let figures = json!({ "lockstep calls": 1.0, "calm p99": 2.0, "calm changes": 100.0 });
        let sample = |stage: &str| Sample {
            round: 0,
            peer: "floor".into(),
            stage: stage.into(),
            figures: figures.clone(),
        };
        let rows = found(&stages.map(sample));
        let whats: Vec<&str> =
            rows.iter().map(|(row, _)| &*row.what).filter(|what| !what.contains("changes")).collect();
        assert_eq!(
            whats,
            ["everybody-1000: lockstep calls", "everybody-1000: lockstep calls", "idle: lockstep calls"]
        );
        assert!(rows.iter().any(|(row, _)| row.what == "everybody-1000: calm p99 of 100 changes"));
    }
}
