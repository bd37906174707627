//! Two machines and the wire between them.

use std::time::Duration;

use protocol::vp::client::{self, Client};
use protocol::vp::crypto::Random;
use protocol::vp::prim::{LoginDetail, LoginInfo, PrivacyInfo, UserStatus};
use protocol::vp::server::{self, Server};

pub(crate) const ALICE: &str = "CN=Alice Example/O=Acme";

/// A connected client and server with a clock of their own.
pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) now: Duration,
    pub(crate) at_client: Vec<client::Event>,
    pub(crate) at_server: Vec<server::Event>,
    chunks: Box<dyn FnMut() -> usize>,
}

impl Pair {
    pub(crate) fn new(client: client::Config, server: server::Config, auth: client::Auth, seed: u64) -> Self {
        let now = Duration::from_secs(1000);
        let login = client::Login { name: ALICE.to_owned(), auth };
        let mut next = numbers(seed);
        Self {
            client: Client::new(client, login, random(seed + 1), now),
            server: Server::new(server, random(seed + 2), now),
            now,
            at_client: Vec::new(),
            at_server: Vec::new(),
            chunks: Box::new(move || 1 + usize::try_from(next() % 40).unwrap()),
        }
    }

    /// With default settings and a password.
    pub(crate) fn plain() -> Self {
        let auth = client::Auth::DhPassword("geheim".into());
        Self::new(client::Config::default(), server::Config::default(), auth, 7)
    }

    /// With default settings, the user let in and the events of that taken.
    pub(crate) fn up() -> Self {
        Self::up_with(client::Config::default(), server::Config::default())
    }

    pub(crate) fn up_with(client: client::Config, server: server::Config) -> Self {
        let mut pair = Self::new(client, server, client::Auth::DhPassword("geheim".into()), 7);
        pair.talk();
        pair.admit();
        pair.talk();
        assert!(pair.client.is_up() && pair.server.is_up());
        pair.at_client.clear();
        pair.at_server.clear();
        pair
    }

    pub(crate) fn admit(&mut self) {
        self.server.admit(alice(), PrivacyInfo::default(), status(0x20, "here")).unwrap();
    }

    /// Carries bytes both ways until neither side has anything to say.
    pub(crate) fn talk(&mut self) {
        loop {
            let (up, down) = (self.client.output(), self.server.output());
            if up.is_empty() && down.is_empty() {
                break;
            }
            let mut left = &up[..];
            while !left.is_empty() {
                let (chunk, rest) = left.split_at((self.chunks)().min(left.len()));
                self.server.receive(chunk, self.now);
                left = rest;
            }
            let mut left = &down[..];
            while !left.is_empty() {
                let (chunk, rest) = left.split_at((self.chunks)().min(left.len()));
                self.client.receive(chunk, self.now);
                left = rest;
            }
            self.take_events();
        }
        self.take_events();
    }

    /// Lets time pass; both sides wake when they want to.
    pub(crate) fn sleep(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let wakes = [self.client.next_wake(), self.server.next_wake()];
            let Some(wake) = wakes.into_iter().flatten().min().filter(|wake| *wake <= until) else { break };
            assert!(wake >= self.now, "a wake-up in the past");
            self.now = wake;
            self.client.tick(wake);
            self.server.tick(wake);
            self.talk();
        }
        self.now = until;
    }

    fn take_events(&mut self) {
        self.at_client.extend(std::iter::from_fn(|| self.client.next_event()));
        self.at_server.extend(std::iter::from_fn(|| self.server.next_event()));
    }
}

pub(crate) fn alice() -> LoginInfo {
    LoginInfo {
        login_id: "A1B2C3:1".into(),
        login_type: 0x14b4,
        user_id: ALICE.to_owned(),
        user_name: "Alice Example".to_owned(),
        community: "acme.example".to_owned(),
        detail: Some(LoginDetail { server_id: "CN=st1/O=Acme".to_owned(), ..LoginDetail::default() }),
    }
}

pub(crate) fn status(status: u16, desc: &str) -> UserStatus {
    UserStatus { status, time: 0, desc: desc.to_owned() }
}

/// Reproducible bytes.
pub(crate) fn random(seed: u64) -> Random {
    let mut next = numbers(seed);
    Box::new(move |out| out.fill_with(|| next() as u8))
}

/// Reproducible numbers (xorshift).
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> u64 + Send + 'static {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 8
    }
}
