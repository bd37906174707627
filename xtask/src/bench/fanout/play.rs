//! What a crowd does in front of one server, and what that server needed for it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::callgrind;
use super::crowd::{Crowd, micros};
use super::dialect::Dialect;
use super::peers;
use super::stage::{FAMOUS, FIRST, Stage};
use crate::bench::process::{cpu_seconds, kernel_memory, own_memory, system_calls};
use crate::bench::report::to_float;
use crate::step::Outcome;

/// Changes a second in the realistic pattern.
const RATE: f64 = 200.0;
/// Changes that are outstanding when it is saturated.
const WINDOW: usize = 500;
/// Deliveries a second in calm times, where that is not too few changes a second.
const CALM: f64 = 20_000.0;
/// So many of them, where that is not too few changes for a percentile.
const ENOUGH: usize = 100_000;

/// Plays the stage before `server` (a process id) and tells its figures.
pub(super) fn play(dialect: Dialect, server: u32, stage: Stage, quick: bool) -> Result<Value, String> {
    let lists = stage.lists();
    let mut play = Play { crowd: Crowd::new(dialect)?, server, figures: Map::new() };
    match stage {
        Stage::Calls(_) | Stage::Instructions(_) => play.crowd.join(&lists)?,
        Stage::Idle(_) => {
            let (first, others) = lists.split_at(FIRST);
            play.crowd.join(first)?;
            play.join(others)?;
        }
        _ => play.join(&lists)?,
    }
    match stage {
        Stage::Everybody(browsers) => play.everybody(browsers, quick)?,
        Stage::Calls(browsers) => play.counted("calls", browsers, |process, work| {
            system_calls(process, &peers::work().join("calls"), work).map(to_float)
        })?,
        Stage::Instructions(browsers) => play.counted("instructions", browsers, callgrind::instructions)?,
        Stage::Idle(_) => {}
        Stage::Pattern(people) => {
            let mut watchers = vec![0; people];
            for person in lists.iter().flatten() {
                if let Some(count) = watchers.get_mut(*person as usize) {
                    *count += 1;
                }
            }
            play.pattern(&watchers, quick)?;
        }
    }
    Ok(Value::Object(play.figures))
}

struct Play {
    crowd: Crowd,
    server: u32,
    figures: Map<String, Value>,
}

impl Play {
    fn note(&mut self, name: &str, figure: f64) {
        self.figures.insert(name.to_owned(), json!(figure));
    }

    /// Lets browsers come, and notes what each costs.
    fn join(&mut self, lists: &[Vec<u32>]) -> Outcome {
        let (memory, kernel) = (own_memory(self.server)?, kernel_memory());
        self.crowd.join(lists)?;
        let sessions = to_float(lists.len());
        self.note("memory", (own_memory(self.server)? - memory) / sessions);
        self.note("kernel", (kernel_memory() - kernel) / sessions);
        Ok(())
    }

    fn everybody(&mut self, browsers: usize, quick: bool) -> Result<(), String> {
        let most = if quick { 20_000 } else { 80_000 };
        // The first changes fill caches.
        self.lockstep(browsers, 2)?;
        let changes = (most / browsers).clamp(3, 100);
        self.measured("lockstep", |play| play.lockstep(browsers, changes))?;
        self.figures.remove("lockstep p50");
        self.figures.remove("lockstep p99");
        if browsers <= 5000 {
            let bursts = (most / browsers / FAMOUS as usize).max(2);
            self.measured("burst", |play| play.bursts(browsers, bursts))?;
        }
        let rate = (CALM / to_float(browsers)).clamp(1.0, 20.0);
        let changes = (if quick { most } else { ENOUGH } / browsers).clamp(8, 100);
        let famous = (0..FAMOUS).cycle().map(|person| (person, browsers as u64));
        let due: Vec<(u32, u64)> = famous.take(changes).collect();
        self.note("calm changes", to_float(due.len()));
        self.measured("calm", |play| play.paced(rate, &due))
    }

    /// Notes what is counted per delivery.
    fn counted(
        &mut self,
        unit: &str,
        browsers: usize,
        count: impl Fn(u32, &mut dyn FnMut() -> Outcome) -> Result<f64, String>,
    ) -> Outcome {
        const CHANGES: usize = 32;
        let bursts = CHANGES / FAMOUS as usize;
        // The first changes fill caches.
        self.lockstep(browsers, 2)?;
        self.bursts(browsers, 1)?;
        let deliveries = to_float(CHANGES * browsers);
        let server = self.server;
        let lockstep = count(server, &mut || self.lockstep(browsers, CHANGES).map(drop))?;
        let burst = count(server, &mut || self.bursts(browsers, bursts).map(drop))?;
        self.note(&format!("lockstep {unit}"), lockstep / deliveries);
        self.note(&format!("burst {unit}"), burst / deliveries);
        Ok(())
    }

    fn pattern(&mut self, watchers: &[u64], quick: bool) -> Result<(), String> {
        // Everybody changes at most once in a measurement, so that no change replaces another.
        let seconds = if quick { 3.0 } else { 10.0 };
        let rate = RATE.min(to_float(watchers.len()) / seconds);
        let changes = (rate * seconds) as usize;
        let due: Vec<(u32, u64)> = (0..).zip(watchers.iter().copied()).take(changes).collect();
        self.measured("realistic", |play| play.paced(rate, &due))?;
        let windows = if quick { 2 } else { 8 };
        self.measured("saturated", |play| play.windows(watchers, windows))
    }

    /// One change at a time: the next when all have it.
    fn lockstep(&mut self, browsers: usize, changes: usize) -> Result<u64, String> {
        self.crowd.begin();
        for change in 1..=changes {
            self.crowd.publish(0, micros())?;
            self.crowd.wait_for((change * browsers) as u64)?;
        }
        Ok((changes * browsers) as u64)
    }

    fn bursts(&mut self, browsers: usize, bursts: usize) -> Result<u64, String> {
        self.crowd.begin();
        for burst in 1..=bursts {
            for person in 0..FAMOUS {
                self.crowd.publish(person, micros())?;
            }
            self.crowd.wait_for((burst * browsers) as u64 * u64::from(FAMOUS))?;
        }
        Ok((bursts * browsers) as u64 * u64::from(FAMOUS))
    }

    /// These people, with so many watchers each, when due, whatever the server does; times count from then.
    fn paced(&mut self, rate: f64, people: &[(u32, u64)]) -> Result<u64, String> {
        self.crowd.begin();
        let (begun, since) = (Instant::now(), micros());
        for (number, (person, _)) in people.iter().enumerate() {
            let after = Duration::from_secs_f64((to_float(number) + 1.0) / rate);
            self.crowd.read_until(begun + after)?;
            self.crowd.publish(*person, since + u64::try_from(after.as_micros()).unwrap_or_default())?;
        }
        let expected = people.iter().map(|(_, watchers)| watchers).sum();
        self.crowd.wait_for(expected)?;
        Ok(expected)
    }

    fn windows(&mut self, watchers: &[u64], windows: usize) -> Result<u64, String> {
        self.crowd.begin();
        let mut expected = 0;
        let mut people = (0_u32..).zip(watchers).cycle();
        for _ in 0..windows {
            for (person, watchers) in people.by_ref().take(WINDOW) {
                expected += watchers;
                self.crowd.publish(person, micros())?;
            }
            self.crowd.wait_for(expected)?;
        }
        Ok(expected)
    }

    /// Notes CPU time a delivery, deliveries a second and latencies of what `act` does.
    fn measured(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut Self) -> Result<u64, String>,
    ) -> Result<(), String> {
        let (cpu, begun) = (cpu_seconds(self.server)?, Instant::now());
        let expected = act(self)?;
        let took = begun.elapsed().as_secs_f64();
        let used = cpu_seconds(self.server)? - cpu;
        let deliveries = u32::try_from(expected).map_or(f64::MAX, f64::from);
        self.note(&format!("{name} cpu"), used * 1e6 / deliveries);
        self.note(&format!("{name} rate"), deliveries / took);
        let seen = std::mem::take(&mut self.crowd.seen);
        let bytes = u32::try_from(seen.bytes).map_or(f64::MAX, f64::from);
        self.note(&format!("{name} bytes"), bytes / deliveries);
        let mut latencies = seen.latencies;
        latencies.sort_unstable();
        for (percent, word) in [(50, "p50"), (99, "p99")] {
            let at = latencies.len() * percent / 100;
            if let Some(latency) = latencies.get(at) {
                self.note(&format!("{name} {word}"), f64::from(*latency) / 1000.0);
            }
        }
        Ok(())
    }
}
