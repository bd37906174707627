//! The task around the core's hub: the one place where browsers' interest and upstream truth meet.
//!
//! Shards and upstream logins send events; effects go to shards' inboxes and logins' command queues. Both
//! are bounded: an inbox keeps one state per person, and a login that does not take its commands is cut.

mod ask;
mod audience;
mod inbox;
mod me;
mod news;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_core::hub::{Counters, Effect, Event, Hub, Settings};
use gateway_core::watchset::Command;
use gateway_core::{LoginId, ScopeId};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub use ask::Ask;
pub use audience::{Audience, Listening};
pub use inbox::Inbox;
pub use me::{Access, LoginState, Me, OwnCommand, OwnLogin, OwnLogins, Proof};
pub use news::{Chat, Item, News, Partner};

use crate::telemetry::Metrics;

/// Events that may wait for the hub; whoever has more waits.
const EVENTS: usize = 4096;
/// Events taken in one turn, so that changes of one burst reach a shard together.
const TURN: usize = 256;

/// The program's monotonic time, as the core wants it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How everybody else reaches the hub.
#[derive(Clone, Debug)]
pub struct HubHandle {
    messages: mpsc::Sender<Message>,
    ids: Arc<AtomicU64>,
    pub clock: Clock,
}

#[derive(Debug)]
enum Message {
    Event(Event),
    Login { scope: ScopeId, login: LoginId, commands: mpsc::Sender<Command> },
}

impl HubHandle {
    /// Tells the hub; waits while it is behind. Does nothing once the program stops.
    pub async fn tell(&self, event: Event) {
        // A closed channel means that the program stops, and then nothing matters any more.
        let _ = self.messages.send(Message::Event(event)).await;
    }

    /// Opens a scope: when this returns, watches in it are in order.
    pub async fn open_scope(&self, settings: Arc<Settings>) -> ScopeId {
        let scope = ScopeId(self.ids.fetch_add(1, Ordering::Relaxed));
        self.tell(Event::ScopeOpened { scope, settings }).await;
        scope
    }

    /// Announces a login whose awareness channel is open; its commands come through `commands`, and when
    /// that queue is full or gone the hub forgets the login.
    pub async fn login_up(&self, scope: ScopeId, commands: mpsc::Sender<Command>) -> LoginId {
        let login = LoginId(self.ids.fetch_add(1, Ordering::Relaxed));
        let _ = self.messages.send(Message::Login { scope, login, commands }).await;
        login
    }
}

/// The hub's side; run it on the main runtime.
#[derive(Debug)]
pub struct HubTask {
    hub: Hub,
    messages: mpsc::Receiver<Message>,
    logins: HashMap<LoginId, mpsc::Sender<Command>>,
    inboxes: Vec<Arc<Inbox>>,
    metrics: Arc<Metrics>,
    clock: Clock,
    reported: Counters,
}

/// Makes a hub for that many shards, whose inboxes are read elsewhere. `key` is random.
pub fn hub(inboxes: Vec<Arc<Inbox>>, key: u64, clock: Clock, metrics: Arc<Metrics>) -> (HubHandle, HubTask) {
    let (sender, messages) = mpsc::channel(EVENTS);
    let handle = HubHandle { messages: sender, ids: Arc::new(AtomicU64::new(1)), clock };
    let shards = u16::try_from(inboxes.len()).unwrap_or(u16::MAX);
    let hub = Hub::new(shards, key);
    let reported = Counters::default();
    (handle, HubTask { hub, messages, logins: HashMap::new(), inboxes, metrics, clock, reported })
}

impl HubTask {
    /// Runs until every handle is gone.
    pub async fn run(mut self) {
        let mut turn = Vec::with_capacity(TURN);
        let mut effects = Vec::new();
        loop {
            let wake = self.hub.next_wake().map(|due| due.saturating_sub(self.clock.now()));
            tokio::select! {
                count = self.messages.recv_many(&mut turn, TURN) => if count == 0 { return },
                () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => {
                    turn.push(Message::Event(Event::Tick));
                }
            }
            for message in turn.drain(..) {
                self.take(message, &mut effects);
            }
            self.carry_out(&mut effects);
            self.report();
        }
    }

    fn take(&mut self, message: Message, effects: &mut Vec<Effect>) {
        let event = match message {
            Message::Event(event) => event,
            Message::Login { scope, login, commands } => {
                self.logins.insert(login, commands);
                Event::LoginUp { scope, login }
            }
        };
        if let Event::LoginDown(login) = &event {
            self.logins.remove(login);
        }
        self.hub.apply(event, self.clock.now(), effects);
    }

    fn carry_out(&mut self, effects: &mut Vec<Effect>) {
        // Cutting a login has effects of its own.
        while !effects.is_empty() {
            let mut cut = Vec::new();
            for effect in effects.drain(..) {
                match effect {
                    Effect::Shard { shard, message } => {
                        if let Some(inbox) = self.inboxes.get(usize::from(shard.0)) {
                            inbox.push(message);
                        }
                    }
                    Effect::Upstream { login, command } => {
                        let queue = self.logins.get(&login);
                        if queue.is_some_and(|queue| queue.try_send(command).is_err()) {
                            cut.push(login);
                        }
                    }
                }
            }
            for login in cut {
                // Dropping the queue's sender ends the connection; the login comes back with a new id.
                if self.logins.remove(&login).is_some() {
                    self.hub.apply(Event::LoginDown(login), self.clock.now(), effects);
                }
            }
        }
        for inbox in &self.inboxes {
            inbox.ring();
        }
    }

    fn report(&mut self) {
        let now = self.hub.counters();
        let before = std::mem::replace(&mut self.reported, now);
        self.metrics.watches_set(now.interests);
        self.metrics.persons_set(now.known, now.persons - now.known);
        self.metrics.updates_applied(now.applied - before.applied);
        self.metrics.updates_unchanged(now.unchanged - before.unchanged);
    }
}

#[cfg(test)]
mod tests;
