//! Results of several generators that loaded one gateway at the same time, put together.
//!
//! Counts, histograms and comparisons are added. What gateway and community used is the same for all, and taken once;
//! what the generators used is added, and kept one by one.

use std::fmt::Debug;

use super::results::{Checked, Generator, Memory, PhaseResult, Results, Used};
use super::summary::label;
use super::timeline;
use crate::measure::add_failures;
use crate::plan::Part;

/// Phases of generators that waited for each other are as long, but for this.
const UNEVEN: f64 = 1.0;

/// One generator's results, and the file they are from.
pub struct Piece {
    /// For messages.
    pub file: String,
    pub results: Results,
}

/// What does not belong together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {field}: {why}")]
pub struct Apart {
    /// Which.
    pub file: String,
    /// Of its results.
    pub field: String,
    /// What it is, and what it would have to be.
    pub why: String,
}

/// One test out of several results; its thresholds apply to the whole.
pub fn together(mut pieces: Vec<Piece>) -> Result<Option<Results>, Apart> {
    pieces.sort_by_key(|piece| piece.results.part.number);
    let Some((first, others)) = pieces.split_first() else { return Ok(None) };
    for piece in &pieces {
        piece.is_one_generators()?;
    }
    for piece in others {
        piece.fits(first)?;
    }
    parts(&pieces)?;
    let mut whole = first.results.clone();
    whole.part = Part::WHOLE;
    whole.generators = pieces.iter().map(|piece| piece.results.generator()).collect();
    for piece in others {
        whole.add(&piece.results);
    }
    let runs: Vec<&Results> = pieces.iter().map(|piece| &piece.results).collect();
    whole.clock = None;
    whole.timeline = timeline::together(&runs);
    whole.warnings = warnings(&whole.generators, &runs);
    let early: Vec<_> = whole.generators.iter().zip(&runs).filter_map(early).collect();
    whole.ended_early = (!early.is_empty()).then(|| early.join("; "));
    whole.judge();
    if runs.iter().any(|run| run.converged.is_none()) {
        // Nobody knows of the browsers of that one.
        whole.converged = whole.converged.filter(|converged| !converged);
    }
    Ok(Some(whole))
}

impl Piece {
    fn apart(&self, field: impl Into<String>, why: impl Into<String>) -> Apart {
        Apart { file: self.file.clone(), field: field.into(), why: why.into() }
    }

    fn is_one_generators(&self) -> Result<(), Apart> {
        match self.results.generators.len() {
            0 => Ok(()),
            several => {
                Err(self.apart("generators", format!("these are already results of {several} together")))
            }
        }
    }

    /// Whether it is of the same test as another.
    fn fits(&self, other: &Self) -> Result<(), Apart> {
        let (ours, theirs) = (&self.results, &other.results);
        let same = |field: String, ours: &dyn Debug, theirs: &dyn Debug| {
            let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
            let why = format!("{ours}; in {} it is {theirs}", other.file);
            if ours == theirs { Ok(()) } else { Err(self.apart(field, why)) }
        };
        same("name".into(), &ours.name, &theirs.name)?;
        same("target".into(), &ours.target, &theirs.target)?;
        same("versions.generator".into(), &ours.versions.generator, &theirs.versions.generator)?;
        same("versions.gateway".into(), &ours.versions.gateway, &theirs.versions.gateway)?;
        same("thresholds".into(), &ours.thresholds, &theirs.thresholds)?;
        let stopped = |results: &Results| results.interrupted || results.ended_early.is_some();
        if !stopped(ours) && !stopped(theirs) {
            same("phases".into(), &ours.phases.len(), &theirs.phases.len())?;
        }
        let shared = ours.phases.len().min(theirs.phases.len());
        for (index, (one, two)) in ours.phases.iter().zip(&theirs.phases).enumerate() {
            let field = |name: &str| format!("phases[{index}].{name}");
            same(field("name"), &one.name, &two.name)?;
            same(field("kind"), &one.kind, &two.kind)?;
            same(field("changes_per_second"), &one.changes_per_second, &two.changes_per_second)?;
            let cut_off = index + 1 == shared && (stopped(ours) || stopped(theirs));
            if !cut_off && (one.seconds - two.seconds).abs() > UNEVEN + one.seconds.min(two.seconds) * 0.05 {
                same(field("seconds"), &one.seconds, &two.seconds)?;
            }
        }
        let end = |results: &Results| results.started + results.seconds;
        let shared = end(ours).min(end(theirs)) - ours.started.max(theirs.started);
        if shared < ours.seconds.min(theirs.seconds) / 2.0 {
            let why = format!(
                "{:.0} s since 1970 and for {:.0} s; {} is from {:.0} s and for {:.0} s: they did not run at the same time",
                ours.started, ours.seconds, other.file, theirs.started, theirs.seconds
            );
            return Err(self.apart("started", why));
        }
        Ok(())
    }
}

/// Either all parts of one test, or whole tests with seeds of their own.
fn parts(pieces: &[Piece]) -> Result<(), Apart> {
    let Some(first) = pieces.first() else { return Ok(()) };
    let of = first.results.part.of;
    for (index, piece) in pieces.iter().enumerate() {
        let Results { part, seed, .. } = piece.results;
        if part.of != of {
            let why = format!("{part}; {} is {}", first.file, first.results.part);
            return Err(piece.apart("part", why));
        }
        let before = pieces.iter().take(index);
        if of == 1 {
            if let Some(twin) = before.into_iter().find(|twin| twin.results.seed == seed) {
                let why = format!("{seed}, as in {}: both played the same browsers", twin.file);
                return Err(piece.apart("seed", why));
            }
        } else if seed != first.results.seed {
            let why = format!("{seed}; in {} it is {}", first.file, first.results.seed);
            return Err(piece.apart("seed", why));
        } else if part.number != index + 1 {
            let twin = before.into_iter().find(|twin| twin.results.part == part);
            let why = match twin {
                Some(twin) => format!("{part}, as {}", twin.file),
                None => format!("part {} of {of} is not among the files", index + 1),
            };
            return Err(piece.apart("part", why));
        }
    }
    if of > 1 && pieces.len() != of {
        return Err(first.apart("part", format!("part {} of {of} is not among the files", pieces.len() + 1)));
    }
    Ok(())
}

impl Results {
    fn generator(&self) -> Generator {
        Generator {
            host: self.host.clone(),
            part: self.part,
            seed: self.seed,
            cores: self.cores,
            threads: self.threads,
            started: self.started,
            seconds: self.seconds,
            browsers: self.browsers(),
            delivered: self.counts().delivered,
            failures: self.failures().iter().map(|(_, count)| count).sum(),
            converged: self.converged,
            cpu: self.phases.iter().map(|phase| phase.used.generator).sum(),
            memory: self.timeline.iter().map(|tick| tick.memory[1]).max().unwrap_or(0),
            lag: self.timeline.iter().map(|tick| tick.lag).fold(0.0, f64::max),
            clock: self.clock,
        }
    }

    fn add(&mut self, other: &Self) {
        let end = (self.started + self.seconds).max(other.started + other.seconds);
        self.started = self.started.min(other.started);
        self.seconds = end - self.started;
        self.threads += other.threads;
        self.interrupted |= other.interrupted;
        for (index, phase) in other.phases.iter().enumerate() {
            match self.phases.get_mut(index) {
                Some(own) => own.join(phase),
                None => self.phases.push(phase.clone()),
            }
        }
        self.memory = self.memory.with(other.memory);
    }
}

impl Memory {
    /// That of two generators and the gateway of both.
    fn with(self, other: Self) -> Self {
        let browsers = self.browsers + other.browsers;
        let all = |per: u64, others: u64| per * self.browsers as u64 + others * other.browsers as u64;
        let each = |bytes: u64| bytes / browsers.max(1) as u64;
        // Its whole growth was divided by the browsers of one part.
        let gateway = match (self.gateway, other.gateway) {
            (Some(per), _) => Some(all(per, 0)),
            (None, Some(per)) => Some(all(0, per)),
            (None, None) => None,
        };
        Self { browsers, gateway: gateway.map(each), generator: each(all(self.generator, other.generator)) }
    }
}

impl PhaseResult {
    /// Adds what another generator measured in the same phase.
    fn join(&mut self, other: &Self) {
        // Name by name, so that nothing new is forgotten.
        let Self {
            name: _,
            kind: _,
            seconds,
            browsers,
            changes_per_second: _,
            own,
            updates,
            hellos,
            lists,
            direct,
            counts,
            failures,
            used,
            changes,
            checked,
        } = other;
        self.seconds = self.seconds.max(*seconds);
        self.browsers += browsers;
        self.own.add(own);
        let pairs = [(&mut self.updates, updates), (&mut self.hellos, hellos), (&mut self.lists, lists)];
        for (own, other) in pairs {
            own.iter_mut().zip(other).for_each(|(own, other)| own.merge(other));
        }
        self.direct.merge(direct);
        self.counts.add(counts);
        add_failures(&mut self.failures, failures);
        let Used { gateway, generator, community } = used;
        // Seen from wherever those processes run, and from there alike.
        self.used.gateway = self.used.gateway.max(*gateway);
        self.used.community = self.used.community.max(*community);
        self.used.generator += generator;
        match (&mut self.changes, *changes) {
            (Some(own), Some(other)) => own.add(other),
            (own, other) => *own = own.or(other),
        }
        match (&mut self.checked, checked) {
            (Some(own), Some(Checked { agreement, seconds })) => {
                own.agreement.add(agreement.clone());
                own.seconds = own.seconds.max(*seconds);
            }
            (own, other) => *own = own.take().or_else(|| other.clone()),
        }
    }
}

/// Those of all, and those of one with its name.
fn warnings(generators: &[Generator], runs: &[&Results]) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for (one, run) in generators.iter().zip(runs) {
        for warning in &run.warnings {
            if !runs.iter().all(|run| run.warnings.contains(warning)) {
                warnings.push(format!("generator {}: {warning}", label(one)));
            } else if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
    }
    warnings
}

fn early((one, run): (&Generator, &&Results)) -> Option<String> {
    run.ended_early.as_ref().map(|why| format!("generator {}: {why}", label(one)))
}

#[cfg(test)]
mod tests;
