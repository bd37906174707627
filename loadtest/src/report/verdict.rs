//! What the numbers mean: converged, thresholds, and whether the numbers can be believed.

use std::time::Duration;

use super::results::{PhaseResult, Results};
use super::style;
use crate::measure::Latency;
use crate::plan::Thresholds;

/// Failures of a hundred pages that are too many where the plan says nothing.
const FAILED_PERCENT: f64 = 1.0;
/// The generator's own delay from which its times are doubtful.
const LAG: f64 = 0.05;
/// Of its threads' time.
const BUSY: f64 = 0.9;

/// An error of the clocks over this part of what is measured is told.
const BLURRED: f64 = 0.2;

/// Missed thresholds, not converged, or failures.
pub(super) const FAILED: u8 = 1;
/// Ctrl-C, as shells count it.
pub const INTERRUPTED: u8 = 130;

/// One thing that a plan asks for.
pub(super) struct Requirement {
    /// What it is, for people who have not written the plan.
    pub(super) words: String,
    pub(super) limit: String,
    pub(super) found: String,
    /// What is wrong, in words; nothing if it was kept.
    pub(super) missed: Option<String>,
}

impl Results {
    /// Judges what was measured, and whether it can be believed.
    pub(crate) fn conclude(&mut self, thresholds: &Thresholds) {
        self.thresholds = thresholds.clone();
        self.judge();
        self.warnings = self.doubts();
    }

    /// Judges what was measured.
    pub(super) fn judge(&mut self) {
        let checked = || self.phases.iter().filter_map(|phase| phase.checked.as_ref());
        let converged = checked().all(|checked| checked.agreement.converged());
        let compared = checked().any(|checked| checked.agreement.browsers > 0);
        self.converged = compared.then_some(converged);
        self.missed = self.requirements().into_iter().filter_map(|one| one.missed).collect();
    }

    /// 0: everything is as it should be.
    pub fn exit_code(&self) -> u8 {
        if self.interrupted {
            return INTERRUPTED;
        }
        let failed = self.ended_early.is_some() || self.converged == Some(false) || !self.missed.is_empty();
        if failed || self.counts().opened == 0 { FAILED } else { 0 }
    }

    /// What the plan asks for, beside browsers that know the truth.
    pub(super) fn requirements(&self) -> Vec<Requirement> {
        let (updates, lists, limits) = (self.updates(), self.lists(), &self.thresholds);
        let mut all = Vec::new();
        let mut time = |name: &str, words: &str, limit: Option<Duration>, latency: &Latency, part: f64| {
            let Some(most) = limit else { return };
            let (found, limit) = (latency.quantile(part), style::time(most));
            let missed = match found {
                Some(found) if found <= most => None,
                Some(found) => Some(format!("{name} is {}, over {limit}", style::time(found))),
                None => Some(format!("{name} was never measured")),
            };
            all.push(Requirement { words: words.to_owned(), limit, found: style::maybe(found), missed });
        };
        time("p50", "half of all changes are in the browser within (p50)", limits.p50, &updates, 0.5);
        time("p99", "99 of 100 changes are in the browser within (p99)", limits.p99, &updates, 0.99);
        let words = "99 of 100 pages have their complete list within (list_p99)";
        time("list_p99", words, limits.list_p99, &lists, 0.99);
        let limit = limits.failed_percent.unwrap_or(FAILED_PERCENT);
        let failures: u64 = self.failures().iter().map(|(_, count)| count).sum();
        let counts = self.counts();
        let percent = failures as f64 * 100.0 / counts.visits.max(1) as f64;
        let missed = (percent > limit)
            .then(|| format!("{failures} failures are {percent:.2} % of all pages, over {limit} %"));
        let (words, found) = ("failures, of all pages".to_owned(), format!("{percent:.2} %"));
        all.push(Requirement { words, limit: format!("{limit} %"), found, missed });
        let own = self.own();
        if own.due > 0 {
            let percent = own.failures() as f64 * 100.0 / own.due as f64;
            let missed = (percent > limit)
                .then(|| format!("{percent:.2} % of all changes on pages failed, over {limit} %"));
            let (words, found) = ("failures, of all changes on pages".to_owned(), format!("{percent:.2} %"));
            all.push(Requirement { words, limit: format!("{limit} %"), found, missed });
        }
        let late = counts.out_of_order;
        let missed = (late > 0).then(|| format!("{late} states came after newer ones"));
        let words = "states that came after newer ones".to_owned();
        all.push(Requirement { words, limit: "0".to_owned(), found: style::count(late), missed });
        all
    }

    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let slow = self.timeline.iter().filter(|tick| tick.lag > LAG).count();
        let lag = self.timeline.iter().map(|tick| tick.lag).fold(0.0, f64::max);
        if slow > 0 {
            doubts.push(format!(
                "the generator was late itself, up to {}, in {slow} of {} seconds: times include its own delay",
                style::seconds(lag),
                self.timeline.len()
            ));
        }
        let late = self.counts().late_starts;
        if late > 0 {
            doubts.push(format!("{late} pages started more than 100 ms late: the generator did not keep up"));
        }
        let unstarted = self.counts().not_started;
        if unstarted > 0 {
            let pages = style::several(unstarted as usize, "page");
            doubts.push(format!("{pages} of the plan never started: there was less load than planned"));
        }
        for phase in &self.phases {
            let Some(changes) = phase.changes else { continue };
            let (name, late) = (&phase.name, changes.latest > LAG);
            if late {
                doubts.push(format!(
                    "in phase \"{name}\" changes were made up to {} after their time: the community was late, and \
                     times include it",
                    style::seconds(changes.latest)
                ));
            }
            if changes.missed > 0 {
                let (missed, due) = (style::count(changes.missed), style::count(changes.due));
                doubts.push(format!("in phase \"{name}\" {missed} of {due} changes were not made"));
            }
        }
        let own = self.own();
        if own.missed > 0 {
            let (missed, due) = (style::count(own.missed), style::count(own.due));
            doubts.push(format!(
                "{missed} of {due} changes on pages were not made: no page of the user was ready"
            ));
        }
        let busy = |phase: &&PhaseResult| {
            phase.used.generator > BUSY * self.threads as f64 * phase.seconds && phase.seconds >= 1.0
        };
        for phase in self.phases.iter().filter(busy) {
            doubts.push(format!(
                "the generator used all of its {} in phase \"{}\": give it more, or another machine",
                style::several(self.threads, "thread"),
                phase.name
            ));
        }
        let full = |tick: &&super::Tick| tick.cpu.iter().sum::<f64>() > 0.95 * self.cores as f64;
        let full = self.timeline.iter().filter(full).count();
        if full > 0 {
            doubts.push(format!(
                "gateway, generator and community together filled all {} cores of this machine in {full} of {} \
                 seconds: apart from each other they would be faster",
                self.cores,
                self.timeline.len()
            ));
        }
        doubts.extend(self.doubts_of_clocks());
        if self.updates().count() + own.updates.count() == 0 && self.counts().opened > 0 {
            doubts.push("no change was measured: nobody stamps changes, or nobody changed".to_owned());
        }
        doubts
    }

    /// Both ends of a time are to be read from one clock.
    fn doubts_of_clocks(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let early = self.counts().early;
        if early > 0 {
            doubts.push(format!(
                "{} came before they were made, by the clocks, and count as if they had taken no time: the clock of \
                 a machine was set, or the clocks are not known well enough",
                style::several(early as usize, "change")
            ));
        }
        let Some(clock) = self.clock.filter(|clock| !clock.same) else { return doubts };
        let half = self.updates().quantile(0.5).map_or(f64::INFINITY, |time| time.as_secs_f64());
        if clock.error > BLURRED * half {
            doubts.push(format!(
                "the community's clock is known to ± {} only, and half of all changes arrive within {}",
                style::clock(clock.error),
                style::seconds(half)
            ));
        }
        if let Some(drift) = clock.drift() {
            doubts.push(format!(
                "the clocks of community and generator have drifted apart by {} during the test; times follow in \
                 steps",
                style::clock(drift.abs())
            ));
        }
        doubts
    }
}

#[cfg(test)]
mod tests;
