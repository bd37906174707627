//! How often somebody may fail with what only the community can judge, a password or a token: guessing is slowed down
//! before it reaches the community, per name and per address, in bounded memory.
//!
//! A try counts from its beginning, and is given back if it did not fail: many at once are no way around the limit.
//! Names are kept as keyed hashes of what was typed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

/// Within this time a name or an address may fail so often as the limits say.
const WINDOW: Duration = Duration::from_secs(600);
/// Names, and addresses, that are remembered. Beyond that those go first who would be free soonest.
const MOST: usize = 8192;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    hasher: RandomState,
    /// Of names and of addresses.
    tables: Arc<Mutex<[Table; 2]>>,
}

/// When each key has no failure to its name any more.
#[derive(Debug, Default)]
struct Table(HashMap<u64, Instant>);

/// A try under way: a failure, unless it is given back.
#[derive(Debug)]
pub(crate) struct Try {
    tables: Arc<Mutex<[Table; 2]>>,
    parts: [Option<(u64, Duration)>; 2],
}

impl Tries {
    /// Begins a try, or says how long to wait.
    pub(crate) fn begin(&self, name: &str, address: IpAddr, limits: &Limits) -> Result<Try, Duration> {
        let name = (self.hasher.hash_one(name.to_lowercase()), share(limits.login_tries_per_name));
        self.enter([Some(name), Some(self.of(address, limits))])
    }

    /// The same with something that names nobody for sure, so that nobody can be locked out by it.
    pub(crate) fn begin_unnamed(&self, address: IpAddr, limits: &Limits) -> Result<Try, Duration> {
        self.enter([None, Some(self.of(address, limits))])
    }

    fn of(&self, address: IpAddr, limits: &Limits) -> (u64, Duration) {
        (self.hasher.hash_one(network(address)), share(limits.login_tries_per_address))
    }

    fn enter(&self, parts: [Option<(u64, Duration)>; 2]) -> Result<Try, Duration> {
        let now = Instant::now();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |(table, part): (&Table, Option<(u64, Duration)>)| {
            part.map_or(Duration::ZERO, |(key, share)| table.wait(key, share, now))
        };
        let longest = tables.iter().zip(parts).map(wait).max().unwrap_or_default();
        if longest > Duration::ZERO {
            return Err(longest);
        }
        for (table, part) in tables.iter_mut().zip(parts) {
            if let Some((key, share)) = part {
                table.add(key, share, now);
            }
        }
        Ok(Try { tables: Arc::clone(&self.tables), parts })
    }
}

impl Try {
    /// It did not fail.
    pub(crate) fn give_back(self) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for (table, part) in tables.iter_mut().zip(self.parts) {
            let known = part.and_then(|(key, share)| Some((table.0.get_mut(&key)?, share)));
            if let Some((free, share)) = known {
                *free = free.checked_sub(share).unwrap_or(*free);
            }
        }
    }
}

impl Table {
    fn wait(&self, key: u64, share: Duration, now: Instant) -> Duration {
        let free = self.0.get(&key).map_or(now, |free| now.max(*free));
        (free + share).saturating_duration_since(now + WINDOW)
    }

    fn add(&mut self, key: u64, share: Duration, now: Instant) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.retain(|_, free| *free > now);
            if self.0.len() >= MOST
                && let Some(soonest) = self.0.iter().min_by_key(|(_, free)| **free).map(|(key, _)| *key)
            {
                self.0.remove(&soonest);
            }
        }
        let free = self.0.entry(key).or_insert(now);
        *free = now.max(*free) + share;
    }
}

/// What one failure costs of the window.
fn share(limit: usize) -> Duration {
    WINDOW / u32::try_from(limit.max(1)).unwrap_or(u32::MAX)
}

/// Whoever has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_name: usize, per_address: usize) -> Limits {
        Limits { login_tries_per_name: per_name, login_tries_per_address: per_address, ..Limits::default() }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_waits_after_its_failures_and_is_let_in_again_one_by_one() {
        let (tries, limits) = (Tries::default(), limits(3, 100));
        for number in 0..3 {
            // From whatever address, and however it is written.
            tries.begin(if number == 0 { "ANN" } else { "ann" }, address(number), &limits).unwrap();
        }
        let wait = tries.begin("ann", address(9), &limits).unwrap_err();
        assert_eq!(wait, WINDOW / 3);
        tries.begin("bo", address(0), &limits).unwrap();
        tokio::time::advance(wait).await;
        tries.begin("ann", address(9), &limits).unwrap();
        tries.begin("ann", address(9), &limits).unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_waits_after_its_failures_with_any_names() {
        let (tries, limits) = (Tries::default(), limits(3, 5));
        for number in 0..5 {
            tries.begin(&number.to_string(), address(1), &limits).unwrap();
        }
        tries.begin("ann", address(1), &limits).unwrap_err();
        tries.begin("ann", address(2), &limits).unwrap();
        let neighbours = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(network(neighbours[0]), network(neighbours[1]));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), network(address(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_names_nobody_counts_for_its_address_alone() {
        let (tries, limits) = (Tries::default(), limits(1, 2));
        for _ in 0..2 {
            tries.begin_unnamed(address(1), &limits).unwrap();
        }
        tries.begin_unnamed(address(1), &limits).unwrap_err();
        tries.begin("ann", address(1), &limits).unwrap_err();
        tries.begin_unnamed(address(2), &limits).unwrap().give_back();
    }

    #[tokio::test(start_paused = true)]
    async fn what_succeeds_costs_nothing_and_what_is_under_way_counts() {
        let (tries, limits) = (Tries::default(), limits(2, 100));
        for _ in 0..50 {
            tries.begin("ann", address(1), &limits).unwrap().give_back();
        }
        let (first, _second) = (
            tries.begin("ann", address(1), &limits).unwrap(),
            tries.begin("ann", address(1), &limits).unwrap(),
        );
        tries.begin("ann", address(1), &limits).unwrap_err();
        first.give_back();
        tries.begin("ann", address(1), &limits).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_those_who_failed_most_are_remembered() {
        let (tries, limits) = (Tries::default(), limits(3, usize::MAX));
        for _ in 0..3 {
            tries.begin("victim", address(1), &limits).unwrap();
        }
        for number in 0..2 * MOST {
            tries.begin(&format!("n{number}"), address(1), &limits).unwrap();
        }
        assert_eq!(tries.tables.lock().unwrap()[0].0.len(), MOST);
        tries.begin("victim", address(1), &limits).unwrap_err();
    }
}
