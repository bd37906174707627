//! The services beside awareness: which there are and whether they are up (vp-wire.md 8.6), looking
//! names up (9.1) and storing values (9.2).

use std::collections::BTreeSet;

use bytes::Bytes;

use super::community::{Community, Effects};
use super::directory::Found;
use super::event::{Effect, LoginId, ResolveAnswer};
use super::settings::reason;

const AWARENESS: u32 = 0x11;
const RESOLVE: u32 = 0x15;
const STORAGE: u32 = 0x18;
pub(super) const INSTANT_MESSAGES: u32 = 0x1000;

const UNIQUE_ONLY: u32 = 1;
const FIRST_ONLY: u32 = 2;
const USERS: u32 = 8;
const GROUPS: u32 = 0x10;

const PARTIAL: u32 = 0x0001_0000;
const NOT_UNIQUE: u32 = 0x8002_0000;

/// Matches listed for one name.
const MOST_MATCHES: usize = 100;

impl Community {
    /// Whether there is such a service and it is up.
    pub fn serves(&self, service: u32) -> bool {
        [AWARENESS, RESOLVE, STORAGE, INSTANT_MESSAGES].contains(&service)
            && !self.down.contains_key(&service)
    }

    /// Takes a service down (every login loses its channels of it) or brings it back (those who
    /// asked are told).
    pub fn set_service(&mut self, service: u32, up: bool) -> Effects {
        let mut out = Effects::default();
        if up {
            for login in self.down.remove(&service).unwrap_or_default() {
                out.push(login, Effect::ServiceUp(service));
            }
            return out;
        }
        if self.down.contains_key(&service) {
            return out;
        }
        self.down.insert(service, BTreeSet::new());
        for login in self.logins.keys().copied().collect::<Vec<_>>() {
            match service {
                AWARENESS => self.stop_watching(login),
                INSTANT_MESSAGES => self.close_chats_of(login, &mut out),
                _ => {}
            }
            out.push(login, Effect::ServiceLost(service));
        }
        out
    }

    pub(super) fn sense(&mut self, login: LoginId, service: u32, out: &mut Effects) {
        if self.serves(service) {
            out.push(login, Effect::ServiceUp(service));
        } else if let Some(sensing) = self.down.get_mut(&service) {
            sensing.insert(login);
        }
    }

    pub(super) fn resolve(
        &self,
        login: LoginId,
        request: u32,
        names: Vec<String>,
        flags: u32,
        out: &mut Effects,
    ) {
        let answers: Vec<_> = names.into_iter().map(|name| self.resolve_one(name, flags)).collect();
        let complete = answers.iter().all(|answer| answer.code == 0 && !answer.matches.is_empty());
        let code = if complete { 0 } else { PARTIAL };
        out.push(login, Effect::Resolved { request, code, answers });
    }

    /// A full name beats the beginning of one. A name nobody has is answered with code 0 and no
    /// match; one that several have with *not unique*, listing them unless only unique ones count.
    fn resolve_one(&self, name: String, flags: u32) -> ResolveAnswer {
        let kinds = if flags & (USERS | GROUPS) == 0 { USERS | GROUPS } else { flags };
        let mut matches = Vec::new();
        if kinds & USERS != 0 {
            let people = match self.directory.find(&name) {
                Found::One(index) => vec![index],
                Found::Many(several) => several,
                Found::Nobody => self.directory.starting_with(&name, MOST_MATCHES),
            };
            let people = people.into_iter().filter_map(|index| self.directory.people().get(index));
            matches.extend(people.take(MOST_MATCHES).map(|person| {
                (person.id.to_string(), person.display_name.to_string(), person.mail.clone(), false)
            }));
        }
        if kinds & GROUPS != 0
            && let Some(group) = self.directory.group(&name)
        {
            matches.push((group.name.to_string(), group.name.to_string(), String::new(), true));
        }
        if flags & FIRST_ONLY != 0 {
            matches.truncate(1);
        }
        let unique = matches.len() <= 1;
        if !unique && flags & UNIQUE_ONLY != 0 {
            matches.clear();
        }
        ResolveAnswer { code: if unique { 0 } else { NOT_UNIQUE }, name, matches }
    }

    pub(super) fn load(&mut self, login: LoginId, request: u32, key: u32, out: &mut Effects) {
        let Some(account) = self.account_of(login) else { return };
        let value = account.storage.get(&key).cloned();
        out.push(login, Effect::Loaded { request, key, value });
    }

    pub(super) fn save(&mut self, login: LoginId, request: u32, key: u32, value: Bytes, out: &mut Effects) {
        let limit = self.settings.storage_bytes;
        let Some(account) = self.account_of(login) else { return };
        let others = account.storage.iter().filter(|(other, _)| **other != key);
        let used: usize = others.map(|(_, value)| value.len() + size_of::<u32>()).sum();
        let fits = used.saturating_add(value.len() + size_of::<u32>()) <= limit;
        if fits {
            account.storage.insert(key, value);
        }
        let reason = if fits { reason::OK } else { reason::OUT_OF_RESOURCES };
        out.push(login, Effect::Saved { request, reason });
    }
}
