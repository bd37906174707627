//! Results of a test, as they are kept: histograms are raw, so that everything can be computed again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::{
    Agreement, ByTransport, Clocks, Counts, FailureKind, Latency, OwnChanges, PhaseRecord, Punctuality,
    Transport, add_failures, together,
};
use crate::plan::{Part, Phase, Plan, Thresholds};

/// Of this file format.
pub const FORMAT: u32 = 3;

/// A whole test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    pub format: u32,
    /// The plan's name, its text, and the seed.
    pub name: String,
    pub plan: String,
    pub seed: u64,
    /// Which of the plan's browsers were played.
    pub part: Part,
    /// What was to be kept.
    pub thresholds: Thresholds,
    pub versions: Versions,
    /// What was tested.
    pub target: String,
    /// The generator's machine.
    pub host: String,
    /// Seconds since 1970, by the clock that stamps the changes.
    pub started: f64,
    /// How long it took.
    pub seconds: f64,
    /// Cores of the generator's machine, and threads of the generator.
    pub cores: usize,
    pub threads: usize,
    /// Whether all browsers agreed with the community in the end; `None`: it was not compared.
    pub converged: Option<bool>,
    /// Ctrl-C.
    pub interrupted: bool,
    /// Why it ended before its time.
    pub ended_early: Option<String>,
    /// Thresholds that were missed, in words.
    pub missed: Vec<String>,
    /// What makes the numbers doubtful, in words.
    pub warnings: Vec<String>,
    pub phases: Vec<PhaseResult>,
    pub memory: Memory,
    /// The community's clock, where it was asked.
    pub clock: Option<Clocks>,
    /// Where several generators played this test together: what each of them did.
    pub generators: Vec<Generator>,
    pub timeline: Vec<Tick>,
}

/// One of several generators.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Generator {
    pub host: String,
    pub part: Part,
    pub seed: u64,
    pub cores: usize,
    pub threads: usize,
    pub started: f64,
    pub seconds: f64,
    /// The most at a time.
    pub browsers: usize,
    pub delivered: u64,
    pub failures: u64,
    pub converged: Option<bool>,
    /// CPU seconds in phases, most memory in bytes, the longest own delay in seconds.
    pub cpu: f64,
    pub memory: u64,
    pub lag: f64,
    pub clock: Option<Clocks>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Versions {
    pub generator: String,
    pub gateway: String,
}

/// One phase; see [`PhaseRecord`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PhaseResult {
    pub name: String,
    pub kind: String,
    pub seconds: f64,
    /// Open at its end.
    pub browsers: usize,
    pub changes_per_second: f64,
    /// Changes that users made on their pages.
    #[serde(default)]
    pub own: OwnChanges,
    /// Microseconds and how many there were of each, in the order of [`Transport::ALL`].
    pub updates: ByTransport<Latency>,
    pub hellos: ByTransport<Latency>,
    pub lists: ByTransport<Latency>,
    /// The same changes, seen by test users that watch without Livename.
    #[serde(default)]
    pub direct: Latency,
    pub counts: Counts,
    /// By the names of [`FailureKind`].
    pub failures: BTreeMap<String, u64>,
    pub used: Used,
    /// How punctual those were who make the changes, where they say so.
    pub changes: Option<Punctuality>,
    pub checked: Option<Checked>,
}

/// CPU seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Used {
    pub gateway: f64,
    pub generator: f64,
    pub community: f64,
}

/// The comparison at the end of a phase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checked {
    pub agreement: Agreement,
    /// How long it took until they agreed, or how long was waited.
    pub seconds: f64,
}

/// Growth of memory per browser since before the first, in bytes, where there were most browsers.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    pub browsers: usize,
    pub gateway: Option<u64>,
    pub generator: u64,
}

/// One second. Times in seconds; CPU in cores, memory in bytes, of gateway, generator and community.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tick {
    pub at: f64,
    pub phase: usize,
    /// What the clock of the plan's day shows, in hours since midnight.
    #[serde(default)]
    pub hour: Option<f64>,
    pub wanted: usize,
    /// Browsers whose page is ready, and those whose page is on its way.
    pub open: usize,
    pub coming: usize,
    /// Changes delivered, a second.
    pub delivered: f64,
    /// By the names of [`FailureKind`].
    pub failures: BTreeMap<String, u64>,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
    pub cpu: [f64; 3],
    pub memory: [u64; 3],
    /// The generator's own delay.
    pub lag: f64,
}

impl Results {
    /// Nothing measured yet.
    pub(crate) fn new(plan: &Plan, target: &str, gateway: &str, started: f64) -> Self {
        Self {
            format: FORMAT,
            name: plan.name.clone(),
            plan: plan.text.clone(),
            seed: plan.seed,
            part: plan.part,
            thresholds: Thresholds::default(),
            versions: Versions {
                generator: format!("livename-load {}", env!("CARGO_PKG_VERSION")),
                gateway: gateway.to_owned(),
            },
            target: target.to_owned(),
            host: host(),
            started,
            seconds: 0.0,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: plan.threads,
            converged: None,
            interrupted: false,
            ended_early: None,
            missed: Vec::new(),
            warnings: Vec::new(),
            phases: Vec::new(),
            memory: Memory::default(),
            clock: None,
            generators: Vec::new(),
            timeline: Vec::new(),
        }
    }

    /// Times of all phases and transports together.
    pub fn updates(&self) -> Latency {
        self.together(|phase| &phase.updates)
    }

    /// Lists of all phases and transports together.
    pub fn lists(&self) -> Latency {
        self.together(|phase| &phase.lists)
    }

    /// Times of all phases over one transport.
    pub fn updates_over(&self, transport: Transport) -> Latency {
        self.over(transport, |phase| &phase.updates)
    }

    /// Lists of all phases over one transport.
    pub fn lists_over(&self, transport: Transport) -> Latency {
        self.over(transport, |phase| &phase.lists)
    }

    fn over(&self, transport: Transport, part: impl Fn(&PhaseResult) -> &ByTransport<Latency>) -> Latency {
        let mut all = Latency::new();
        self.phases
            .iter()
            .filter_map(|phase| part(phase).get(transport.index()))
            .for_each(|one| all.merge(one));
        all
    }

    /// Numbers of all phases together.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for phase in &self.phases {
            counts.add(&phase.counts);
        }
        counts
    }

    /// Failures of all phases, most frequent first.
    pub fn failures(&self) -> Vec<(String, u64)> {
        let mut failures = BTreeMap::new();
        self.phases.iter().for_each(|phase| add_failures(&mut failures, &phase.failures));
        let mut failures: Vec<_> = failures.into_iter().collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        failures
    }

    /// Changes that users made on their pages, of all phases.
    pub fn own(&self) -> OwnChanges {
        let mut own = OwnChanges::default();
        self.phases.iter().for_each(|phase| own.add(&phase.own));
        own
    }

    /// States that were wrong in comparisons, or not there, and all that were compared.
    pub fn wrong_states(&self) -> (u64, u64) {
        let checked = self.phases.iter().filter_map(|phase| phase.checked.as_ref());
        checked.fold((0, 0), |(wrong, all), Checked { agreement, .. }| {
            (wrong + agreement.missing + agreement.stale, all + agreement.states)
        })
    }

    /// Gateway CPU per delivered change of a phase, in microseconds; `None` where it is not known or means nothing:
    /// where pages come and go, most of it is theirs, and where others play too, it is for them as well.
    pub fn cost(&self, phase: &PhaseResult) -> Option<f64> {
        let enough = phase.kind == "hold" && phase.counts.delivered >= 1000 && phase.used.gateway > 0.0;
        (enough && self.part.is_whole()).then(|| phase.used.gateway * 1e6 / phase.counts.delivered as f64)
    }

    /// Memory of the gateway per browser, in bytes, with the same reserve.
    pub fn memory_of_gateway(&self) -> Option<u64> {
        self.memory.gateway.filter(|_| self.part.is_whole())
    }

    /// The most browsers at a time.
    pub fn browsers(&self) -> usize {
        let ends = self.phases.iter().map(|phase| phase.browsers);
        ends.chain(self.timeline.iter().map(|tick| tick.open)).max().unwrap_or(0)
    }

    fn together(&self, part: impl Fn(&PhaseResult) -> &ByTransport<Latency>) -> Latency {
        let mut all = Latency::new();
        for latency in self.phases.iter().flat_map(part) {
            all.merge(latency);
        }
        all
    }
}

impl PhaseResult {
    pub(crate) fn begin(phase: &Phase) -> Self {
        Self {
            name: phase.name.clone(),
            kind: phase.kind.name().to_owned(),
            seconds: 0.0,
            browsers: 0,
            changes_per_second: phase.changes_per_second,
            own: OwnChanges::default(),
            updates: Default::default(),
            hellos: Default::default(),
            lists: Default::default(),
            direct: Latency::new(),
            counts: Counts::default(),
            failures: BTreeMap::new(),
            used: Used::default(),
            changes: None,
            checked: None,
        }
    }

    pub(crate) fn end(&mut self, lasted: Duration, browsers: usize, used: Used, checked: Option<Checked>) {
        self.seconds = lasted.as_secs_f64();
        (self.browsers, self.used, self.checked) = (browsers, used, checked);
    }

    /// Adds what one thread has recorded.
    pub(crate) fn add(&mut self, record: &PhaseRecord) {
        for transport in Transport::ALL.map(Transport::index) {
            self.updates[transport].merge(&record.updates[transport]);
            self.hellos[transport].merge(&record.hellos[transport]);
            self.lists[transport].merge(&record.lists[transport]);
        }
        self.counts.add(&record.counts);
        self.own.add(&record.own);
        for (kind, count) in &record.failures {
            *self.failures.entry(kind.name().to_owned()).or_default() += count;
        }
    }

    /// Updates of all transports.
    pub fn all_updates(&self) -> Latency {
        together(&self.updates)
    }

    /// Lists of all transports.
    pub fn all_lists(&self) -> Latency {
        together(&self.lists)
    }
}

impl Checked {
    pub(crate) fn new(agreement: Agreement, took: Duration) -> Self {
        Self { agreement, seconds: took.as_secs_f64() }
    }
}

/// What a failure of this name means.
pub(super) fn explanation(name: &str) -> &'static str {
    FailureKind::ALL.iter().find(|kind| kind.name() == name).map_or("", |kind| kind.explanation())
}

/// As the machine calls itself.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
