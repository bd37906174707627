//! A session against the server machine, byte by byte.

use protocol::secret::Secret;
use protocol::vp::awareness::{Block, OnlineState, send_type};
use protocol::vp::client::Auth;
use protocol::vp::message::{ChannelCreate, ChannelId};
use protocol::vp::prim::LoginId;
use protocol::vp::reason::Reason;
use protocol::vp::server::{self, Server};
use protocol::vp::session::Acceptance;

use super::*;

const DND: u16 = 0x0080;

struct Line {
    session: Session,
    server: Server,
    now: Duration,
    seen: Vec<server::Event>,
}

impl Line {
    /// Logged in, with the awareness channel asked for.
    fn new() -> Self {
        let random = || -> Random { Box::new(|bytes| bytes.fill(7)) };
        let login = Login { name: "ann".into(), auth: Auth::DhPassword(Secret::from("pw")) };
        let now = Duration::from_secs(1);
        let session = Session::new(Config::default(), login, random(), now);
        let server = Server::new(server::Config::default(), random(), now);
        let mut line = Self { session, server, now, seen: Vec::new() };
        line.exchange();
        let info = LoginInfo { user_id: "CN=Ann".into(), user_name: "Ann".into(), ..LoginInfo::default() };
        let info = LoginInfo { login_id: LoginId::from("12345"), ..info };
        let status = UserStatus { status: DND, time: 0, desc: "busy".into() };
        line.server.admit(info, PrivacyInfo::default(), status).unwrap();
        line.exchange();
        line
    }

    fn exchange(&mut self) {
        loop {
            let (up, down) = (self.session.output(), self.server.output());
            if up.is_empty() && down.is_empty() {
                return;
            }
            self.server.receive(&up, self.now);
            self.seen.extend(std::iter::from_fn(|| self.server.next_event()));
            self.session.receive(&down, self.now);
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.session.tick(self.now);
        self.exchange();
    }

    fn events(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.session.next_event()).collect()
    }

    fn asked(&mut self) -> Vec<ChannelCreate> {
        let create = |event| match event {
            server::Event::Create { create, .. } => Some(create),
            _ => None,
        };
        self.seen.drain(..).filter_map(create).collect()
    }

    /// Accepts the awareness channel that was asked for last.
    fn accept(&mut self) -> ChannelId {
        let channel = self.asked().pop().unwrap().channel;
        self.server.accept(channel, Acceptance::default()).unwrap();
        self.exchange();
        channel
    }
}

fn names(names: &[&str]) -> Vec<PersonId> {
    names.iter().map(|name| PersonId::from(*name)).collect()
}

#[test]
fn a_login_adopts_the_status_and_sends_none() {
    let mut line = Line::new();
    let events = line.events();
    let [Told::LoggedIn { own, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((own.status, &*own.text, &*own.name), (Status::Dnd, "busy", "Ann"));
    line.accept();
    line.wait(Duration::from_secs(600));
    assert!(!line.seen.iter().any(|event| matches!(event, server::Event::SetStatus(_))));
}

#[test]
fn commands_travel_up_and_entries_down() {
    let mut line = Line::new();
    let channel = line.accept();
    assert_eq!(line.events().last(), Some(&Told::ServiceUp));
    line.session.command(&Command::Add(names(&["CN=Bob"])), line.now);
    line.session.command(&Command::Remove(names(&["CN=Bob"])), line.now);
    line.exchange();
    let sent = line.seen.drain(..).filter_map(|event| match event {
        server::Event::Received { send_type, data, .. } => ToServer::decode(send_type, &data).ok(),
        _ => None,
    });
    let bob = || vec![AwareId::user("CN=Bob")];
    assert_eq!(sent.collect::<Vec<_>>(), [ToServer::Add(bob()), ToServer::Remove(bob())]);
    let status = UserStatus { status: 0x0060, time: 9, desc: "lunch".into() };
    let state = OnlineState { status, name: "Bob".into(), ..OnlineState::default() };
    let block = Block { id: AwareId::user("CN=Bob"), state: Some(state), ..Block::default() };
    let group = Block { id: AwareId::group("All"), ..Block::default() };
    let (send_type, data) = ToClient::Snapshot(vec![group, block.clone()]).encode().unwrap();
    line.server.send(channel, send_type, data).unwrap();
    line.exchange();
    let entries = vec![("CN=Bob".into(), block.presence())];
    assert_eq!(line.events(), [Told::Entries { entries, snapshot: true, decoded_at: line.now }]);
}

#[test]
fn an_unreadable_payload_ends_the_session_and_says_why() {
    let mut line = Line::new();
    let channel = line.accept();
    line.events();
    line.server.send(channel, send_type::SNAPSHOT, Bytes::from_static(b"\xff")).unwrap();
    line.exchange();
    let events = line.events();
    let [Told::ServiceDown, Told::Closed(closed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(closed.kind(), "awareness");
    let told = server::Event::Closed(server::Closed::ByClient(Reason::PROTOCOL_ERROR));
    assert_eq!(line.seen.last(), Some(&told));
    assert!(line.session.is_closed());
}

#[test]
fn a_service_that_comes_back_is_opened_again_but_not_in_a_loop() {
    let mut line = Line::new();
    let mut channel = line.accept();
    line.wait(Duration::from_secs(60));
    line.events();
    for pause in [0, 1, 2, 4] {
        line.server.destroy(channel, Reason::SERVICE_UNSUPPORTED).unwrap();
        line.exchange();
        assert_eq!(line.events(), [Told::ServiceDown]);
        line.session.command(&Command::Add(names(&["CN=Bob"])), line.now);
        assert!(line.session.output().is_empty() && !line.session.is_closed(), "dropped");
        assert_eq!(line.asked(), [], "waits for the server's word");
        line.server.service_up(Service::AWARENESS.id).unwrap();
        line.exchange();
        if pause > 0 {
            line.wait(Duration::from_secs(pause) - Duration::from_millis(1));
            assert_eq!(line.asked(), [], "not before {pause} s");
            line.wait(Duration::from_millis(1));
        }
        channel = line.accept();
        assert_eq!(line.events(), [Told::ServiceUp]);
    }
}

#[test]
fn a_server_that_never_says_that_the_service_is_up_is_asked_anyway() {
    let mut line = Line::new();
    let channel = line.accept();
    line.server.destroy(channel, Reason::SERVICE_UNSUPPORTED).unwrap();
    line.exchange();
    assert_eq!(line.asked(), []);
    let wake = line.session.next_wake().unwrap();
    assert!(wake <= line.now + Duration::from_secs(60));
    line.wait(Duration::from_secs(60));
    line.accept();
}

#[test]
fn the_end_of_the_session_is_the_end_of_watching() {
    let mut line = Line::new();
    line.accept();
    line.events();
    line.server.kick(Reason::OTHER_COMPUTER);
    line.exchange();
    assert_eq!(line.events(), [Told::ServiceDown, Told::Closed(Closed::ByServer(Reason::OTHER_COMPUTER))]);
    assert_eq!(line.session.next_wake(), None);
}

#[test]
fn the_users_word_is_sent_and_echoed() {
    let mut line = Line::new();
    line.accept();
    line.events();
    line.session.set_status(Status::Away, "lunch", line.now);
    line.exchange();
    let Some(server::Event::SetStatus(status)) = line.seen.pop() else { panic!("not set") };
    line.server.status_echo(status).unwrap();
    line.exchange();
    let away = Presence { status: Status::Away, text: "lunch".into(), name: "Ann".into(), mobile: false };
    assert_eq!(line.events(), [Told::Own(away)]);
}
