//! What happens to the world: people change, pages come and go, things break. And how all is made whole.

use std::time::Duration;

use loadtest_sim::model::{PrivacyList, UserStatus};
use protocol::presence::{PersonId, Status};

use super::driver::Driver;
use super::page::Page;
use super::site::{PEOPLE, RESIDENTS};
use super::world::{OBSERVERS, World};

const STATUSES: [Status; 5] = [Status::Active, Status::Idle, Status::Away, Status::Dnd, Status::Meeting];
const PAGES: usize = 12;

impl World {
    pub(crate) fn fault(&mut self) {
        let now = self.now;
        let site = self.dice.below(self.sites.len());
        match self.dice.below(32) {
            0..8 => {
                for _ in 0..1 + self.dice.below(4) {
                    self.resident_changes(site);
                }
            }
            8..12 if self.pages.len() < PAGES => self.open_page(site),
            8..15 => self.page_watches(),
            15..17 => self.page_unwatches(),
            17..19 => self.page_breaks(),
            19..21 => self.cut(),
            21 => self.stall(),
            22 => self.sites[site].set_awareness(false, now),
            23 => self.sites[site].set_awareness(true, now),
            24 => {
                let person = RESIDENTS + self.dice.below(PEOPLE - RESIDENTS);
                self.sites[site].kick(person, now);
            }
            25..27 => self.privacy_changes(site),
            27..29 => self.user_sets_status(),
            29 => self.servers_change(site),
            _ => self.page_returns(),
        }
    }

    /// Everything that was broken works again.
    pub(crate) fn heal(&mut self) {
        let now = self.now;
        for site in &mut self.sites {
            site.set_awareness(true, now);
            site.community.set_verification(true);
            let settings = site.community.settings_mut();
            settings.max_logins = usize::MAX;
            settings.subscription_cap = None;
        }
    }

    pub(crate) fn return_pages(&mut self) {
        for page in 0..self.pages.len() {
            self.return_page(page);
        }
    }

    pub(crate) fn close_pages(&mut self) {
        for page in &mut self.pages {
            page.back_at = None;
            page.disconnect(&mut self.shards[page.shard]);
        }
    }

    pub(crate) fn log_everybody_out(&mut self) {
        for driver in &mut self.drivers {
            driver.dial_at = None;
            if let Some(session) = &mut driver.session {
                session.logout(self.now);
            }
        }
        for scope in self.shared.clone().into_iter().flatten() {
            self.tell_hub(gateway_core::hub::Event::ScopeClosed(scope));
        }
    }

    fn resident_changes(&mut self, site: usize) {
        let person = self.dice.below(RESIDENTS);
        let text = *self.dice.of(&["", "in town", "Grüße"]);
        let status =
            UserStatus { mobile: self.dice.one_in(5), ..UserStatus::new(*self.dice.of(&STATUSES), text) };
        let status = Some(status).filter(|_| !self.dice.one_in(4));
        self.sites[site].resident_does(person, status, self.now);
    }

    fn privacy_changes(&mut self, site: usize) {
        let who = self.dice.below(PEOPLE);
        // Observers are in nobody's list and have none, so that they all see the same.
        if (RESIDENTS..RESIDENTS + OBSERVERS).contains(&who) {
            return;
        }
        let users = RESIDENTS + OBSERVERS..PEOPLE;
        let listed =
            users.filter(|_| self.dice.one_in(2)).map(|index| self.sites[site].people[index].clone());
        let people: Vec<PersonId> = listed.collect();
        let list = match self.dice.below(3) {
            0 => PrivacyList::default(),
            1 => PrivacyList { deny: true, people },
            _ => PrivacyList { deny: false, people },
        };
        self.sites[site].set_privacy(who, list, self.now);
    }

    fn servers_change(&mut self, site: usize) {
        let community = &mut self.sites[site].community;
        match self.dice.below(6) {
            0 => community.settings_mut().max_logins = self.dice.below(8),
            1 => community.settings_mut().max_logins = usize::MAX,
            2 => community.settings_mut().subscription_cap = Some(self.dice.below(8)),
            3 => community.settings_mut().subscription_cap = None,
            4 => community.set_verification(self.dice.one_in(2)),
            _ => {
                let person = self.sites[site].people[RESIDENTS + self.dice.below(PEOPLE - RESIDENTS)].clone();
                let home = *self.dice.of(&["CN=one", "CN=two"]);
                self.sites[site].community.set_home(&person, home);
            }
        }
    }

    fn open_page(&mut self, site: usize) {
        let page = match self.shared[site] {
            Some(scope) => Page::new(site, scope, None, &mut self.dice, self.now),
            None => {
                let person = RESIDENTS + OBSERVERS + self.dice.below(PEOPLE - RESIDENTS - OBSERVERS);
                let user = self.user(site, person);
                Page::new(site, self.drivers[user].scope, Some(user), &mut self.dice, self.now)
            }
        };
        self.pages.push(page);
    }

    /// The login of a user, shared by all pages of the user; a new one if there is none.
    fn user(&mut self, site: usize, person: usize) -> usize {
        let running =
            |driver: &Driver| driver.own && !driver.over && (driver.site, driver.person) == (site, person);
        if let Some(index) = self.drivers.iter().position(running) {
            return index;
        }
        let scope = self.open_scope();
        self.drivers.push(Driver::new(site, scope, person, true, self.now));
        self.drivers.len() - 1
    }

    fn page_watches(&mut self) {
        let Some(page) = self.some_page() else { return };
        let page = &mut self.pages[page];
        let people = &self.sites[page.site].people;
        let mut list: Vec<PersonId> =
            (0..1 + self.dice.below(6)).map(|_| self.dice.of(people).clone()).collect();
        if self.dice.one_in(6) {
            list.push("CN=Nobody of that name".into());
        }
        page.watch(list, &mut self.shards[page.shard]);
    }

    fn page_unwatches(&mut self) {
        let Some(page) = self.some_page() else { return };
        let page = &mut self.pages[page];
        let list: Vec<PersonId> = page.watched.iter().filter(|_| self.dice.one_in(2)).cloned().collect();
        page.unwatch(&list, &mut self.shards[page.shard]);
    }

    fn page_breaks(&mut self) {
        let Some(page) = self.some_page() else { return };
        let page = &mut self.pages[page];
        page.disconnect(&mut self.shards[page.shard]);
        page.back_at = Some(self.now + self.dice.milliseconds(10_000));
    }

    fn page_returns(&mut self) {
        if let Some(page) = self.some_page() {
            self.return_page(page);
        }
    }

    /// A page whose scope has gone: the user logs in again.
    fn return_page(&mut self, index: usize) {
        let (site, user) = (self.pages[index].site, self.pages[index].user);
        let person = user.map(|user| (self.drivers[user].person, self.drivers[user].over));
        let lost = self.pages[index].ended || person.is_some_and(|(_, over)| over);
        let Some((person, _)) = person.filter(|_| lost) else { return };
        let user = self.user(site, person);
        let page = &mut self.pages[index];
        page.disconnect(&mut self.shards[page.shard]);
        page.move_to(self.drivers[user].scope, Some(user), self.now);
    }

    fn cut(&mut self) {
        if let Some(driver) = self.some_driver() {
            self.drivers[driver].cut(&mut self.dice, self.now);
        }
    }

    fn stall(&mut self) {
        let Some(driver) = self.some_driver() else { return };
        let until = self.now + Duration::from_secs(*self.dice.of(&[1, 8, 45]));
        if let Some(line) = &mut self.drivers[driver].line {
            line.down.stall(until);
            line.up.stall(until);
        }
    }

    fn user_sets_status(&mut self) {
        let Some(driver) = self.some_driver() else { return };
        let status = *self.dice.of(&STATUSES);
        if self.drivers[driver].own && self.drivers[driver].set_status(status, "mine", self.now) {
            self.statuses_wished += 1;
        }
    }

    fn some_page(&mut self) -> Option<usize> {
        (!self.pages.is_empty()).then(|| self.dice.below(self.pages.len()))
    }

    fn some_driver(&mut self) -> Option<usize> {
        (!self.drivers.is_empty()).then(|| self.dice.below(self.drivers.len()))
    }
}
