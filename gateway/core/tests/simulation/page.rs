//! A browser page: watches people, takes what it is woken for in its own time, and comes back with its
//! cursor when its channel breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gateway_core::shard::{Batch, Shard};
use gateway_core::{Cursor, ScopeId, SubscriberId};
use protocol::presence::{PersonId, Presence};

use super::dice::Dice;

pub(crate) struct Page {
    /// Place of the driver whose scope it is, if it is a user's own.
    pub(crate) user: Option<usize>,
    pub(crate) site: usize,
    pub(crate) scope: ScopeId,
    pub(crate) shard: usize,
    pub(crate) subscriber: Option<SubscriberId>,
    pub(crate) watched: BTreeSet<PersonId>,
    pub(crate) view: BTreeMap<PersonId, (u64, Presence)>,
    pub(crate) cursor: Option<Cursor>,
    covered: BTreeSet<PersonId>,
    /// Longest time between being woken and taking, in milliseconds.
    slowness: usize,
    pub(crate) take_at: Option<Duration>,
    pub(crate) back_at: Option<Duration>,
    /// The scope is gone; the user must log in again.
    pub(crate) ended: bool,
}

impl Page {
    pub(crate) fn new(
        site: usize,
        scope: ScopeId,
        user: Option<usize>,
        dice: &mut Dice,
        now: Duration,
    ) -> Self {
        Self {
            user,
            site,
            scope,
            shard: 0,
            subscriber: None,
            watched: BTreeSet::new(),
            view: BTreeMap::new(),
            cursor: None,
            covered: BTreeSet::new(),
            slowness: *dice.of(&[2, 20, 500, 30_000]),
            take_at: None,
            back_at: Some(now),
            ended: false,
        }
    }

    pub(crate) fn due(&self) -> Option<Duration> {
        [self.take_at, self.back_at].into_iter().flatten().min()
    }

    pub(crate) fn woken(&mut self, dice: &mut Dice, now: Duration) {
        let at = now + dice.milliseconds(self.slowness);
        self.take_at = Some(self.take_at.map_or(at, |other| other.min(at)));
    }

    /// Opens a channel on a shard, with what it holds. Whether it holds anything.
    pub(crate) fn connect(&mut self, number: usize, shard: &mut Shard) -> bool {
        self.back_at = None;
        self.shard = number;
        let subscriber = shard.open(self.scope);
        self.subscriber = Some(subscriber);
        let held: Vec<PersonId> = self.covered.iter().cloned().collect();
        let rest: Vec<PersonId> = self.watched.difference(&self.covered).cloned().collect();
        shard.watch(subscriber, &held, self.cursor).unwrap();
        shard.watch(subscriber, &rest, None).unwrap();
        !held.is_empty()
    }

    pub(crate) fn disconnect(&mut self, shard: &mut Shard) {
        if let Some(subscriber) = self.subscriber.take() {
            shard.close(subscriber);
        }
        self.take_at = None;
    }

    pub(crate) fn watch(&mut self, persons: Vec<PersonId>, shard: &mut Shard) {
        if let Some(subscriber) = self.subscriber
            && shard.watch(subscriber, &persons, None).is_ok()
        {
            self.watched.extend(persons);
        }
    }

    pub(crate) fn unwatch(&mut self, persons: &[PersonId], shard: &mut Shard) {
        if let Some(subscriber) = self.subscriber {
            shard.unwatch(subscriber, persons);
        }
        for person in persons {
            self.watched.remove(person);
            self.covered.remove(person);
            self.view.remove(person);
        }
    }

    /// Takes some; the time of the next take if there is more.
    pub(crate) fn take(&mut self, shard: &mut Shard, dice: &mut Dice, now: Duration) {
        self.take_at = None;
        let Some(subscriber) = self.subscriber else { return };
        let mut batch = Batch::default();
        assert!(shard.take(subscriber, 1 + dice.below(8), &mut batch));
        for state in &batch.states {
            assert!(self.watched.contains(&state.person), "{} is not watched", state.person);
            let known = self.view.get(&state.person).map_or(0, |(revision, _)| *revision);
            if known < state.revision() {
                self.view.insert(state.person.clone(), (state.revision(), state.presence.clone()));
            }
        }
        if batch.cursor.is_some() {
            self.cursor = batch.cursor;
            self.covered = self.watched.clone();
        }
        if batch.more {
            self.woken(dice, now);
        }
        self.ended |= batch.ended.is_some();
    }

    pub(crate) fn is_caught_up(&self) -> bool {
        self.cursor.is_some() && self.covered == self.watched
    }

    /// Another scope: what was seen in the old one may be another truth.
    pub(crate) fn move_to(&mut self, scope: ScopeId, user: Option<usize>, now: Duration) {
        self.scope = scope;
        self.user = user;
        self.ended = false;
        self.view.clear();
        self.covered.clear();
        self.back_at = Some(now);
    }
}
