//! The owner of presence state in a node: one per node.
//!
//! Events come from shards (interest) and from communities (logins, entries); effects go back to both.
//! The hub keeps per scope and person the newest state, publishes differences only, decides which login
//! of a scope watches whom, and keeps a watch for a while after its last viewer.
//!
//! A person whose first answer is outstanding is not published: its viewers hear nothing until the state
//! is there, or until `unknown_after` has passed, when it is published as unknown. So pages do not
//! flicker. The same time runs when a login is lost: states keep their value, and only who has not been
//! named again by then becomes unknown.
//!
//! It does not know sockets, sessions or frames. `entries.rs` is the way of a change, `interest.rs` that
//! of a watch, `logins.rs` that of a login.

use std::sync::Arc;
use std::time::Duration;

use protocol::presence::{PersonId, Presence};

mod counters;
mod entries;
mod interest;
mod logins;
mod scope;
mod settings;

pub use counters::Counters;
pub use settings::Settings;

use crate::hashing::{Keyed, Map};
use crate::messages::{Interest, ToShard};
use crate::timers::Timers;
use crate::watchset::Command;
use crate::{LoginId, ScopeId, ShardId};
use scope::{Login, Scope};

/// What the hub is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// A scope exists from now on. Must come before any watch in it.
    ScopeOpened {
        /// Never used before.
        scope: ScopeId,
        /// Its paces, usually shared by all scopes of a community.
        settings: Arc<Settings>,
    },
    /// A scope is gone with its logins, persons and subscribers.
    ScopeClosed(ScopeId),
    /// An awareness channel is open. A login whose service went away and came back (vp-wire.md 8.6) is
    /// a new one here, so that nothing of the earlier channel can be taken for the new one's.
    LoginUp {
        /// Whose truth it sees.
        scope: ScopeId,
        /// Never used before.
        login: LoginId,
    },
    /// The awareness channel is gone, alone or with its connection.
    LoginDown(LoginId),
    /// A snapshot or update.
    Entries {
        /// Who received it.
        login: LoginId,
        /// In the order of arrival.
        entries: Vec<(PersonId, Presence)>,
        /// Whether it was a snapshot, which answers what the login asked for.
        snapshot: bool,
        /// When they were decoded, on the hub's clock: before they waited for the hub.
        decoded_at: Duration,
    },
    /// Interest of a shard began or ended.
    Interest {
        /// Which shard.
        shard: ShardId,
        /// In the order in which the shard gave them.
        changes: Vec<Interest>,
    },
    /// Only time has passed.
    Tick,
}

/// What follows from an event, in this order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// To a shard's inbox, which keeps the order.
    Shard {
        /// Which shard.
        shard: ShardId,
        /// What it is told.
        message: ToShard,
    },
    /// To an upstream login.
    Upstream {
        /// Which login.
        login: LoginId,
        /// What it shall send.
        command: Command,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Hub {
    shards: u16,
    key: Keyed,
    /// The number of the last change.
    seq: u64,
    scopes: Map<ScopeId, Scope>,
    logins: Map<LoginId, Login>,
    timers: Timers<Wake>,
    /// Logins whose watch set has changed since the last flush.
    touched: Vec<LoginId>,
    commands: Vec<Command>,
    counters: Counters,
}

/// What a deadline is for.
#[derive(Debug)]
enum Wake {
    Linger(ScopeId, PersonId),
    Doubt(ScopeId, PersonId),
    Retry(ScopeId, PersonId),
    /// A batch is overdue.
    Batch(LoginId),
    Ceiling(LoginId),
}

impl Hub {
    /// `shards`: how many shards there are, numbered from 0. `key`: a random number nobody outside can
    /// guess, for hashing.
    pub fn new(shards: u16, key: u64) -> Self {
        let key = Keyed(key);
        Self {
            shards,
            key,
            seq: 0,
            scopes: Map::with_hasher(key),
            logins: Map::with_hasher(key),
            timers: Timers::new(),
            touched: Vec::new(),
            commands: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Takes an event at a time that never goes back, and whatever deadline has passed by then.
    pub fn apply(&mut self, event: Event, now: Duration, effects: &mut Vec<Effect>) {
        match event {
            Event::ScopeOpened { scope, settings } => self.scope_opened(scope, settings),
            Event::ScopeClosed(scope) => self.scope_closed(scope, effects),
            Event::LoginUp { scope, login } => self.login_up(scope, login),
            Event::LoginDown(login) => self.login_down(login, now),
            Event::Entries { login, entries, snapshot, decoded_at } => {
                for (person, presence) in entries {
                    self.entry((login, &person), presence, snapshot, decoded_at.min(now), effects);
                }
            }
            Event::Interest { shard, changes } => self.interest(shard, changes, now, effects),
            Event::Tick => {}
        }
        while let Some(wake) = self.timers.pop(now) {
            match wake {
                Wake::Linger(scope, person) => self.linger_passed(scope, &person),
                Wake::Doubt(scope, person) => self.doubt_passed(scope, &person, now, effects),
                Wake::Retry(scope, person) => self.retry(scope, &person),
                Wake::Batch(login) => self.batch_overdue(login, now),
                Wake::Ceiling(login) => self.ceiling_ended(login),
            }
        }
        self.flush(now, effects);
    }

    /// When [`Event::Tick`] is due, if nothing else comes before.
    pub fn next_wake(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// What was done so far, and how much there is.
    pub fn counters(&self) -> Counters {
        Counters { scopes: self.scopes.len(), logins: self.logins.len(), ..self.counters }
    }

    /// Whether no scope is open and nothing is left of those that were.
    pub fn is_empty(&self) -> bool {
        let Counters { persons, known, interests, .. } = self.counters;
        self.scopes.is_empty()
            && self.logins.is_empty()
            && self.timers.len() == 0
            && self.touched.is_empty()
            && (persons, known, interests) == (0, 0, 0)
    }

    fn scope_opened(&mut self, scope: ScopeId, settings: Arc<Settings>) {
        let key = self.key;
        self.scopes.entry(scope).or_insert_with(|| Scope::new(settings, key));
    }

    fn scope_closed(&mut self, id: ScopeId, effects: &mut Vec<Effect>) {
        let Some(scope) = self.scopes.remove(&id) else { return };
        for login in scope.logins {
            self.drop_login(login);
        }
        for person in scope.persons.into_values() {
            self.settle_accounts(person);
        }
        for shard in 0..self.shards {
            effects.push(Effect::Shard { shard: ShardId(shard), message: ToShard::ScopeClosed(id) });
        }
    }
}

#[cfg(test)]
mod tests;
