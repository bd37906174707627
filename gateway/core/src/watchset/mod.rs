//! What one upstream login watches, and how it asks for it (vp-wire.md 8.5 and 8.8).
//!
//! Persons are asked for in batches. A batch is in flight until the server has named each of its
//! persons once, and only a few may be in flight: a lone person is asked for at once, and batches grow
//! by themselves when the server is slower than the wishes. Servers ignore an ADD beyond their limit
//! without a word, so a batch has a deadline, after which its missing persons are *overdue*.
//!
//! It does not know why somebody is watched, nor what to do about overdue persons: that is the hub's.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::presence::PersonId;

use crate::hashing::{Keyed, Map};

/// An ADD or REMOVE is at most so long, so that it fits the smallest frame a server may take.
const BATCH_BYTES: usize = 64 << 10;
/// The count before the ids.
const COUNT_BYTES: usize = 4;
/// An AwareId without its user: kind and two string lengths, the community left empty (vp-wire.md 2.1).
const ID_BYTES: usize = 6;

/// What is to be sent to the awareness service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send type 0x0068.
    Add(Vec<PersonId>),
    /// Send type 0x0069.
    Remove(Vec<PersonId>),
}

/// Bounds on what a login asks for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Ids in one ADD or REMOVE; at least 1.
    pub batch: usize,
    /// Batches that may be unanswered; at least 1.
    pub batches_in_flight: usize,
    /// A person that has not been named by then is overdue.
    pub answer_timeout: Duration,
}

/// Whether an entry from the server was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The first since the person was asked for.
    First,
    /// The person was named before.
    Again,
    /// The person is not watched here (any more, or yet), or what is known of it is from an earlier watch.
    Stray,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct WatchSet {
    pace: Pace,
    places: Map<PersonId, Place>,
    /// Persons to ask for, in the order of their wishes.
    queue: BTreeMap<u64, PersonId>,
    next_in_queue: u64,
    removals: Vec<PersonId>,
    /// In flight, oldest first; never more than `batches_in_flight`.
    batches: Vec<Batch>,
    next_batch: u32,
    answered: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Queued(u64),
    Asked(u32),
    Answered,
    Overdue,
    /// Overdue, and queued to be asked for again. The server may have the earlier ADD, so it can still
    /// answer that, and must be told when the person is forgotten.
    Requeued(u64),
}

#[derive(Debug)]
struct Batch {
    number: u32,
    deadline: Duration,
    missing: usize,
}

impl WatchSet {
    pub(crate) fn new(pace: Pace, key: Keyed) -> Self {
        Self {
            pace,
            places: Map::with_hasher(key),
            queue: BTreeMap::new(),
            next_in_queue: 0,
            removals: Vec::new(),
            batches: Vec::new(),
            next_batch: 0,
            answered: 0,
        }
    }

    /// The person shall be watched. No effect if it is already.
    pub(crate) fn want(&mut self, person: PersonId) {
        if self.places.contains_key(&person) {
            return;
        }
        let order = self.enqueue(person.clone());
        self.places.insert(person, Place::Queued(order));
    }

    /// Asks again for an overdue person; an ADD of an id already watched is harmless (vp-wire.md 8.5).
    pub(crate) fn ask_again(&mut self, person: &PersonId) {
        if self.places.get(person) != Some(&Place::Overdue) {
            return;
        }
        let order = self.enqueue(person.clone());
        self.places.insert(person.clone(), Place::Requeued(order));
    }

    /// The person shall not be watched any more.
    pub(crate) fn forget(&mut self, person: &PersonId) {
        let Some((person, place)) = self.places.remove_entry(person) else { return };
        match place {
            Place::Queued(order) => {
                self.queue.remove(&order);
                return;
            }
            Place::Asked(batch) => self.settle(batch),
            Place::Answered => self.answered -= 1,
            Place::Requeued(order) => {
                self.queue.remove(&order);
            }
            Place::Overdue => {}
        }
        self.removals.push(person);
    }

    /// The server has named the person, in a snapshot or in an update. An ADD is answered by a snapshot
    /// (vp-wire.md 8.5): an update that comes before it was sent to an earlier watch, and the server may
    /// have ignored this one.
    pub(crate) fn answer(&mut self, person: &PersonId, snapshot: bool) -> Answer {
        let Some(place) = self.places.get_mut(person) else { return Answer::Stray };
        let before = *place;
        match before {
            // From an earlier watch; the answer to this one is still to come.
            Place::Queued(_) => return Answer::Stray,
            Place::Answered => return Answer::Again,
            _ if !snapshot => return Answer::Stray,
            Place::Asked(_) | Place::Overdue | Place::Requeued(_) => *place = Place::Answered,
        }
        self.answered += 1;
        match before {
            Place::Asked(batch) => self.settle(batch),
            Place::Requeued(order) => drop(self.queue.remove(&order)),
            _ => {}
        }
        Answer::First
    }

    /// What can be sent now: removals, then as many batches as may be in flight.
    pub(crate) fn flush(&mut self, now: Duration, commands: &mut Vec<Command>) {
        let mut removals = std::mem::take(&mut self.removals).into_iter().peekable();
        while removals.peek().is_some() {
            commands.push(Command::Remove(self.pace.cut(&mut removals)));
        }
        while self.batches.len() < self.pace.batches_in_flight && !self.queue.is_empty() {
            commands.push(Command::Add(self.next_batch(now)));
        }
    }

    /// Gives up batches whose deadline has passed; the persons in them that were never named. They stay
    /// overdue until they are forgotten or named after all.
    pub(crate) fn overdue(&mut self, now: Duration) -> Vec<PersonId> {
        let late: Vec<u32> =
            self.batches.iter().filter(|batch| batch.deadline <= now).map(|batch| batch.number).collect();
        if late.is_empty() {
            return Vec::new();
        }
        self.batches.retain(|batch| batch.deadline > now);
        let mut persons = Vec::new();
        for (person, place) in &mut self.places {
            if matches!(place, Place::Asked(batch) if late.contains(batch)) {
                *place = Place::Overdue;
                persons.push(person.clone());
            }
        }
        persons
    }

    /// The connection has lost everything: all persons, in the order of their ids.
    pub(crate) fn clear(&mut self) -> Vec<PersonId> {
        let mut persons: Vec<PersonId> = self.places.drain().map(|(person, _)| person).collect();
        persons.sort_unstable();
        self.queue.clear();
        self.removals.clear();
        self.batches.clear();
        self.answered = 0;
        persons
    }

    /// When [`Self::overdue`] has something to say.
    pub(crate) fn next_wake(&self) -> Option<Duration> {
        self.batches.first().map(|batch| batch.deadline)
    }

    /// Persons that are watched or shall be.
    pub(crate) fn load(&self) -> usize {
        self.places.len()
    }

    /// Persons that the server has named.
    pub(crate) fn answered(&self) -> usize {
        self.answered
    }

    fn next_batch(&mut self, now: Duration) -> Vec<PersonId> {
        let number = self.next_batch;
        self.next_batch = self.next_batch.wrapping_add(1);
        let mut queued = self.queue.values().cloned().peekable();
        let persons = self.pace.cut(&mut queued);
        for person in &persons {
            self.queue.pop_first();
            self.places.insert(person.clone(), Place::Asked(number));
        }
        let deadline = now + self.pace.answer_timeout;
        self.batches.push(Batch { number, deadline, missing: persons.len() });
        persons
    }

    fn enqueue(&mut self, person: PersonId) -> u64 {
        let order = self.next_in_queue;
        self.next_in_queue += 1;
        self.queue.insert(order, person);
        order
    }

    /// One person of the batch is no longer missing.
    fn settle(&mut self, number: u32) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.number == number) {
            batch.missing -= 1;
        }
        self.batches.retain(|batch| batch.missing > 0);
    }
}

impl Pace {
    /// The next ids that fit one frame; at least one, as a single id always fits.
    fn cut(&self, ids: &mut std::iter::Peekable<impl Iterator<Item = PersonId>>) -> Vec<PersonId> {
        let mut cut = Vec::new();
        let mut bytes = COUNT_BYTES;
        while let Some(id) = ids.next_if(|id| {
            bytes += ID_BYTES + id.as_str().len();
            cut.is_empty() || (cut.len() < self.batch && bytes <= BATCH_BYTES)
        }) {
            cut.push(id);
        }
        cut
    }
}

#[cfg(test)]
mod tests;
