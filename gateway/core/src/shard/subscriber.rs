//! One open event channel of a browser: what it watches, and what it has not seen yet.

use std::collections::VecDeque;

use bytes::Bytes;

use super::bits::Bits;
use crate::ScopeId;

/// A subscriber's side of a watch: 8 bytes. The person's side, [`Watcher`], is 8 more, and one bit says
/// whether there is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// Slot of the person.
    pub(super) person: u32,
    /// Place among the person's watchers; the top bit says that the client may hold the state already.
    position: u32,
}

/// A person's side of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watcher {
    /// Slot of the subscriber.
    pub(super) subscriber: u32,
    /// Place among the subscriber's watches.
    pub(super) index: u32,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) scope: ScopeId,
    pub(super) watches: Vec<Watch>,
    /// Indexes into `watches` with a state that was not taken yet.
    pub(super) dirty: Bits,
    /// Where taking goes on, so that a small budget reaches everybody.
    pub(super) next: u32,
    /// Watches whose person has no state yet.
    pub(super) pending: u32,
    /// For watches marked as resumed: states up to this change were seen.
    pub(super) floor: Option<u64>,
    /// Not clean: somebody was told that there is something to take.
    pub(super) woken: bool,
    pub(super) ended: Option<Ended>,
    pub(super) lane: Lane,
}

/// Why a subscriber gets nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client did not read its notices in time.
    Overflow,
    /// The scope is gone: a user's login ended, or the community was taken out of the configuration.
    ScopeClosed,
}

/// What is not state: in order, bounded, never coalesced.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) notices: VecDeque<Bytes>,
    bytes: usize,
}

const RESUMED: u32 = 1 << 31;

impl Watch {
    pub(super) fn new(person: u32, position: u32, resumed: bool) -> Self {
        Self { person, position: position | if resumed { RESUMED } else { 0 } }
    }

    pub(super) fn position(self) -> usize {
        (self.position & !RESUMED) as usize
    }

    pub(super) fn set_position(&mut self, position: u32) {
        self.position = position | self.position & RESUMED;
    }

    /// Whether the client may hold the state already; asked once.
    pub(super) fn take_resumed(&mut self) -> bool {
        let resumed = self.position & RESUMED != 0;
        self.position &= !RESUMED;
        resumed
    }
}

impl Subscriber {
    pub(super) fn new(scope: ScopeId) -> Self {
        Self {
            scope,
            watches: Vec::new(),
            dirty: Bits::default(),
            next: 0,
            pending: 0,
            floor: None,
            woken: false,
            ended: None,
            lane: Lane::default(),
        }
    }

    /// One of the pending persons has a state now, or is not watched any more.
    pub(super) fn one_less_pending(&mut self) {
        self.pending = self.pending.saturating_sub(1);
        if self.pending == 0 {
            self.floor = None;
        }
    }
}

impl Lane {
    /// Whether there was room.
    pub(super) fn push(&mut self, notice: Bytes, most: usize, most_bytes: usize) -> bool {
        let bytes = self.bytes + notice.len();
        if self.notices.len() >= most || bytes > most_bytes {
            return false;
        }
        self.bytes = bytes;
        self.notices.push_back(notice);
        true
    }

    /// All notices, oldest first; the memory goes with them.
    pub(super) fn take(&mut self) -> VecDeque<Bytes> {
        self.bytes = 0;
        std::mem::take(&mut self.notices)
    }
}
