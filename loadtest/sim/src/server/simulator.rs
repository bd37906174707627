//! The handle on a running community: look at it, change it, break it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::presence::{PersonId, Presence, Status};
use protocol::vp::reason::Reason;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::builder::{Builder, StartError};
use super::drive::{self, Churn};
use super::listener::{self, Port};
use super::switchboard::Switchboard;
use crate::clock::Clock;
use crate::model::{Directory, Effects, Event, PrivacyList, Settings, UserStatus};

/// A running community. Clones are handles on the same one; it stops when the last is dropped.
#[derive(Clone, Debug)]
pub struct Simulator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    board: Arc<Switchboard>,
    servers: Vec<RunningServer>,
    tasks: TaskTracker,
    end: CancellationToken,
    rate: watch::Sender<Churn>,
    clock: Clock,
}

#[derive(Debug)]
struct RunningServer {
    addr: SocketAddr,
    port: Port,
    /// Ends the port and its connections; replaced when the server starts again.
    running: Mutex<Running>,
}

#[derive(Clone, Debug)]
struct Running {
    tasks: TaskTracker,
    end: CancellationToken,
}

/// Numbers about a simulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open connections, logged in or not.
    pub connections: usize,
    /// Logins, those without a connection included.
    pub logins: usize,
    /// Logins without a connection.
    pub virtual_logins: usize,
    /// Watched ids, over all logins; a group counts as one.
    pub watches: usize,
    /// Changes that the simulator made by itself.
    pub changes: u64,
    /// Changes that were due since the rate was set last, those of them that were not made, because the machine
    /// is too slow or nobody is online without a connection, and the longest that one was late.
    pub due: u64,
    /// See `due`.
    pub missed: u64,
    /// See `due`.
    pub latest: Duration,
    /// Connections that were closed because their peers did not read.
    pub closed_slow: u64,
    /// Connections that were closed because their peers broke the protocol; the log says how.
    pub closed_protocol: u64,
}

impl Simulator {
    /// Settings with defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn run(
        board: Arc<Switchboard>,
        seed: u64,
        clock: Clock,
        ports: Vec<(TcpListener, Port)>,
    ) -> io::Result<Self> {
        let end = CancellationToken::new();
        let mut servers = Vec::new();
        for (listener, port) in ports {
            let addr = listener.local_addr()?;
            let running = Mutex::new(Running::start(listener, port.clone(), &end));
            servers.push(RunningServer { addr, port, running });
        }
        let (tasks, rate) = (TaskTracker::new(), watch::Sender::new(Churn::default()));
        tasks.spawn(drive::churn(board.clone(), seed, clock, rate.subscribe(), end.clone()));
        Ok(Self(Arc::new(Inner { board, servers, tasks, end, rate, clock })))
    }

    /// Where the first server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addrs().next().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    /// Where each server listens.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.servers.iter().map(|server| server.addr)
    }

    /// The people and groups.
    pub fn directory(&self) -> Directory {
        self.0.board.read(|community| community.directory().clone())
    }

    /// What everybody is told about this person whom no privacy list names.
    pub fn truth(&self, person: &PersonId) -> Presence {
        self.0.board.read(|community| community.presence(person, None))
    }

    /// What this viewer is told about this person.
    pub fn truth_for(&self, viewer: &PersonId, person: &PersonId) -> Presence {
        self.0.board.read(|community| community.presence(person, Some(viewer)))
    }

    /// What a viewer, or somebody no list names, is told about everybody.
    pub fn truths(&self, viewer: Option<&PersonId>) -> BTreeMap<PersonId, Presence> {
        self.0.board.read(|community| community.truth(viewer).into_iter().collect())
    }

    /// Sets the status of a person as one of their clients would. False: not logged in.
    pub fn set_status(&self, person: &PersonId, status: Status, text: &str) -> bool {
        self.set_user_status(person, UserStatus::new(status, text))
    }

    /// The same with the mobile flag.
    pub fn set_user_status(&self, person: &PersonId, status: UserStatus) -> bool {
        self.0.board.count_change();
        let now = self.0.board.now();
        self.0.board.change(|community| {
            let effects = community.set_status(person, status, now);
            (!effects.is_empty(), effects)
        })
    }

    /// Sets who may see a person. False: not logged in.
    pub fn set_privacy(&self, person: &PersonId, list: PrivacyList) -> bool {
        let now = self.0.board.now();
        self.0.board.change(|community| {
            let login = community.logins_of(person).next();
            let set = |login| community.apply(login, Event::SetPrivacy(list), now);
            let effects = login.map(set).unwrap_or_default();
            (login.is_some(), effects)
        })
    }

    /// Lets a person be online without a connection. False: unknown, or so already.
    pub fn login_virtual(&self, person: &PersonId) -> bool {
        self.0.board.log_in_virtually(person)
    }

    /// Ends what [`Self::login_virtual`] began. False: there was nothing.
    pub fn logout_virtual(&self, person: &PersonId) -> bool {
        self.0.board.log_out_virtually(person)
    }

    /// Whether the person is online without a connection.
    pub fn is_virtual(&self, person: &PersonId) -> bool {
        self.0.board.is_virtual(person)
    }

    /// Ends all logins of a person, with a reason they are told. False: there was none.
    pub fn kick(&self, person: &PersonId, reason: Reason) -> bool {
        let now = self.0.board.now();
        self.0.board.change(|community| {
            let effects = community.kick(person, reason, now);
            (!effects.is_empty(), effects)
        })
    }

    /// Announces a text to all logins of a person, in the name of the server. False: there was none.
    pub fn announce(&self, person: &PersonId, text: &str) -> bool {
        self.0.board.change(|community| {
            let effects = community.announce_to(person, text);
            (!effects.is_empty(), effects)
        })
    }

    /// Cuts the connections of a person, without a word. Returns how many there were.
    pub fn drop_connections(&self, person: &PersonId) -> usize {
        let logins: Vec<_> = self.0.board.read(|community| community.logins_of(person).collect());
        self.0.board.cut(Some(&logins))
    }

    /// Cuts all connections, without a word.
    pub fn drop_all_connections(&self) -> usize {
        self.0.board.cut(None)
    }

    /// While stalled, connections stay open and nothing is read, written or timed.
    pub fn stall(&self, on: bool) {
        self.0.board.stall(on);
    }

    /// The connection that speaks next says half a frame and closes.
    pub fn answer_half_a_frame(&self) {
        self.0.board.order_half_a_frame();
    }

    /// Takes a service (by number) down or brings it back (vp-wire.md 8.6).
    pub fn set_service(&self, service: u32, up: bool) {
        self.0.board.change(|community| ((), community.set_service(service, up)));
    }

    /// Whether passwords can be checked; while not, logins are refused with 0x80000214.
    pub fn set_verification(&self, works: bool) {
        self.0.board.change(|community| (community.set_verification(works), Effects::default()));
    }

    /// Moves a person to another home server, from the next login on. False: no such person.
    pub fn set_home(&self, person: &PersonId, server: &str) -> bool {
        self.0.board.change(|community| (community.set_home(person, server), Effects::default()))
    }

    /// Changes the rules for what comes.
    pub fn change_settings(&self, edit: impl FnOnce(&mut Settings)) {
        self.0.board.change(|community| (edit(community.settings_mut()), Effects::default()));
    }

    /// How many ids the logins of a person watch, together; a group counts as one.
    pub fn watch_count(&self, person: &PersonId) -> usize {
        self.0
            .board
            .read(|community| community.logins_of(person).map(|login| community.watch_count(login)).sum())
    }

    /// How many logins a person has.
    pub fn login_count(&self, person: &PersonId) -> usize {
        self.0.board.read(|community| community.logins_of(person).count())
    }

    /// When something visible of this person changed last, since the start.
    pub fn changed(&self, person: &PersonId) -> Duration {
        self.0.board.read(|community| community.changed(person))
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        self.0.board.now()
    }

    /// How many connections are open, logged in or not.
    pub fn connections(&self) -> usize {
        self.0.board.connection_count()
    }

    /// How the last login travelled, one of [`auth_type`](protocol::vp::message::auth_type), whatever became of it.
    pub fn last_auth_type(&self) -> Option<u16> {
        self.0.board.last_auth()
    }

    /// The clock that stamps changes.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// Numbers about it.
    pub fn stats(&self) -> Stats {
        let (logins, watches) = self.0.board.read(|community| {
            let watches = community.logins().map(|(login, _)| community.watch_count(login)).sum();
            (community.logins().count(), watches)
        });
        let (due, missed, latest) = self.0.board.punctuality.since();
        Stats {
            connections: self.connections(),
            logins,
            virtual_logins: self.0.board.virtual_count(),
            watches,
            changes: self.0.board.change_count(),
            due,
            missed,
            latest,
            closed_slow: self.0.board.slow_count(),
            closed_protocol: self.0.board.broken_count(),
        }
    }

    /// Changes the status of people who are online without a connection, so many times a second in
    /// all, evenly spaced; 0 stops. With `stamped` the status text begins with a [`Stamp`](crate::Stamp), by which
    /// the load tester measures.
    pub fn change_rate(&self, per_second: f64, stamped: bool) {
        self.churn(Churn { per_second, stamped, ..Churn::default() });
    }

    /// The same with everything that can be said about it.
    pub fn churn(&self, churn: Churn) {
        self.0.rate.send_replace(churn);
    }

    /// Plays working days, one after the other, this many times faster than life (at most 100,000).
    /// When this returns everybody is where they are in the middle of the first morning; with a speed
    /// of 0 they stay there. Everybody takes part without a connection, until they log in with a client:
    /// from then on they are their own masters.
    pub fn play_day(&self, seed: u64, speed: f64) {
        let inner = &self.0;
        let play = drive::Play::begin(inner.board.clone(), seed);
        if speed > 0.0 {
            inner.tasks.spawn(play.go_on(speed.clamp(0.001, 100_000.0), inner.end.clone()));
        }
    }

    /// Stops all servers: ports and connections are gone when this returns. People who are online
    /// without a connection stay.
    pub async fn stop(&self) {
        for server in 0..self.0.servers.len() {
            self.stop_server(server).await;
        }
    }

    /// Starts all servers again, on the ports they had.
    pub async fn restart(&self) -> Result<(), StartError> {
        for server in 0..self.0.servers.len() {
            self.restart_server(server).await?;
        }
        Ok(())
    }

    /// Stops one server (counted from 0) and its connections.
    pub async fn stop_server(&self, server: usize) {
        let Some(server) = self.0.servers.get(server) else { return };
        let running = server.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.stop().await;
    }

    /// Starts one server again, on the port it had.
    pub async fn restart_server(&self, server: usize) -> Result<(), StartError> {
        self.stop_server(server).await;
        let Some(server) = self.0.servers.get(server) else { return Ok(()) };
        let addr = server.addr;
        let bound = TcpListener::bind(addr).await;
        let listener = bound.map_err(|error| StartError::Listen { addr, error })?;
        let running = Running::start(listener, server.port.clone(), &self.0.end);
        *server.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
        Ok(())
    }

    /// Stops everything, what runs by itself too.
    pub async fn shut_down(&self) {
        self.0.end.cancel();
        self.stop().await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Running {
    fn start(listener: TcpListener, port: Port, end: &CancellationToken) -> Self {
        let (tasks, end) = (TaskTracker::new(), end.child_token());
        tasks.spawn(listener::accept(listener, port, tasks.clone(), end.clone()));
        Self { tasks, end }
    }

    async fn stop(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end.cancel();
    }
}
