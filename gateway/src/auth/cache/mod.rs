//! What was found out about tokens that are dear to check, for as long as it stays true. Implements ltpa.md 8,
//! *Cache*.
//!
//! It belongs to one key ring: a reload begins with an empty one. Time is judged by the caller at every use.
//! Bounded in bytes; nothing is computed under a lock, so that a storm of logins meets no convoy.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::ltpa::{Format, Proof, Rejection};
use ring::digest::{Context, SHA256};

/// Enough that the workers of a large machine rarely meet.
const SHARDS: usize = 16;
/// Bytes of proofs that one shard keeps; about 8,000 users each.
const SHARD_BYTES: usize = 4 << 20;
/// An entry with its place in the table, without its texts.
const ENTRY_BYTES: usize = 256;
/// Refusals that one shard keeps: just enough for pages that ask again and again with a cookie that is no use.
const SHARD_REFUSALS: usize = 64;
/// Seconds for which a proof is believed before it is made anew.
const PROOF_SECONDS: u64 = 300;
/// Seconds for which a refusal is repeated.
const REFUSAL_SECONDS: u64 = 10;

/// Stands for one token under one state of the keys. Nobody outside the process can compute it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CacheKey([u8; 32]);

/// Proofs and refusals by token.
pub(super) struct ProofCache {
    /// Has taken in the secret of this process.
    seed: Context,
    shards: [Mutex<Shard>; SHARDS],
}

/// Two halves that take turns: what is not asked for while the younger one fills is forgotten with the older
/// one, and what is asked for moves up.
#[derive(Default)]
struct Shard {
    young: HashMap<CacheKey, Entry>,
    old: HashMap<CacheKey, Entry>,
    young_bytes: usize,
    refusals: HashMap<CacheKey, (Rejection, u64)>,
}

struct Entry {
    proof: Proof,
    /// The last second in which it counts.
    until: u64,
}

impl ProofCache {
    /// Empty. `None` if the system has no random bytes.
    pub(super) fn new() -> Option<Self> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).ok()?;
        let mut seed = Context::new(&SHA256);
        // A whole block, so that it is worked in once and not for every token.
        seed.update(&*secret);
        seed.update(&[0; 32]);
        Some(Self { seed, shards: Default::default() })
    }

    /// The key of a token in one cookie. `epoch` counts the changes of the ring. The normalised text stands for
    /// the bytes: strict base64 has one text for each, and what is not base64 never gets a proof.
    pub(super) fn key(&self, epoch: usize, cookie: usize, format: Format, token: &str) -> CacheKey {
        let mut hash = self.seed.clone();
        let format = match format {
            Format::Domino => 0,
            Format::WebSphere1 => 1,
            Format::WebSphere2 => 2,
        };
        // At most eight changes and as many cookies as a file can name.
        let [a, b] = u16::try_from(epoch).unwrap_or(u16::MAX).to_be_bytes();
        let [c, d] = u16::try_from(cookie).unwrap_or(u16::MAX).to_be_bytes();
        hash.update(&[a, b, c, d, format]);
        hash.update(token.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(hash.finish().as_ref());
        CacheKey(key)
    }

    /// What is known of a token at `now`, in seconds.
    pub(super) fn recall(&self, key: &CacheKey, now: u64) -> Option<Result<Proof, Rejection>> {
        self.shard(key).recall(key, now)
    }

    /// Keeps what was found out at `now`. A proof is of no use after `end`.
    pub(super) fn keep(&self, key: CacheKey, found: &Result<Proof, Rejection>, now: u64, end: u64) {
        let mut shard = self.shard(&key);
        match found {
            Ok(proof) => {
                let until = end.min(now.saturating_add(PROOF_SECONDS));
                shard.insert(key, Entry { proof: proof.clone(), until });
            }
            Err(reason) => shard.refuse(key, *reason, now),
        }
    }

    fn shard(&self, key: &CacheKey) -> MutexGuard<'_, Shard> {
        let CacheKey([first, ..]) = key;
        let [zero, ..] = &self.shards;
        let shard = self.shards.get(usize::from(*first) % SHARDS).unwrap_or(zero);
        // Nothing in there can be half done.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Proofs and refusals that are kept.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let shards: Vec<_> = self.shards.iter().map(|shard| shard.lock().unwrap()).collect();
        (
            shards.iter().map(|shard| shard.young.len() + shard.old.len()).sum(),
            shards.iter().map(|shard| shard.refusals.len()).sum(),
        )
    }
}

impl Shard {
    fn recall(&mut self, key: &CacheKey, now: u64) -> Option<Result<Proof, Rejection>> {
        if let Some(entry) = self.young.get(key) {
            return (now <= entry.until).then(|| Ok(entry.proof.clone()));
        }
        if let Some(entry) = self.old.remove(key) {
            let proof = entry.proof.clone();
            let is_current = now <= entry.until;
            if is_current {
                self.insert(*key, entry);
            }
            return is_current.then_some(Ok(proof));
        }
        let (reason, until) = self.refusals.get(key)?;
        (now <= *until).then_some(Err(*reason))
    }

    fn insert(&mut self, key: CacheKey, entry: Entry) {
        let bytes = entry.bytes();
        if self.young_bytes + bytes > SHARD_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        if let Some(earlier) = self.young.insert(key, entry) {
            self.young_bytes = self.young_bytes.saturating_sub(earlier.bytes());
        }
    }

    fn refuse(&mut self, key: CacheKey, reason: Rejection, now: u64) {
        if self.refusals.len() >= SHARD_REFUSALS {
            self.refusals.clear();
        }
        self.refusals.insert(key, (reason, now.saturating_add(REFUSAL_SECONDS)));
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        let identity = self.proof.identity();
        ENTRY_BYTES
            + identity.user.len()
            + identity.user_bytes.as_ref().map_or(0, |bytes| bytes.len())
            + identity.realm.as_ref().map_or(0, String::len)
    }
}

impl fmt::Debug for ProofCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
