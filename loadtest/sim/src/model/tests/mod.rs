//! The rules of the community, one by one.

mod awareness;
mod logins;
mod random;
mod relays;

use std::time::Duration;

use protocol::presence::{PersonId, Status};

use super::*;

const NOW: Duration = Duration::from_secs(1);

/// A community of ten people with the names of their logins shortened to numbers.
struct Town {
    community: Community,
    next: u64,
}

impl Town {
    fn new(settings: Settings) -> Self {
        Self { community: Community::new(Directory::invented(10, 5), settings), next: 0 }
    }

    fn person(&self, index: usize) -> PersonId {
        self.community.directory().people()[index].id.clone()
    }

    fn wish(&self, index: usize, login_type: u16) -> LogIn {
        let person = &self.community.directory().people()[index];
        LogIn {
            name: person.short_name.clone(),
            proof: Proof::Password(person.password.clone()),
            login_type,
            server: self.community.settings().servers[0].id.clone(),
            address: 0x7f00_0001,
        }
    }

    fn try_login(&mut self, wish: LogIn) -> (LoginId, Vec<(LoginId, Effect)>) {
        self.next += 1;
        let login = LoginId(self.next);
        (login, self.tell(login, Event::LogIn(wish)))
    }

    fn login_as(&mut self, index: usize, login_type: u16) -> LoginId {
        let (login, effects) = self.try_login(self.wish(index, login_type));
        assert!(effects.iter().any(|(to, effect)| *to == login && matches!(effect, Effect::Admitted { .. })));
        login
    }

    fn login(&mut self, index: usize) -> LoginId {
        self.login_as(index, 0x1002)
    }

    fn tell(&mut self, login: LoginId, event: Event) -> Vec<(LoginId, Effect)> {
        self.community.apply(login, event, NOW).into_iter().collect()
    }

    fn status(&mut self, login: LoginId, status: Status, text: &str) -> Vec<(LoginId, Effect)> {
        self.tell(login, Event::SetStatus(UserStatus::new(status, text)))
    }

    fn hide(&mut self, login: LoginId, from: &[usize]) -> Vec<(LoginId, Effect)> {
        let people = from.iter().map(|index| self.person(*index)).collect();
        self.tell(login, Event::SetPrivacy(PrivacyList { deny: true, people }))
    }

    fn watch(&mut self, login: LoginId, ids: &[WatchId]) -> Vec<(LoginId, Effect)> {
        self.tell(login, Event::Watch(ids.to_vec()))
    }

    fn id(&self, index: usize) -> WatchId {
        WatchId::user(self.person(index).as_str())
    }
}

/// What one login is told, as (id, status, text) of every snapshot entry and update.
fn seen(effects: &[(LoginId, Effect)], login: LoginId) -> Vec<(WatchId, Status, String)> {
    let sightings = effects.iter().filter(|(to, _)| *to == login).flat_map(|(_, effect)| match effect {
        Effect::Snapshot(all) => all.clone(),
        Effect::Update(one) => vec![one.clone()],
        _ => Vec::new(),
    });
    sightings.map(|one| (one.id, one.presence.status, one.presence.text.to_string())).collect()
}
