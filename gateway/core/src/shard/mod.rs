//! The subscribers of one worker thread, and what each has not seen yet.
//!
//! A subscriber's outbox is two lanes. The *state lane* is a set: the persons whose newest state was not
//! taken; a change of a person that is already in it costs nothing and replaces the older state, so a
//! slow client costs bounded memory and converges. The *notice lane* is ordered and bounded; its overflow
//! ends the subscriber.
//!
//! The shard keeps the newest state of every person that is watched in it, so a second watcher has it at
//! once. One (subscriber, person) watch costs 8 bytes on each side and one bit, plus what the two lists
//! hold in reserve.
//!
//! After any call the caller drains [`Shard::interests`] to the hub, in order, and wakes
//! [`Shard::woken`]. The shard does not encode, write or know connections. `index.rs` is the watch index.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use protocol::presence::PersonId;

mod bits;
mod index;
mod subscriber;

pub use subscriber::Ended;

use crate::hashing::{Keyed, Map, Set};
use crate::messages::{Interest, ToShard};
use crate::slab::Slab;
use crate::{Cursor, Epoch, ScopeId, StateRecord, SubscriberId};
use subscriber::{Subscriber, Watcher};

/// Bounds per subscriber.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Persons one subscriber may watch. Default 5,000.
    pub watches: usize,
    /// Bytes of a person's id. Default 1,024.
    pub id_bytes: usize,
    /// Notices that may wait. Default 256.
    pub notices: usize,
    /// Their bytes. Default 256 KiB.
    pub notice_bytes: usize,
}

/// Why a watch call was refused; nothing of it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The subscriber was closed or has ended.
    #[error("no such subscriber")]
    NoSubscriber,
    /// Too many persons.
    #[error("more than {limit} persons watched")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// An id that cannot name anybody.
    #[error("an id that is empty or longer than {limit} bytes")]
    BadId {
        /// The limit.
        limit: usize,
    },
}

/// What was taken from a subscriber. Reuse it: the buffers stay.
#[derive(Debug, Default)]
pub struct Batch {
    /// To be written before the states, in this order.
    pub notices: VecDeque<Bytes>,
    /// The newest states, at most one per person.
    pub states: Vec<Arc<StateRecord>>,
    /// There is more to take now; the subscriber will not be woken for it.
    pub more: bool,
    /// To be given to the client with or after the states: everything up to here is in its hands then.
    /// `None` as long as something is missing.
    pub cursor: Option<Cursor>,
    /// Nothing comes after this batch.
    pub ended: Option<Ended>,
}

/// What the shard has done, by value: sums since it was made, sizes of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Now: subscribers.
    pub subscribers: usize,
    /// Now: persons watched by at least one of them.
    pub persons: usize,
    /// Now: (subscriber, person) watches.
    pub watches: usize,
    /// States given out by [`Shard::take`].
    pub delivered: u64,
    /// States replaced by a newer one before they were taken.
    pub coalesced: u64,
    /// Times that a clean subscriber had to be woken.
    pub woken: u64,
    /// Subscribers ended because their notices did not fit.
    pub overflowed: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Shard {
    epoch: Epoch,
    limits: Limits,
    key: Keyed,
    /// The newest change that has arrived. All earlier ones of watched persons have arrived too.
    seq: u64,
    scopes: Map<ScopeId, Scope>,
    persons: Slab<Person>,
    subscribers: Slab<Subscriber>,
    interests: Vec<Interest>,
    woken: Vec<SubscriberId>,
    counters: Counters,
}

/// Everything of one scope. Gone with its last subscriber.
#[derive(Debug)]
struct Scope {
    persons: Map<PersonId, u32>,
    subscribers: Set<u32>,
}

/// A person watched in this shard. Gone with its last watcher.
#[derive(Debug)]
struct Person {
    scope: ScopeId,
    id: PersonId,
    /// `None` until the hub has answered.
    record: Option<Arc<StateRecord>>,
    watchers: Vec<Watcher>,
}

impl Shard {
    /// `epoch` is the same for all shards of a node; `key` is a random number nobody outside can guess,
    /// for hashing.
    pub fn new(epoch: Epoch, limits: Limits, key: u64) -> Self {
        let key = Keyed(key);
        Self {
            epoch,
            limits,
            key,
            seq: 0,
            scopes: Map::with_hasher(key),
            persons: Slab::new(),
            subscribers: Slab::new(),
            interests: Vec::new(),
            woken: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Other bounds from now on. What subscribers watch already stays.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// A new subscriber that watches nobody.
    pub fn open(&mut self, scope: ScopeId) -> SubscriberId {
        let slot = self.subscribers.insert(Subscriber::new(scope));
        let key = self.key;
        let entry = self.scopes.entry(scope);
        let scope = entry
            .or_insert_with(|| Scope { persons: Map::with_hasher(key), subscribers: Set::with_hasher(key) });
        scope.subscribers.insert(slot);
        SubscriberId(self.subscribers.key(slot))
    }

    /// Lets the subscriber watch more persons; those it watches already stay as they are.
    ///
    /// `since`: the client says that it holds, for each of these persons, the state it had when it was
    /// given the cursor; only what is newer is delivered. Persons it did not watch then belong in a call
    /// without. A cursor of another epoch or scope counts as none.
    pub fn watch(
        &mut self,
        id: SubscriberId,
        persons: &[PersonId],
        since: Option<Cursor>,
    ) -> Result<(), WatchError> {
        let Some((slot, subscriber)) = self.running(id) else { return Err(WatchError::NoSubscriber) };
        let scope = subscriber.scope;
        let watched = subscriber.watches.len();
        let Limits { watches: limit, id_bytes, .. } = self.limits;
        if persons.iter().any(|id| id.as_str().is_empty() || id.as_str().len() > id_bytes) {
            return Err(WatchError::BadId { limit: id_bytes });
        }
        let fresh = self.not_watched(slot, persons);
        if watched + fresh.len() > limit {
            return Err(WatchError::TooMany { limit });
        }
        let floor = since.and_then(|cursor| cursor.floor(self.epoch, scope));
        self.add_watches(slot, fresh, floor);
        Ok(())
    }

    /// Lets the subscriber watch fewer persons. States of theirs that were not taken are dropped.
    pub fn unwatch(&mut self, id: SubscriberId, persons: &[PersonId]) {
        if let Some((slot, _)) = self.running(id) {
            self.remove_watches(slot, persons);
        }
    }

    /// Lets the subscriber watch nobody.
    pub fn unwatch_all(&mut self, id: SubscriberId) {
        if let Some((slot, _)) = self.running(id) {
            self.remove_all_watches(slot);
        }
    }

    /// Forgets the subscriber and whatever it did not take.
    pub fn close(&mut self, id: SubscriberId) {
        let Some(slot) = self.subscribers.slot(id.0) else { return };
        self.remove_all_watches(slot);
        let Some(subscriber) = self.subscribers.remove(slot) else { return };
        if let Some(scope) = self.scopes.get_mut(&subscriber.scope) {
            scope.subscribers.remove(&slot);
            if scope.subscribers.is_empty() {
                self.scopes.remove(&subscriber.scope);
            }
        }
    }

    /// Adds to the ordered lane. A full lane ends the subscriber.
    pub fn notice(&mut self, id: SubscriberId, notice: Bytes) {
        let Limits { notices, notice_bytes, .. } = self.limits;
        let Some((slot, subscriber)) = self.running(id) else { return };
        if subscriber.lane.push(notice, notices, notice_bytes) {
            self.wake(slot);
        } else {
            self.counters.overflowed += 1;
            self.remove_all_watches(slot);
            self.end(slot, Ended::Overflow);
        }
    }

    /// Takes a message of the hub; they must come in the order in which the hub made them.
    pub fn apply(&mut self, message: ToShard) {
        match message {
            ToShard::State { ticket, record } => self.state(ticket, record),
            ToShard::ScopeClosed(scope) => self.scope_closed(scope),
        }
    }

    /// Takes what the subscriber has not seen: all notices, and at most `states` states. `false` if it
    /// was closed.
    pub fn take(&mut self, id: SubscriberId, states: usize, batch: &mut Batch) -> bool {
        batch.states.clear();
        let Some(slot) = self.subscribers.slot(id.0) else { return false };
        let Some(subscriber) = self.subscribers.get_mut(slot) else { return false };
        if subscriber.lane.notices.is_empty() {
            batch.notices.clear();
        } else {
            batch.notices = subscriber.lane.take();
        }
        while batch.states.len() < states
            && let Some(index) = subscriber.dirty.take_from(subscriber.next as usize)
        {
            subscriber.next = index as u32 + 1;
            let watch = subscriber.watches.get(index);
            let record = watch.and_then(|watch| self.persons.get(watch.person)?.record.clone());
            batch.states.extend(record);
        }
        self.counters.delivered += batch.states.len() as u64;
        batch.more = subscriber.dirty.len() > 0;
        batch.ended = subscriber.ended;
        subscriber.woken = batch.more;
        let caught_up = !batch.more && subscriber.pending == 0 && batch.ended.is_none();
        batch.cursor =
            caught_up.then_some(Cursor { epoch: self.epoch, scope: subscriber.scope, seq: self.seq });
        true
    }

    /// Whether a take would find something, or that the subscriber was closed.
    pub fn has_news(&self, id: SubscriberId) -> bool {
        let slot = self.subscribers.slot(id.0);
        slot.and_then(|slot| self.subscribers.get(slot)).is_none_or(|subscriber| subscriber.woken)
    }

    /// What the hub must be told, in order. Drain it after each call.
    pub fn interests(&mut self) -> std::vec::Drain<'_, Interest> {
        self.interests.drain(..)
    }

    /// Whether [`Self::interests`] has anything.
    pub fn has_interests(&self) -> bool {
        !self.interests.is_empty()
    }

    /// Subscribers that have something to take since they were last found empty. Each is named once until
    /// a take leaves it empty again.
    pub fn woken(&mut self) -> std::vec::Drain<'_, SubscriberId> {
        self.woken.drain(..)
    }

    /// What was done so far, and how much there is.
    pub fn counters(&self) -> Counters {
        let (subscribers, persons) = (self.subscribers.len(), self.persons.len());
        Counters { subscribers, persons, ..self.counters }
    }

    /// Whether nobody subscribes and nothing is left of those that did.
    pub fn is_empty(&self) -> bool {
        (self.subscribers.len(), self.persons.len(), self.scopes.len(), self.counters.watches) == (0, 0, 0, 0)
    }

    /// The subscriber, unless it was closed or has ended.
    fn running(&mut self, id: SubscriberId) -> Option<(u32, &mut Subscriber)> {
        let slot = self.subscribers.slot(id.0)?;
        let subscriber = self.subscribers.get_mut(slot)?;
        subscriber.ended.is_none().then_some((slot, subscriber))
    }

    fn scope_closed(&mut self, id: ScopeId) {
        let Some(scope) = self.scopes.get_mut(&id) else { return };
        // The hub has dropped all persons of the scope, so it needs no unwatch.
        for (_, person) in scope.persons.drain() {
            self.persons.remove(person);
        }
        let mut slots: Vec<u32> = scope.subscribers.iter().copied().collect();
        slots.sort_unstable();
        for slot in slots {
            if let Some(subscriber) = self.subscribers.get_mut(slot) {
                self.counters.watches -= subscriber.watches.len();
                subscriber.watches = Vec::new();
                subscriber.dirty.clear();
                subscriber.pending = 0;
            }
            self.end(slot, Ended::ScopeClosed);
        }
    }

    fn end(&mut self, slot: u32, reason: Ended) {
        if let Some(subscriber) = self.subscribers.get_mut(slot) {
            subscriber.ended.get_or_insert(reason);
        }
        self.wake(slot);
    }

    fn wake(&mut self, slot: u32) {
        if let Some(subscriber) = self.subscribers.get_mut(slot)
            && !std::mem::replace(&mut subscriber.woken, true)
        {
            self.counters.woken += 1;
            self.woken.push(SubscriberId(self.subscribers.key(slot)));
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { watches: 5_000, id_bytes: 1_024, notices: 256, notice_bytes: 256 << 10 }
    }
}

#[cfg(test)]
mod tests;
