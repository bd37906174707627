//! The way of a change: from an upstream entry, or from a loss, to the shards that view the person.

use std::sync::Arc;
use std::time::Duration;

use protocol::presence::{PersonId, Presence, Status};

use super::scope::Person;
use super::{Counters, Effect, Hub};
use crate::messages::ToShard;
use crate::watchset::Answer;
use crate::{LoginId, ScopeId, StateRecord};

impl Hub {
    /// What a login was told about a person.
    pub(super) fn entry(
        &mut self,
        (login_id, id): (LoginId, &PersonId),
        presence: Presence,
        snapshot: bool,
        decoded_at: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let Some(login) = self.logins.get_mut(&login_id) else { return };
        let answer = login.watches.answer(id, snapshot);
        let watched = (self.scopes.get_mut(&login.scope)).and_then(|scope| scope.persons.get_mut(id));
        let Some(person) = watched.filter(|_| answer != Answer::Stray) else {
            self.counters.stray += 1;
            return;
        };
        if answer == Answer::First {
            if let Some(trouble) = person.trouble.take() {
                self.timers.cancel(trouble.retry);
            }
            if login.ceiling.is_some_and(|ceiling| login.watches.answered() > ceiling) {
                login.ceiling = None;
                self.timers.cancel(login.ceiling_ends.take());
            }
        }
        self.timers.cancel(person.doubt.take());
        if person.knows(&presence) {
            self.counters.unchanged += 1;
        } else {
            self.counters.applied += 1;
            publish(person, id, presence, &mut self.seq, decoded_at, &mut self.counters, effects);
        }
        if answer == Answer::First {
            self.touch(login_id);
        }
    }

    /// Nobody has confirmed the person in time.
    pub(super) fn doubt_passed(
        &mut self,
        scope: ScopeId,
        id: &PersonId,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let Some(person) = self.scopes.get_mut(&scope).and_then(|scope| scope.persons.get_mut(id)) else {
            return;
        };
        person.doubt = None;
        let unknown = Presence::of(Status::Unknown);
        if !person.knows(&unknown) {
            self.counters.lost += u64::from(person.is_known());
            publish(person, id, unknown, &mut self.seq, now, &mut self.counters, effects);
        }
    }
}

fn publish(
    person: &mut Person,
    id: &PersonId,
    presence: Presence,
    seq: &mut u64,
    decoded_at: Duration,
    counters: &mut Counters,
    effects: &mut Vec<Effect>,
) {
    *seq += 1;
    counters.known -= usize::from(person.is_known());
    let record = Arc::new(StateRecord::new(id.clone(), presence, *seq, decoded_at));
    for viewer in &person.viewers {
        let message = ToShard::State { ticket: viewer.ticket, record: Arc::clone(&record) };
        effects.push(Effect::Shard { shard: viewer.shard, message });
    }
    person.record = Some(record);
    counters.known += usize::from(person.is_known());
}
