//! A test from its plan to its results: phase after phase, with a look at everything once a second.

mod sampler;
mod schedule;
mod scrape;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::clients::{Action, Crew, Setup};
use crate::estate::{Estate, EstateError, Rate};
use crate::interrupt::Interrupt;
use crate::measure::{Agreement, FailureKind, PhaseRecord, micros};
use crate::plan::{Dice, Phase, Plan};
use crate::report::{Checked, PhaseResult, Results, Used};

use sampler::{Place, Sampler};
use schedule::Crowd;

/// So many failures happen anywhere.
const FEW_FAILURES: f64 = 10.0;
/// How often browsers are compared until they agree.
const COMPARE: Duration = Duration::from_millis(250);
/// Updates may still be on their way when changes have stopped.
const LET_GO: Duration = Duration::from_millis(200);

/// Until all generators of a test have been started.
const COMING: Duration = Duration::from_secs(600);
/// Until all have come to the next phase, beyond the time they may have to agree.
const NEXT: Duration = Duration::from_secs(60);

/// Why there are no results.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing to test.
    #[error(transparent)]
    Estate(EstateError),
    /// Before there was anything to measure.
    #[error("interrupted before the test began")]
    Interrupted,
    /// Threads or signals.
    #[error("the load test cannot start: {0}")]
    System(#[from] std::io::Error),
}

impl From<EstateError> for RunError {
    fn from(error: EstateError) -> Self {
        if error.is_interrupt() { Self::Interrupted } else { Self::Estate(error) }
    }
}

/// What is not in the plan.
#[derive(Debug, Default)]
pub struct Options {
    /// The gateway's program, if it is not beside this one.
    pub gateway: Option<PathBuf>,
    /// Tell what goes on, a line at a time, on stderr.
    pub live: bool,
}

/// A test that is on.
struct Test<'a> {
    plan: &'a Plan,
    estate: Estate,
    crews: Vec<Crew>,
    sampler: Sampler,
    interrupt: Interrupt,
    dice: Dice,
    crowd: Crowd,
    /// The plan's time that is over: comparisons between phases are not in it.
    since: Duration,
    /// Browsers that should be there.
    open: usize,
    results: Results,
}

/// Why a phase did not go to its end.
enum Stop {
    Interrupted,
    Early(String),
}

/// Runs the plan. Whatever happens after the start, what was measured is in the results.
pub async fn run(plan: &Plan, options: Options) -> Result<Results, RunError> {
    let mut interrupt = Interrupt::listen()?;
    allow_many_files();
    if options.live {
        // It may take a while: test users log in one after the other.
        sampler::say(if plan.target.is_some() { "looking at the target" } else { "starting the estate" });
    }
    let estate = Estate::prepare(plan, options.gateway, interrupt.clone()).await?;
    if options.live && !plan.part.is_whole() {
        sampler::say(&format!("waiting for the other generators; this is {}", plan.part));
    }
    tokio::select! {
        met = estate.meet(meeting(plan, "start"), COMING) => met?,
        () = interrupt.asked() => return Err(RunError::Interrupted),
    }
    let mut crews = Vec::new();
    for number in 0..plan.threads {
        let seed = plan.seed.wrapping_add(number as u64);
        crews.push(Crew::start(Setup { cast: estate.cast.clone(), dialer: estate.dialer.clone(), seed })?);
    }
    let started = micros() as f64 / 1e6;
    let results = Results::new(plan, &estate.url, &estate.version, started);
    let sampler = Sampler::new(&estate, options.live, plan.duration()).await;
    let dice = Dice::new(plan.seed, u64::MAX / 3);
    let crowd = Crowd::new(plan, estate.cast.changers());
    let (since, open) = (Duration::ZERO, 0);
    let mut test = Test { plan, estate, crews, sampler, interrupt, dice, crowd, since, open, results };
    match test.estate.dialer.nowhere().map(str::to_owned) {
        Some(why) => test.nowhere(why),
        None => test.all_phases().await,
    }
    Ok(test.end().await)
}

/// Where generators of one test meet. A later phase is another meeting.
fn meeting(plan: &Plan, what: &str) -> String {
    format!("{}, seed {}: {what}", plan.name, plan.seed)
}

/// As many files as the system allows.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Not being allowed to raise it is no error: refused connections are counted by kind.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

impl Test<'_> {
    /// The target's name has no address: one page would show it, and all others the same.
    fn nowhere(&mut self, why: String) {
        if let Some(phase) = self.plan.phases.first() {
            let mut result = PhaseResult::begin(phase);
            result.counts.visits = 1;
            result.failures.insert(FailureKind::UnknownHost.name().to_owned(), 1);
            self.results.phases.push(result);
        }
        self.results.ended_early = Some(why);
    }

    async fn all_phases(&mut self) {
        for index in 0..self.plan.phases.len() {
            let Some(phase) = self.plan.phases.get(index).cloned() else { return };
            match self.phase(index, &phase).await {
                Ok(()) => {}
                Err(Stop::Interrupted) => {
                    self.results.interrupted = true;
                    return;
                }
                Err(Stop::Early(why)) => {
                    self.results.ended_early = Some(why);
                    return;
                }
            }
        }
    }

    async fn phase(&mut self, index: usize, phase: &Phase) -> Result<(), Stop> {
        // Others may still be comparing: nothing is to change until all have done.
        self.meet(&format!("phase {}", index + 1)).await?;
        let before = self.sampler.usage().await;
        let begun = Instant::now();
        for crew in &self.crews {
            crew.recorder().begin_phase(micros());
        }
        self.results.phases.push(PhaseResult::begin(phase));
        self.set_rate(phase, self.since, false).await?;
        let when = (begun, self.since);
        let actions = schedule::actions(phase, when, &mut self.open, &self.crowd, &mut self.dice);
        self.hand_out(actions).await;
        let mut outcome = self.wait_until(index, phase, begun).await;
        self.since += phase.duration;
        let used = before.until(&self.sampler.usage().await);
        let lasted = begun.elapsed();
        let changes = self.estate.punctuality().await;
        let mut checked = None;
        if outcome.is_ok() && phase.check {
            match self.check().await {
                Ok(found) => checked = found,
                Err(stop) => outcome = Err(stop),
            }
        }
        let open = self.crews.iter().map(Crew::open).sum();
        let direct = self.estate.take_direct();
        if let Some(result) = self.results.phases.get_mut(index) {
            result.direct.merge(&direct);
            result.changes = changes;
            result.end(lasted, open, used, checked);
        }
        self.sampler.note_memory(&mut self.results, open);
        outcome?;
        let opened: u64 = self.records(|record| record.counts.opened).into_iter().sum();
        if self.plan.part.share(self.open) > 0 && opened == 0 {
            let why = format!("no page could be opened in phase \"{}\"", phase.name);
            return Err(Stop::Early(why));
        }
        Ok(())
    }

    /// Looks at everything once a second until the phase is over.
    async fn wait_until(&mut self, index: usize, phase: &Phase, begun: Instant) -> Result<(), Stop> {
        let end = begun + phase.duration;
        loop {
            let next = end.min(self.sampler.next_look());
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.interrupt.asked() => return Err(Stop::Interrupted),
            }
            let since = self.since + begun.elapsed();
            let place = Place {
                phase: (index, self.plan.phases.len()),
                hour: self.crowd.hour(since),
                wanted: self.plan.part.share(self.open),
            };
            let has_looked = self.sampler.look(&place, &self.crews, &mut self.results);
            if let Some(words) = self.estate.casualty().or_else(|| self.danger()) {
                return Err(Stop::Early(words));
            }
            if Instant::now() >= end {
                return Ok(());
            }
            if has_looked && self.plan.day.is_some() {
                self.set_rate(phase, since, true).await?;
            }
        }
    }

    /// Where people work, too many failures end the test.
    fn danger(&self) -> Option<String> {
        if !self.plan.is_real() {
            return None;
        }
        let failed: u64 = self.records(|record| record.failures.values().sum::<u64>()).into_iter().sum();
        let visits: u64 = self.records(|record| record.counts.visits).into_iter().sum();
        let limit = (visits as f64 * self.plan.safety.failed_percent / 100.0).max(FEW_FAILURES);
        let over = failed as f64 > limit;
        over.then(|| format!("safety: {failed} failures of {visits} pages where people work"))
    }

    /// Stops all changes and compares browsers with the community until they agree, or too long.
    async fn check(&mut self) -> Result<Option<Checked>, Stop> {
        if !self.estate.knows_truth() {
            return Ok(None);
        }
        self.change(Rate::NONE).await?;
        // Only one of several generators can stop the changes.
        self.meet(&format!("comparison {}", self.results.phases.len())).await?;
        let begun = Instant::now();
        sleep(LET_GO).await;
        loop {
            let truth = self.estate.truth().await.map_err(|error| Stop::Early(error.to_string()))?;
            let Some(truth) = truth.map(Arc::new) else { return Ok(None) };
            let mut agreement = Agreement::default();
            for crew in &self.crews {
                agreement.add(crew.compare(truth.clone()).await);
            }
            if agreement.converged() || begun.elapsed() > self.plan.settle {
                return Ok(Some(Checked::new(agreement, begun.elapsed())));
            }
            tokio::select! {
                () = sleep(COMPARE) => {}
                () = self.interrupt.asked() => return Err(Stop::Interrupted),
            }
        }
    }

    /// What the phase says, as far as the time of day allows.
    async fn set_rate(&mut self, phase: &Phase, since: Duration, goes_on: bool) -> Result<(), Stop> {
        let share = self.crowd.share(since);
        self.change(Rate { per_second: phase.changes_per_second, share, goes_on }).await
    }

    async fn change(&mut self, rate: Rate) -> Result<(), Stop> {
        tokio::select! {
            set = self.estate.change_rate(rate) => set.map_err(|error| Stop::Early(error.to_string())),
            () = self.interrupt.asked() => Err(Stop::Interrupted),
        }
    }

    /// Waits for the other generators of this test, if there are any.
    async fn meet(&mut self, what: &str) -> Result<(), Stop> {
        tokio::select! {
            met = self.estate.meet(meeting(self.plan, what), self.plan.settle + NEXT) => {
                met.map_err(|error| Stop::Early(error.to_string()))
            }
            () = self.interrupt.asked() => Err(Stop::Interrupted),
        }
    }

    /// To each crew what its browsers do.
    async fn hand_out(&self, actions: Vec<Action>) {
        let count = self.crews.len().max(1);
        for (number, crew) in self.crews.iter().enumerate() {
            let own = actions.iter().copied().filter(|action| {
                self.plan.part.place(action.browser).is_some_and(|place| place % count == number)
            });
            crew.schedule(own.collect()).await;
        }
    }

    fn records<T>(&self, read: impl Fn(&PhaseRecord) -> T) -> Vec<T> {
        self.crews
            .iter()
            .flat_map(|crew| crew.recorder().phases().iter().map(&read).collect::<Vec<_>>())
            .collect()
    }

    /// Gathers what the crews have recorded, and stops everything.
    async fn end(mut self) -> Results {
        let opened: u64 = self.records(|record| record.counts.opened).into_iter().sum();
        for crew in &self.crews {
            crew.close_books(opened == 0).await;
            for (result, record) in self.results.phases.iter_mut().zip(crew.recorder().phases()) {
                result.add(record);
            }
        }
        self.sampler.stopping();
        self.sampler.finish(&mut self.results);
        drop(std::mem::take(&mut self.crews));
        self.results.clock = self.estate.clocks().await;
        self.estate.stop().await;
        self.results.conclude(&self.plan.thresholds);
        self.results.warnings.extend(self.sampler.doubt());
        self.results
    }
}

/// CPU time of everybody at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    /// `None`: not known.
    gateway: Option<Duration>,
    generator: Duration,
    community: Duration,
}

impl Moment {
    fn until(&self, later: &Self) -> Used {
        let seconds = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
        Used {
            gateway: self.gateway.zip(later.gateway).map_or(0.0, |(from, to)| seconds(from, to)),
            generator: seconds(self.generator, later.generator),
            community: seconds(self.community, later.community),
        }
    }
}
