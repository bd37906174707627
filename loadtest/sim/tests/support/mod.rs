//! A community client over a real socket, for the tests of this crate.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use loadtest_sim::Simulator;
use loadtest_sim::model::Person;
use protocol::presence::{PersonId, Presence};
use protocol::vp::awareness::{Block, ToClient, ToServer};
use protocol::vp::client::{Auth, Client, Config, Event, Login};
use protocol::vp::message::ChannelId;
use protocol::vp::prim::{AwareId, IdBlock};
use protocol::vp::service::Service;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For everything that is waited for.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(crate) struct TestClient {
    pub(crate) machine: Client,
    stream: Box<dyn Stream>,
    begun: Instant,
}

impl TestClient {
    /// Dials and says hello; the login goes on while events are waited for.
    pub(crate) async fn dial(server: SocketAddr, config: Config, name: &str, auth: Auth) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        Self::over(Box::new(stream), config, name, auth)
    }

    pub(crate) fn over(stream: Box<dyn Stream>, config: Config, name: &str, auth: Auth) -> Self {
        let random = Box::new(|bytes: &mut [u8]| getrandom::fill(bytes).unwrap());
        let login = Login { name: name.into(), auth };
        Self { machine: Client::new(config, login, random, Duration::ZERO), stream, begun: Instant::now() }
    }

    /// A person who is logged in with their password.
    pub(crate) async fn of(simulator: &Simulator, person: &Person) -> Self {
        Self::with_type(simulator, person, 0x1002).await
    }

    pub(crate) async fn with_type(simulator: &Simulator, person: &Person, login_type: u16) -> Self {
        let auth = Auth::DhPassword(person.password.clone());
        let config = Config { login_type, ..Config::default() };
        let mut client = Self::dial(simulator.addr(), config, &person.short_name, auth).await;
        client.wait_for(|event| matches!(event, Event::LoggedIn { .. })).await;
        client
    }

    /// Writes what the machine wants to say.
    pub(crate) async fn flush(&mut self) {
        let output = self.machine.output();
        timeout(LIMIT, self.stream.write_all(&output)).await.unwrap().ok();
    }

    /// The next event, or none if the session has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            self.flush().await;
            if let Some(event) = self.machine.next_event() {
                return Some(event);
            }
            if self.machine.is_closed() {
                return None;
            }
            let mut buffer = vec![0; 64 * 1024];
            let read = timeout(LIMIT, self.stream.read(&mut buffer)).await.expect("the server is silent");
            match read {
                Ok(0) | Err(_) => self.machine.closed(self.begun.elapsed()),
                Ok(count) => self.machine.receive(&buffer[..count], self.begun.elapsed()),
            }
        }
    }

    /// The first event that suits; others are passed over.
    pub(crate) async fn wait_for(&mut self, suits: impl Fn(&Event) -> bool) -> Event {
        loop {
            match self.next().await {
                Some(event) if suits(&event) => return event,
                Some(_) => {}
                None => panic!("the session ended before the event came"),
            }
        }
    }

    /// Opens a channel to a service.
    pub(crate) async fn open(&mut self, service: Service) -> ChannelId {
        let opened = self.machine.open(service, IdBlock::default(), Bytes::new()).unwrap();
        self.wait_for(|event| matches!(event, Event::Opened { channel, .. } if *channel == opened)).await;
        opened
    }

    pub(crate) async fn say(&mut self, channel: ChannelId, message: ToServer) {
        let (send_type, data) = message.encode().unwrap();
        self.machine.send(channel, send_type, data).unwrap();
        self.flush().await;
    }

    /// Watches people on an open awareness channel and waits for the answers to all.
    pub(crate) async fn watch(&mut self, channel: ChannelId, ids: &[&str]) -> Vec<Block> {
        self.say(channel, ToServer::Add(ids.iter().map(|id| AwareId::user(*id)).collect())).await;
        let mut blocks = Vec::new();
        while blocks.len() < ids.len() {
            match self.awareness().await {
                ToClient::Snapshot(some) => blocks.extend(some),
                other => panic!("{other:?} instead of a snapshot"),
            }
        }
        blocks
    }

    /// The next message of the awareness service.
    pub(crate) async fn awareness(&mut self) -> ToClient {
        match self.wait_for(|event| matches!(event, Event::Received { .. })).await {
            Event::Received { send_type, data, .. } => ToClient::decode(send_type, &data).unwrap(),
            _ => unreachable!(),
        }
    }

    /// The next update, as (id, presence).
    pub(crate) async fn update(&mut self) -> (String, Presence) {
        match self.awareness().await {
            ToClient::Update(block) => (block.id.user.clone(), block.presence()),
            other => panic!("{other:?} instead of an update"),
        }
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !so() {
        assert!(Instant::now() < end, "{what}: not so after {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn person(simulator: &Simulator, index: usize) -> Person {
    simulator.directory().people()[index].clone()
}

pub(crate) fn id(simulator: &Simulator, index: usize) -> PersonId {
    person(simulator, index).id
}
