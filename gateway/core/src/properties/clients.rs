//! Clients that keep the newest state of everybody they watch, over reconnects.

use std::collections::{BTreeMap, BTreeSet};

use protocol::presence::{PersonId, Presence};

use crate::shard::{Batch, Ended};
use crate::{Cursor, ScopeId, SubscriberId};

pub(super) struct Client {
    pub(super) shard: usize,
    pub(super) scope: ScopeId,
    pub(super) subscriber: SubscriberId,
    pub(super) watched: BTreeSet<PersonId>,
    pub(super) view: BTreeMap<PersonId, (u64, Presence)>,
    pub(super) cursor: Option<Cursor>,
    /// Who was watched when the cursor was given, and is since then.
    pub(super) covered: BTreeSet<PersonId>,
    pub(super) ended: bool,
    notices: u64,
    /// Revisions seen on this channel.
    on_channel: BTreeMap<PersonId, u64>,
}

impl Client {
    pub(super) fn new(shard: usize, scope: ScopeId, subscriber: SubscriberId) -> Self {
        Self {
            shard,
            scope,
            subscriber,
            watched: BTreeSet::new(),
            view: BTreeMap::new(),
            cursor: None,
            covered: BTreeSet::new(),
            ended: false,
            notices: 0,
            on_channel: BTreeMap::new(),
        }
    }

    pub(super) fn reconnected(&mut self, shard: usize, subscriber: SubscriberId) {
        self.shard = shard;
        self.subscriber = subscriber;
        self.notices = 0;
        self.on_channel.clear();
        // What was seen after the cursor was perhaps not: the connection broke.
    }

    pub(super) fn unwatched(&mut self, person: &PersonId) {
        self.watched.remove(person);
        self.covered.remove(person);
        self.view.remove(person);
        self.on_channel.remove(person);
    }

    pub(super) fn receive(&mut self, batch: &Batch) {
        let mut in_batch = BTreeSet::new();
        for notice in &batch.notices {
            assert_eq!(notice, &self.notices.to_string(), "notices keep their order");
            self.notices += 1;
        }
        for state in &batch.states {
            let (person, revision) = (&state.person, state.revision());
            assert!(self.watched.contains(person), "{person} is not watched");
            assert!(in_batch.insert(person.clone()), "{person} comes twice");
            let before = self.on_channel.insert(person.clone(), revision);
            assert!(before.is_none_or(|before| before < revision), "{person} goes back");
            let known = self.view.get(person).map_or(0, |(revision, _)| *revision);
            if known < revision {
                self.view.insert(person.clone(), (revision, state.presence.clone()));
            }
        }
        if batch.cursor.is_some() {
            assert!(!batch.more && batch.ended.is_none());
            self.cursor = batch.cursor;
            self.covered = self.watched.clone();
        }
        match batch.ended {
            None => {}
            Some(Ended::ScopeClosed | Ended::Overflow) => self.ended = true,
        }
    }

    /// The number of the next notice, given how many are on the way.
    pub(super) fn next_notice(&self, waiting: u64) -> String {
        (self.notices + waiting).to_string()
    }
}
