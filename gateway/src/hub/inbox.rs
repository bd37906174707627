//! What the hub has to tell one shard: in order, and never more than one state per interest for long.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use gateway_core::messages::ToShard;
use tokio::sync::Notify;

/// Below this size nothing is compacted.
const SMALL: usize = 4096;

/// Written by the hub, emptied by the shard's task.
#[derive(Debug, Default)]
pub struct Inbox {
    messages: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: Vec<ToShard>,
    /// Size after the last compaction; at twice that it is worth another look.
    compacted: usize,
}

impl Inbox {
    /// Puts a message in. If the shard is far behind, older states of the same interest are thrown out: only
    /// the newest counts.
    pub fn push(&self, message: ToShard) {
        let mut waiting = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.messages.push(message);
        if waiting.messages.len() > SMALL.max(2 * waiting.compacted) {
            waiting.compact();
        }
    }

    /// Wakes the shard if something is in.
    pub fn ring(&self) {
        if !self.messages.lock().unwrap_or_else(PoisonError::into_inner).messages.is_empty() {
            self.bell.notify_one();
        }
    }

    /// Waits until the hub has rung.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Everything that is in, in order.
    pub fn take(&self) -> Vec<ToShard> {
        let mut waiting = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.compacted = 0;
        std::mem::take(&mut waiting.messages)
    }
}

impl Waiting {
    fn compact(&mut self) {
        let mut seen = HashSet::new();
        let mut newest: Vec<_> = self
            .messages
            .drain(..)
            .rev()
            .filter(|message| match message {
                ToShard::State { ticket, .. } => seen.insert(*ticket),
                ToShard::ScopeClosed(_) => true,
            })
            .collect();
        newest.reverse();
        self.compacted = newest.len();
        self.messages = newest;
    }
}
