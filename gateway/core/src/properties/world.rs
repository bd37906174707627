//! Everything together, with queues between the parts whose progress the operations choose.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use protocol::presence::{PersonId, Presence, Status};

use super::Op;
use super::clients::Client;
use super::upstream::{Upstream, UpstreamLogin};
use crate::hub::{Effect, Event, Hub, Settings};
use crate::messages::{Interest, ToShard};
use crate::shard::{Batch, Limits, Shard};
use crate::watchset::Pace;
use crate::{Epoch, LoginId, ScopeId, ShardId};

const SHARDS: usize = 3;
const SCOPES: usize = 2;
const PERSONS: usize = 12;

pub(super) struct World {
    hub: Hub,
    shards: Vec<Shard>,
    upstream: Upstream,
    clients: Vec<Client>,
    to_hub: Vec<VecDeque<Interest>>,
    to_shard: Vec<VecDeque<ToShard>>,
    /// Subscribers that were woken and have not been found empty since.
    woken: BTreeSet<(usize, u64)>,
    scopes: Vec<ScopeId>,
    settings: Arc<Settings>,
    waiting_notices: BTreeMap<(usize, u64), u64>,
    next_id: u64,
    now: Duration,
}

impl World {
    pub(super) fn new() -> Self {
        let pace = Pace { batch: 3, batches_in_flight: 2, answer_timeout: Duration::from_secs(30) };
        let mut world = Self {
            hub: Hub::new(SHARDS as u16, 1),
            shards: (0..SHARDS).map(|_| Shard::new(Epoch(5), Limits::default(), 1)).collect(),
            upstream: Upstream::default(),
            clients: Vec::new(),
            to_hub: vec![VecDeque::new(); SHARDS],
            to_shard: vec![VecDeque::new(); SHARDS],
            woken: BTreeSet::new(),
            scopes: Vec::new(),
            settings: Arc::new(Settings { pace, ..Settings::default() }),
            waiting_notices: BTreeMap::new(),
            next_id: 0,
            now: Duration::ZERO,
        };
        for _ in 0..SCOPES {
            let scope = world.open_scope();
            world.scopes.push(scope);
        }
        world
    }

    pub(super) fn run(&mut self, op: Op) {
        match op {
            Op::Open { shard, scope } => self.open(shard % SHARDS, self.scopes[scope % SCOPES]),
            Op::Close { client } => self.with(client, |world, client| {
                let client = world.clients.swap_remove(client);
                world.shards[client.shard].close(client.subscriber);
            }),
            Op::Reconnect { client, shard } => self.with(client, |world, client| {
                world.reconnect(client, shard % SHARDS);
            }),
            Op::Watch { client, persons } => {
                self.with(client, |world, client| world.watch(client, &ids(persons)))
            }
            Op::Unwatch { client, persons } => {
                self.with(client, |world, client| world.unwatch(client, &ids(persons)));
            }
            Op::Notice { client } => self.with(client, |world, client| world.notice(client)),
            Op::Take { client, budget } => self.with(client, |world, client| world.take(client, budget)),
            Op::ToHub { shard } => self.deliver_to_hub(shard % SHARDS),
            Op::ToShard { shard, count } => self.deliver_to_shard(shard % SHARDS, count),
            Op::Change { person, status } => {
                let status = [Status::Offline, Status::Active, Status::Away, Status::Dnd][status % 4];
                self.upstream.change(&id(person), Presence::of(status));
            }
            Op::FromUpstream { login, count } => {
                if let Some(login) = self.login(login) {
                    self.deliver_from_upstream(login, count);
                }
            }
            Op::LoginUp { scope, limit } => {
                if self.upstream.logins.len() < 4 {
                    self.login_up(self.scopes[scope % SCOPES], limit);
                }
            }
            Op::LoginDown { login } => {
                if let Some(login) = self.login(login) {
                    self.upstream.logins.remove(&login);
                    self.apply(Event::LoginDown(login));
                }
            }
            Op::Rescope { scope } => self.rescope(scope % SCOPES),
            Op::Miss { client, shard, person, status } => {
                self.run(Op::Quiet);
                self.run(Op::Change { person, status });
                self.deliver_all();
                self.run(Op::Reconnect { client, shard });
            }
            Op::Quiet => {
                self.deliver_all();
                self.take_all();
            }
            Op::Wait { milliseconds } => self.wait(Duration::from_millis(milliseconds)),
        }
        self.settle();
    }

    /// Everything arrives, logins without limits are there, and much time passes.
    pub(super) fn calm_down(&mut self) {
        for login in self.upstream.logins.values_mut() {
            login.limit = None;
        }
        for scope in self.scopes.clone() {
            self.login_up(scope, None);
        }
        let until = self.now + Duration::from_secs(3600);
        loop {
            self.deliver_all();
            let Some(wake) = self.hub.next_wake().filter(|wake| *wake <= until) else { break };
            self.now = self.now.max(wake);
            self.apply(Event::Tick);
        }
        self.now = until;
        self.take_all();
    }

    fn take_all(&mut self) {
        for client in 0..self.clients.len() {
            self.take(client, usize::MAX);
        }
    }

    pub(super) fn check_views(&mut self) {
        assert!(self.woken.is_empty(), "taken from everybody");
        let mut wanted: BTreeMap<ScopeId, BTreeSet<PersonId>> = BTreeMap::new();
        for client in self.clients.iter().filter(|client| !client.ended) {
            for person in &client.watched {
                let (_, seen) = client.view.get(person).unwrap_or_else(|| panic!("{person} was never seen"));
                assert_eq!(*seen, self.upstream.truth(person), "{person}");
            }
            assert!(client.cursor.is_some() && client.covered == client.watched, "caught up");
            wanted.entry(client.scope).or_default().extend(client.watched.iter().cloned());
        }
        for scope in &self.scopes {
            assert_eq!(self.upstream.watched(*scope), wanted.remove(scope).unwrap_or_default());
        }
        let in_shards: usize = self.shards.iter().map(|shard| shard.counters().persons).sum();
        assert_eq!(self.hub.counters().interests, in_shards);
    }

    pub(super) fn close_everything(&mut self) {
        for client in std::mem::take(&mut self.clients) {
            self.shards[client.shard].close(client.subscriber);
        }
        self.settle();
        self.deliver_all();
        self.wait(Duration::from_secs(300));
        assert!(
            self.scopes.iter().all(|scope| self.upstream.watched(*scope).is_empty()),
            "unwatched upstream"
        );
        assert!(self.shards.iter().all(Shard::is_empty));
        assert_eq!(self.hub.counters().persons, 0);
        for scope in std::mem::take(&mut self.scopes) {
            self.apply(Event::ScopeClosed(scope));
        }
        assert!(self.hub.is_empty());
    }

    fn open(&mut self, shard: usize, scope: ScopeId) {
        let subscriber = self.shards[shard].open(scope);
        self.clients.push(Client::new(shard, scope, subscriber));
    }

    fn reconnect(&mut self, client: usize, shard: usize) {
        let client = &mut self.clients[client];
        self.shards[client.shard].close(client.subscriber);
        if client.ended {
            // A user whose scope has gone comes back in the new one, with what it has.
            client.ended = false;
            client.scope = self.scopes[0];
            client.view.clear();
            client.covered.clear();
        }
        let subscriber = self.shards[shard].open(client.scope);
        client.reconnected(shard, subscriber);
        let seen: Vec<PersonId> = client.covered.iter().cloned().collect();
        let rest: Vec<PersonId> = client.watched.difference(&client.covered).cloned().collect();
        self.shards[shard].watch(subscriber, &seen, client.cursor).unwrap();
        self.shards[shard].watch(subscriber, &rest, None).unwrap();
    }

    fn watch(&mut self, client: usize, persons: &[PersonId]) {
        let client = &mut self.clients[client];
        if self.shards[client.shard].watch(client.subscriber, persons, None).is_ok() {
            client.watched.extend(persons.iter().cloned());
        }
    }

    fn unwatch(&mut self, client: usize, persons: &[PersonId]) {
        let client = &mut self.clients[client];
        self.shards[client.shard].unwatch(client.subscriber, persons);
        persons.iter().for_each(|person| client.unwatched(person));
    }

    fn notice(&mut self, client: usize) {
        let client = &self.clients[client];
        let waiting = self.waiting_notices.entry((client.shard, client.subscriber.0)).or_default();
        let notice = client.next_notice(*waiting);
        *waiting += 1;
        self.shards[client.shard].notice(client.subscriber, notice.into());
    }

    fn take(&mut self, client: usize, budget: usize) {
        let client = &mut self.clients[client];
        let mut batch = Batch::default();
        assert!(self.shards[client.shard].take(client.subscriber, budget, &mut batch));
        let key = (client.shard, client.subscriber.0);
        let had =
            !(batch.states.is_empty() && batch.notices.is_empty() && batch.ended.is_none()) || batch.more;
        assert!(!had || client.ended || self.woken.contains(&key), "woken for what there is");
        if !batch.more {
            self.woken.remove(&key);
        }
        self.waiting_notices.remove(&key);
        client.receive(&batch);
    }

    fn open_scope(&mut self) -> ScopeId {
        self.next_id += 1;
        let scope = ScopeId(self.next_id);
        let settings = Arc::clone(&self.settings);
        self.apply(Event::ScopeOpened { scope, settings });
        scope
    }

    fn rescope(&mut self, index: usize) {
        let old = std::mem::replace(&mut self.scopes[index], ScopeId(0));
        self.apply(Event::ScopeClosed(old));
        self.upstream.logins.retain(|_, login| login.scope != old);
        self.scopes[index] = self.open_scope();
    }

    fn login_up(&mut self, scope: ScopeId, limit: Option<usize>) {
        self.next_id += 1;
        let login = LoginId(self.next_id);
        self.upstream.logins.insert(login, UpstreamLogin::new(scope, limit));
        self.apply(Event::LoginUp { scope, login });
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(wake) = self.hub.next_wake().filter(|wake| *wake <= until) {
            self.now = self.now.max(wake);
            self.apply(Event::Tick);
        }
        self.now = until;
    }

    fn deliver_all(&mut self) {
        for _ in 0..1000 {
            self.settle();
            for shard in 0..SHARDS {
                self.deliver_to_hub(shard);
            }
            for login in self.upstream.logins.keys().copied().collect::<Vec<_>>() {
                self.deliver_from_upstream(login, usize::MAX);
            }
            for shard in 0..SHARDS {
                self.deliver_to_shard(shard, usize::MAX);
            }
            let quiet = self.to_hub.iter().all(VecDeque::is_empty)
                && self.to_shard.iter().all(VecDeque::is_empty)
                && self.upstream.logins.values().all(|login| login.sent.is_empty());
            if quiet {
                return;
            }
        }
        panic!("it never becomes quiet");
    }

    fn deliver_to_hub(&mut self, shard: usize) {
        let changes: Vec<Interest> = self.to_hub[shard].drain(..).collect();
        self.apply(Event::Interest { shard: ShardId(shard as u16), changes });
    }

    fn deliver_to_shard(&mut self, shard: usize, count: usize) {
        for _ in 0..count {
            let Some(message) = self.to_shard[shard].pop_front() else { break };
            self.shards[shard].apply(message);
        }
        self.settle();
    }

    fn deliver_from_upstream(&mut self, login: LoginId, count: usize) {
        let Some(from) = self.upstream.logins.get_mut(&login) else { return };
        let count = count.min(from.sent.len());
        let sent: Vec<_> = from.sent.drain(..count).collect();
        for (snapshot, person, presence) in sent {
            let entries = vec![(person, presence)];
            self.apply(Event::Entries { login, entries, snapshot, decoded_at: self.now });
        }
    }

    fn apply(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.hub.apply(event, self.now, &mut effects);
        for effect in effects {
            match effect {
                Effect::Shard { shard, message } => self.to_shard[usize::from(shard.0)].push_back(message),
                Effect::Upstream { login, command } => self.upstream.obey(login, command),
            }
        }
    }

    /// Collects what the shards have to say, as a caller does after each call.
    fn settle(&mut self) {
        for (number, shard) in self.shards.iter_mut().enumerate() {
            self.to_hub[number].extend(shard.interests());
            self.woken.extend(shard.woken().map(|subscriber| (number, subscriber.0)));
            assert!(shard.is_consistent());
        }
        let there: BTreeSet<(usize, u64)> =
            self.clients.iter().map(|client| (client.shard, client.subscriber.0)).collect();
        self.woken.retain(|key| there.contains(key));
    }

    fn login(&self, number: usize) -> Option<LoginId> {
        let count = self.upstream.logins.len();
        self.upstream.logins.keys().nth(number.checked_rem(count)?).copied()
    }

    fn with(&mut self, client: usize, run: impl FnOnce(&mut Self, usize)) {
        if let Some(client) = client.checked_rem(self.clients.len()) {
            run(self, client);
        }
    }
}

fn id(number: usize) -> PersonId {
    format!("CN=Person {}/O=Acme", number % PERSONS).into()
}

fn ids(numbers: Vec<usize>) -> Vec<PersonId> {
    numbers.into_iter().map(id).collect()
}
