//! Clock and wiring: whatever is due next happens, then everybody passes on what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::hub::{Effect, Event, Hub, Settings};
use gateway_core::messages::{Interest, ToShard};
use gateway_core::shard::{Limits, Shard};
use gateway_core::watchset::Pace;
use gateway_core::{Epoch, ScopeId, ShardId, SubscriberId};

use super::dice::Dice;
use super::driver::{Driver, send};
use super::page::Page;
use super::pipe::Pipe;
use super::site::{RESIDENTS, Site};

pub(crate) const OBSERVERS: usize = 2;

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: Duration,
    pub(crate) hub: Hub,
    pub(crate) shards: Vec<Shard>,
    to_hub: Vec<Pipe<Vec<Interest>>>,
    to_shard: Vec<Pipe<ToShard>>,
    pub(crate) sites: Vec<Site>,
    /// Per site: the observers' scope; none where everybody watches through their own login.
    pub(crate) shared: Vec<Option<ScopeId>>,
    pub(crate) drivers: Vec<Driver>,
    pub(crate) pages: Vec<Page>,
    pages_of: BTreeMap<(usize, SubscriberId), usize>,
    settings: Arc<Settings>,
    pub(crate) next_id: u64,
    /// Statuses that users have set through their pages.
    pub(crate) statuses_wished: u64,
    /// Everything that happened, in one number.
    trace: u64,
    pub(crate) seen: Seen,
}

/// How often something happened that a tame world would not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) redirects: u64,
    pub(crate) kicks: u64,
    pub(crate) service_losses: u64,
    pub(crate) lost: u64,
    pub(crate) unanswered: u64,
    pub(crate) stray: u64,
    pub(crate) coalesced: u64,
    pub(crate) resumed: u64,
    pub(crate) hidden: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let shards = 1 + dice.below(3);
        let pace = Pace {
            batch: 1 + dice.below(6),
            batches_in_flight: 1 + dice.below(3),
            answer_timeout: Duration::from_secs(*dice.of(&[5, 30])),
        };
        let linger = Duration::from_secs(*dice.of(&[1, 20, 300]));
        let epoch = Epoch(dice.next());
        let mut world = Self {
            hub: Hub::new(shards as u16, dice.next()),
            shards: (0..shards).map(|_| Shard::new(epoch, Limits::default(), dice.next())).collect(),
            to_hub: (0..shards).map(|_| Pipe::new()).collect(),
            to_shard: (0..shards).map(|_| Pipe::new()).collect(),
            sites: Vec::new(),
            shared: Vec::new(),
            drivers: Vec::new(),
            pages: Vec::new(),
            pages_of: BTreeMap::new(),
            settings: Arc::new(Settings { pace, linger, ..Settings::default() }),
            next_id: 0,
            now: Duration::from_secs(1),
            statuses_wished: 0,
            trace: 0,
            seen: Seen::default(),
            dice,
        };
        for site in 0..1 + world.dice.below(2) {
            world.sites.push(Site::new(&mut world.dice));
            let shared = world.dice.one_in(2).then(|| world.open_scope());
            world.shared.push(shared);
            if let Some(scope) = shared {
                for observer in 0..1 + world.dice.below(OBSERVERS) {
                    world.drivers.push(Driver::new(site, scope, RESIDENTS + observer, false, world.now));
                }
            }
        }
        world
    }

    /// A life: trouble, then peace, then the end of everything. The number tells two lives apart.
    pub(crate) fn live(mut self) -> (u64, Seen) {
        for _ in 0..60 + self.dice.below(120) {
            self.fault();
            let pause = *self.dice.of(&[5, 100, 100, 3_000, 12_000]);
            let until = self.now + self.dice.milliseconds(pause);
            self.run(until);
        }
        self.heal();
        // The last kicks arrive, then everybody comes back.
        self.run(self.now + Duration::from_secs(120));
        self.return_pages();
        self.run(self.now + Duration::from_secs(1500));
        self.check_peace();
        self.close_pages();
        self.run(self.now + Duration::from_secs(400));
        self.check_unwatched();
        self.log_everybody_out();
        self.run(self.now + Duration::from_secs(60));
        self.check_empty();
        (self.trace, self.seen())
    }

    fn seen(&self) -> Seen {
        let hub = self.hub.counters();
        let coalesced = self.shards.iter().map(|shard| shard.counters().coalesced).sum();
        Seen { lost: hub.lost, unanswered: hub.unanswered, stray: hub.stray, coalesced, ..self.seen }
    }

    pub(crate) fn open_scope(&mut self) -> ScopeId {
        self.next_id += 1;
        let scope = ScopeId(self.next_id);
        let settings = Arc::clone(&self.settings);
        self.tell_hub(Event::ScopeOpened { scope, settings });
        scope
    }

    /// Runs until that time.
    fn run(&mut self, until: Duration) {
        self.settle();
        let mut at_once = 0;
        while let Some(due) = self.due().filter(|due| *due <= until) {
            at_once = if due <= self.now { at_once + 1 } else { 0 };
            assert!(at_once < 10_000, "it goes round in circles");
            self.now = self.now.max(due);
            self.step();
            self.settle();
        }
        self.now = until;
    }

    fn due(&self) -> Option<Duration> {
        let hub = self.to_hub.iter().map(Pipe::due);
        let shards = self.to_shard.iter().map(Pipe::due);
        let sites = self.sites.iter().map(Site::next_wake);
        let drivers = self.drivers.iter().map(Driver::due);
        let pages = self.pages.iter().map(Page::due);
        let all = hub.chain(shards).chain(sites).chain(drivers).chain(pages).chain([self.hub.next_wake()]);
        all.flatten().min()
    }

    /// Everything that is due happens once.
    fn step(&mut self) {
        let now = self.now;
        if self.hub.next_wake().is_some_and(|due| due <= now) {
            self.tell_hub(Event::Tick);
        }
        for shard in 0..self.shards.len() {
            if let Some(changes) = self.to_hub[shard].pop(now) {
                self.tell_hub(Event::Interest { shard: ShardId(shard as u16), changes });
            }
            if let Some(message) = self.to_shard[shard].pop(now) {
                self.shards[shard].apply(message);
            }
        }
        for site in &mut self.sites {
            if site.next_wake().is_some_and(|due| due <= now) {
                site.tick(now);
            }
        }
        for driver in 0..self.drivers.len() {
            self.step_driver(driver);
        }
        for page in 0..self.pages.len() {
            self.step_page(page);
        }
    }

    fn step_driver(&mut self, index: usize) {
        let now = self.now;
        let driver = &mut self.drivers[index];
        let site = &mut self.sites[driver.site];
        if driver.dial_at.is_some_and(|at| at <= now) {
            self.next_id += 1;
            driver.dial(self.next_id, site, &mut self.dice, now);
        }
        for line in &mut driver.old_lines {
            if let Some(bytes) = line.up.pop(now) {
                site.receive(line.id, bytes.as_deref(), now);
            }
        }
        driver.old_lines.retain(|line| !line.up.is_empty());
        if let Some(line) = &mut driver.line {
            if let Some(bytes) = line.up.pop(now) {
                site.receive(line.id, bytes.as_deref(), now);
            }
            if let Some(bytes) = line.down.pop(now)
                && let Some(session) = &mut driver.session
            {
                match bytes {
                    Some(bytes) => session.receive(&bytes, now),
                    None => session.closed(now),
                }
            }
        }
        if let Some(session) = &mut driver.session {
            if session.next_wake().is_some_and(|due| due <= now) {
                session.tick(now);
            }
            if let Some(command) = driver.commands.pop(now) {
                session.command(&command, now);
            }
        }
        if let Some(event) = driver.to_hub.pop(now) {
            self.tell_hub(event);
        }
    }

    fn step_page(&mut self, index: usize) {
        let now = self.now;
        let page = &mut self.pages[index];
        if page.back_at.is_some_and(|at| at <= now) {
            let shard = self.dice.below(self.shards.len());
            self.seen.resumed += u64::from(page.connect(shard, &mut self.shards[shard]));
            self.pages_of.extend(page.subscriber.map(|subscriber| ((shard, subscriber), index)));
        }
        if page.take_at.is_some_and(|at| at <= now) {
            page.take(&mut self.shards[page.shard], &mut self.dice, now);
        }
    }

    /// Everybody passes on what they have to say.
    fn settle(&mut self) {
        let now = self.now;
        for driver in &mut self.drivers {
            driver.settle(&self.sites[driver.site], &mut self.next_id, &mut self.dice, &mut self.seen, now);
        }
        for site in 0..self.sites.len() {
            for (line, bytes, over) in self.sites[site].outputs() {
                let lines = self.drivers.iter_mut().filter_map(|driver| driver.line.as_mut());
                if let Some(line) = lines.into_iter().find(|other| other.id == line) {
                    send(&mut line.down, &bytes, over, &mut self.dice, now);
                }
            }
        }
        for (number, shard) in self.shards.iter_mut().enumerate() {
            if shard.has_interests() {
                self.to_hub[number].push(now + self.dice.milliseconds(3), shard.interests().collect());
            }
            for subscriber in shard.woken() {
                if let Some(page) = self.pages_of.get(&(number, subscriber)) {
                    self.pages[*page].woken(&mut self.dice, now);
                }
            }
        }
        self.trace = self.trace.rotate_left(5) ^ self.dice.clone().next() ^ now.as_micros() as u64;
    }

    pub(crate) fn tell_hub(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.hub.apply(event, self.now, &mut effects);
        for effect in effects {
            let at = self.now + self.dice.milliseconds(3);
            match effect {
                Effect::Shard { shard, message } => self.to_shard[usize::from(shard.0)].push(at, message),
                Effect::Upstream { login, command } => {
                    // A login that has gone meanwhile takes its queue with it.
                    if let Some(driver) = self.drivers.iter_mut().find(|driver| driver.login == Some(login)) {
                        driver.commands.push(at, command);
                    }
                }
            }
        }
    }
}
