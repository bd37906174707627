//! The way of a login: which persons it watches, and what becomes of them when it is lost or ignores
//! them.

use std::time::Duration;

use protocol::presence::PersonId;

use super::scope::{Login, Trouble};
use super::{Effect, Hub, Wake};
use crate::watchset::{Command, WatchSet};
use crate::{LoginId, ScopeId};

impl Hub {
    pub(super) fn login_up(&mut self, scope_id: ScopeId, id: LoginId) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        if self.logins.contains_key(&id) {
            return;
        }
        let watches = WatchSet::new(scope.settings.pace, self.key);
        scope.logins.push(id);
        self.logins.insert(id, Login::new(scope_id, watches));
        self.touch(id);
    }

    /// States keep their value for a while; the persons move to the scope's other logins or wait.
    pub(super) fn login_down(&mut self, id: LoginId, now: Duration) {
        let Some(mut login) = self.drop_login(id) else { return };
        for person in login.watches.clear() {
            self.lose(login.scope, &person, now);
        }
    }

    /// Takes the login out; its persons still name it.
    pub(super) fn drop_login(&mut self, id: LoginId) -> Option<Login> {
        let login = self.logins.remove(&id)?;
        self.timers.cancel(login.wake);
        self.timers.cancel(login.ceiling_ends);
        if let Some(scope) = self.scopes.get_mut(&login.scope) {
            scope.logins.retain(|other| *other != id);
        }
        Some(login)
    }

    fn lose(&mut self, scope_id: ScopeId, id: &PersonId, now: Duration) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        let Some(person) = scope.persons.get_mut(id) else { return };
        person.login = None;
        if let Some(trouble) = person.trouble.take() {
            self.timers.cancel(trouble.retry);
        }
        if person.viewers.is_empty() {
            // Lingering was to save an ADD, which is due now anyway.
            return self.drop_person(scope_id, id);
        }
        if person.doubt.is_none() {
            let until = now + scope.settings.unknown_after;
            person.doubt = Some(self.timers.set(until, Wake::Doubt(scope_id, id.clone())));
        }
        self.place(scope_id, id, true);
    }

    /// Gives the person to the least loaded login that has room and has not ignored it; without one it
    /// waits.
    pub(super) fn place(&mut self, scope_id: ScopeId, id: &PersonId, believe_ceiling: bool) {
        let choice = self.choose(scope_id, id, believe_ceiling);
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        let Some(person) = scope.persons.get_mut(id) else { return };
        person.login = choice;
        match choice.and_then(|login| self.logins.get_mut(&login)) {
            Some(login) => {
                scope.waiting.remove(id);
                login.watches.want(id.clone());
            }
            None => {
                scope.waiting.insert(id.clone());
            }
        }
        if let Some(login) = choice {
            self.touch(login);
        }
    }

    fn choose(&self, scope_id: ScopeId, id: &PersonId, believe_ceiling: bool) -> Option<LoginId> {
        let scope = self.scopes.get(&scope_id)?;
        let trouble = scope.persons.get(id)?.trouble.as_ref();
        let capacity = scope.settings.watches_per_login;
        scope
            .logins
            .iter()
            .filter(|login| !trouble.is_some_and(|trouble| trouble.ignored_by.contains(login)))
            .filter_map(|id| Some((*id, self.logins.get(id)?)))
            .filter(|(_, login)| login.has_room(capacity, believe_ceiling))
            .min_by_key(|(_, login)| login.watches.load())
            .map(|(id, _)| id)
    }

    /// Persons that a login never named: each moves to a login that has not ignored it, or is asked for
    /// again later, further and further apart.
    pub(super) fn batch_overdue(&mut self, id: LoginId, now: Duration) {
        let Some(login) = self.logins.get_mut(&id) else { return };
        login.wake = None;
        let ignored = login.watches.overdue(now);
        let scope_id = login.scope;
        self.counters.unanswered += ignored.len() as u64;
        self.touch(id);
        let Some(scope) = self.scopes.get(&scope_id) else { return };
        let settings = scope.settings.clone();
        if let Some(login) = self.logins.get_mut(&id).filter(|_| !ignored.is_empty()) {
            login.ceiling = Some(login.watches.answered());
            self.timers.cancel(login.ceiling_ends.take());
            let (_, longest) = settings.retry;
            login.ceiling_ends = Some(self.timers.set(now + longest, Wake::Ceiling(id)));
        }
        for ignored in ignored {
            let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
            let Some(person) = scope.persons.get_mut(&ignored) else { continue };
            let trouble = person.trouble.get_or_insert_with(Box::default);
            trouble.ignored_by.push(id);
            if self.choose(scope_id, &ignored, true).is_some() {
                self.replace(scope_id, &ignored, true);
                continue;
            }
            let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
            let Some(trouble) = scope.persons.get_mut(&ignored).and_then(|person| person.trouble.as_mut())
            else {
                continue;
            };
            let at = now + settings.retry_after(trouble.tries);
            trouble.tries += 1;
            trouble.retry = Some(self.timers.set(at, Wake::Retry(scope_id, ignored)));
        }
    }

    /// Asks again for a person that every login has ignored, whatever we believe of their limits.
    pub(super) fn retry(&mut self, scope_id: ScopeId, id: &PersonId) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        let Some(person) = scope.persons.get_mut(id) else { return };
        if let Some(trouble) = &mut person.trouble {
            let Trouble { ignored_by, retry, .. } = &mut **trouble;
            ignored_by.clear();
            *retry = None;
        }
        let current = person.login;
        let other = self.choose(scope_id, id, false).filter(|login| Some(*login) != current);
        if other.is_some() || current.is_none() {
            return self.replace(scope_id, id, false);
        }
        if let Some(login) = current.and_then(|login| self.logins.get_mut(&login)) {
            login.watches.ask_again(id);
        }
        if let Some(login) = current {
            self.touch(login);
        }
    }

    /// Takes the person from its login and places it anew.
    fn replace(&mut self, scope_id: ScopeId, id: &PersonId, believe_ceiling: bool) {
        let Some(scope) = self.scopes.get_mut(&scope_id) else { return };
        let Some(person) = scope.persons.get_mut(id) else { return };
        if let Some(login_id) = person.login.take()
            && let Some(login) = self.logins.get_mut(&login_id)
        {
            login.watches.forget(id);
            self.touch(login_id);
        }
        self.place(scope_id, id, believe_ceiling);
    }

    pub(super) fn ceiling_ended(&mut self, id: LoginId) {
        let Some(login) = self.logins.get_mut(&id) else { return };
        login.ceiling = None;
        login.ceiling_ends = None;
        self.touch(id);
    }

    /// The login's watch set may have something to send, or room.
    pub(super) fn touch(&mut self, id: LoginId) {
        if let Some(login) = self.logins.get_mut(&id).filter(|login| !login.touched) {
            login.touched = true;
            self.touched.push(id);
        }
    }

    /// Sends what the touched watch sets have to send.
    pub(super) fn flush(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        while let Some(id) = self.touched.pop() {
            let Some(login) = self.logins.get_mut(&id) else { continue };
            login.touched = false;
            let scope = login.scope;
            self.fill(scope);
            let Some(login) = self.logins.get_mut(&id) else { continue };
            login.watches.flush(now, &mut self.commands);
            for command in self.commands.drain(..) {
                match &command {
                    Command::Add(ids) => self.counters.added += ids.len() as u64,
                    Command::Remove(ids) => self.counters.removed += ids.len() as u64,
                }
                effects.push(Effect::Upstream { login: id, command });
            }
            self.rearm(id);
        }
    }

    /// Places waiting persons as long as a login has room.
    fn fill(&mut self, scope_id: ScopeId) {
        while let Some(scope) = self.scopes.get(&scope_id)
            && let Some(first) = scope.waiting.first().cloned()
            && self.choose(scope_id, &first, true).is_some()
        {
            self.place(scope_id, &first, true);
        }
    }

    fn rearm(&mut self, id: LoginId) {
        let Some(login) = self.logins.get_mut(&id) else { return };
        let wanted = login.watches.next_wake();
        if login.wake.map(|timer| timer.at()) != wanted {
            self.timers.cancel(login.wake.take());
            login.wake = wanted.map(|at| self.timers.set(at, Wake::Batch(id)));
        }
    }
}
