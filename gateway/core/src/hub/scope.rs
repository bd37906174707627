//! One scope: the persons watched in it, and what is known of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::presence::{PersonId, Presence};

use super::settings::Settings;
use crate::hashing::{Keyed, Map};
use crate::timers::TimerId;
use crate::watchset::WatchSet;
use crate::{LoginId, ScopeId, ShardId, StateRecord, Ticket};

#[derive(Debug)]
pub(super) struct Scope {
    pub(super) settings: Arc<Settings>,
    pub(super) persons: Map<PersonId, Person>,
    pub(super) logins: Vec<LoginId>,
    /// Persons for whom no login has room.
    pub(super) waiting: BTreeSet<PersonId>,
}

/// A person in a scope. Gone when the last viewer has gone and the linger has passed.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// `None` until the first answer, or until the person counts as unknown.
    pub(super) record: Option<Arc<StateRecord>>,
    pub(super) viewers: Vec<Viewer>,
    /// The login that watches the person or has it in its queue.
    pub(super) login: Option<LoginId>,
    /// Set while nobody views.
    pub(super) linger: Option<TimerId>,
    /// Set while the state is not confirmed by a login.
    pub(super) doubt: Option<TimerId>,
    /// Set once a login has ignored the person; rare.
    pub(super) trouble: Option<Box<Trouble>>,
}

/// A shard's interest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewer {
    pub(super) shard: ShardId,
    pub(super) ticket: Ticket,
}

/// Logins that ignored a person, and when to try again.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) ignored_by: Vec<LoginId>,
    pub(super) tries: u32,
    pub(super) retry: Option<TimerId>,
}

/// An upstream login, as long as its awareness channel is open.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) scope: ScopeId,
    pub(super) watches: WatchSet,
    /// How many watches the server seems to allow, learned from what it ignored.
    pub(super) ceiling: Option<usize>,
    /// When the ceiling is forgotten, so that a server that only stalled is used again.
    pub(super) ceiling_ends: Option<TimerId>,
    /// The watch set's next deadline.
    pub(super) wake: Option<TimerId>,
    /// In the hub's list of logins to flush.
    pub(super) touched: bool,
}

impl Scope {
    pub(super) fn new(settings: Arc<Settings>, key: Keyed) -> Self {
        Self { settings, persons: Map::with_hasher(key), logins: Vec::new(), waiting: BTreeSet::new() }
    }
}

impl Person {
    pub(super) fn knows(&self, presence: &Presence) -> bool {
        self.record.as_ref().is_some_and(|record| record.presence == *presence)
    }

    pub(super) fn is_known(&self) -> bool {
        self.record
            .as_ref()
            .is_some_and(|record| record.presence.status != protocol::presence::Status::Unknown)
    }
}

impl Login {
    pub(super) fn new(scope: ScopeId, watches: WatchSet) -> Self {
        Self { scope, watches, ceiling: None, ceiling_ends: None, wake: None, touched: false }
    }

    /// Whether another person fits. A server that ignored everything is still tried with one.
    pub(super) fn has_room(&self, capacity: Option<usize>, believe_ceiling: bool) -> bool {
        let ceiling = if believe_ceiling { self.ceiling.map(|ceiling| ceiling.max(1)) } else { None };
        let limit = capacity.unwrap_or(usize::MAX).min(ceiling.unwrap_or(usize::MAX));
        self.watches.load() < limit
    }
}
