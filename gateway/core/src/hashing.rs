//! Hash maps with a key that the caller gives: person ids come from browsers, so the key must be hard
//! to guess in the program, and it must be repeatable in the simulation.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher, Hasher};

/// A map hashed with [`Keyed`].
pub(crate) type Map<K, V> = HashMap<K, V, Keyed>;
/// A set hashed with [`Keyed`].
pub(crate) type Set<K> = HashSet<K, Keyed>;

/// SipHash that starts with the caller's key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed(pub(crate) u64);

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}
