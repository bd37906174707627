//! The upstream side: a community with the server machines of its connections, and people who are online
//! without a connection.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use loadtest_sim::model::{
    Community, Directory, Effect, Effects, Event, LogIn, LoginId, PrivacyList, Proof, Server, Settings,
    UserStatus,
};
use protocol::presence::PersonId;
use protocol::vp::awareness::ToServer;
use protocol::vp::client::Follow;
use protocol::vp::message::{ChannelId, Version};
use protocol::vp::reason::Reason;
use protocol::vp::server::{self, Credential};
use protocol::vp::service::Service;
use protocol::vp::session::Acceptance;

use super::dice::Dice;
use super::words;

/// People in the directory of a site. Residents come first, then those who log in through us.
pub(crate) const RESIDENTS: usize = 10;
pub(crate) const PEOPLE: usize = 16;
pub(crate) const AWARENESS: u32 = Service::AWARENESS.id;

pub(crate) struct Site {
    pub(crate) community: Community,
    pub(crate) people: Vec<PersonId>,
    ends: BTreeMap<u64, End>,
    residents: BTreeMap<usize, LoginId>,
    next_login: u64,
    version: Version,
    /// How our logins follow redirects here.
    pub(crate) follow: Follow,
    /// SetUserStatus messages that came over connections.
    pub(crate) statuses_set: u64,
}

/// The server's end of a connection.
struct End {
    machine: server::Server,
    login: LoginId,
    server: String,
    awareness: Option<ChannelId>,
}

impl Site {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let servers =
            ["one", "two"].map(|name| Server { id: format!("CN={name}"), host: format!("{name}.example") });
        let snapshot_blocks = 1 + dice.below(5);
        let settings = Settings { servers: servers.into(), snapshot_blocks, ..Settings::default() };
        let directory = Directory::invented(PEOPLE, dice.next());
        let people: Vec<PersonId> = directory.people().iter().map(|person| person.id.clone()).collect();
        // Keys cost time, so most seeds do without.
        let version = if dice.one_in(16) { Version::CURRENT } else { Version { major: 0x1e, minor: 0x18 } };
        let mut community = Community::new(directory, settings);
        for person in people.iter().skip(RESIDENTS).filter(|_| dice.one_in(3)) {
            community.set_home(person, "CN=two");
        }
        Self {
            community,
            people,
            ends: BTreeMap::new(),
            residents: BTreeMap::new(),
            next_login: 0,
            version,
            follow: *dice.of(&[Follow::Reconnect, Follow::Continue]),
            statuses_set: 0,
        }
    }

    /// The place of a server in the list, by the host of a redirect.
    pub(crate) fn server_of(&self, host: &str) -> usize {
        self.community.settings().servers.iter().position(|server| server.host == host).unwrap()
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.version.has_key()
    }

    pub(crate) fn connect(&mut self, line: u64, server: usize, dice: &mut Dice, now: Duration) {
        let config = server::Config { version: self.version, ..server::Config::default() };
        let machine = server::Server::new(config, dice.source(), now);
        let server = self.community.settings().servers[server].id.clone();
        let login = self.new_login();
        self.ends.insert(line, End { machine, login, server, awareness: None });
    }

    pub(crate) fn receive(&mut self, line: u64, bytes: Option<&[u8]>, now: Duration) {
        let Some(end) = self.ends.get_mut(&line) else { return };
        match bytes {
            Some(bytes) => end.machine.receive(bytes, now),
            None => end.machine.closed(now),
        }
        self.listen(line, now);
    }

    pub(crate) fn next_wake(&self) -> Option<Duration> {
        self.ends.values().filter_map(|end| end.machine.next_wake()).min()
    }

    pub(crate) fn tick(&mut self, now: Duration) {
        for line in self.lines() {
            if let Some(end) = self.ends.get_mut(&line) {
                end.machine.tick(now);
            }
            self.listen(line, now);
        }
    }

    /// What the servers have to write, and whether they hang up after it.
    pub(crate) fn outputs(&mut self) -> Vec<(u64, Bytes, bool)> {
        let mut outputs = Vec::new();
        for line in self.lines() {
            let Some(end) = self.ends.get_mut(&line) else { continue };
            let (bytes, over) = (end.machine.output(), end.machine.is_closed());
            if over {
                self.ends.remove(&line);
            }
            if over || !bytes.is_empty() {
                outputs.push((line, bytes, over));
            }
        }
        outputs
    }

    fn lines(&self) -> Vec<u64> {
        self.ends.keys().copied().collect()
    }

    fn new_login(&mut self) -> LoginId {
        self.next_login += 1;
        LoginId(self.next_login)
    }

    /// Turns what a client said into what it means.
    fn listen(&mut self, line: u64, now: Duration) {
        while let Some(end) = self.ends.get_mut(&line)
            && let Some(said) = end.machine.next_event()
        {
            let login = end.login;
            let event = match said {
                server::Event::Login(request) => {
                    let Credential::Password(password) = request.credential else { panic!("no password") };
                    let (login_type, server) = (request.login_type, end.server.clone());
                    let proof = Proof::Password(password);
                    Event::LogIn(LogIn { name: request.name, proof, login_type, server, address: 0 })
                }
                server::Event::Continue => Event::Continue,
                server::Event::SetStatus(status) => {
                    self.statuses_set += 1;
                    Event::SetStatus(words::status_from(&status))
                }
                server::Event::Sense(service) => Event::Sense(service),
                server::Event::Create { channel, create } => {
                    assert_eq!(create.service, Service::AWARENESS);
                    assert_eq!(end.awareness, None, "one awareness channel at a time");
                    if self.community.serves(AWARENESS) {
                        end.awareness = Some(channel);
                        end.machine.accept(channel, Acceptance::default()).unwrap();
                    } else {
                        end.machine.destroy(channel, Reason::SERVICE_UNSUPPORTED).unwrap();
                    }
                    continue;
                }
                server::Event::Received { send_type, data, .. } => {
                    match ToServer::decode(send_type, &data).unwrap() {
                        ToServer::Add(ids) => Event::Watch(ids.iter().map(words::watch_from).collect()),
                        ToServer::Remove(ids) => Event::Unwatch(ids.iter().map(words::watch_from).collect()),
                        other => panic!("{other:?}"),
                    }
                }
                server::Event::Destroyed { .. } => {
                    end.awareness = None;
                    Event::StopWatching
                }
                server::Event::Closed(_) => Event::Gone,
                server::Event::Handshake(_) | server::Event::PeerKeepalive => continue,
                other => panic!("nobody should say {other:?}"),
            };
            let effects = self.community.apply(login, event, now);
            self.tell(effects, now);
        }
    }

    /// Carries what the community has to say to the machines.
    fn tell(&mut self, effects: Effects, now: Duration) {
        for (login, effect) in effects {
            if matches!(effect, Effect::Kicked(_)) {
                self.residents.retain(|_, resident| *resident != login);
            }
            let Some((line, end)) = self.ends.iter_mut().find(|(_, end)| end.login == login) else {
                continue;
            };
            let line = *line;
            let machine = &mut end.machine;
            match effect {
                Effect::Admitted { card, privacy, status } => {
                    machine
                        .admit(words::login(&card), words::privacy(privacy), words::status(&status))
                        .unwrap();
                }
                Effect::Refused(reason) => machine.refuse(reason).unwrap(),
                Effect::Redirected { host, server } => machine.redirect(&host, &server).unwrap(),
                Effect::Kicked(reason) => machine.kick(reason),
                Effect::StatusEcho(status) => machine.status_echo(words::status(&status)).unwrap(),
                Effect::PrivacyEcho(list) => machine.privacy_echo(words::privacy(list)).unwrap(),
                Effect::ServiceUp(service) => machine.service_up(service).unwrap(),
                Effect::ServiceLost(_) => {
                    if let Some(channel) = end.awareness.take() {
                        machine.destroy(channel, Reason::SERVICE_UNSUPPORTED).unwrap();
                    }
                }
                effect => {
                    if let (Some(payload), Some(channel)) = (words::awareness(&effect), end.awareness) {
                        let (send_type, data) = payload.encode().unwrap();
                        machine.send(channel, send_type, data).unwrap();
                    }
                }
            }
            self.listen(line, now);
        }
    }

    /// A resident changes status; logs in for it if need be.
    pub(crate) fn resident_does(&mut self, index: usize, status: Option<UserStatus>, now: Duration) {
        let Some(status) = status else {
            if let Some(login) = self.residents.remove(&index) {
                let effects = self.community.apply(login, Event::Gone, now);
                self.tell(effects, now);
            }
            return;
        };
        let login = match self.residents.get(&index) {
            Some(login) => *login,
            None => {
                let login = self.new_login();
                self.residents.insert(index, login);
                let proof = Proof::Vouched(self.people[index].to_string());
                let person = &self.community.directory().people()[index];
                let home = person.home.clone();
                let server = home.unwrap_or_else(|| self.community.settings().servers[0].id.clone());
                let wish = LogIn { name: String::new(), proof, login_type: 0, server, address: 0 };
                let effects = self.community.apply(login, Event::LogIn(wish), now);
                self.tell(effects, now);
                login
            }
        };
        let effects = self.community.apply(login, Event::SetStatus(status), now);
        self.tell(effects, now);
    }

    /// Somebody who is logged in, from anywhere, changes who may see them.
    pub(crate) fn set_privacy(&mut self, index: usize, list: PrivacyList, now: Duration) {
        let Some(login) = self.community.logins_of(&self.people[index]).next() else { return };
        let effects = self.community.apply(login, Event::SetPrivacy(list), now);
        self.tell(effects, now);
    }

    pub(crate) fn set_awareness(&mut self, up: bool, now: Duration) {
        let effects = self.community.set_service(AWARENESS, up);
        self.tell(effects, now);
    }

    pub(crate) fn kick(&mut self, index: usize, now: Duration) {
        let effects = self.community.kick(&self.people[index].clone(), Reason::OTHER_COMPUTER, now);
        self.tell(effects, now);
    }

    /// How many ids all connections of a person watch.
    pub(crate) fn watched_by(&self, index: usize) -> usize {
        self.community.logins_of(&self.people[index]).map(|login| self.community.watch_count(login)).sum()
    }

    /// Connections that have not ended.
    pub(crate) fn connections(&self) -> usize {
        self.ends.len()
    }
}
