//! Conversations recorded from an independent client library (`session.json`): each machine gets what its peer
//! said then, and must get through. Where nothing of it is random, it must say the same bytes. The names and
//! secrets of these conversations are known here, so another set of vectors has to have the same ones, or it is
//! checked frame by frame only (`vectors.rs`).

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use protocol::vp::client::{self, Auth, Client, Closed, Follow, Login};
use protocol::vp::crypto::Random;
use protocol::vp::message::{LoginAck, Message, Version, auth_type};
use protocol::vp::prim::IdBlock;
use protocol::vp::reason::Reason;
use protocol::vp::server::{self, Credential, Server};
use protocol::vp::service::Service;
use protocol::vp::session::Acceptance;
use serde_json::Value;

use crate::set::{built_in, load, run_with_another_set};

const NOW: Duration = Duration::from_secs(5);

/// Frames by name.
struct Recording(HashMap<String, Vec<u8>>);

impl Recording {
    /// `None` if another set of vectors has not the conversations of the repository's own.
    fn read() -> Option<Self> {
        let frames: HashMap<_, _> =
            load("session.json").into_iter().map(|vector| (vector.name, vector.bytes)).collect();
        let own: Value = serde_json::from_str(include_str!("../vectors/session.json")).unwrap();
        let mut own =
            own["vectors"].as_array().unwrap().iter().map(|vector| vector["name"].as_str().unwrap());
        let complete = own.all(|name| frames.contains_key(name));
        assert!(complete || !built_in());
        complete.then_some(Self(frames))
    }

    fn frame(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("no vector {name}"))
    }

    fn frames(&self, names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| self.frame(name).to_vec()).collect()
    }

    fn login_ack(&self, name: &str) -> LoginAck {
        let frame = Bytes::copy_from_slice(&self.frame(name)[4..]);
        let (_, Message::LoginAck(ack)) = Message::decode(&frame).unwrap() else { panic!("{name}") };
        ack
    }
}

/// Gives these bytes first, then zeros.
fn drawn(bytes: Vec<u8>) -> Random {
    let mut left = bytes.into_iter();
    Box::new(move |out| out.fill_with(|| left.next().unwrap_or(0)))
}

fn client(name: &str, auth: Auth, random: Vec<u8>, host: &str) -> Client {
    let config = client::Config {
        login_type: 0x1700,
        local_host: host.to_owned(),
        follow: Follow::Continue,
        ..client::Config::default()
    };
    Client::new(config, Login { name: name.to_owned(), auth }, drawn(random), NOW)
}

fn old_server() -> Server {
    let config =
        server::Config { version: Version { major: 0x1e, minor: 0x18 }, ..server::Config::default() };
    Server::new(config, drawn(Vec::new()), NOW)
}

fn client_events(client: &mut Client) -> Vec<client::Event> {
    std::iter::from_fn(|| client.next_event()).collect()
}

fn server_events(server: &mut Server) -> Vec<server::Event> {
    std::iter::from_fn(|| server.next_event()).collect()
}

fn login_of(server: &mut Server) -> server::LoginRequest {
    match server_events(server).pop() {
        Some(server::Event::Login(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_set_runs_as_well() {
    run_with_another_set();
}

#[test]
fn the_client_gets_through_the_encrypted_login() {
    let Some(recording) = Recording::read() else { return };
    let auth = Auth::DhPassword("s3cret-Ünïcode".into());
    let mut client = client("alice", auth, vec![0x5a; 64], "gw1.acme.example");
    // The recorded client tells its address as well, 4 bytes after 26 of header and fields.
    let mut handshake = recording.frame("dh128_00_c2s_handshake").to_vec();
    handshake[26..30].fill(0);
    assert_eq!(client.output(), handshake);

    client.receive(recording.frame("dh128_01_s2c_handshake_ack"), NOW);
    let login = client.output();
    let recorded = recording.frame("dh128_02_c2s_login");
    assert_eq!((login.len(), &login[..29]), (recorded.len(), &recorded[..29]));
    client.receive(recording.frame("dh128_03_s2c_login_ack"), NOW);
    let events = client_events(&mut client);
    let [client::Event::LoggedIn { info, status: Some(status), privacy: Some(_) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((&info.user_name[..], status.status), ("Alice Ångström", 0x20));

    for service in [Service::RESOLVE, Service::AWARENESS, Service::STORAGE] {
        client.open(service, IdBlock::default(), Bytes::new()).unwrap();
    }
    let creates =
        ["dh128_04_c2s_channel_create_a", "dh128_05_c2s_channel_create_b", "dh128_06_c2s_channel_create_c"];
    assert_eq!(client.output(), recording.frames(&creates));
    let answers = ["dh128_07_s2c_accept_a", "dh128_08_s2c_accept_b", "dh128_11_s2c_accept_c"];
    client.receive(&recording.frames(&answers), NOW);
    client.receive(&recording.frames(&["dh128_13_s2c_aware_snapshot", "dh128_14_s2c_aware_update"]), NOW);
    let events = client_events(&mut client);
    assert_eq!(events.iter().filter(|event| matches!(event, client::Event::Opened { .. })).count(), 3);
    let received = |event: &client::Event| match event {
        client::Event::Received { channel, send_type, .. } => Some((channel.0, *send_type)),
        _ => None,
    };
    assert_eq!(events.iter().filter_map(received).collect::<Vec<_>>(), [(2, 0x01f4), (2, 0x01f5)]);

    client.logout(NOW);
    let logout =
        ["dh128_44_c2s_logout_a", "dh128_45_c2s_logout_b", "dh128_46_c2s_logout_c", "dh128_47_c2s_logout_d"];
    assert_eq!(client.output(), recording.frames(&logout));
}

#[test]
fn the_server_gets_through_the_encrypted_login() {
    let Some(recording) = Recording::read() else { return };
    let crypto = load("crypto.json");
    let Some(keys) = crypto.iter().find(|vector| vector.name == "login_rc2_128") else {
        assert!(!built_in());
        return;
    };
    let keys = &keys.fields;
    let magic = u32::try_from(keys["magic"].as_u64().unwrap()).unwrap();
    let random =
        [magic.to_be_bytes().to_vec(), hex::decode(keys["server_dh_private"].as_str().unwrap()).unwrap()]
            .concat();
    let config = server::Config { client_ip: 0x7f00_0001, ..server::Config::default() };
    let mut server = Server::new(config, drawn(random), NOW);
    server.receive(recording.frame("dh128_00_c2s_handshake"), NOW);
    assert_eq!(server.output(), recording.frame("dh128_01_s2c_handshake_ack"));
    server.receive(recording.frame("dh128_02_c2s_login"), NOW);
    let expected = server::LoginRequest {
        name: "alice".to_owned(),
        login_type: 0x1700,
        credential: Credential::Password(keys["password"].as_str().unwrap().into()),
        auth_type: auth_type::DH_PASSWORD,
    };
    assert_eq!(login_of(&mut server), expected);
    let LoginAck { login, privacy, status, .. } = recording.login_ack("dh128_03_s2c_login_ack");
    server.admit(login, privacy, status).unwrap();
    assert_eq!(server.output(), recording.frame("dh128_03_s2c_login_ack"));

    let creates =
        ["dh128_04_c2s_channel_create_a", "dh128_05_c2s_channel_create_b", "dh128_06_c2s_channel_create_c"];
    server.receive(&recording.frames(&creates), NOW);
    for event in server_events(&mut server) {
        let server::Event::Create { channel, .. } = event else { panic!("{event:?}") };
        server.accept(channel, Acceptance::default()).unwrap();
    }
    let talk = [
        "dh128_09_c2s_after_accept2_a",
        "dh128_10_c2s_after_accept2_b",
        "dh128_12_c2s_aware_add",
        "dh128_15_c2s_opt_watch",
        "dh128_16_c2s_aware_remove",
        "dh128_40_c2s_set_user_status",
        "dh128_41_c2s_keepalive",
        "dh128_42_c2s_announce",
        "dh128_43_c2s_sense_service",
    ];
    server.receive(&recording.frames(&talk), NOW);
    let events = server_events(&mut server);
    assert_eq!(events.iter().filter(|event| matches!(event, server::Event::Received { .. })).count(), 5);
    let [
        server::Event::SetStatus(status),
        server::Event::PeerKeepalive,
        server::Event::Announce(announce),
        sense,
    ] = &events[5..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((&status.desc[..], &announce.text[..]), ("déjeuner", "hello"));
    assert_eq!(sense, &server::Event::Sense(Service::AWARENESS.id));

    let logout =
        ["dh128_44_c2s_logout_a", "dh128_45_c2s_logout_b", "dh128_46_c2s_logout_c", "dh128_47_c2s_logout_d"];
    server.receive(&recording.frames(&logout), NOW);
    let events = server_events(&mut server);
    assert_eq!(events.len(), 4);
    assert_eq!(events[3], server::Event::Closed(server::Closed::ByClient(Reason::OK)));
}

#[test]
fn the_client_is_refused_with_an_old_login() {
    let Some(recording) = Recording::read() else { return };
    let key = hex::decode("2d59d5c4a5").unwrap();
    let mut client = client("bob", Auth::Rc2Password("hunter2".into()), key, "");
    assert_eq!(client.output(), recording.frame("rc2_40_00_c2s_handshake"));
    client.receive(recording.frame("rc2_40_01_s2c_handshake_ack"), NOW);
    assert_eq!(client.output(), recording.frame("rc2_40_02_c2s_login"));
    client.receive(recording.frame("rc2_40_03_s2c_refused"), NOW);
    assert_eq!(client.output(), recording.frame("rc2_40_04_c2s_client_reply"));
    let closed = client::Event::Closed(Closed::ByServer(Reason::INCORRECT_LOGIN));
    assert_eq!(client_events(&mut client), [closed]);
}

#[test]
fn the_server_refuses_an_old_login() {
    let Some(recording) = Recording::read() else { return };
    let mut server = old_server();
    server.receive(recording.frame("rc2_40_00_c2s_handshake"), NOW);
    // The recorded server sees another address: the last 4 bytes.
    let recorded = recording.frame("rc2_40_01_s2c_handshake_ack");
    assert_eq!(server.output()[..16], recorded[..16]);
    server.receive(recording.frame("rc2_40_02_c2s_login"), NOW);
    let request = login_of(&mut server);
    assert_eq!((&request.name[..], request.auth_type), ("bob", auth_type::RC2_PASSWORD));
    assert_eq!(request.credential, Credential::Password("hunter2".into()));
    server.refuse(Reason::INCORRECT_LOGIN).unwrap();
    assert_eq!(server.output(), recording.frame("rc2_40_03_s2c_refused"));
    server.receive(recording.frame("rc2_40_04_c2s_client_reply"), NOW);
    assert!(server.output().is_empty());
}

#[test]
fn both_get_through_a_redirect() {
    let Some(recording) = Recording::read() else { return };
    let mut server = old_server();
    server.receive(recording.frame("rc2_40_00_c2s_handshake"), NOW);
    assert_eq!(server.output(), recording.frame("redirect_00_s2c_handshake_ack"));
    server.receive(recording.frame("redirect_01_c2s_login"), NOW);
    let request = login_of(&mut server);
    server.redirect("st2.acme.example", "CN=st2/O=Acme").unwrap();
    assert_eq!(server.output(), recording.frame("redirect_02_s2c_redirect"));
    server.receive(recording.frame("redirect_03_c2s_login_continue"), NOW);
    assert_eq!(server_events(&mut server), [server::Event::Continue]);
    assert_eq!(server.output(), recording.frame("redirect_04_s2c_handshake_ack2"));
    let LoginAck { login, privacy, status, .. } = recording.login_ack("redirect_05_s2c_login_ack");
    server.admit(login, privacy, status).unwrap();
    assert_eq!(server.output(), recording.frame("redirect_05_s2c_login_ack"));

    let Credential::Password(password) = request.credential else { panic!("{request:?}") };
    let key = hex::decode("8e787dc353").unwrap();
    let mut client = client("carol", Auth::Rc2Password(password), key, "");
    client.output();
    client.receive(recording.frame("redirect_00_s2c_handshake_ack"), NOW);
    assert_eq!(client.output(), recording.frame("redirect_01_c2s_login"));
    client.receive(recording.frame("redirect_02_s2c_redirect"), NOW);
    assert_eq!(client.output(), recording.frame("redirect_03_c2s_login_continue"));
    client.receive(recording.frame("redirect_04_s2c_handshake_ack2"), NOW);
    assert!(client.output().is_empty(), "no second Login");
    client.receive(recording.frame("redirect_05_s2c_login_ack"), NOW);
    assert!(client.is_up());
}
