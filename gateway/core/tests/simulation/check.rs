//! What must hold after a life.

use std::collections::{BTreeMap, BTreeSet};

use gateway_core::ScopeId;
use gateway_core::shard::Shard;
use protocol::presence::PersonId;

use super::driver::Driver;
use super::site::RESIDENTS;
use super::world::World;

impl World {
    /// Everything works and has had time: pages show the truth, and each person is watched once per scope.
    pub(crate) fn check_peace(&mut self) {
        // A cursor is no reason to wake a page; now everybody looks once more.
        for page in &mut self.pages {
            page.take(&mut self.shards[page.shard], &mut self.dice, self.now);
        }
        let mut wanted: BTreeMap<ScopeId, BTreeSet<PersonId>> = BTreeMap::new();
        for page in &self.pages {
            assert!(!page.ended && page.subscriber.is_some(), "the page is open");
            let site = &self.sites[page.site];
            let viewer = page.user.map_or(RESIDENTS, |user| self.drivers[user].person);
            for person in &page.watched {
                let truth = site.community.presence(person, Some(&site.people[viewer]));
                let online = site.community.logins_of(person).next().is_some();
                self.seen.hidden += u64::from(online && !truth.status.is_online());
                let (_, seen) = page.view.get(person).unwrap_or_else(|| panic!("{person} was never seen"));
                assert_eq!(*seen, truth, "{person} as shown to {}", site.people[viewer]);
            }
            assert!(page.is_caught_up(), "the page has a cursor for all that it watches");
            wanted.entry(page.scope).or_default().extend(page.watched.iter().cloned());
        }
        for scope in self.scopes() {
            let wanted = wanted.remove(&scope).unwrap_or_default().len();
            assert_eq!(self.watched_in(scope), wanted, "watched upstream in {scope:?}");
        }
        self.check_own_presence();
        let persons: usize = self.shards.iter().map(|shard| shard.counters().persons).sum();
        assert_eq!(self.hub.counters().interests, persons);
        assert!(self.drivers.iter().all(Driver::is_quiet));
    }

    /// Nobody has told the community a status that no user had set, and users see their own.
    fn check_own_presence(&self) {
        let set: u64 = self.sites.iter().map(|site| site.statuses_set).sum();
        assert!(set <= self.statuses_wished, "{set} of {} statuses", self.statuses_wished);
        for driver in self.drivers.iter().filter(|driver| !driver.over) {
            let site = &self.sites[driver.site];
            let person = &site.people[driver.person];
            assert_eq!(
                driver.me,
                Some(site.community.presence(person, Some(person))),
                "own presence of {person}"
            );
        }
    }

    pub(crate) fn check_unwatched(&self) {
        assert!(self.shards.iter().all(Shard::is_empty), "shards");
        assert_eq!((self.hub.counters().persons, self.hub.counters().interests), (0, 0));
        for scope in self.scopes() {
            assert_eq!(self.watched_in(scope), 0, "watched upstream in {scope:?}");
        }
    }

    pub(crate) fn check_empty(&self) {
        assert!(self.hub.is_empty(), "hub: {:?}", self.hub.counters());
        assert!(self.sites.iter().all(|site| site.connections() == 0), "connections");
    }

    fn scopes(&self) -> BTreeSet<ScopeId> {
        self.drivers.iter().filter(|driver| !driver.over).map(|driver| driver.scope).collect()
    }

    /// Ids watched by all logins of a scope. Counts a person twice if two logins watch it.
    fn watched_in(&self, scope: ScopeId) -> usize {
        let drivers = self.drivers.iter().filter(|driver| driver.scope == scope && !driver.over);
        drivers.map(|driver| self.sites[driver.site].watched_by(driver.person)).sum()
    }
}
