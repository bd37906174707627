//! Awareness: watches, groups and attributes (vp-wire.md 8.1 to 8.5 and 8.8).

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use protocol::presence::{PersonId, Presence, Status};

use super::community::{Asked, Community, Effects};
use super::event::{Announcement, Effect, LoginId, Sighting, WatchId, WatchKind};

/// Attributes that one person may have; more are ignored.
const MOST_ATTRIBUTES: usize = 256;

impl Community {
    pub(super) fn watch(&mut self, login: LoginId, ids: Vec<WatchId>, out: &mut Effects) {
        let mut sightings = Vec::with_capacity(ids.len());
        let mut ignored = false;
        for id in ids {
            if !self.admit_watch(login, &id) {
                ignored = true;
                continue;
            }
            let own = id.community.is_empty() || *id.community == *self.settings.name;
            match id.kind {
                WatchKind::User if own => sightings.push(self.watch_person(login, id, "".into())),
                WatchKind::Group if own => self.watch_group(login, id, &mut sightings, out),
                _ => sightings.push(offline(id)),
            }
        }
        if ignored {
            self.tell_cap(login, out);
        }
        let watched: Vec<WatchId> = sightings.iter().map(|sighting| sighting.id.clone()).collect();
        let blocks = self.settings.snapshot_blocks.max(1);
        while !sightings.is_empty() {
            let rest = sightings.split_off(blocks.min(sightings.len()));
            out.push(login, Effect::Snapshot(std::mem::replace(&mut sightings, rest)));
        }
        let Some(keys) = self.logins.get(&login).map(|login| &login.attribute_keys) else { return };
        self.tell_attributes(login, watched, keys, out);
    }

    /// Whether the id is (now) on the list.
    fn admit_watch(&mut self, login: LoginId, id: &WatchId) -> bool {
        let Some(login) = self.logins.get_mut(&login) else { return false };
        let full = self.settings.subscription_cap.is_some_and(|cap| login.watching.len() >= cap);
        if !login.watching.contains(id) {
            if full {
                return false;
            }
            login.watching.insert(id.clone());
        }
        true
    }

    fn watch_person(&mut self, login: LoginId, id: WatchId, group: Arc<str>) -> Sighting {
        let viewer = self.logins.get(&login).map(|login| login.card.user.clone());
        let account = self.directory.index_of(&id.user).and_then(|index| self.accounts.get_mut(index));
        let Some(account) = account else { return offline(id) };
        let asked = Asked { id: id.clone(), group: group.clone() };
        let watches = account.watchers.entry(login).or_default();
        if !watches.contains(&asked) {
            watches.push(asked);
        }
        Sighting { id, group, presence: account.shown_to(viewer.as_ref()) }
    }

    fn watch_group(&mut self, login: LoginId, id: WatchId, sightings: &mut Vec<Sighting>, out: &mut Effects) {
        let Some(members) = self.members(&id) else { return sightings.push(offline(id)) };
        out.push(login, Effect::GroupKnown(id.clone()));
        for member in members {
            sightings.push(self.watch_person(login, WatchId::user(member.as_str()), id.user.clone()));
        }
    }

    /// The members of a group as a watcher gets them: none of a group that is too large.
    fn members(&self, id: &WatchId) -> Option<Vec<PersonId>> {
        let members = &self.directory.group(&id.user)?.members;
        Some(if members.len() <= self.settings.group_members { members.clone() } else { Vec::new() })
    }

    fn tell_cap(&mut self, login_id: LoginId, out: &mut Effects) {
        let Some(login) = self.logins.get_mut(&login_id) else { return };
        if !self.settings.announce_cap || login.told_cap {
            return;
        }
        login.told_cap = true;
        let text = "You have too many people in your list. The status of some is not shown.".to_owned();
        out.push(login_id, Effect::Announced(Announcement { from: None, may_reply: false, text }));
    }

    pub(super) fn unwatch(&mut self, login: LoginId, ids: &[WatchId]) {
        for id in ids {
            let removed = self.logins.get_mut(&login).is_some_and(|login| login.watching.remove(id));
            if removed {
                self.forget_watch(login, id);
            }
        }
    }

    pub(super) fn stop_watching(&mut self, login_id: LoginId) {
        let Some(login) = self.logins.get_mut(&login_id) else { return };
        login.attribute_keys.clear();
        for id in std::mem::take(&mut login.watching) {
            self.forget_watch(login_id, &id);
        }
    }

    fn forget_watch(&mut self, login: LoginId, id: &WatchId) {
        match id.kind {
            WatchKind::User => {
                self.forget_asked(login, &id.user, |asked| asked.id == *id && asked.group.is_empty());
            }
            WatchKind::Group => {
                // All of them: the limit may have been another one when the watch began.
                let group = self.directory.group(&id.user);
                for member in group.map(|group| group.members.clone()).unwrap_or_default() {
                    self.forget_asked(login, member.as_str(), |asked| asked.group == id.user);
                }
            }
            WatchKind::Other(_) => {}
        }
    }

    fn forget_asked(&mut self, login: LoginId, person: &str, which: impl Fn(&Asked) -> bool) {
        let account = self.directory.index_of(person).and_then(|index| self.accounts.get_mut(index));
        let Some(account) = account else { return };
        let Some(watches) = account.watchers.get_mut(&login) else { return };
        watches.retain(|asked| !which(asked));
        if watches.is_empty() {
            account.watchers.remove(&login);
        }
    }

    pub(super) fn watch_attributes(&mut self, login_id: LoginId, keys: Vec<u32>, out: &mut Effects) {
        let Some(login) = self.logins.get_mut(&login_id) else { return };
        let keys: BTreeSet<u32> = keys.into_iter().take(MOST_ATTRIBUTES).collect();
        let new: BTreeSet<u32> = keys.difference(&login.attribute_keys).copied().collect();
        login.attribute_keys = keys;
        let watching: Vec<WatchId> = login.watching.iter().cloned().collect();
        self.tell_attributes(login_id, watching, &new, out);
    }

    /// Tells a login the attributes that the people it watches have.
    fn tell_attributes(&self, login: LoginId, ids: Vec<WatchId>, keys: &BTreeSet<u32>, out: &mut Effects) {
        if keys.is_empty() {
            return;
        }
        let viewer = self.logins.get(&login).map(|login| &login.card.user);
        for id in ids.into_iter().filter(|id| id.kind == WatchKind::User) {
            let account = self.directory.index_of(&id.user).and_then(|index| self.accounts.get(index));
            let Some(account) = account else { continue };
            if account.shown_to(viewer).status.is_online() {
                account.tell_attributes(login, &id, keys, out);
            }
        }
    }

    pub(super) fn set_attribute(&mut self, login: LoginId, key: u32, value: Bytes, out: &mut Effects) {
        let Some(account) = self.account_of(login) else { return };
        if account.attributes.len() >= MOST_ATTRIBUTES && !account.attributes.contains_key(&key) {
            return;
        }
        if account.attributes.insert(key, value.clone()).as_ref() != Some(&value) {
            self.tell_attribute_watchers(login, key, out, |id| Effect::AttributeSet {
                id,
                key,
                value: value.clone(),
            });
        }
    }

    pub(super) fn unset_attribute(&mut self, login: LoginId, key: u32, out: &mut Effects) {
        let Some(account) = self.account_of(login) else { return };
        if account.attributes.remove(&key).is_some() {
            self.tell_attribute_watchers(login, key, out, |id| Effect::AttributeUnset { id, key });
        }
    }

    fn tell_attribute_watchers(
        &self,
        login: LoginId,
        key: u32,
        out: &mut Effects,
        effect: impl Fn(WatchId) -> Effect,
    ) {
        let Some(account) = self.logins.get(&login).and_then(|login| self.account(login.person)) else {
            return;
        };
        for (watcher, asked) in &account.watchers {
            let Some(watcher_login) = self.logins.get(watcher) else { continue };
            let seen = account.shown_to(Some(&watcher_login.card.user)).status.is_online();
            if seen && watcher_login.attribute_keys.contains(&key) {
                asked.iter().for_each(|asked| out.push(*watcher, effect(asked.id.clone())));
            }
        }
    }
}

fn offline(id: WatchId) -> Sighting {
    Sighting { id, group: "".into(), presence: Presence::of(Status::Offline) }
}
