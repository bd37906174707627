//! What the hub has done, by value, for whoever publishes metrics.

/// Sums since the hub was made, and the sizes of now (named as such).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Now: scopes that are open.
    pub scopes: usize,
    /// Now: upstream logins with an open awareness channel.
    pub logins: usize,
    /// Now: persons that are watched upstream, wait for it, or linger.
    pub persons: usize,
    /// Now: of these, persons whose state is known.
    pub known: usize,
    /// Now: (shard, person) pairs with interest.
    pub interests: usize,
    /// Entries from upstream that changed a state.
    pub applied: u64,
    /// Entries from upstream that said what was known.
    pub unchanged: u64,
    /// Entries from upstream about persons that the login does not watch (any more).
    pub stray: u64,
    /// Persons that became unknown after having been known.
    pub lost: u64,
    /// Ids sent in ADDs.
    pub added: u64,
    /// Ids sent in REMOVEs.
    pub removed: u64,
    /// Ids that a login never answered.
    pub unanswered: u64,
}
