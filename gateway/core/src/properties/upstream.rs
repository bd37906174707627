//! A model of a community: what is true, and what each login was told to watch.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::presence::{PersonId, Presence};

use crate::watchset::Command;
use crate::{LoginId, ScopeId};

#[derive(Default)]
pub(super) struct Upstream {
    truth: BTreeMap<PersonId, Presence>,
    pub(super) logins: BTreeMap<LoginId, UpstreamLogin>,
}

pub(super) struct UpstreamLogin {
    pub(super) scope: ScopeId,
    /// Ids beyond it are ignored without a word.
    pub(super) limit: Option<usize>,
    pub(super) watching: BTreeSet<PersonId>,
    /// On the way to the hub, in order: snapshots and updates.
    pub(super) sent: VecDeque<(bool, PersonId, Presence)>,
}

impl Upstream {
    pub(super) fn truth(&self, person: &PersonId) -> Presence {
        let offline = || Presence::of(protocol::presence::Status::Offline);
        self.truth.get(person).cloned().unwrap_or_else(offline)
    }

    pub(super) fn change(&mut self, person: &PersonId, presence: Presence) {
        self.truth.insert(person.clone(), presence.clone());
        for login in self.logins.values_mut().filter(|login| login.watching.contains(person)) {
            login.sent.push_back((false, person.clone(), presence.clone()));
        }
    }

    pub(super) fn obey(&mut self, id: LoginId, command: Command) {
        let truth = self.truth.clone();
        let Some(login) = self.logins.get_mut(&id) else { return };
        match command {
            Command::Add(persons) => {
                assert!(!persons.is_empty());
                let mut answers = Vec::new();
                for person in persons {
                    let is_new = !login.watching.contains(&person);
                    if is_new && login.limit.is_some_and(|limit| login.watching.len() >= limit) {
                        continue;
                    }
                    let offline = Presence::of(protocol::presence::Status::Offline);
                    answers.push((true, person.clone(), truth.get(&person).cloned().unwrap_or(offline)));
                    login.watching.insert(person);
                }
                // A snapshot may come in any order.
                login.sent.extend(answers.into_iter().rev());
            }
            Command::Remove(persons) => {
                assert!(!persons.is_empty());
                for person in persons {
                    login.watching.remove(&person);
                    // A snapshot in flight looks like the answer to a later ADD. If the server ignores
                    // that ADD, nobody can know: the one case that this model leaves out.
                    if login.limit.is_some() {
                        login.sent.retain(|(snapshot, sent, _)| !snapshot || *sent != person);
                    }
                }
            }
        }
    }

    /// Everybody watched in a scope; each by one login.
    pub(super) fn watched(&self, scope: ScopeId) -> BTreeSet<PersonId> {
        let mut all = BTreeSet::new();
        for login in self.logins.values().filter(|login| login.scope == scope) {
            for person in &login.watching {
                assert!(all.insert(person.clone()), "{person} is watched twice");
            }
        }
        all
    }
}

impl UpstreamLogin {
    pub(super) fn new(scope: ScopeId, limit: Option<usize>) -> Self {
        Self { scope, limit, watching: BTreeSet::new(), sent: VecDeque::new() }
    }
}
