//! The services beside awareness: which there are and whether they are up (vp-wire.md 8.6), looking
//! names up (9.1) and storing values (9.2).

use std::collections::BTreeSet;

use bytes::Bytes;
use protocol::vp::reason::Reason;
use protocol::vp::resolve::{code, flags};
use protocol::vp::service::Service;

use super::community::{Community, Effects};
use super::directory::Found;
use super::event::{Effect, LoginId, ResolveAnswer};

const SERVED: [u32; 4] = [Service::AWARENESS.id, Service::RESOLVE.id, Service::STORAGE.id, Service::IM.id];

/// Matches listed for one name.
const MOST_MATCHES: usize = 100;

impl Community {
    /// Whether there is such a service and it is up.
    pub fn serves(&self, service: u32) -> bool {
        SERVED.contains(&service) && !self.down.contains_key(&service)
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
            if service == Service::AWARENESS.id {
                self.stop_watching(login);
            } else if service == Service::IM.id {
                self.close_chats_of(login, &mut out);
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
        let code = if complete { code::OK } else { code::PARTIAL };
        out.push(login, Effect::Resolved { request, code, answers });
    }

    /// A full name beats the beginning of one. A name nobody has is answered with code 0 and no
    /// match; one that several have with *not unique*, listing them unless only unique ones count.
    fn resolve_one(&self, name: String, asked: u32) -> ResolveAnswer {
        let kinds =
            if asked & (flags::USERS | flags::GROUPS) == 0 { flags::USERS | flags::GROUPS } else { asked };
        let mut matches = Vec::new();
        if kinds & flags::USERS != 0 {
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
        if kinds & flags::GROUPS != 0
            && let Some(group) = self.directory.group(&name)
        {
            matches.push((group.name.to_string(), group.name.to_string(), String::new(), true));
        }
        if asked & flags::FIRST != 0 {
            matches.truncate(1);
        }
        let unique = matches.len() <= 1;
        if !unique && asked & flags::UNIQUE != 0 {
            matches.clear();
        }
        ResolveAnswer { code: if unique { code::OK } else { code::NOT_UNIQUE }, name, matches }
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
        let reason = if fits { Reason::OK } else { Reason::OUT_OF_RESOURCES };
        out.push(login, Effect::Saved { request, reason });
    }
}
