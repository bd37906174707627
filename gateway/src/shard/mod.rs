//! A worker's shard: the core's outboxes behind a lock that only this worker's connections and its pump
//! take, and the wakers of the subscribers' tasks.
//!
//! There is no task, channel or message per subscriber on the way of a change: the pump marks outboxes and
//! wakes; a woken connection takes its outbox when it gets to write.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::hub::Event;
use gateway_core::shard::{Batch, Counters, Limits, Shard as Core, WatchError};
use gateway_core::{Cursor, Epoch, ScopeId, ShardId, SubscriberId};
use protocol::presence::PersonId;
use tokio::sync::Notify;

use crate::config;
use crate::hub::{Clock, HubHandle, Inbox};
use crate::telemetry::Metrics;

/// States given to one write at most; what is left is written next.
const STATES_PER_WRITE: usize = 256;

/// See the module. Shared by the worker's connections and its pump.
#[derive(Debug)]
pub struct Shard {
    id: ShardId,
    state: Mutex<State>,
    inbox: Arc<Inbox>,
    /// Rung when the hub has to hear of new interests.
    interests: Notify,
    clock: Clock,
}

#[derive(Debug)]
struct State {
    core: Core,
    /// By the slot of the subscriber, whose task asks again whenever it is woken. The waker stays.
    wakers: Vec<Option<Waker>>,
    reported: Counters,
}

/// The bounds of a shard, as the configuration has them.
pub fn limits(configured: &config::Limits) -> Limits {
    Limits { watches: configured.watches_per_session, notices: configured.lane_messages, ..Limits::default() }
}

/// A subscriber of this shard; closes when dropped.
#[derive(Debug)]
pub struct Subscription {
    shard: Arc<Shard>,
    id: SubscriberId,
    /// When it last asked to watch somebody, in nanoseconds of the hub's clock.
    asked_at: AtomicU64,
}

impl Shard {
    /// `epoch` is the node's; `key` is random. The hub writes to `inbox`.
    pub fn new(id: ShardId, epoch: Epoch, limits: Limits, key: u64, inbox: Arc<Inbox>, clock: Clock) -> Self {
        let core = Core::new(epoch, limits, key);
        let state = Mutex::new(State { core, wakers: Vec::new(), reported: Counters::default() });
        Self { id, state, inbox, interests: Notify::new(), clock }
    }

    /// A new subscriber that sees what that scope sees. The limits count from now on for all subscribers of
    /// the shard; what they watch already stays.
    pub fn subscribe(self: &Arc<Self>, scope: ScopeId, limits: Limits) -> Subscription {
        let mut state = self.lock();
        state.core.set_limits(limits);
        let id = state.core.open(scope);
        drop(state);
        Subscription { shard: Arc::clone(self), id, asked_at: AtomicU64::new(0) }
    }

    /// Carries messages between the hub and the shard until the task is dropped. One per shard, on its
    /// worker: the order in both directions is this task's order.
    pub async fn pump(self: Arc<Self>, hub: HubHandle, metrics: Arc<Metrics>) {
        loop {
            tokio::select! {
                () = self.inbox.rung() => {}
                () = self.interests.notified() => {}
            }
            let messages = self.inbox.take();
            let changes = self.change(|core| {
                messages.into_iter().for_each(|message| core.apply(message));
                core.interests().collect::<Vec<_>>()
            });
            self.report(&metrics);
            if !changes.is_empty() {
                hub.tell(Event::Interest { shard: self.id, changes }).await;
            }
        }
    }

    /// Does something with the core, then wakes whoever has to be woken for it.
    fn change<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        let mut state = self.lock();
        let State { core, wakers, .. } = &mut *state;
        let result = act(core);
        for id in core.woken() {
            if let Some(Some(waker)) = wakers.get(id.slot()) {
                waker.wake_by_ref();
            }
        }
        if core.has_interests() {
            self.interests.notify_one();
        }
        result
    }

    fn report(&self, metrics: &Metrics) {
        let mut state = self.lock();
        let now = state.core.counters();
        let before = std::mem::replace(&mut state.reported, now);
        drop(state);
        metrics.updates_coalesced(now.coalesced - before.coalesced);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// See [`Core::watch`].
    pub fn watch(&self, persons: &[PersonId], since: Option<Cursor>) -> Result<(), WatchError> {
        let now = u64::try_from(self.shard.clock.now().as_nanos()).unwrap_or(u64::MAX);
        self.asked_at.store(now, Ordering::Relaxed);
        self.shard.change(|core| core.watch(self.id, persons, since))
    }

    /// Those of the states taken that are news, by when they were decoded. What was known before the subscriber
    /// asked has not been on its way since then.
    pub fn news_among<'b>(&self, batch: &'b Batch) -> impl Iterator<Item = Duration> + use<'b> {
        let asked_at = Duration::from_nanos(self.asked_at.load(Ordering::Relaxed));
        batch.states.iter().map(|state| state.decoded_at).filter(move |decoded_at| *decoded_at >= asked_at)
    }

    /// Notes how long news that were decoded then took until they were written, which is now.
    pub fn written(&self, decoded_at: impl Iterator<Item = Duration>, metrics: &Metrics) {
        let mut decoded_at = decoded_at.peekable();
        // Most often there is nothing, and the time costs more than that.
        if decoded_at.peek().is_some() {
            let now = self.shard.clock.now();
            decoded_at.for_each(|then| metrics.propagation(now.saturating_sub(then).as_secs_f64()));
        }
    }

    /// See [`Core::unwatch`].
    pub fn unwatch(&self, persons: &[PersonId]) {
        self.shard.change(|core| core.unwatch(self.id, persons));
    }

    /// Watches nobody any more.
    pub fn unwatch_all(&self) {
        self.shard.change(|core| core.unwatch_all(self.id));
    }

    /// Adds to the ordered lane.
    pub fn notice(&self, notice: Bytes) {
        self.shard.change(|core| core.notice(self.id, notice));
    }

    /// Takes what was not seen yet, as much as fits one write; `false` if there is nothing.
    pub fn take(&self, batch: &mut Batch) -> bool {
        self.shard.lock().take(self.id, batch)
    }

    /// Ready if something was taken. The task is woken when there is more, also after that.
    pub fn poll_take(&self, cx: &Context<'_>, batch: &mut Batch) -> Poll<()> {
        let mut state = self.shard.lock();
        state.wake(self.id, cx.waker());
        if state.take(self.id, batch) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until there may be something to take. For one task at a time.
    pub async fn news(&self) {
        poll_fn(|cx| {
            let mut state = self.shard.lock();
            state.wake(self.id, cx.waker());
            if state.core.has_news(self.id) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(waker) = self.shard.lock().wakers.get_mut(self.id.slot()) {
            *waker = None;
        }
        self.shard.change(|core| core.close(self.id));
    }
}

impl State {
    fn take(&mut self, id: SubscriberId, batch: &mut Batch) -> bool {
        let open = self.core.take(id, STATES_PER_WRITE, batch);
        open && (!batch.notices.is_empty() || !batch.states.is_empty() || batch.ended.is_some())
    }

    /// From now on this task is woken for the subscriber.
    fn wake(&mut self, id: SubscriberId, task: &Waker) {
        let slot = id.slot();
        if slot >= self.wakers.len() {
            self.wakers.resize(slot + 1, None);
        }
        if let Some(waker) = self.wakers.get_mut(slot)
            && !waker.as_ref().is_some_and(|waker| waker.will_wake(task))
        {
            *waker = Some(task.clone());
        }
    }
}
