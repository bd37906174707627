//! Results of a test, as they are kept: histograms are raw, so that everything can be computed again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::{
    Agreement, ByTransport, Counts, FailureKind, Latency, PhaseRecord, Punctuality, Transport, together,
};
use crate::plan::{Phase, Plan};

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
    pub versions: Versions,
    /// What was tested.
    pub target: String,
    /// Seconds since 1970.
    pub started: u64,
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
    pub timeline: Vec<Tick>,
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
    pub(crate) fn new(plan: &Plan, target: &str, gateway: &str, started: u64) -> Self {
        Self {
            format: FORMAT,
            name: plan.name.clone(),
            plan: plan.text.clone(),
            seed: plan.seed,
            versions: Versions {
                generator: format!("livename-load {}", env!("CARGO_PKG_VERSION")),
                gateway: gateway.to_owned(),
            },
            target: target.to_owned(),
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
        for (name, count) in self.phases.iter().flat_map(|phase| &phase.failures) {
            *failures.entry(name.clone()).or_insert(0) += count;
        }
        let mut failures: Vec<_> = failures.into_iter().collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        failures
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

    /// Gateway CPU per delivered change, in microseconds; `None` where it is not known or means nothing:
    /// where pages come and go, most of it is theirs.
    pub fn cost(&self) -> Option<f64> {
        let enough = self.kind == "hold" && self.counts.delivered >= 1000 && self.used.gateway > 0.0;
        enough.then(|| self.used.gateway * 1e6 / self.counts.delivered as f64)
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
