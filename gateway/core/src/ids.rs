//! The numbers that name things in the core. None is ever used twice within one start of a node, so a
//! late message about something that has gone is recognised and dropped.

/// Upstream logins that see the same truth: a community's observers, or one user's own login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub u64);

/// One login to a community, from the opening of its awareness channel to the end of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoginId(pub u64);

/// One worker's shard: `0..shards`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

/// A shard's interest in one person, from its first watcher to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(crate) u64);

/// One open event channel of a browser, within its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(pub(crate) u64);

impl SubscriberId {
    /// A small number that no other subscriber of the shard has at the same time; later ones may.
    pub fn slot(self) -> usize {
        self.0 as u32 as usize
    }
}

/// One start of a node: a random number, so that a cursor of an earlier start is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);
