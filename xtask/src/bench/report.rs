//! What a bench found: medians with intervals, ratios to a peer, goals, as a table and as JSON.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::table;
use crate::step::Outcome;

/// How sure an interval is to contain the median that endless rounds would have.
const CONFIDENCE: f64 = 0.95;

/// A median with the range in which the true one lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Of one sample per round, by order statistics: no assumption about how the samples are spread. `None`
    /// without samples; with fewer than six rounds it is the whole range, and less sure than it should be.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let skip = skippable(count);
        let (low, high) = (*sorted.get(skip)?, *sorted.get(count.checked_sub(1 + skip)?)?);
        let middle = (*sorted.get((count - 1) / 2)?, *sorted.get(count / 2)?);
        Some(Self { median: f64::midpoint(middle.0, middle.1), low, high })
    }

    /// Of the ratios within each round.
    pub(crate) fn of_ratio(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        Self::of(&ratios)
    }
}

/// How many of the lowest and of the highest samples may lie outside: the chance that the median is beyond the
/// `k` outermost on one side is that of at most `k - 1` heads in `count` throws.
fn skippable(count: usize) -> usize {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let mut chance = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let mut below = 0.0;
    for skip in 0..count {
        below += chance;
        if below > tail {
            return skip.saturating_sub(1);
        }
        chance *= to_float(count - skip) / to_float(skip + 1);
    }
    0
}

/// Counts here are far below the size at which this loses digits.
#[allow(clippy::cast_precision_loss, reason = "rounds and requests are counted in thousands")]
pub(crate) fn to_float(count: usize) -> f64 {
    count as f64
}

/// What one peer needed for one thing.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// Who; our own rows have the goals.
    pub(crate) peer: String,
    pub(crate) figure: Interval,
    pub(crate) unit: &'static str,
    pub(crate) goals: Vec<Goal>,
}

/// A ratio that shall be reached.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    /// How much depends on it: `gate`, `goal` or `moonshot`.
    pub(crate) rank: &'static str,
    /// The peer that is compared with.
    pub(crate) to: String,
    pub(crate) ratio: Interval,
    /// Highest ratio that is good enough.
    pub(crate) at_most: f64,
}

impl Goal {
    /// Missed only when even the lower end of the interval is beyond it.
    pub(crate) fn is_met(&self) -> bool {
        self.ratio.low <= self.at_most
    }

    /// `at most 1.2 × nginx`.
    fn words(&self) -> String {
        format!("at most {} × {}", self.at_most, self.to)
    }

    fn json(&self) -> Value {
        json!({
            "rank": self.rank,
            "to": self.to,
            "ratio": self.ratio.median,
            "interval": [self.ratio.low, self.ratio.high],
            "at_most": self.at_most,
            "met": self.is_met(),
        })
    }
}

/// All rows of a bench. The file has `met` (whether all goals are), `missed` (which are not), `notes`, and `rows`, each
/// with `what`, `peer`, `figure` (the median), `interval`, `unit`, and where there are goals `goal` (in words), `met`
/// (all of them) and `goals` (each with `rank`, `to`, `ratio`, `interval`, `at_most`, `met`).
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    /// What a reader has to know beside the figures.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// As a table in Markdown, for people and for docs/performance.md.
    pub(crate) fn print(&self) {
        println!();
        for line in table::lines(&self.rows) {
            println!("{line}");
        }
        println!();
        for note in &self.notes {
            println!("* {note}");
        }
    }

    /// For programs.
    pub(crate) fn write(&self, path: &Path) -> Outcome {
        write(&self.json(), path)
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let goals = self.rows.iter().flat_map(|row| row.goals.iter().map(move |goal| (row, goal)));
        let missed = goals.filter(|(_, goal)| !goal.is_met());
        let missed: Vec<String> =
            missed.map(|(row, goal)| format!("{} {}", row.what, goal.words())).collect();
        json!({ "met": missed.is_empty(), "missed": missed, "rows": rows, "notes": self.notes })
    }
}

/// Where programs find it.
pub(crate) fn write(found: &Value, path: &Path) -> Outcome {
    let text = serde_json::to_string_pretty(found).map_err(|error| error.to_string())?;
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text + "\n"))
        .map_err(|error| format!("{}: {error}", path.display()))
}

impl Row {
    fn json(&self) -> Value {
        let goals: Vec<Value> = self.goals.iter().map(Goal::json).collect();
        let words: Vec<String> = self.goals.iter().map(Goal::words).collect();
        let (goal, met) = (words.join(", "), self.goals.iter().all(Goal::is_met));
        let is_judged = !goals.is_empty();
        json!({
            "goal": is_judged.then_some(goal),
            "met": is_judged.then_some(met),
            "what": self.what,
            "peer": self.peer,
            "figure": self.figure.median,
            "interval": [self.figure.low, self.figure.high],
            "unit": self.unit,
            "goals": goals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_leaves_out_as_many_as_the_confidence_allows() {
        let samples: Vec<f64> = (1..=7_u8).map(f64::from).collect();
        assert_eq!(Interval::of(&samples), Some(Interval { median: 4.0, low: 1.0, high: 7.0 }));
        let samples: Vec<f64> = (1..=10_u8).rev().map(f64::from).collect();
        assert_eq!(Interval::of(&samples), Some(Interval { median: 5.5, low: 2.0, high: 9.0 }));
        assert_eq!(Interval::of(&[]), None);
        // The known table: 20 samples, the 6th and the 15th.
        assert_eq!(skippable(20), 5);
    }

    #[test]
    fn a_goal_is_missed_only_when_the_interval_is_beyond_it() {
        let ratio = Interval::of_ratio(&[2.0, 2.4, 3.0], &[2.0, 2.0, 2.0]).unwrap();
        assert_eq!(ratio, Interval { median: 1.2, low: 1.0, high: 1.5 });
        let goal = |at_most| Goal { rank: "goal", to: "peer".into(), ratio, at_most };
        assert!(goal(1.0).is_met() && !goal(0.99).is_met());
        let goals = vec![goal(1.0), goal(0.99)];
        let row = |goals| Row { what: "w".into(), peer: "us".into(), figure: ratio, unit: "µs", goals };
        let rows = vec![row(goals), row(vec![goal(1.0)]), row(Vec::new())];
        let found = Report { rows, notes: Vec::new() }.json();
        assert_eq!(found["rows"][0]["goals"][0]["met"], true);
        assert_eq!(found["rows"][0]["goals"][1]["met"], false);
        let judged = |row: usize| (found["rows"][row]["goal"].as_str(), found["rows"][row]["met"].as_bool());
        assert_eq!(judged(0), (Some("at most 1 × peer, at most 0.99 × peer"), Some(false)));
        assert_eq!(judged(1), (Some("at most 1 × peer"), Some(true)));
        assert_eq!(judged(2), (None, None));
        assert_eq!((&found["met"], &found["missed"]), (&json!(false), &json!(["w at most 0.99 × peer"])));
    }
}
