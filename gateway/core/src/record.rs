//! One state of one person, shared by everybody who watches that person.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use protocol::presence::{PersonId, Presence};

/// A person's state as it was published once. Shared by `Arc` over all shards.
#[derive(Debug)]
pub struct StateRecord {
    /// Whose state it is.
    pub person: PersonId,
    /// The state.
    pub presence: Presence,
    /// Number of the change, counted over the whole node: no two records of an epoch share it.
    pub seq: u64,
    /// When it was decoded, or when the hub gave up hope of it, on the hub's clock; for the propagation metric.
    pub decoded_at: Duration,
    wires: [OnceLock<Bytes>; 2],
}

/// The texts that a state is written as. Each is made once per change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireForm {
    /// The JSON of WebSocket and SSE event channels.
    Events,
    /// The JSON of the Sametime Proxy REST interface.
    Proxy,
}

impl StateRecord {
    /// A new change.
    pub fn new(person: PersonId, presence: Presence, seq: u64, decoded_at: Duration) -> Self {
        Self { person, presence, seq, decoded_at, wires: [OnceLock::new(), OnceLock::new()] }
    }

    /// The person's revision, which only grows within an epoch. It is the node-wide number of the
    /// change: so it also grows when a person was forgotten and is watched again.
    pub fn revision(&self) -> u64 {
        self.seq
    }

    /// The state in one wire form; `encode` runs for the first caller only.
    pub fn wire(&self, form: WireForm, encode: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        let [events, proxy] = &self.wires;
        let slot = match form {
            WireForm::Events => events,
            WireForm::Proxy => proxy,
        };
        slot.get_or_init(|| encode(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_encoded_once() {
        let record = StateRecord::new("a".into(), Presence::default(), 1, Duration::ZERO);
        assert_eq!(record.wire(WireForm::Events, |_| Bytes::from_static(b"one")), "one");
        assert_eq!(record.wire(WireForm::Events, |_| Bytes::from_static(b"two")), "one");
        assert_eq!(record.wire(WireForm::Proxy, |_| Bytes::from_static(b"three")), "three");
    }
}
