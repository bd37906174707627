//! A client and a server machine between hostile peers and careless owners: output stays within what the input
//! and the commands account for, a session closes once, and a closed machine is silent.

#![no_main]

use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::vp::client::{self, Auth, Client, Follow, Login};
use protocol::vp::crypto::Random;
use protocol::vp::crypto::channel::Wish;
use protocol::vp::message::ChannelId;
use protocol::vp::prim::{LoginInfo, PrivacyInfo, UserStatus};
use protocol::vp::reason::Reason;
use protocol::vp::server::{self, Server};
use protocol::vp::service::Service;
use protocol::vp::session::{
    Acceptance, AnsweredEncryption, ChannelLimits, Incoming, NewChannel, OfferedEncryption,
};

/// What a round of commands may write: an encrypted create, an accept, two sends, a status.
const COMMANDS: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let mut script = Script(input);
    let mut stage = Stage::new(script.byte());
    if script.byte() & 1 == 1 {
        stage.log_in();
    }
    while !script.0.is_empty() {
        match script.byte() % 8 {
            0 => stage.feed_server(script.take()),
            1 => stage.feed_client(script.take()),
            2 => stage.feed_server(&framed(script.take())),
            3 => stage.feed_client(&framed(script.take())),
            4 => stage.carry(),
            5 => stage.wait(Duration::from_secs(u64::from(script.byte()))),
            6 => stage.command(script.byte()),
            _ => stage.take_events(),
        }
        stage.check();
    }
});

struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn take(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
}

struct Stage {
    client: Client,
    server: Server,
    now: Duration,
    /// Bytes that may be waiting as output.
    client_budget: usize,
    server_budget: usize,
    client_over: bool,
    server_over: bool,
    channels: Vec<ChannelId>,
}

impl Stage {
    fn new(flags: u8) -> Self {
        let channels = ChannelLimits { channels: 8, waiting_bytes: 2048 };
        let follow = if flags & 1 == 1 { Follow::Continue } else { Follow::Reconnect };
        let client = client::Config { incoming: Incoming::Ask, follow, channels, ..Default::default() };
        let server = server::Config { channels, ..Default::default() };
        let auth = match flags >> 1 & 3 {
            0 => Auth::DhPassword("secret".into()),
            1 => Auth::Rc2Password("secret".into()),
            2 => Auth::PlainPassword("secret".into()),
            _ => Auth::Anonymous,
        };
        let now = Duration::from_secs(1);
        Self {
            client: Client::new(client, Login { name: "alice".to_owned(), auth }, random(), now),
            server: Server::new(server, random(), now),
            now,
            client_budget: COMMANDS,
            server_budget: COMMANDS,
            client_over: false,
            server_over: false,
            channels: Vec::new(),
        }
    }

    fn log_in(&mut self) {
        // Handshake, its answer, Login.
        for _ in 0..3 {
            self.carry();
        }
        self.admit();
        self.carry();
        assert!(self.client.is_up() && self.server.is_up());
    }

    fn admit(&mut self) {
        let info =
            LoginInfo { login_id: "alice:1".into(), user_id: "uid=alice".to_owned(), ..Default::default() };
        // Refused unless a login waits; either is fine here.
        let _waited = self.server.admit(info, PrivacyInfo::default(), UserStatus::default());
    }

    fn feed_server(&mut self, bytes: &[u8]) {
        self.server_budget += 2 * bytes.len() + 20;
        self.server.receive(bytes, self.now);
    }

    fn feed_client(&mut self, bytes: &[u8]) {
        self.client_budget += 2 * bytes.len() + 400;
        self.client.receive(bytes, self.now);
    }

    fn carry(&mut self) {
        let (up, down) = (self.client.output(), self.server.output());
        (self.client_budget, self.server_budget) = (COMMANDS, COMMANDS);
        self.feed_server(&up);
        self.feed_client(&down);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.client.tick(self.now);
        self.server.tick(self.now);
        self.client_budget += 20 * 9;
        self.server_budget += 20 * 9;
        for wake in [self.client.next_wake(), self.server.next_wake()].into_iter().flatten() {
            assert!(wake > self.now, "a tick leaves nothing due");
        }
    }

    /// Every command may be refused; none may be anything else than refused or done.
    fn command(&mut self, which: u8) {
        self.client_budget += COMMANDS;
        self.server_budget += COMMANDS;
        let wish = if which & 0x40 == 0 { Wish::Prefer } else { Wish::Clear };
        let new =
            NewChannel { encryption: OfferedEncryption::Own(wish), ..NewChannel::to_service(Service::IM) };
        let answer = Acceptance { encryption: AnsweredEncryption::Own(wish), ..Acceptance::default() };
        let channel = self.channels.get(usize::from(which >> 4 & 3)).copied().unwrap_or(ChannelId::MASTER);
        let data = Bytes::from(vec![which; usize::from(which)]);
        match which & 15 {
            0 => self.admit(),
            1 => drop(self.server.redirect("st2", "CN=st2")),
            2 => self.channels.extend(self.client.create(new)),
            3 => self.channels.extend(self.server.create(new)),
            4 => drop(self.client.accept(channel, answer)),
            5 => drop(self.server.accept(channel, answer)),
            6 => drop(self.client.send(channel, 100, data)),
            7 => drop(self.server.send(channel, 100, data)),
            8 => drop(self.client.destroy(channel, Reason::OK)),
            9 => drop(self.server.destroy(channel, Reason::OK)),
            10 => drop(self.client.set_status(UserStatus::default())),
            11 => drop(self.server.send_sealed(channel, 100, data)),
            12 => self.channels.clear(),
            13 => self.client.logout(self.now),
            14 => self.server.kick(Reason::USER_REMOVED),
            _ => drop(self.server.refuse(Reason::INCORRECT_LOGIN)),
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.client.next_event() {
            assert!(!self.client_over, "an event after the last one: {event:?}");
            match event {
                client::Event::Closed(_) => self.client_over = true,
                client::Event::Incoming { channel, .. } => self.channels.push(channel),
                _ => {}
            }
        }
        while let Some(event) = self.server.next_event() {
            assert!(!self.server_over, "an event after the last one: {event:?}");
            match event {
                server::Event::Closed(_) => self.server_over = true,
                server::Event::Create { channel, .. } => self.channels.push(channel),
                _ => {}
            }
        }
    }

    fn check(&mut self) {
        // Held and queued messages of an accepted channel come out at once; they were paid for earlier.
        let queued = 8 * 2048;
        assert!(self.client.output_len() <= self.client_budget + queued);
        assert!(self.server.output_len() <= self.server_budget + queued);
        if self.client_over {
            self.client.output();
            self.client.receive(&[0, 0, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0], self.now);
            self.client.tick(self.now);
            assert!(self.client.output_len() == 0 && self.client.next_wake().is_none());
        }
        if self.server_over {
            self.server.output();
            self.server.receive(&[0, 0, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0], self.now);
            self.server.tick(self.now);
            assert!(self.server.output_len() == 0 && self.server.next_wake().is_none());
        }
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, message.len() as u8], message].concat()
}

fn random() -> Random {
    let mut next = 7_u8;
    Box::new(move |out| {
        out.fill_with(|| {
            next = next.wrapping_mul(29).wrapping_add(13);
            next
        })
    })
}
