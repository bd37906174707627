//! What all connections share: the model, the clock, and the way from an effect to the connection it
//! is for. The lock is held for one event and never across a wait.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::presence::PersonId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::punctuality::Punctuality;
use crate::model::{Community, Effect, Effects, Event, LogIn, LoginId, Proof};

/// Effects that may wait for one connection. A login with 10,000 watches is told of every one of them
/// in 40 snapshots; updates come one by one.
const QUEUE: usize = 32_768;

/// The exchange between connections.
#[derive(Debug)]
pub(super) struct Switchboard {
    state: Mutex<State>,
    begun: Instant,
    stalled: watch::Sender<bool>,
    half: AtomicBool,
    next: AtomicU64,
    changes: AtomicU64,
    /// Whether changes at a rate are made in time.
    pub(super) punctuality: Punctuality,
    slow: AtomicU64,
    broken: AtomicU64,
    /// How the last login came, in the words of the protocol; [`NOBODY`] before there was one.
    last_auth: AtomicU32,
}

/// No auth type.
const NOBODY: u32 = u32::MAX;

/// Behind the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) community: Community,
    lines: HashMap<LoginId, Line>,
    /// People who are online without a connection.
    virtuals: HashMap<PersonId, LoginId>,
    /// While days are played: people who have logged in with a client and are their own masters since.
    own_masters: Option<HashSet<PersonId>>,
}

/// The way to a connection.
#[derive(Debug)]
struct Line {
    effects: mpsc::Sender<Effect>,
    cut: CancellationToken,
    full: Arc<AtomicBool>,
}

/// A connection's end of its line.
#[derive(Debug)]
pub(super) struct LineEnd {
    pub(super) login: LoginId,
    pub(super) effects: mpsc::Receiver<Effect>,
    /// Cut off from outside, or because the queue is full.
    pub(super) cut: CancellationToken,
    /// Cut off because of the queue.
    pub(super) full: Arc<AtomicBool>,
    pub(super) stalled: watch::Receiver<bool>,
}

impl Switchboard {
    pub(super) fn new(community: Community) -> Self {
        Self {
            state: Mutex::new(State {
                community,
                lines: HashMap::new(),
                virtuals: HashMap::new(),
                own_masters: None,
            }),
            begun: Instant::now(),
            stalled: watch::Sender::new(false),
            half: AtomicBool::new(false),
            next: AtomicU64::new(1),
            changes: AtomicU64::new(0),
            punctuality: Punctuality::default(),
            slow: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            last_auth: AtomicU32::new(NOBODY),
        }
    }

    /// Time since the start, which the model and the machines run on.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A number for a login or a chat that no other has.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Opens a line for a new connection.
    pub(super) fn connect(&self, end: &CancellationToken) -> LineEnd {
        let (sender, effects) = mpsc::channel(QUEUE);
        let (login, cut) = (LoginId(self.number()), end.child_token());
        let full = Arc::new(AtomicBool::new(false));
        let line = Line { effects: sender, cut: cut.clone(), full: full.clone() };
        self.lock().lines.insert(login, line);
        LineEnd { login, effects, cut, full, stalled: self.stalled.subscribe() }
    }

    /// The connection is gone.
    pub(super) fn disconnect(&self, login: LoginId) {
        let now = self.now();
        let mut state = self.lock();
        state.lines.remove(&login);
        let effects = state.community.apply(login, Event::Gone, now);
        state.deliver(effects);
    }

    /// One login did something.
    pub(super) fn apply(&self, login: LoginId, event: Event) {
        let now = self.now();
        let logs_in = matches!(event, Event::LogIn(_));
        self.change(|community| ((), community.apply(login, event, now)));
        if logs_in {
            self.leave_the_play(login);
        }
    }

    /// From now on days are played.
    pub(super) fn begin_play(&self) {
        self.lock().own_masters.get_or_insert_default();
    }

    /// Whether the person has logged in with a client since days are played.
    pub(super) fn has_left_the_play(&self, person: &PersonId) -> bool {
        self.lock().own_masters.as_ref().is_some_and(|masters| masters.contains(person))
    }

    /// Whoever logs in with a client is not played any more. The status stays: it is the user's.
    fn leave_the_play(&self, login: LoginId) {
        let left = {
            let mut state = self.lock();
            let State { community, own_masters: Some(masters), .. } = &mut *state else { return };
            let Some(person) = community.person_of(login) else { return };
            masters.insert(person.clone());
            person
        };
        self.log_out_virtually(&left);
    }

    /// Does something to the community and tells everybody it concerns.
    pub(super) fn change<T>(&self, edit: impl FnOnce(&mut Community) -> (T, Effects)) -> T {
        let mut state = self.lock();
        let (result, effects) = edit(&mut state.community);
        state.deliver(effects);
        result
    }

    /// Reads the community.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Community) -> T) -> T {
        read(&self.lock().community)
    }

    /// Lets a person be online without a connection. False: unknown, or online so already.
    pub(super) fn log_in_virtually(&self, person: &PersonId) -> bool {
        let (now, login) = (self.now(), LoginId(self.number()));
        let mut state = self.lock();
        let Some(listed) = state.community.directory().person(person) else { return false };
        let first = state.community.settings().servers.first().map(|server| server.id.clone());
        let wish = LogIn {
            name: String::new(),
            proof: Proof::Vouched(person.to_string()),
            login_type: 0,
            server: listed.home.clone().or(first).unwrap_or_default(),
            address: 0,
        };
        if state.virtuals.contains_key(person) {
            return false;
        }
        let effects = state.community.apply(login, Event::LogIn(wish), now);
        let admitted = state.community.logins_of(person).any(|one| one == login);
        if admitted {
            state.virtuals.insert(person.clone(), login);
        }
        state.deliver(effects);
        admitted
    }

    /// Ends what [`Self::log_in_virtually`] began. False: there was nothing.
    pub(super) fn log_out_virtually(&self, person: &PersonId) -> bool {
        let now = self.now();
        let mut state = self.lock();
        let Some(login) = state.virtuals.remove(person) else { return false };
        let effects = state.community.apply(login, Event::Gone, now);
        state.deliver(effects);
        true
    }

    /// Whether the person is online without a connection.
    pub(super) fn is_virtual(&self, person: &PersonId) -> bool {
        self.lock().virtuals.contains_key(person)
    }

    /// How many people are.
    pub(super) fn virtual_count(&self) -> usize {
        self.lock().virtuals.len()
    }

    /// How many connections there are, logged in or not.
    pub(super) fn connection_count(&self) -> usize {
        self.lock().lines.len()
    }

    /// Cuts the connections of these logins, or all. Returns how many.
    pub(super) fn cut(&self, logins: Option<&[LoginId]>) -> usize {
        let state = self.lock();
        let chosen = state.lines.iter().filter(|(login, _)| logins.is_none_or(|some| some.contains(login)));
        chosen.map(|(_, line)| line.cut.cancel()).count()
    }

    pub(super) fn stall(&self, on: bool) {
        self.stalled.send_replace(on);
    }

    /// Whoever speaks next says half of it and hangs up.
    pub(super) fn order_half_a_frame(&self) {
        self.half.store(true, Ordering::Relaxed);
    }

    /// True once per order.
    pub(super) fn take_half_a_frame(&self) -> bool {
        self.half.load(Ordering::Relaxed) && self.half.swap(false, Ordering::Relaxed)
    }

    /// Counts a change that the simulator made by itself.
    pub(super) fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn change_count(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Counts a connection that was closed because its peer did not read.
    pub(super) fn count_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn slow_count(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// Counts a connection that was closed because its peer broke the protocol.
    pub(super) fn count_broken(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn broken_count(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    /// Notes how a login came.
    pub(super) fn note_auth(&self, auth_type: u16) {
        self.last_auth.store(auth_type.into(), Ordering::Relaxed);
    }

    pub(super) fn last_auth(&self) -> Option<u16> {
        u16::try_from(self.last_auth.load(Ordering::Relaxed)).ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn deliver(&mut self, effects: Effects) {
        for (login, effect) in effects {
            let Some(line) = self.lines.get(&login) else {
                if matches!(effect, Effect::Kicked(_)) {
                    self.virtuals.retain(|_, kicked| *kicked != login);
                }
                continue;
            };
            if let Err(TrySendError::Full(_)) = line.effects.try_send(effect) {
                // State cannot be left out here, so the peer has to begin again.
                line.full.store(true, Ordering::Relaxed);
                line.cut.cancel();
            }
        }
    }
}
