//! What shards and the hub tell each other. Both directions must keep the order per shard; the two
//! directions may cross, and tickets make that harmless.

use std::sync::Arc;

use protocol::presence::PersonId;

use crate::{ScopeId, StateRecord, Ticket};

/// A shard's interest in a person begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Somebody in the shard watches the person.
    Watch {
        /// Where the person is watched.
        scope: ScopeId,
        /// Who is watched.
        person: PersonId,
        /// Names this interest in answers.
        ticket: Ticket,
    },
    /// Nobody in the shard watches the person any more.
    Unwatch {
        /// Where the person was watched.
        scope: ScopeId,
        /// Who was watched.
        person: PersonId,
        /// The ticket of the watch.
        ticket: Ticket,
    },
}

/// What the hub tells a shard.
#[derive(Clone, Debug)]
pub enum ToShard {
    /// The newest state of a person, the first time or because it changed.
    State {
        /// The shard's interest.
        ticket: Ticket,
        /// The state.
        record: Arc<StateRecord>,
    },
    /// The scope is gone: its subscribers end.
    ScopeClosed(ScopeId),
}
