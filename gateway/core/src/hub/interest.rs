//! The way of a watch: from a shard's first interest in a person to the end of the linger.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use protocol::presence::PersonId;

use super::scope::{Person, Viewer};
use super::{Effect, Hub, Wake};
use crate::messages::{Interest, ToShard};
use crate::{ScopeId, ShardId, Ticket};

impl Hub {
    pub(super) fn interest(
        &mut self,
        shard: ShardId,
        changes: Vec<Interest>,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        for change in changes {
            match change {
                Interest::Watch { scope, person, ticket } => {
                    self.watch(scope, person, Viewer { shard, ticket }, now, effects);
                }
                Interest::Unwatch { scope, person, ticket } => {
                    self.unwatch(scope, &person, shard, ticket, now);
                }
            }
        }
    }

    fn watch(
        &mut self,
        scope_id: ScopeId,
        id: PersonId,
        viewer: Viewer,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else {
            let message = ToShard::ScopeClosed(scope_id);
            effects.push(Effect::Shard { shard: viewer.shard, message });
            return;
        };
        let until = now + scope.settings.unknown_after;
        let (person, is_new) = match scope.persons.entry(id.clone()) {
            Entry::Occupied(known) => (known.into_mut(), false),
            Entry::Vacant(vacant) => {
                self.counters.persons += 1;
                let doubt = Some(self.timers.set(until, Wake::Doubt(scope_id, id.clone())));
                (vacant.insert(Person { doubt, ..Person::default() }), true)
            }
        };
        self.timers.cancel(person.linger.take());
        self.counters.interests -= person.viewers.len();
        person.viewers.retain(|other| other.shard != viewer.shard);
        person.viewers.push(viewer);
        self.counters.interests += person.viewers.len();
        if let Some(record) = &person.record {
            let message = ToShard::State { ticket: viewer.ticket, record: Arc::clone(record) };
            effects.push(Effect::Shard { shard: viewer.shard, message });
        }
        if is_new {
            self.place(scope_id, &id, true);
        }
    }

    fn unwatch(&mut self, scope_id: ScopeId, id: &PersonId, shard: ShardId, ticket: Ticket, now: Duration) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        let Some(person) = scope.persons.get_mut(id) else { return };
        let before = person.viewers.len();
        person.viewers.retain(|viewer| viewer.shard != shard || viewer.ticket != ticket);
        self.counters.interests -= before - person.viewers.len();
        if before == 0 || !person.viewers.is_empty() {
            return;
        }
        if person.login.is_some() {
            let until = now + scope.settings.linger;
            person.linger = Some(self.timers.set(until, Wake::Linger(scope_id, id.clone())));
        } else {
            // Nothing upstream is worth keeping.
            self.drop_person(scope_id, id);
        }
    }

    pub(super) fn linger_passed(&mut self, scope: ScopeId, id: &PersonId) {
        let Some(person) = self.scopes.get_mut(&scope).and_then(|scope| scope.persons.get_mut(id)) else {
            return;
        };
        person.linger = None;
        self.drop_person(scope, id);
    }

    pub(super) fn drop_person(&mut self, scope_id: ScopeId, id: &PersonId) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        let Some(person) = scope.persons.remove(id) else { return };
        scope.waiting.remove(id);
        if let Some(login_id) = person.login
            && let Some(login) = self.logins.get_mut(&login_id)
        {
            login.watches.forget(id);
            self.touch(login_id);
        }
        self.settle_accounts(person);
    }

    /// A person that is no longer in its scope.
    pub(super) fn settle_accounts(&mut self, person: Person) {
        self.counters.persons -= 1;
        self.counters.known -= usize::from(person.is_known());
        self.counters.interests -= person.viewers.len();
        self.timers.cancel(person.linger);
        self.timers.cancel(person.doubt);
        self.timers.cancel(person.trouble.and_then(|trouble| trouble.retry));
    }
}
