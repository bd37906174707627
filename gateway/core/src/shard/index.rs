//! The watch index: who watches whom, kept from both sides so that a change finds its watchers and a
//! leaving subscriber its persons, each in constant time per watch.
//!
//! Invariant: watch `i` of subscriber `s` says (person `p`, position `k`) exactly if watcher `k` of `p`
//! says (subscriber `s`, index `i`). A person has at least one watcher, else its slot is free.

use std::sync::Arc;

use protocol::presence::PersonId;

use super::subscriber::{Watch, Watcher};
use super::{Person, Shard};
use crate::hashing::{Map, Set};
use crate::messages::Interest;
use crate::{StateRecord, SubscriberId, Ticket};

/// Up to so many ids are looked for one by one in a subscriber's watches; for more, a set is made.
const FEW: usize = 4;

impl Shard {
    /// A state has arrived: whoever watches the person has news.
    pub(super) fn state(&mut self, ticket: Ticket, record: Arc<StateRecord>) {
        self.seq = self.seq.max(record.seq);
        let Some(person) = self.persons.slot(ticket.0).and_then(|slot| self.persons.get_mut(slot)) else {
            return;
        };
        let is_first = person.record.is_none();
        let seq = record.seq;
        if person.record.as_ref().is_some_and(|known| known.seq >= seq) {
            return;
        }
        person.record = Some(record);
        for watcher in &person.watchers {
            let Some(subscriber) = self.subscribers.get_mut(watcher.subscriber) else { continue };
            if is_first {
                let index = watcher.index as usize;
                let resumed = subscriber.watches.get_mut(index).is_some_and(Watch::take_resumed);
                let seen = resumed && subscriber.floor.is_some_and(|floor| seq <= floor);
                subscriber.one_less_pending();
                if seen {
                    continue;
                }
            }
            if !subscriber.dirty.insert(watcher.index as usize) {
                self.counters.coalesced += 1;
            }
            if !std::mem::replace(&mut subscriber.woken, true) {
                self.counters.woken += 1;
                self.woken.push(SubscriberId(self.subscribers.key(watcher.subscriber)));
            }
        }
    }

    /// Which of the persons the subscriber does not watch, each once.
    pub(super) fn not_watched(&self, slot: u32, persons: &[PersonId]) -> Vec<PersonId> {
        let Some(subscriber) = self.subscribers.get(slot) else { return Vec::new() };
        let known = self.scopes.get(&subscriber.scope).map(|scope| &scope.persons);
        let watches = &subscriber.watches;
        let mut watched = Set::with_hasher(self.key);
        if persons.len() > FEW {
            watched.extend(watches.iter().map(|watch| watch.person));
        }
        let is_watched = |id: &PersonId| {
            let Some(person) = known.and_then(|known| known.get(id)) else { return false };
            watched.contains(person)
                || persons.len() <= FEW && watches.iter().any(|watch| watch.person == *person)
        };
        let mut seen = Set::with_hasher(self.key);
        persons.iter().filter(|id| !is_watched(id) && seen.insert(*id)).cloned().collect()
    }

    /// Adds watches of persons that the subscriber does not watch yet.
    pub(super) fn add_watches(&mut self, slot: u32, persons: Vec<PersonId>, floor: Option<u64>) {
        let Some(subscriber) = self.subscribers.get_mut(slot) else { return };
        if persons.len() > FEW {
            subscriber.watches.reserve_exact(persons.len());
        }
        if let Some(floor) = floor {
            // Of two cursors the earlier one: sending a state twice does no harm.
            subscriber.floor = Some(subscriber.floor.map_or(floor, |other| other.min(floor)));
        }
        for id in persons {
            self.add_watch(slot, id, floor);
        }
        if let Some(subscriber) = self.subscribers.get_mut(slot).filter(|subscriber| subscriber.pending == 0)
        {
            subscriber.floor = None;
        }
    }

    fn add_watch(&mut self, slot: u32, id: PersonId, floor: Option<u64>) {
        let Some(person_slot) = self.person_slot(slot, id) else { return };
        let Some(subscriber) = self.subscribers.get_mut(slot) else { return };
        let Some(person) = self.persons.get_mut(person_slot) else { return };
        let index = subscriber.watches.len();
        let position = person.watchers.len() as u32;
        let seen = person.record.as_ref().map(|record| floor.is_some_and(|floor| record.seq <= floor));
        let resumed = floor.is_some() && seen.is_none();
        person.watchers.push(Watcher { subscriber: slot, index: index as u32 });
        subscriber.watches.push(Watch::new(person_slot, position, resumed));
        self.counters.watches += 1;
        match seen {
            None => subscriber.pending += 1,
            Some(true) => {}
            Some(false) => {
                subscriber.dirty.insert(index);
                self.wake(slot);
            }
        }
    }

    /// The slot of a person in the subscriber's scope; a new person is told to the hub.
    fn person_slot(&mut self, subscriber: u32, id: PersonId) -> Option<u32> {
        let scope_id = self.subscribers.get(subscriber)?.scope;
        let scope = self.scopes.get_mut(&scope_id)?;
        if let Some(slot) = scope.persons.get(&id) {
            return Some(*slot);
        }
        let person = Person { scope: scope_id, id: id.clone(), record: None, watchers: Vec::new() };
        let slot = self.persons.insert(person);
        scope.persons.insert(id.clone(), slot);
        let ticket = Ticket(self.persons.key(slot));
        self.interests.push(Interest::Watch { scope: scope_id, person: id, ticket });
        Some(slot)
    }

    /// Removes the watches of those of the persons that the subscriber watches.
    pub(super) fn remove_watches(&mut self, slot: u32, persons: &[PersonId]) {
        let Some(subscriber) = self.subscribers.get(slot) else { return };
        let Some(scope) = self.scopes.get(&subscriber.scope) else { return };
        let gone = persons.iter().filter_map(|id| scope.persons.get(id).copied());
        let watches = (0u32..).zip(&subscriber.watches);
        let mut indexes: Vec<u32> = if persons.len() > FEW {
            let index_of: Map<u32, u32> = {
                let mut map = Map::with_hasher(self.key);
                map.extend(watches.map(|(index, watch)| (watch.person, index)));
                map
            };
            gone.filter_map(|person| index_of.get(&person).copied()).collect()
        } else {
            gone.filter_map(|person| {
                watches.clone().find(|(_, watch)| watch.person == person).map(|(index, _)| index)
            })
            .collect()
        };
        // From the end: what moves into a gap is never one of those still to be removed.
        indexes.sort_unstable();
        indexes.dedup();
        for index in indexes.into_iter().rev() {
            self.remove_watch(slot, index as usize);
        }
    }

    pub(super) fn remove_all_watches(&mut self, slot: u32) {
        while let Some(last) =
            self.subscribers.get(slot).and_then(|subscriber| subscriber.watches.len().checked_sub(1))
        {
            self.remove_watch(slot, last);
        }
        if let Some(subscriber) = self.subscribers.get_mut(slot) {
            subscriber.watches = Vec::new();
        }
    }

    fn remove_watch(&mut self, slot: u32, index: usize) {
        let Some(subscriber) = self.subscribers.get_mut(slot) else { return };
        let Some(last) = subscriber.watches.len().checked_sub(1).filter(|last| index <= *last) else {
            return;
        };
        let watch = subscriber.watches.swap_remove(index);
        subscriber.dirty.swap_remove(index, last);
        self.counters.watches -= 1;
        // The subscriber's last watch has moved into the gap.
        if let Some(moved) = subscriber.watches.get(index).copied()
            && let Some(person) = self.persons.get_mut(moved.person)
            && let Some(watcher) = person.watchers.get_mut(moved.position())
        {
            watcher.index = index as u32;
        }
        let Some(person) = self.persons.get_mut(watch.person) else { return };
        if person.record.is_none()
            && let Some(subscriber) = self.subscribers.get_mut(slot)
        {
            subscriber.one_less_pending();
        }
        let position = watch.position();
        if position < person.watchers.len() {
            person.watchers.swap_remove(position);
        }
        // The person's last watcher has moved into the gap.
        if let Some(moved) = person.watchers.get(position)
            && let Some(subscriber) = self.subscribers.get_mut(moved.subscriber)
            && let Some(watch) = subscriber.watches.get_mut(moved.index as usize)
        {
            watch.set_position(position as u32);
        }
        if person.watchers.is_empty() {
            self.remove_person(watch.person);
        }
    }

    fn remove_person(&mut self, slot: u32) {
        let ticket = Ticket(self.persons.key(slot));
        let Some(Person { scope, id, .. }) = self.persons.remove(slot) else { return };
        if let Some(scope) = self.scopes.get_mut(&scope) {
            scope.persons.remove(&id);
        }
        self.interests.push(Interest::Unwatch { scope, person: id, ticket });
    }

    /// Whether both sides of the index agree, in every detail.
    #[cfg(test)]
    pub(crate) fn is_consistent(&self) -> bool {
        let forward = self.subscribers.iter().all(|(slot, subscriber)| {
            (0u32..).zip(&subscriber.watches).all(|(index, watch)| {
                let watcher = self.persons.get(watch.person).and_then(|p| p.watchers.get(watch.position()));
                watcher == Some(&Watcher { subscriber: slot, index })
            })
        });
        let watchers: usize = self.persons.iter().map(|(_, person)| person.watchers.len()).sum();
        let watches: usize = self.subscribers.iter().map(|(_, subscriber)| subscriber.watches.len()).sum();
        let pending = self.subscribers.iter().all(|(_, subscriber)| {
            let without = |watch: &&Watch| self.persons.get(watch.person).is_some_and(|p| p.record.is_none());
            subscriber.watches.iter().filter(without).count() == subscriber.pending as usize
        });
        let persons: usize = self.scopes.values().map(|scope| scope.persons.len()).sum();
        forward
            && pending
            && watchers == watches
            && watches == self.counters.watches
            && persons == self.persons.len()
            && self.persons.iter().all(|(_, person)| !person.watchers.is_empty())
    }
}
