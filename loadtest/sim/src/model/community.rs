//! The community itself: its state, the entry point, and what everybody is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::presence::{PersonId, Presence, Status};
use protocol::vp::reason::Reason;

use super::chats::Conversation;
use super::directory::Directory;
use super::event::{
    Announcement, ChatId, Effect, Event, LogIn, LoginCard, LoginId, Sighting, UserStatus, WatchId,
};
use super::settings::{PrivacyList, Settings};

/// A community of servers that share people.
#[derive(Debug)]
pub struct Community {
    pub(super) settings: Settings,
    pub(super) directory: Directory,
    /// One per person of the directory, in its order.
    pub(super) accounts: Vec<Account>,
    /// Anonymous people live as long as their only login.
    pub(super) guests: BTreeMap<LoginId, Account>,
    pub(super) logins: BTreeMap<LoginId, Login>,
    /// Redirected: who they proved to be.
    pub(super) waiting: BTreeMap<LoginId, (LogIn, usize)>,
    pub(super) chats: BTreeMap<ChatId, Conversation>,
    /// Services that are down, with the logins that want to know when they are back.
    pub(super) down: BTreeMap<u32, BTreeSet<LoginId>>,
    pub(super) verification_down: bool,
}

/// What is kept per person, whatever they are logged in with.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: PersonId,
    pub(super) name: Arc<str>,
    pub(super) logins: BTreeSet<LoginId>,
    pub(super) status: UserStatus,
    pub(super) privacy: PrivacyList,
    pub(super) attributes: BTreeMap<u32, Bytes>,
    pub(super) storage: BTreeMap<u32, Bytes>,
    /// When anything that others see changed last.
    pub(super) changed: Duration,
    pub(super) watchers: BTreeMap<LoginId, Vec<Asked>>,
}

/// How a watcher asked for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: WatchId,
    pub(super) group: Arc<str>,
}

/// One login that was let in.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) card: LoginCard,
    pub(super) person: PersonKey,
    pub(super) since: Duration,
    pub(super) watching: BTreeSet<WatchId>,
    pub(super) attribute_keys: BTreeSet<u32>,
    pub(super) told_cap: bool,
}

/// Where an account is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PersonKey {
    Listed(usize),
    Guest(LoginId),
}

/// What logins have to be told, in order.
#[derive(Debug, Default)]
pub struct Effects(Vec<(LoginId, Effect)>);

impl Community {
    /// A community in which nobody is logged in.
    pub fn new(directory: Directory, settings: Settings) -> Self {
        let accounts = directory.people().iter().map(|p| Account::new(p.id.clone(), p.display_name.clone()));
        Self {
            accounts: accounts.collect(),
            directory,
            settings,
            guests: BTreeMap::new(),
            logins: BTreeMap::new(),
            waiting: BTreeMap::new(),
            chats: BTreeMap::new(),
            down: BTreeMap::new(),
            verification_down: false,
        }
    }

    /// One login did something at `now`: what everybody has to be told.
    ///
    /// Events of logins that are not logged in (any more) have no effect.
    pub fn apply(&mut self, login: LoginId, event: Event, now: Duration) -> Effects {
        let mut out = Effects::default();
        match event {
            Event::LogIn(wish) => self.log_in(login, wish, now, &mut out),
            Event::Continue => self.log_in_after_redirect(login, now, &mut out),
            Event::Gone => self.log_out(login, now, &mut out),
            event if self.logins.contains_key(&login) => self.apply_admitted(login, event, now, &mut out),
            _ => {}
        }
        out
    }

    fn apply_admitted(&mut self, login: LoginId, event: Event, now: Duration, out: &mut Effects) {
        match event {
            Event::LogIn(_) | Event::Continue | Event::Gone => {}
            Event::SetStatus(status) => self.set_own_status(login, status, now, out),
            Event::SetPrivacy(list) => self.set_own_privacy(login, list, now, out),
            Event::Sense(service) => self.sense(login, service, out),
            Event::Watch(ids) => self.watch(login, ids, out),
            Event::Unwatch(ids) => self.unwatch(login, &ids),
            Event::StopWatching => self.stop_watching(login),
            Event::WatchAttributes(keys) => self.watch_attributes(login, keys, out),
            Event::SetAttribute { key, value } => self.set_attribute(login, key, value, out),
            Event::UnsetAttribute(key) => self.unset_attribute(login, key, out),
            Event::Resolve { request, names, flags } => self.resolve(login, request, names, flags, out),
            Event::Load { request, key } => self.load(login, request, key, out),
            Event::Save { request, key, value } => self.save(login, request, key, value, out),
            Event::Announce { may_reply, text, recipients } => {
                self.announce(login, may_reply, text, &recipients, out);
            }
            Event::OpenChat(chat) => self.open_chat(login, chat, out),
            Event::AcceptChat { chat, data, choice } => self.accept_chat(login, chat, data, choice, out),
            Event::SendChat { chat, send_type, encrypted, data } => {
                self.send_chat(login, chat, Effect::ChatSent { chat, send_type, encrypted, data }, out);
            }
            Event::CloseChat { chat, reason, data } => self.close_chat(login, chat, reason, data, out),
        }
    }

    /// Sets the status of a person who is logged in, as one of their logins would. Without effect on
    /// everybody else.
    pub fn set_status(&mut self, person: &PersonId, status: UserStatus, now: Duration) -> Effects {
        let login = self.logins_of(person).next();
        login.map(|login| self.apply(login, Event::SetStatus(status), now)).unwrap_or_default()
    }

    /// Announces a text to all logins of a person, in the name of the server.
    pub fn announce_to(&self, person: &PersonId, text: &str) -> Effects {
        let announcement = Announcement { from: None, may_reply: false, text: text.to_owned() };
        let told = |login| (login, Effect::Announced(announcement.clone()));
        Effects(self.logins_of(person).map(told).collect())
    }

    /// Ends all logins of a person.
    pub fn kick(&mut self, person: &PersonId, reason: Reason, now: Duration) -> Effects {
        let mut out = Effects::default();
        for login in self.logins_of(person).collect::<Vec<_>>() {
            out.push(login, Effect::Kicked(reason));
            self.log_out(login, now, &mut out);
        }
        out
    }

    /// Whether passwords can be checked at present.
    pub fn set_verification(&mut self, works: bool) {
        self.verification_down = !works;
    }

    /// The directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The rules.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The rules, to be changed for what comes. Does not touch those who are logged in.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Moves a person to a home server, from the next login on. False: no such person.
    pub fn set_home(&mut self, person: &PersonId, server: &str) -> bool {
        self.directory.set_home(person, server)
    }

    /// How this person is shown to a viewer; without a viewer: to somebody no privacy list names or
    /// hides from. Unknown people are offline, as for every client.
    pub fn presence(&self, person: &PersonId, viewer: Option<&PersonId>) -> Presence {
        let account = self.directory.index_of(person.as_str()).and_then(|index| self.accounts.get(index));
        account.map_or(Presence::of(Status::Offline), |account| account.shown_to(viewer))
    }

    /// How everybody in the directory is shown to a viewer; see [`Self::presence`].
    pub fn truth(&self, viewer: Option<&PersonId>) -> Vec<(PersonId, Presence)> {
        self.accounts.iter().map(|account| (account.id.clone(), account.shown_to(viewer))).collect()
    }

    /// When something visible of this person changed last.
    pub fn changed(&self, person: &PersonId) -> Duration {
        let account = self.directory.index_of(person.as_str()).and_then(|index| self.accounts.get(index));
        account.map_or(Duration::ZERO, |account| account.changed)
    }

    /// The logins of a person, oldest first.
    pub fn logins_of(&self, person: &PersonId) -> impl Iterator<Item = LoginId> {
        let account = self.directory.index_of(person.as_str()).and_then(|index| self.accounts.get(index));
        account.into_iter().flat_map(|account| account.logins.iter().copied())
    }

    /// Whose login it is, if it is one of a person.
    pub fn person_of(&self, login: LoginId) -> Option<PersonId> {
        let id = &self.logins.get(&login)?.card.user;
        self.directory.person(id).map(|person| person.id.clone())
    }

    /// All logins.
    pub fn logins(&self) -> impl Iterator<Item = (LoginId, &LoginCard)> {
        self.logins.iter().map(|(id, login)| (*id, &login.card))
    }

    /// How many ids a login watches (a group counts as one).
    pub fn watch_count(&self, login: LoginId) -> usize {
        self.logins.get(&login).map_or(0, |login| login.watching.len())
    }

    pub(super) fn account(&self, key: PersonKey) -> Option<&Account> {
        match key {
            PersonKey::Listed(index) => self.accounts.get(index),
            PersonKey::Guest(login) => self.guests.get(&login),
        }
    }

    /// The account behind a login.
    pub(super) fn account_of(&mut self, login: LoginId) -> Option<&mut Account> {
        match self.logins.get(&login)?.person {
            PersonKey::Listed(index) => self.accounts.get_mut(index),
            PersonKey::Guest(login) => self.guests.get_mut(&login),
        }
    }

    /// Changes an account and tells every watcher who now sees something else. The only place that
    /// does so.
    pub(super) fn change(
        &mut self,
        person: PersonKey,
        now: Duration,
        out: &mut Effects,
        edit: impl FnOnce(&mut Account),
    ) {
        let account = match person {
            PersonKey::Listed(index) => self.accounts.get_mut(index),
            PersonKey::Guest(login) => self.guests.get_mut(&login),
        };
        let Some(account) = account else { return };
        let (presence, privacy) = (account.presence(), account.privacy.clone());
        edit(account);
        let new = account.presence();
        if (&presence, &privacy) == (&new, &account.privacy) {
            return;
        }
        account.changed = now;
        for (watcher, asked) in &account.watchers {
            let Some(watcher_login) = self.logins.get(watcher) else { continue };
            let viewer = &watcher_login.card.user;
            let before = hide_unless(privacy.shows(&account.id, viewer), &presence);
            let after = hide_unless(account.privacy.shows(&account.id, viewer), &new);
            if before == after {
                continue;
            }
            for Asked { id, group } in asked {
                let sighting = Sighting { id: id.clone(), group: group.clone(), presence: after.clone() };
                out.push(*watcher, Effect::Update(sighting));
                if before.status == Status::Offline {
                    account.tell_attributes(*watcher, id, &watcher_login.attribute_keys, out);
                }
            }
        }
    }
}

impl Account {
    pub(super) fn new(id: PersonId, name: Arc<str>) -> Self {
        Self {
            id,
            name,
            logins: BTreeSet::new(),
            status: UserStatus::new(Status::Active, ""),
            privacy: PrivacyList::default(),
            attributes: BTreeMap::new(),
            storage: BTreeMap::new(),
            changed: Duration::ZERO,
            watchers: BTreeMap::new(),
        }
    }

    /// As shown to those who may see.
    fn presence(&self) -> Presence {
        if self.logins.is_empty() || !self.status.status.is_online() {
            return Presence::of(Status::Offline);
        }
        Presence {
            status: self.status.status,
            mobile: self.status.mobile,
            text: self.status.text.clone(),
            name: self.name.clone(),
        }
    }

    /// As shown to a viewer; none: somebody no list names.
    pub(super) fn shown_to(&self, viewer: Option<&PersonId>) -> Presence {
        let shown = viewer.map_or(self.privacy.deny, |viewer| self.privacy.shows(&self.id, viewer));
        hide_unless(shown, &self.presence())
    }

    /// Tells a watcher the attributes it wants to know.
    pub(super) fn tell_attributes(
        &self,
        watcher: LoginId,
        id: &WatchId,
        keys: &BTreeSet<u32>,
        out: &mut Effects,
    ) {
        for (key, value) in self.attributes.iter().filter(|(key, _)| keys.contains(key)) {
            out.push(watcher, Effect::AttributeSet { id: id.clone(), key: *key, value: value.clone() });
        }
    }
}

impl Effects {
    pub(super) fn push(&mut self, login: LoginId, effect: Effect) {
        self.0.push((login, effect));
    }

    pub(super) fn refuse(&mut self, login: LoginId, reason: Reason) {
        debug_assert_ne!(reason, Reason::OK);
        self.push(login, Effect::Refused(reason));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody has to be told anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Effects {
    type Item = (LoginId, Effect);
    type IntoIter = std::vec::IntoIter<(LoginId, Effect)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn hide_unless(shown: bool, presence: &Presence) -> Presence {
    if shown { presence.clone() } else { Presence::of(Status::Offline) }
}
