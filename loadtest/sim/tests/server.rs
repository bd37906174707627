//! What a client gets from the simulated community, through real sockets.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use loadtest_sim::model::{PrivacyList, Settings};
use loadtest_sim::{Simulator, TokenCheck};
use protocol::ltpa::SystemSeconds;
use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::presence::Status;
use protocol::secret::Secret;
use protocol::vp::awareness::ToServer;
use protocol::vp::client::{Auth, Closed, Config, Event, Follow, TokenForm};
use protocol::vp::prim::{AwareId, IdBlock, UserStatus};
use protocol::vp::reason::Reason;
use protocol::vp::resolve::{Request, Response, flags};
use protocol::vp::server;
use protocol::vp::service::Service;
use protocol::vp::session::{Acceptance, Incoming};
use protocol::vp::storage::{Load, Loaded, Save, Value};
use support::{TestClient, eventually, id, person};

#[tokio::test]
async fn every_form_of_password_logs_in_and_a_wrong_one_is_refused() {
    let simulator = Simulator::builder().start().await.unwrap();
    let ann = person(&simulator, 0);
    let right = ann.password.clone();
    for auth in [
        Auth::PlainPassword(right.clone()),
        Auth::Rc2Password(right.clone()),
        Auth::DhPassword(right),
        Auth::Anonymous,
    ] {
        let mut client = TestClient::dial(simulator.addr(), Config::default(), &ann.mail, auth).await;
        let up = client.next().await;
        assert!(matches!(up, Some(Event::LoggedIn { .. })), "{up:?}");
    }
    let auth = Auth::DhPassword(Secret::from("wrong"));
    let mut client = TestClient::dial(simulator.addr(), Config::default(), &ann.mail, auth).await;
    assert_eq!(client.next().await, Some(Event::Closed(Closed::ByServer(Reason::INCORRECT_LOGIN))));
}

#[tokio::test]
async fn a_domino_token_logs_its_user_in_until_it_expires() {
    let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |name: &str, from: u64, until: u64| {
        let token = mint(name.as_bytes(), SystemSeconds(from), SystemSeconds(until), &secret).unwrap();
        Secret::new(token.into_bytes())
    };
    let tokens = TokenCheck::domino(DominoSecret::from_bytes(&[7; 20]).unwrap());
    let simulator = Simulator::builder().tokens(tokens).start().await.unwrap();
    let ann = simulator.directory().people().iter().find(|p| p.id.as_str().is_ascii()).cloned().unwrap();
    let good = token(ann.id.as_str(), now - 10, now + 600);
    for form in [TokenForm::Raw, TokenForm::String, TokenForm::Dh] {
        let auth = Auth::Token { token: good.clone(), form };
        let mut client = TestClient::dial(simulator.addr(), Config::default(), "", auth).await;
        match client.next().await {
            Some(Event::LoggedIn { info, .. }) => assert_eq!(info.user_id, ann.id.as_str()),
            other => panic!("{form:?}: {other:?}"),
        }
    }
    let old = token(ann.id.as_str(), now - 9000, now - 8000);
    for (token, reason) in [(old, Reason::TOKEN_EXPIRED), (Secret::from("AAAA"), Reason::TOKEN_INVALID)] {
        let auth = Auth::Token { token, form: TokenForm::Raw };
        let mut client = TestClient::dial(simulator.addr(), Config::default(), "", auth).await;
        assert_eq!(client.next().await, Some(Event::Closed(Closed::ByServer(reason))));
    }
}

#[tokio::test]
async fn watchers_see_people_come_change_hide_and_go() {
    let simulator = Simulator::builder().people(20).start().await.unwrap();
    let mut viewer = TestClient::of(&simulator, &person(&simulator, 0)).await;
    let channel = viewer.open(Service::AWARENESS).await;
    let subject = id(&simulator, 1);
    let blocks = viewer.watch(channel, &[subject.as_str(), "CN=Nobody"]).await;
    assert!(blocks.iter().all(|block| block.state.is_none()));

    let mut ann = TestClient::of(&simulator, &person(&simulator, 1)).await;
    let (seen, presence) = viewer.update().await;
    assert_eq!((seen.as_str(), presence.status), (subject.as_str(), Status::Active));
    ann.machine.set_status(UserStatus { status: 0x0280, time: 0, desc: "écrit".into() }).unwrap();
    ann.wait_for(|event| matches!(event, Event::StatusEcho(_))).await;
    let (_, presence) = viewer.update().await;
    assert_eq!((presence.status, presence.mobile, &*presence.text), (Status::Dnd, true, "écrit"));
    assert_eq!(presence, simulator.truth(&subject));

    let hidden = PrivacyList { deny: true, people: vec![id(&simulator, 0)] };
    assert!(simulator.set_privacy(&subject, hidden));
    ann.wait_for(|event| matches!(event, Event::PrivacyEcho(_))).await;
    assert_eq!(viewer.update().await.1.status, Status::Offline);
    assert_eq!(simulator.truth_for(&id(&simulator, 0), &subject).status, Status::Offline);
    assert_eq!(simulator.truth(&subject).status, Status::Dnd);
    assert!(simulator.set_privacy(&subject, PrivacyList::default()));
    assert_eq!(viewer.update().await.1.status, Status::Dnd);

    ann.machine.logout(Duration::from_secs(1));
    ann.flush().await;
    assert_eq!(viewer.update().await.1.status, Status::Offline);
    viewer.say(channel, ToServer::Remove(vec![AwareId::user(subject.as_str())])).await;
    eventually("the watch is gone", || simulator.watch_count(&id(&simulator, 0)) == 1).await;
}

#[tokio::test]
async fn ten_thousand_watches_on_one_login_are_answered_and_updated() {
    let simulator = Simulator::builder().people(10_001).start().await.unwrap();
    let mut viewer = TestClient::of(&simulator, &person(&simulator, 10_000)).await;
    let channel = viewer.open(Service::AWARENESS).await;
    let directory = simulator.directory();
    let ids: Vec<_> = directory.people()[..10_000].iter().map(|person| person.id.as_str()).collect();
    let begun = Instant::now();
    assert_eq!(viewer.watch(channel, &ids).await.len(), 10_000);
    assert_eq!(simulator.watch_count(&directory.people()[10_000].id), 10_000);
    for person in &directory.people()[..10_000] {
        assert!(simulator.login_virtual(&person.id));
    }
    for _ in 0..10_000 {
        assert_eq!(viewer.update().await.1.status, Status::Active);
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn one_login_is_the_limit_and_the_list_of_types_is_kept() {
    let allowed_types = BTreeSet::from([0x1002, 0x14b4]);
    let settings = Settings { single_login: true, allowed_types, ..Settings::default() };
    let simulator = Simulator::builder().settings(settings).start().await.unwrap();
    let ann = person(&simulator, 0);
    let mut first = TestClient::of(&simulator, &ann).await;
    let _second = TestClient::with_type(&simulator, &ann, 0x14b4).await;
    let kicked = first.wait_for(|event| matches!(event, Event::Closed(_))).await;
    assert_eq!(kicked, Event::Closed(Closed::ByServer(Reason::OTHER_COMPUTER)));
    let config = Config { login_type: 0x100a, ..Config::default() };
    let auth = Auth::DhPassword(ann.password.clone());
    let mut third = TestClient::dial(simulator.addr(), config, &ann.short_name, auth).await;
    assert_eq!(third.next().await, Some(Event::Closed(Closed::ByServer(Reason::USER_RESTRICTED))));
    eventually("one is left", || simulator.login_count(&ann.id) == 1).await;
}

#[tokio::test]
async fn people_of_another_home_server_are_redirected_and_get_in_both_ways() {
    let free = ([127, 0, 0, 1], 0).into();
    let simulator =
        Simulator::builder().server("CN=st2/O=Renovation", "st2.example", free).start().await.unwrap();
    let ann = person(&simulator, 0);
    assert!(simulator.set_home(&ann.id, "CN=st2/O=Renovation"));
    let auth = Auth::DhPassword(ann.password.clone());
    let redirected =
        Event::Redirected { host: "st2.example".into(), server_id: "CN=st2/O=Renovation".into() };

    let mut client =
        TestClient::dial(simulator.addr(), Config::default(), &ann.short_name, auth.clone()).await;
    assert_eq!(client.next().await.as_ref(), Some(&redirected));
    let home = simulator.addrs().nth(1).unwrap();
    let mut client = TestClient::dial(home, Config::default(), &ann.short_name, auth.clone()).await;
    assert!(matches!(client.next().await, Some(Event::LoggedIn { .. })));

    let config = Config { follow: Follow::Continue, ..Config::default() };
    let mut client = TestClient::dial(simulator.addr(), config, &ann.short_name, auth).await;
    assert_eq!(client.next().await, Some(redirected));
    match client.next().await {
        Some(Event::LoggedIn { info, .. }) => {
            assert_eq!(info.detail.unwrap().server_id, "CN=st2/O=Renovation");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_are_resolved_and_values_are_kept() {
    let simulator = Simulator::builder().start().await.unwrap();
    let bob = person(&simulator, 1);
    let mut ann = TestClient::of(&simulator, &person(&simulator, 0)).await;
    let channel = ann.open(Service::RESOLVE).await;
    let names = vec![bob.mail.clone(), "nobody".to_owned()];
    let (send_type, data) = Request { id: 5, names, flags: flags::USERS }.encode().unwrap();
    ann.machine.send(channel, send_type, data).unwrap();
    let Event::Received { data, .. } = ann.wait_for(|e| matches!(e, Event::Received { .. })).await else {
        unreachable!()
    };
    let response = Response::decode(&data).unwrap();
    assert_eq!((response.id, response.results[0].matches[0].id.as_str()), (5, bob.id.as_str()));
    assert!(response.results[1].matches.is_empty());

    let channel = ann.open(Service::STORAGE).await;
    let value = Value { key: 100, data: Bytes::from_static(b"\0\x03a;b") };
    let (send_type, data) = Save { id: 1, value: value.clone() }.encode().unwrap();
    ann.machine.send(channel, send_type, data).unwrap();
    let (send_type, data) = Load { id: 2, key: 100 }.encode().unwrap();
    ann.machine.send(channel, send_type, data).unwrap();
    ann.wait_for(|e| matches!(e, Event::Received { .. })).await;
    let Event::Received { data, .. } = ann.wait_for(|e| matches!(e, Event::Received { .. })).await else {
        unreachable!()
    };
    assert_eq!(Loaded::decode(&data).unwrap(), Loaded { id: 2, result: 0, value: Some(value) });
}

#[tokio::test]
async fn a_client_that_ignores_channels_from_the_server_is_logged_out() {
    let machine = server::Config { accept_timeout: Duration::from_millis(200), ..server::Config::default() };
    let settings = Settings { probe_clients: true, ..Settings::default() };
    let simulator = Simulator::builder().settings(settings).machine(machine).start().await.unwrap();
    let ann = person(&simulator, 0);
    let mut polite = TestClient::of(&simulator, &ann).await;
    let config = Config { incoming: Incoming::Ask, ..Config::default() };
    let auth = Auth::DhPassword(person(&simulator, 1).password);
    let mut deaf = TestClient::dial(simulator.addr(), config, &person(&simulator, 1).mail, auth).await;
    let ended = deaf.wait_for(|event| matches!(event, Event::Closed(_))).await;
    assert_eq!(ended, Event::Closed(Closed::ByServer(Reason::USER_RESTRICTED)));
    assert!(simulator.announce(&ann.id, "still here"));
    let told = polite.wait_for(|event| !matches!(event, Event::PeerKeepalive)).await;
    assert!(matches!(told, Event::Announcement(announced) if announced.text == "still here"));
}

#[tokio::test]
async fn a_chat_reaches_its_target_and_comes_back() {
    let simulator = Simulator::builder().start().await.unwrap();
    let bob = person(&simulator, 1);
    let mut ann = TestClient::of(&simulator, &person(&simulator, 0)).await;
    let auth = Auth::DhPassword(bob.password.clone());
    let config = Config { incoming: Incoming::Only(vec![Service::IM.id]), ..Config::default() };
    let mut listener = TestClient::dial(simulator.addr(), config, &bob.short_name, auth).await;
    listener.wait_for(|event| matches!(event, Event::LoggedIn { .. })).await;

    let target = IdBlock { user: bob.id.to_string(), community: String::new() };
    let chat = ann.machine.open(Service::IM, target.clone(), Bytes::from_static(b"features")).unwrap();
    ann.flush().await;
    let incoming = listener.wait_for(|event| matches!(event, Event::Incoming { .. })).await;
    let Event::Incoming { channel, create } = incoming else { unreachable!() };
    assert_eq!(create.creator.unwrap().user_id, id(&simulator, 0).as_str());
    assert_eq!(&create.data[..], b"features");
    listener.machine.accept(channel, Acceptance::default()).unwrap();
    listener.machine.send(channel, 0x64, Bytes::from_static(b"hello")).unwrap();
    listener.flush().await;
    ann.wait_for(|event| matches!(event, Event::Opened { .. })).await;
    let said = ann.wait_for(|event| matches!(event, Event::Received { .. })).await;
    assert_eq!(said, Event::Received { channel: chat, send_type: 0x64, data: Bytes::from_static(b"hello") });

    simulator.set_status(&bob.id, Status::Dnd, "");
    ann.machine.open(Service::IM, target, Bytes::new()).unwrap();
    let refused = ann.wait_for(|event| matches!(event, Event::Destroyed { .. })).await;
    assert!(matches!(refused, Event::Destroyed { reason: Reason::PEER_DND, .. }));
    ann.machine.open(Service::PLACES, IdBlock::default(), Bytes::new()).unwrap();
    let refused = ann.wait_for(|event| matches!(event, Event::Destroyed { .. })).await;
    assert!(matches!(refused, Event::Destroyed { reason: Reason::SERVICE_UNSUPPORTED, .. }));
}
