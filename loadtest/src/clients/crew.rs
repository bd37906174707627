//! A thread that plays browsers: one schedule, one task per browser, one recorder.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::cast::Cast;
use super::dial::{Dialer, Way};
use super::own;
use super::page::Browser;
use super::visit::{Order, Seat, visit};
use crate::measure::{Agreement, FailureKind, Recorder, Transport, Truth, micros};
use crate::plan::Dice;

/// A page that starts later than this was not started by a generator that keeps up.
const LATE: Duration = Duration::from_millis(100);
/// How often the thread's own delay is measured.
const LAG: Duration = Duration::from_millis(10);
/// Pages that lost their channel come back after one to so many milliseconds more.
const BACK_FIRST: u64 = 1000;
const BACK_SPREAD: usize = 2000;

/// What a crew needs.
pub struct Setup {
    /// Who is played.
    pub cast: Arc<Cast>,
    /// The way to the target.
    pub dialer: Arc<Dialer>,
    /// For what is left to chance.
    pub seed: u64,
}

/// Something a browser does at a time, whatever has become of what it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    pub at: Instant,
    pub browser: usize,
    pub deed: Deed,
}

/// See [`Action`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Open a page.
    Arrive,
    /// Close it.
    Leave,
    /// Lose its connection.
    Drop,
    /// Go to another page.
    Reload,
    /// Change the user's status on the page.
    Change,
    /// Open a page again after the last one was lost, if it is still wanted.
    Return,
}

/// A running crew. Ends its thread when dropped.
pub struct Crew {
    tell: mpsc::Sender<Word>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What is seen from other threads.
struct Shared {
    recorder: Mutex<Recorder>,
    /// Browsers with a page, ready or on its way.
    pages: AtomicUsize,
    /// Those of them that are ready.
    open: AtomicUsize,
    /// The longest delay of the thread since it was asked last, in microseconds.
    lag: AtomicU64,
    /// The test is over: what fails now does not count.
    over: AtomicBool,
}

enum Word {
    Schedule(Vec<Action>),
    Compare(Arc<Truth>, oneshot::Sender<Agreement>),
    Close { unanswered: bool, done: oneshot::Sender<()> },
}

/// What all visits of a crew share.
pub(super) struct Stage {
    pub(super) cast: Arc<Cast>,
    dialer: Arc<Dialer>,
    shared: Arc<Shared>,
    again: mpsc::Sender<Action>,
    dice: RefCell<Dice>,
}

/// One browser, present or not.
pub(super) struct Role {
    pub(super) browser: RefCell<Browser>,
    pub(super) seat: Seat,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// A page is open, or on its way.
    busy: bool,
    /// Should be here.
    wanted: bool,
    /// A page to open when this one is gone.
    next: Option<Instant>,
    /// A page has failed and will be tried again: it was to be there at this time.
    owed: Option<Instant>,
}

impl Crew {
    /// Starts the thread.
    pub fn start(setup: Setup) -> io::Result<Self> {
        // One schedule per phase, and little else.
        let (tell, told) = mpsc::channel(64);
        let shared = Arc::new(Shared {
            recorder: Mutex::default(),
            pages: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            lag: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let theirs = shared.clone();
        let thread = thread::Builder::new().name("browsers".into()).spawn(move || {
            LocalSet::new().block_on(&runtime, play(setup, theirs, told));
        })?;
        Ok(Self { tell, shared, thread: Some(thread) })
    }

    /// Lets browsers do things at their times.
    pub async fn schedule(&self, actions: Vec<Action>) {
        // A crew that is gone has panicked, which its recorder cannot hide: nothing agrees any more.
        let _ = self.tell.send(Word::Schedule(actions)).await;
    }

    /// Compares all browsers that should be there with the truth.
    pub async fn compare(&self, truth: Arc<Truth>) -> Agreement {
        let (answer, answered) = oneshot::channel();
        let _ = self.tell.send(Word::Compare(truth, answer)).await;
        answered.await.unwrap_or(Agreement { absent: 1, ..Agreement::default() })
    }

    /// What its browsers have seen.
    pub fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.shared.recorder()
    }

    /// Browsers whose page is ready.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Browsers whose page is on its way.
    pub fn coming(&self) -> usize {
        self.shared.pages.load(Ordering::Relaxed).saturating_sub(self.open())
    }

    /// The longest delay of its thread since the last call.
    pub fn take_lag(&self) -> Duration {
        Duration::from_micros(self.shared.lag.swap(0, Ordering::Relaxed))
    }

    /// From now on nothing counts: the gateway is about to stop. Pages on their way count with the time they have
    /// waited, and as failures if nothing was ever answered.
    pub async fn close_books(&self, unanswered: bool) {
        let (done, closed) = oneshot::channel();
        let _ = self.tell.send(Word::Close { unanswered, done }).await;
        let _ = closed.await;
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // The thread ends when it cannot be told anything any more.
        let (nobody, _) = mpsc::channel(1);
        self.tell = nobody;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    pub(super) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.shared.recorder()
    }

    /// The way of a browser to the target.
    pub(super) fn way(&self, browser: &RefCell<Browser>) -> &Way {
        self.dialer.way(browser.borrow().secure)
    }

    /// A page has become ready.
    pub(super) fn is_open(&self) {
        self.shared.open.fetch_add(1, Ordering::Relaxed);
    }

    fn never_started(&self, pages: u64) {
        if pages > 0 {
            self.recorder().count(|counts| counts.not_started += pages);
        }
    }

    /// A page was given up before it was ready.
    fn gave_up(&self, transport: Transport, intended: Instant) {
        let mut recorder = self.recorder();
        recorder.gave_up(transport, elapsed(intended));
        recorder.count(|counts| counts.abandoned += 1);
    }
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// A due action, earliest first.
#[derive(PartialEq, Eq)]
struct Due(Action, u64);

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.at, self.1).cmp(&(other.0.at, other.1))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The thread's life.
async fn play(setup: Setup, shared: Arc<Shared>, mut told: mpsc::Receiver<Word>) {
    let Setup { cast, dialer, seed } = setup;
    // Pages that come back; more than this at a time wait a little longer.
    let (again, mut returning) = mpsc::channel(1024);
    let dice = RefCell::new(Dice::new(seed, u64::MAX));
    let stage = Rc::new(Stage { cast, dialer, shared, again, dice });
    let mut roles: Vec<Option<Rc<Role>>> = Vec::new();
    let mut due: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
    let mut order = 0;
    let lag = tokio::task::spawn_local(measure_lag(stage.clone()));
    loop {
        let next = due.peek().map(|Reverse(due)| due.0.at);
        tokio::select! {
            biased;
            word = told.recv() => match word {
                None => break,
                Some(Word::Schedule(actions)) => {
                    for action in actions {
                        order += 1;
                        due.push(Reverse(Due(action, order)));
                    }
                }
                Some(Word::Compare(truth, answer)) => {
                    let _ = answer.send(compare(&roles, &stage.cast, &truth));
                }
                Some(Word::Close { unanswered, done }) => {
                    stage.shared.over.store(true, Ordering::Relaxed);
                    close(&stage, &roles, due.drain().map(|Reverse(Due(action, _))| action), unanswered);
                    let _ = done.send(());
                }
            },
            Some(action) = returning.recv() => {
                order += 1;
                due.push(Reverse(Due(action, order)));
            }
            () = until(next) => {
                if let Some(Reverse(Due(action, _))) = due.pop() {
                    act(&stage, &mut roles, action);
                    // What a browser is told, it does before it is told something else.
                    tokio::task::yield_now().await;
                }
            }
        }
    }
    lag.abort();
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// How late this thread is for a timer, which is how late it is for everything.
async fn measure_lag(stage: Rc<Stage>) {
    let mut ticks = interval(LAG);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let due = ticks.tick().await;
        let late = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
        stage.shared.lag.fetch_max(late, Ordering::Relaxed);
    }
}

fn act(stage: &Rc<Stage>, roles: &mut Vec<Option<Rc<Role>>>, action: Action) {
    let Action { at, browser: number, deed } = action;
    if roles.len() <= number {
        roles.resize(number + 1, None);
    }
    let Some(place) = roles.get_mut(number) else { return };
    let role = place.get_or_insert_with(|| Rc::new(Role::new(&stage.cast, number))).clone();
    // What is late here was not held up by the gateway.
    if at.elapsed() > LATE && matches!(deed, Deed::Arrive | Deed::Reload) {
        stage.recorder().count(|counts| counts.late_starts += 1);
    }
    let mut state = role.state.borrow_mut();
    match deed {
        Deed::Return => {
            if state.wanted
                && !state.busy
                && let Some(first) = state.owed.take()
            {
                state.busy = true;
                tokio::task::spawn_local(live(stage.clone(), role.clone(), first));
            }
        }
        Deed::Arrive => {
            state.wanted = true;
            open_page(stage, &role, &mut state, at);
        }
        Deed::Reload if state.wanted => open_page(stage, &role, &mut state, at),
        Deed::Reload => stage.never_started(1),
        Deed::Leave => {
            state.wanted = false;
            let unstarted = state.next.take().into_iter().count() as u64;
            if let Some(first) = state.owed.take() {
                stage.gave_up(role.browser.borrow().transport, first);
            }
            let replaced = if state.busy { role.seat.tell(Order::Leave) } else { 0 };
            stage.never_started(unstarted + replaced);
        }
        Deed::Change => own::change(stage, &role, at),
        Deed::Drop if state.busy => stage.never_started(role.seat.tell(Order::Drop)),
        Deed::Drop => {}
    }
}

/// Opens a page that is due, in place of whatever the browser has or waits for.
fn open_page(stage: &Rc<Stage>, role: &Rc<Role>, state: &mut State, at: Instant) {
    if let Some(first) = state.owed.take() {
        stage.gave_up(role.browser.borrow().transport, first);
    }
    let unstarted = if !state.busy {
        state.busy = true;
        tokio::task::spawn_local(live(stage.clone(), role.clone(), at));
        0
    } else if role.seat.is_ending() {
        state.next.replace(at).into_iter().count() as u64
    } else {
        role.seat.tell(Order::Reload(at))
    };
    stage.never_started(unstarted);
}

/// Page after page of one browser.
async fn live(stage: Rc<Stage>, role: Rc<Role>, first: Instant) {
    stage.shared.pages.fetch_add(1, Ordering::Relaxed);
    let mut next = Some(first);
    while let Some(intended) = next.take() {
        stage.recorder().count(|counts| counts.visits += 1);
        let ended = visit(&stage, &role.browser, &role.seat, intended).await;
        let over = stage.shared.over.load(Ordering::Relaxed);
        let (was_ready, transport) = {
            let mut browser = role.browser.borrow_mut();
            browser.cut_off(ended.err(), over, &mut stage.recorder());
            (std::mem::take(&mut browser.visit).ready, browser.transport)
        };
        if was_ready {
            stage.shared.open.fetch_sub(1, Ordering::Relaxed);
        }
        let mut state = role.state.borrow_mut();
        if !was_ready && ended.is_ok() && !over {
            stage.gave_up(transport, intended);
        }
        if let Ok(Order::Reload(at)) = ended {
            // Whatever it has been told since is for the page that opens now.
            next = Some(at);
            continue;
        }
        let told = role.seat.take();
        next = state.next.take().or(match told {
            Some(Order::Reload(at)) => Some(at),
            _ => None,
        });
        if let Err(kind) = ended
            && !over
        {
            stage.recorder().failure(kind);
            if kind.passes() && state.wanted && next.is_none() {
                let at = Instant::now() + stage.backoff();
                state.owed = Some(if was_ready { at } else { intended });
                stage.come_back(Action { at, browser: role.browser.borrow().number, deed: Deed::Return });
            }
        }
        if next.is_none() {
            state.busy = false;
        }
    }
    stage.shared.pages.fetch_sub(1, Ordering::Relaxed);
}

impl Stage {
    fn backoff(&self) -> Duration {
        Duration::from_millis(BACK_FIRST + self.dice.borrow_mut().below(BACK_SPREAD) as u64)
    }

    fn come_back(&self, action: Action) {
        // With so many returning at once, the rest is told by a task of its own.
        if let Err(full) = self.again.try_send(action) {
            let (again, action) = (self.again.clone(), full.into_inner());
            tokio::task::spawn_local(async move { again.send(action).await });
        }
    }
}

/// What is on its way at the end of a test, and what has not even begun, is not to be forgotten.
fn close(stage: &Stage, roles: &[Option<Rc<Role>>], due: impl Iterator<Item = Action>, unanswered: bool) {
    let now = Instant::now();
    let overdue = due.filter(|action| action.at < now && matches!(action.deed, Deed::Arrive | Deed::Reload));
    stage.never_started(overdue.count() as u64);
    let mut recorder = stage.recorder();
    for role in roles.iter().flatten() {
        let (state, browser) = (role.state.borrow(), role.browser.borrow());
        browser.count_unanswered(&mut recorder);
        let waited = match state.owed {
            Some(first) => elapsed(first),
            None if state.busy && !browser.visit.ready => {
                if unanswered {
                    recorder.failure(FailureKind::NoAnswer);
                }
                // A page that has only just been told to begin has no time yet.
                let intended = Some(browser.visit.intended).filter(|intended| *intended > 0);
                intended.map_or(0, |intended| micros().saturating_sub(intended))
            }
            None => continue,
        };
        recorder.gave_up(browser.transport, waited);
        recorder.count(|counts| counts.unfinished += 1);
    }
}

fn compare(roles: &[Option<Rc<Role>>], cast: &Cast, truth: &Truth) -> Agreement {
    let mut agreement = Agreement::default();
    for role in roles.iter().flatten() {
        if !role.state.borrow().wanted {
            continue;
        }
        let browser = role.browser.borrow();
        agreement.browsers += 1;
        agreement.absent += u64::from(!browser.visit.ready);
        browser.compare_own(truth, &mut agreement);
        for (person, seen) in browser.list.iter().zip(&browser.seen) {
            let (held, mut truth) = (seen.state, truth.of(*person));
            if browser.transport.is_poll() {
                truth = truth.in_numbers();
            }
            // Nobody knows what is true of this person.
            if !truth.is_known() {
                continue;
            }
            agreement.compare(held, truth, |what| {
                let (number, transport) = (browser.number, browser.transport.name());
                let (id, held, truth) = (cast.id(*person), held.word(), truth.word());
                format!("browser {number} ({transport}) has {what} of {id}: {held:?}, true is {truth:?}")
            });
        }
    }
    agreement
}

impl Role {
    fn new(cast: &Cast, number: usize) -> Self {
        let browser = Browser::new(number, cast.browser(number));
        Self { browser: RefCell::new(browser), seat: Seat::default(), state: RefCell::default() }
    }
}

#[cfg(test)]
mod tests;
