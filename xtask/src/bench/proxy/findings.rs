//! What was found, as rows: figures of each peer, and how ours stand to theirs within each round.

use super::super::report::{Goal, Interval, Report, Row};

/// Figures of one thing, by peer, one per round.
pub(super) type Samples = Vec<(&'static str, Vec<f64>)>;

/// Whom we are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Yardstick {
    Peer(&'static str),
    /// Nginx or haproxy, whichever needed less in that round.
    Better,
}

/// A ratio that shall be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) rank: &'static str,
    pub(super) to: Yardstick,
    pub(super) at_most: f64,
}

pub(super) const fn wanted(rank: &'static str, to: Yardstick, at_most: f64) -> Wanted {
    Wanted { rank, to, at_most }
}

/// A row for each peer; ours has the goals.
pub(super) fn rows(
    report: &mut Report,
    what: &str,
    unit: &'static str,
    wanted: &[Wanted],
    samples: &Samples,
) {
    for (peer, figures) in samples {
        let Some(figure) = Interval::of(figures) else { continue };
        let ours = wanted.iter().filter(|_| *peer == "livename");
        let goals = ours.filter_map(|wanted| wanted.judge(figures, samples)).collect();
        report.rows.push(Row { what: what.to_owned(), peer: (*peer).to_owned(), figure, unit, goals });
    }
}

/// The gateway's own two ways for a large body.
pub(super) fn rewriting(report: &mut Report, through: &Samples, rewritten: &Samples, at_most: f64) {
    let (Some(through), Some(rewritten)) = (of(through, "livename"), of(rewritten, "livename")) else {
        return;
    };
    let Some(ratio) = Interval::of_ratio(rewritten, through) else { return };
    let goal = Goal { rank: "goal", to: "passed through".into(), ratio, at_most };
    if let Some(row) = report.rows.last_mut() {
        row.goals.push(goal);
    }
}

/// A figure that was taken once.
pub(super) fn single(what: &str, peer: &str, figure: f64, unit: &'static str) -> Row {
    let figure = Interval { median: figure, low: figure, high: figure };
    Row { what: what.to_owned(), peer: peer.to_owned(), figure, unit, goals: Vec::new() }
}

impl Wanted {
    fn judge(&self, ours: &[f64], samples: &Samples) -> Option<Goal> {
        let (to, theirs) = match self.to {
            Yardstick::Peer(name) => (name, of(samples, name)?.clone()),
            Yardstick::Better => {
                let (nginx, haproxy) = (of(samples, "nginx")?, of(samples, "haproxy")?);
                let better = nginx.iter().zip(haproxy).map(|(one, other)| one.min(*other));
                ("better of nginx and haproxy", better.collect())
            }
        };
        let ratio = Interval::of_ratio(ours, &theirs)?;
        Some(Goal { rank: self.rank, to: to.into(), ratio, at_most: self.at_most })
    }
}

fn of<'a>(samples: &'a Samples, peer: &str) -> Option<&'a Vec<f64>> {
    samples.iter().find(|(name, _)| *name == peer).map(|(_, figures)| figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_peer_is_chosen_anew_in_each_round() {
        let samples: Samples = vec![
            ("livename", vec![2.0, 4.0]),
            ("nginx", vec![1.0, 8.0]),
            ("haproxy", vec![5.0, 2.0]),
            ("pingora", vec![4.0, 8.0]),
        ];
        let mut report = Report::default();
        let goals = [
            wanted("gate", Yardstick::Peer("pingora"), 1.0),
            wanted("moonshot", Yardstick::Better, 1.0),
            wanted("goal", Yardstick::Peer("envoy"), 1.0),
        ];
        rows(&mut report, "requests", "µs", &goals, &samples);
        let ratios: Vec<_> = report.rows[0].goals.iter().map(|goal| (goal.rank, goal.ratio.median)).collect();
        assert_eq!(ratios, [("gate", 0.5), ("moonshot", 2.0)]);
        assert!(report.rows.len() == 4 && report.rows[1].goals.is_empty());
    }
}
