//! Random events, then: what every login was told adds up to the truth, nothing is told twice, and
//! nothing is left of those who went. A failure names its seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::presence::{Presence, Status};

use super::*;
use crate::model::invent::Dice;

const SEEDS: u64 = 150;
const STEPS: usize = 300;
const PEOPLE: usize = 8;

/// What a login was told, by id and group.
#[derive(Default)]
struct View(BTreeMap<(WatchId, Arc<str>), Presence>);

struct Run {
    town: Town,
    dice: Dice,
    views: BTreeMap<LoginId, View>,
    seed: u64,
}

#[test]
fn what_every_login_was_told_adds_up_to_the_truth() {
    for seed in 0..SEEDS {
        let settings = Settings {
            single_login: seed % 3 == 0,
            excluded_types: [0x100a].into(),
            group_members: if seed % 5 == 0 { 1 } else { 100 },
            snapshot_blocks: 2,
            ..Settings::default()
        };
        let community = Community::new(Directory::invented(PEOPLE, seed), settings);
        let town = Town { community, next: 0 };
        let mut run = Run { town, dice: Dice(seed), views: BTreeMap::new(), seed };
        for _ in 0..STEPS {
            run.step();
            run.check();
        }
        for login in run.views.keys().copied().collect::<Vec<_>>() {
            run.tell(login, Event::Gone);
            run.views.remove(&login);
        }
        let community = &run.town.community;
        assert!(community.logins.is_empty() && community.chats.is_empty(), "seed {seed}");
        assert!(community.accounts.iter().all(|account| account.watchers.is_empty()), "seed {seed}");
    }
}

impl Run {
    fn step(&mut self) {
        let login = self.views.keys().copied().nth(self.dice.below(self.views.len()));
        let person = self.dice.below(PEOPLE);
        match (self.dice.below(10), login) {
            (0..=1, _) | (_, None) => {
                let login_type = if self.dice.below(2) == 0 { 0x1002 } else { 0x100a };
                let (login, effects) = self.town.try_login(self.town.wish(person, login_type));
                self.views.insert(login, View::default());
                self.hear(effects);
            }
            (2, Some(login)) => {
                self.views.remove(&login);
                self.tell(login, Event::Gone);
            }
            (3..=4, Some(login)) => {
                let statuses = [Status::Active, Status::Away, Status::Dnd, Status::Offline];
                let status = statuses[self.dice.below(statuses.len())];
                let text = if self.dice.below(2) == 0 { "" } else { "busy" };
                self.tell(login, Event::SetStatus(UserStatus::new(status, text)));
            }
            (5, Some(login)) => {
                let people = (0..self.dice.below(3)).map(|_| self.dice.below(PEOPLE)).collect::<Vec<_>>();
                let people = people.into_iter().map(|index| self.town.person(index)).collect();
                let deny = self.dice.below(3) > 0;
                self.tell(login, Event::SetPrivacy(PrivacyList { deny, people }));
            }
            (6..=7, Some(login)) => {
                let id = self.some_id(person);
                self.tell(login, Event::Watch(vec![id, self.town.id(person)]));
            }
            (8, Some(login)) => {
                let id = self.some_id(person);
                if let Some(view) = self.views.get_mut(&login) {
                    let group = id.kind == WatchKind::Group;
                    view.0.retain(
                        |(seen, by), _| if group { *by != id.user } else { *seen != id || !by.is_empty() },
                    );
                }
                self.tell(login, Event::Unwatch(vec![id]));
            }
            (_, Some(login)) => {
                if let Some(view) = self.views.get_mut(&login) {
                    view.0.clear();
                }
                self.tell(login, Event::StopWatching);
            }
        }
    }

    /// A person, a person in capitals, somebody unknown, or a group.
    fn some_id(&mut self, person: usize) -> WatchId {
        let groups = self.town.community.directory().groups();
        match self.dice.below(4) {
            0 => WatchId::group(&groups[self.dice.below(groups.len())].name),
            1 => WatchId::user(&self.town.person(person).as_str().to_uppercase()),
            2 => WatchId::user("CN=Nobody"),
            _ => self.town.id(person),
        }
    }

    fn tell(&mut self, login: LoginId, event: Event) {
        let effects = self.town.tell(login, event);
        self.hear(effects);
    }

    fn hear(&mut self, effects: Vec<(LoginId, Effect)>) {
        for (login, effect) in effects {
            let Some(view) = self.views.get_mut(&login) else { continue };
            match effect {
                Effect::Kicked(_) => drop(self.views.remove(&login)),
                Effect::Snapshot(sightings) => {
                    assert!(sightings.len() <= 2, "seed {}", self.seed);
                    view.0.extend(sightings.into_iter().map(|one| ((one.id, one.group), one.presence)));
                }
                Effect::Update(one) => {
                    let before = view.0.insert((one.id, one.group), one.presence.clone());
                    assert!(before.is_some(), "seed {}: an update for nobody asked", self.seed);
                    assert_ne!(before, Some(one.presence), "seed {}: told twice", self.seed);
                }
                _ => {}
            }
        }
    }

    fn check(&self) {
        let community = &self.town.community;
        assert_eq!(community.logins.len(), self.views.len(), "seed {}", self.seed);
        for (login, view) in &self.views {
            let viewer = &community.logins[login].card.user;
            for ((id, group), told) in &view.0 {
                let truth = community.presence(&PersonId::from(&*id.user), Some(viewer));
                assert_eq!(*told, truth, "seed {}: {id:?} in {group:?} for {viewer}", self.seed);
            }
        }
    }
}
