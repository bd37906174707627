//! Who is let in, who has to go, and what belongs to the user rather than to the login
//! (vp-wire.md 4, 5.1, 8.7, 10 and 11.2).

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::presence::{PersonId, Status};
use protocol::secret::Secret;
use protocol::vp::reason::Reason;

use super::community::{Account, Community, Effects, Login, PersonKey};
use super::directory::Found;
use super::event::{Effect, LogIn, LoginCard, LoginId, Proof, UserStatus};
use super::invent::Dice;
use super::settings::PrivacyList;

impl Community {
    pub(super) fn log_in(&mut self, login: LoginId, wish: LogIn, now: Duration, out: &mut Effects) {
        if self.logins.contains_key(&login) || self.waiting.contains_key(&login) {
            return;
        }
        let person = match self.admission(&wish) {
            Ok(person) => person,
            Err(reason) => return out.refuse(login, reason),
        };
        let Some(index) = person else {
            let id = PersonId::from(format!("ANONYMOUS/{}", login.0));
            self.guests.insert(login, Account::new(id, wish.name.as_str().into()));
            return self.admit(login, &wish, PersonKey::Guest(login), now, out);
        };
        let home = self.directory.people().get(index).and_then(|person| person.home.as_ref());
        let home = home.or_else(|| self.settings.servers.first().map(|server| &server.id));
        let elsewhere = self.settings.servers.iter().find(|server| Some(&server.id) == home);
        match elsewhere.filter(|server| server.id != wish.server) {
            Some(server) => {
                let (host, server) = (server.host.clone(), server.id.clone());
                out.push(login, Effect::Redirected { host, server: server.clone() });
                self.waiting.insert(login, (LogIn { server, ..wish }, index));
            }
            None => self.admit(login, &wish, PersonKey::Listed(index), now, out),
        }
    }

    pub(super) fn log_in_after_redirect(&mut self, login: LoginId, now: Duration, out: &mut Effects) {
        match self.waiting.remove(&login) {
            Some(_) if self.settings.reject_forwarded => out.refuse(login, Reason::CONNECT_ELSEWHERE),
            Some((wish, index)) => self.admit(login, &wish, PersonKey::Listed(index), now, out),
            None => {}
        }
    }

    /// Whose login it is (none: anonymous), or why not.
    fn admission(&self, wish: &LogIn) -> Result<Option<usize>, Reason> {
        let allowed = &self.settings.allowed_types;
        if !allowed.is_empty() && !allowed.contains(&wish.login_type) {
            return Err(Reason::USER_RESTRICTED);
        }
        if self.logins.len() >= self.settings.max_logins {
            return Err(Reason::SERVER_FULL);
        }
        match &wish.proof {
            Proof::Anonymous if self.settings.anonymous => Ok(None),
            Proof::Anonymous => Err(Reason::USER_RESTRICTED),
            Proof::Password(_) if self.verification_down => Err(Reason::VERIFICATION_DOWN),
            Proof::Password(password) => self.with_password(&wish.name, password).map(Some),
            Proof::Vouched(user) => self.vouched_for(user, &wish.name).map(Some),
        }
    }

    fn with_password(&self, name: &str, password: &Secret) -> Result<usize, Reason> {
        let Found::One(index) = self.directory.find(name) else { return Err(Reason::INCORRECT_LOGIN) };
        let right = self.directory.people().get(index).is_some_and(|person| person.password == *password);
        if right { Ok(index) } else { Err(Reason::INCORRECT_LOGIN) }
    }

    fn vouched_for(&self, user: &str, name: &str) -> Result<usize, Reason> {
        let Found::One(index) = self.directory.find(user) else { return Err(Reason::USER_NOT_TRUSTED) };
        let same = name.is_empty() || self.directory.find(name) == Found::One(index);
        if same { Ok(index) } else { Err(Reason::USER_NOT_TRUSTED) }
    }

    fn admit(&mut self, login: LoginId, wish: &LogIn, person: PersonKey, now: Duration, out: &mut Effects) {
        let Some(account) = self.account(person) else { return };
        let card = LoginCard {
            login_id: format!("{:010X}-{}", Dice(login.0).next() >> 24, login.0),
            login_type: wish.login_type,
            user: account.id.clone(),
            name: account.name.to_string(),
            community: self.settings.name.clone(),
            address: wish.address,
            server: wish.server.clone(),
        };
        let (privacy, status) = (account.privacy.clone(), account.status.clone());
        let ended = self.ended_by(account, wish.login_type);
        out.push(login, Effect::Admitted { card: card.clone(), privacy, status });
        self.logins.insert(
            login,
            Login {
                card,
                person,
                since: now,
                watching: BTreeSet::new(),
                attribute_keys: BTreeSet::new(),
                told_cap: false,
            },
        );
        self.change(person, now, out, |account| {
            account.logins.insert(login);
        });
        for old in ended {
            out.push(old, Effect::Kicked(Reason::OTHER_COMPUTER));
            self.log_out(old, now, out);
        }
    }

    /// The logins that end when this person logs in with this type.
    fn ended_by(&self, account: &Account, login_type: u16) -> Vec<LoginId> {
        let excluded = &self.settings.excluded_types;
        if !self.settings.single_login || excluded.contains(&login_type) {
            return Vec::new();
        }
        let ends = |id: &LoginId| {
            self.logins.get(id).is_some_and(|login| !excluded.contains(&login.card.login_type))
        };
        account.logins.iter().copied().filter(ends).collect()
    }

    pub(super) fn log_out(&mut self, login: LoginId, now: Duration, out: &mut Effects) {
        self.waiting.remove(&login);
        self.stop_watching(login);
        self.close_chats_of(login, out);
        for sensing in self.down.values_mut() {
            sensing.remove(&login);
        }
        let Some(Login { person, .. }) = self.logins.remove(&login) else { return };
        self.change(person, now, out, |account| {
            account.logins.remove(&login);
            if account.logins.is_empty() {
                account.status = UserStatus::new(Status::Active, "");
                account.attributes.clear();
            }
        });
        self.guests.remove(&login);
    }

    pub(super) fn set_own_status(
        &mut self,
        login: LoginId,
        status: UserStatus,
        now: Duration,
        out: &mut Effects,
    ) {
        let Some(person) = self.logins.get(&login).map(|login| login.person) else { return };
        let Some(account) = self.account(person) else { return };
        for login in &account.logins {
            out.push(*login, Effect::StatusEcho(status.clone()));
        }
        self.change(person, now, out, |account| account.status = status);
    }

    pub(super) fn set_own_privacy(
        &mut self,
        login: LoginId,
        list: PrivacyList,
        now: Duration,
        out: &mut Effects,
    ) {
        let Some(person) = self.logins.get(&login).map(|login| login.person) else { return };
        let Some(account) = self.account(person) else { return };
        for login in &account.logins {
            out.push(*login, Effect::PrivacyEcho(list.clone()));
        }
        self.change(person, now, out, |account| account.privacy = list);
    }
}
