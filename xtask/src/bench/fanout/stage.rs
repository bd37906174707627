//! What a crowd does in front of one server, and what that server needed for it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::crowd::{Crowd, micros};
use super::dialect::Dialect;
use crate::bench::process::{cpu_seconds, own_memory};
use crate::bench::report::to_float;

/// People whom everybody watches; so many changes make a burst.
const FAMOUS: u32 = 16;
/// People on a list of the realistic pattern.
const LIST: usize = 50;
/// Changes a second in the realistic pattern.
const RATE: f64 = 200.0;
/// Changes that are outstanding when it is saturated.
const WINDOW: usize = 500;

/// Who watches whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// So many browsers, all with the same list.
    Everybody(usize),
    /// So many browsers and people; each browser watches fifty.
    Pattern(usize),
}

impl Stage {
    /// A word for arguments and files.
    pub(super) fn name(self) -> String {
        match self {
            Self::Everybody(browsers) => format!("everybody-{browsers}"),
            Self::Pattern(browsers) => format!("pattern-{browsers}"),
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (kind, browsers) = name.split_once('-')?;
        let browsers = browsers.parse().ok()?;
        match kind {
            "everybody" => Some(Self::Everybody(browsers)),
            "pattern" => Some(Self::Pattern(browsers)),
            _ => None,
        }
    }

    pub(super) fn browsers(self) -> usize {
        match self {
            Self::Everybody(browsers) | Self::Pattern(browsers) => browsers,
        }
    }

    /// People that the simulated community needs.
    pub(super) fn people(self) -> usize {
        match self {
            Self::Everybody(_) => 300,
            Self::Pattern(people) => people,
        }
    }

    fn lists(self) -> Vec<Vec<u32>> {
        match self {
            Self::Everybody(browsers) => vec![(0..FAMOUS).collect(); browsers],
            Self::Pattern(browsers) => {
                let people = u32::try_from(browsers).unwrap_or(u32::MAX);
                let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
                let mut roll = || {
                    dice ^= dice << 13;
                    dice ^= dice >> 7;
                    dice ^= dice << 17;
                    u32::try_from(dice >> 33).unwrap_or_default() % people
                };
                let list = |_| {
                    let mut list = Vec::with_capacity(LIST);
                    while list.len() < LIST {
                        let person = roll();
                        if !list.contains(&person) {
                            list.push(person);
                        }
                    }
                    list
                };
                (0..browsers).map(list).collect()
            }
        }
    }
}

/// Plays the stage before `server` (a process id) and tells its figures.
pub(super) fn play(dialect: Dialect, server: u32, stage: Stage, quick: bool) -> Result<Value, String> {
    let lists = stage.lists();
    let (memory, kernel) = (own_memory(server)?, kernel_memory());
    let crowd = Crowd::open(dialect, &lists)?;
    let mut play = Play { crowd, server, figures: Map::new() };
    let sessions = to_float(lists.len());
    play.note("memory", (own_memory(server)? - memory) / sessions);
    play.note("kernel", (kernel_memory() - kernel) / sessions);
    match stage {
        Stage::Everybody(browsers) => play.everybody(browsers, quick)?,
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
        let rate = (2000.0 / to_float(browsers)).max(0.5);
        let due = vec![browsers as u64; if quick { 3 } else { 6 }];
        self.measured("calm", |play| play.paced(rate, &due))
    }

    fn pattern(&mut self, watchers: &[u64], quick: bool) -> Result<(), String> {
        // Everybody changes at most once in a measurement, so that no change replaces another.
        let seconds = if quick { 3.0 } else { 10.0 };
        let rate = RATE.min(to_float(watchers.len()) / seconds);
        let changes = (rate * seconds) as usize;
        let due: Vec<u64> = watchers.iter().copied().take(changes).collect();
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

    /// Person by person, when due, whatever the server does; times count from then.
    fn paced(&mut self, rate: f64, watchers: &[u64]) -> Result<u64, String> {
        self.crowd.begin();
        let (begun, since) = (Instant::now(), micros());
        for (number, person) in (0_u32..).take(watchers.len()).enumerate() {
            let after = Duration::from_secs_f64((to_float(number) + 1.0) / rate);
            self.crowd.read_until(begun + after)?;
            self.crowd.publish(person, since + u64::try_from(after.as_micros()).unwrap_or_default())?;
        }
        let expected = watchers.iter().sum();
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

/// Memory of the kernel's objects, of all processes: both ends of a connection are in it.
fn kernel_memory() -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("SUnreclaim:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0
}
