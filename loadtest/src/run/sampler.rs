//! A look at everything once a second: what the browsers got, who uses how much of the machine, and how
//! late the generator itself is.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

use super::Moment;
use super::scrape::Scraper;
use crate::clients::Crew;
use crate::estate::Estate;
use crate::measure::{Latency, Process, Usage, add_failures};
use crate::report::{Line, Results, Screen, Tick, View};

const SECOND: Duration = Duration::from_secs(1);
/// About so many live lines in a test.
const LINES: u32 = 40;

pub(super) struct Sampler {
    gateway: Gateway,
    community: Option<Process>,
    began: Instant,
    next: Instant,
    last: (Instant, [Usage; 3]),
    /// Before the first browser.
    idle: [Usage; 3],
    live: Live,
    /// What the live view has gathered.
    updates: Latency,
    failures: BTreeMap<String, u64>,
    /// How long the plan takes.
    duration: Duration,
}

/// How it is known what the gateway uses.
enum Gateway {
    Unknown,
    Here(Process),
    Elsewhere(Scraper),
}

/// Where in its plan a test is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The phase that is on, and how many there are.
    pub(super) phase: (usize, usize),
    /// What the clock of the plan's day shows.
    pub(super) hour: Option<f64>,
    /// Browsers that should be there at its end.
    pub(super) wanted: usize,
}

/// How it is told what goes on.
enum Live {
    Quiet,
    Screen(Box<Screen>),
    /// So many seconds between two lines.
    Lines(u64),
}

impl Sampler {
    pub(super) async fn new(estate: &Estate, live: bool, duration: Duration) -> Self {
        let community = estate.community;
        let gateway = match (estate.gateway, &estate.metrics) {
            (Some(process), _) => Gateway::Here(process),
            (None, Some(metrics)) => Gateway::Elsewhere(Scraper::start(metrics.clone())),
            (None, None) => Gateway::Unknown,
        };
        let idle = usages(gateway.now().await, community);
        let now = Instant::now();
        let live = match live.then(Screen::take).flatten() {
            Some(screen) => Live::Screen(Box::new(screen)),
            None if live => Live::Lines((duration / LINES).as_secs().clamp(1, 60)),
            None => Live::Quiet,
        };
        let (updates, failures) = (Latency::new(), BTreeMap::new());
        let next = now + SECOND;
        Self {
            gateway,
            community,
            began: now,
            next,
            last: (now, idle),
            idle,
            live,
            updates,
            failures,
            duration,
        }
    }

    /// Nothing is measured any more.
    pub(super) fn stopping(&mut self) {
        if !matches!(std::mem::replace(&mut self.live, Live::Quiet), Live::Quiet) {
            say("stopping");
        }
    }

    pub(super) fn next_look(&self) -> Instant {
        self.next
    }

    pub(super) async fn usage(&self) -> Moment {
        let gateway = self.gateway.now().await;
        let [_, generator, community] = usages(gateway, self.community);
        Moment { gateway: gateway.map(|usage| usage.cpu), generator: generator.cpu, community: community.cpu }
    }

    /// Takes the second that has passed, if it has.
    pub(super) fn look(&mut self, place: &Place, crews: &[Crew], results: &mut Results) -> bool {
        let now = Instant::now();
        if now < self.next {
            return false;
        }
        let (Place { hour, wanted, .. }, (phase, phases)) = (*place, place.phase);
        self.next = (self.next + SECOND).max(now);
        let usages = usages(self.gateway.latest(), self.community);
        let (then, before) = std::mem::replace(&mut self.last, (now, usages));
        let passed = now.duration_since(then).as_secs_f64();
        let mut updates = Latency::new();
        let (mut delivered, mut open, mut coming, mut lag) = (0, 0, 0, Duration::ZERO);
        let mut failures = BTreeMap::new();
        for crew in crews {
            let second = crew.recorder().take_second();
            updates.merge(&second.updates);
            delivered += second.delivered;
            for (kind, count) in second.failures {
                *failures.entry(kind.name().to_owned()).or_insert(0) += count;
            }
            open += crew.open();
            coming += crew.coming();
            lag = lag.max(crew.take_lag());
        }
        let mut cpu = [0.0; 3];
        let mut memory = [0; 3];
        for (index, (usage, before)) in usages.iter().zip(&before).enumerate() {
            // What was not known a second ago has not been used since.
            let known = before.memory > 0;
            cpu[index] =
                if known { usage.cpu.saturating_sub(before.cpu).as_secs_f64() / passed } else { 0.0 };
            memory[index] = usage.memory;
        }
        let tick = Tick {
            at: now.duration_since(self.began).as_secs_f64(),
            phase,
            hour,
            wanted,
            open,
            coming,
            delivered: delivered as f64 / passed,
            failures,
            p50: updates.quantile(0.5).map(|time| time.as_secs_f64()),
            p99: updates.quantile(0.99).map(|time| time.as_secs_f64()),
            max: updates.max().map(|time| time.as_secs_f64()),
            cpu,
            memory,
            lag: lag.as_secs_f64(),
        };
        self.updates.merge(&updates);
        add_failures(&mut self.failures, &tick.failures);
        results.timeline.push(tick);
        self.tell(phase, phases, results);
        true
    }

    fn tell(&mut self, phase: usize, phases: usize, results: &Results) {
        let Some(tick) = results.timeline.last() else { return };
        let name = results.phases.get(phase).map_or("", |phase| phase.name.as_str());
        match &mut self.live {
            Live::Quiet => {}
            Live::Screen(screen) => screen.show(&View {
                name: &results.name,
                target: &results.target,
                phase: (phase + 1, phases, name),
                planned: self.duration.as_secs_f64(),
                timeline: &results.timeline,
                updates: &self.updates,
                failures: &self.failures,
            }),
            Live::Lines(every) => {
                if (results.timeline.len() as u64 - 1).is_multiple_of(*every) {
                    say(&Line((name, tick)).to_string());
                }
            }
        }
    }

    /// Memory per browser, where there are most of them.
    pub(super) fn note_memory(&self, results: &mut Results, open: usize) {
        if open == 0 || open < results.memory.browsers {
            return;
        }
        let per = |now: Usage, before: Usage| now.memory.saturating_sub(before.memory) / open as u64;
        let [gateway, generator, _] = usages(self.gateway.latest(), self.community);
        results.memory.browsers = open;
        // Without a look before the first browser it is not known how much there was.
        results.memory.gateway = (self.idle[0].memory > 0).then(|| per(gateway, self.idle[0]));
        results.memory.generator = per(generator, self.idle[1]);
    }

    /// What makes doubtful what is said of the gateway.
    pub(super) fn doubt(&self) -> Option<String> {
        match &self.gateway {
            Gateway::Elsewhere(scraper) => scraper.doubt(),
            Gateway::Unknown | Gateway::Here(_) => None,
        }
    }

    pub(super) fn finish(&self, results: &mut Results) {
        results.seconds = self.began.elapsed().as_secs_f64();
    }
}

/// A line on stderr, whoever reads it.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Gateway {
    async fn now(&self) -> Option<Usage> {
        match self {
            Self::Elsewhere(scraper) => scraper.now().await,
            Self::Unknown | Self::Here(_) => self.latest(),
        }
    }

    fn latest(&self) -> Option<Usage> {
        match self {
            Self::Unknown => None,
            Self::Here(process) => process.usage(),
            Self::Elsewhere(scraper) => scraper.latest(),
        }
    }
}

/// Of gateway, generator and community; nothing for those that are not known.
fn usages(gateway: Option<Usage>, community: Option<Process>) -> [Usage; 3] {
    let usage = |process: Option<Process>| process.and_then(Process::usage).unwrap_or_default();
    [gateway.unwrap_or_default(), usage(Some(Process::own())), usage(community)]
}
