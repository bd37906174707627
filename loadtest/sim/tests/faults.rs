//! What the simulator does when it is told to misbehave, and when its peers do.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loadtest_sim::model::Directory;
use loadtest_sim::{Churn, Simulator, Stamp, tls};
use protocol::vp::client::{Auth, Closed, Config, Event};
use protocol::vp::reason::Reason;
use protocol::vp::server;
use protocol::vp::service::Service;
use rustls::pki_types::ServerName;
use support::{LIMIT, TestClient, eventually, id, person};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_malformed_frame_ends_only_its_own_connection() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut bystander = TestClient::of(&simulator, &person(&simulator, 0)).await;
    for bytes in [
        b"\x7f\xff\xff\xff".as_slice(),
        b"\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x00\x00\x00\x03abc",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(simulator.addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        timeout(LIMIT, stream.read_to_end(&mut rest)).await.expect("closed in time").ok();
    }
    let channel = bystander.open(Service::AWARENESS).await;
    assert_eq!(bystander.watch(channel, &["CN=Nobody"]).await.len(), 1);
    bystander.machine.send(channel, 0x0068, b"\xff\xff\xff\xff".as_slice().into()).unwrap();
    let ended = bystander.wait_for(|event| matches!(event, Event::Closed(_))).await;
    assert_eq!(ended, Event::Closed(Closed::ByServer(Reason::PROTOCOL_ERROR)));
    eventually("all are gone", || simulator.connections() == 0).await;
    eventually("all are counted", || simulator.stats().closed_protocol == 5).await;
}

#[tokio::test]
async fn who_says_nothing_is_closed_and_who_does_not_read_is_cut_off() {
    let machine = server::Config { login_timeout: Duration::from_millis(100), ..server::Config::default() };
    let simulator = Simulator::builder()
        .people(2_000)
        .machine(machine)
        .write_limit(Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let mut silent = TcpStream::connect(simulator.addr()).await.unwrap();
    let mut rest = Vec::new();
    timeout(LIMIT, silent.read_to_end(&mut rest)).await.expect("closed in time").ok();

    let mut client = TestClient::of(&simulator, &person(&simulator, 0)).await;
    let channel = client.open(Service::AWARENESS).await;
    let directory = simulator.directory();
    let ids: Vec<_> = directory.people().iter().map(|person| person.id.as_str()).collect();
    client.watch(channel, &ids).await;
    // The client reads no more; the socket's buffers fill, then the simulator's.
    let text = "x".repeat(30_000);
    for person in directory.people() {
        simulator.login_virtual(&person.id);
    }
    for round in 0..20 {
        for person in directory.people().iter().take(50) {
            simulator.set_status(&person.id, protocol::presence::Status::Away, &format!("{round}{text}"));
        }
        tokio::task::yield_now().await;
    }
    eventually("the client is cut off", || simulator.connections() == 0).await;
    assert_eq!(simulator.stats().closed_slow, 1);
}

#[tokio::test]
async fn connections_are_kicked_dropped_and_stalled_on_demand() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut ann = TestClient::of(&simulator, &person(&simulator, 0)).await;
    assert!(simulator.kick(&id(&simulator, 0), Reason::RELOGIN));
    let ended = ann.wait_for(|event| matches!(event, Event::Closed(_))).await;
    assert_eq!(ended, Event::Closed(Closed::ByServer(Reason::RELOGIN)));

    let mut bob = TestClient::of(&simulator, &person(&simulator, 1)).await;
    assert_eq!(simulator.drop_connections(&id(&simulator, 1)), 1);
    let ended = bob.wait_for(|event| matches!(event, Event::Closed(_))).await;
    assert_eq!(ended, Event::Closed(Closed::Transport));

    let mut eve = TestClient::of(&simulator, &person(&simulator, 2)).await;
    simulator.stall(true);
    eve.machine.sense(Service::AWARENESS.id).unwrap();
    assert!(timeout(Duration::from_millis(200), eve.next()).await.is_err(), "the server is stalled");
    simulator.stall(false);
    assert_eq!(eve.next().await, Some(Event::ServiceUp(Service::AWARENESS.id)));

    simulator.answer_half_a_frame();
    eve.machine.sense(Service::AWARENESS.id).unwrap();
    let ended = eve.wait_for(|event| !matches!(event, Event::PeerKeepalive)).await;
    assert_eq!(ended, Event::Closed(Closed::Transport), "half a frame says nothing");
}

#[tokio::test]
async fn a_server_stops_and_comes_back_on_its_port() {
    let simulator = Simulator::builder().start().await.unwrap();
    simulator.login_virtual(&id(&simulator, 5));
    let mut ann = TestClient::of(&simulator, &person(&simulator, 0)).await;
    simulator.stop().await;
    let ended = ann.wait_for(|event| matches!(event, Event::Closed(_))).await;
    assert_eq!(ended, Event::Closed(Closed::Transport));
    assert!(TcpStream::connect(simulator.addr()).await.is_err());
    assert_eq!((simulator.connections(), simulator.stats().logins), (0, 1));
    simulator.restart().await.unwrap();
    TestClient::of(&simulator, &person(&simulator, 0)).await;
}

#[tokio::test]
async fn a_lost_service_is_told_and_may_be_sensed() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut ann = TestClient::of(&simulator, &person(&simulator, 0)).await;
    let channel = ann.open(Service::AWARENESS).await;
    simulator.set_service(Service::AWARENESS.id, false);
    let lost = ann.wait_for(|event| matches!(event, Event::Destroyed { .. })).await;
    assert!(matches!(lost, Event::Destroyed { channel: gone, .. } if gone == channel));
    ann.machine.sense(Service::AWARENESS.id).unwrap();
    ann.flush().await;
    simulator.set_service(Service::AWARENESS.id, true);
    assert_eq!(ann.next().await, Some(Event::ServiceUp(Service::AWARENESS.id)));
    ann.open(Service::AWARENESS).await;
}

#[tokio::test]
async fn tls_and_the_plain_form_share_a_port() {
    let names = vec!["st1.example".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let config = tls::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes());
    let simulator = Simulator::builder().tls(config.unwrap()).start().await.unwrap();
    TestClient::of(&simulator, &person(&simulator, 0)).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(simulator.addr()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client));
    let name = ServerName::try_from("st1.example").unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    let ann = person(&simulator, 1);
    let auth = Auth::DhPassword(ann.password.clone());
    let mut client = TestClient::over(Box::new(stream), Config::default(), &ann.short_name, auth);
    assert!(matches!(client.next().await, Some(Event::LoggedIn { .. })));
}

#[tokio::test]
async fn people_change_at_the_rate_that_is_set_and_live_through_a_day() {
    let simulator = Simulator::builder().people(40).start().await.unwrap();
    for person in simulator.directory().people() {
        simulator.login_virtual(&person.id);
    }
    simulator.change_rate(500.0, true);
    eventually("changes", || simulator.stats().changes >= 100).await;
    simulator.change_rate(0.0, false);
    let stamped = |text: &str| text.split(' ').next().is_some_and(|stamp| stamp.parse::<u64>().is_ok());
    assert!(simulator.truths(None).values().any(|presence| stamped(&presence.text)));

    let simulator = Simulator::builder().people(40).start().await.unwrap();
    simulator.play_day(3, 40_000.0);
    eventually("people come", || simulator.stats().virtual_logins > 20).await;
    eventually("people change", || simulator.stats().changes > 40).await;
    eventually("people go", || simulator.stats().virtual_logins == 0).await;
    simulator.shut_down().await;

    let simulator = Simulator::builder().people(40).start().await.unwrap();
    simulator.play_day(3, 0.0);
    assert!(simulator.stats().virtual_logins > 20, "the morning is over when the play begins");
    simulator.shut_down().await;
}

#[tokio::test]
async fn some_people_never_change_and_a_rate_goes_on() {
    let simulator = Simulator::builder().people(100).seed(5).start().await.unwrap();
    for person in simulator.directory().people() {
        simulator.login_virtual(&person.id);
    }
    let churn = Churn { per_second: 1000.0, stamped: true, changing: 20, goes_on: false };
    simulator.churn(churn);
    eventually("changes", || simulator.stats().changes >= 400).await;
    simulator.churn(Churn { per_second: 900.0, goes_on: true, ..churn });
    eventually("more of them", || simulator.stats().changes >= 600).await;
    let stats = simulator.stats();
    assert!(stats.due >= 600 && stats.missed == 0, "all since it began: {stats:?}");
    simulator.churn(Churn::default());
    let texts = simulator.truths(None);
    let changed = texts.values().filter(|presence| Stamp::parse(&presence.text).is_some()).count();
    assert!((10..=32).contains(&changed), "{changed} of 100");
    simulator.shut_down().await;
}

/// Everybody's stamps, oldest first, with whose they are.
fn stamps(simulator: &Simulator) -> Vec<(u64, String)> {
    let truths = simulator.truths(None);
    let mut stamps: Vec<_> = truths
        .iter()
        .filter_map(|(id, presence)| Some((id, Stamp::parse(&presence.text)?)))
        .flat_map(|(id, stamp)| stamp.earlier().chain([stamp.at]).map(|at| (at, id.as_str().to_owned())))
        .collect();
    stamps.sort();
    stamps
}

#[tokio::test]
async fn who_changes_depends_on_the_seed_and_on_nothing_else() {
    let first = async |seed| {
        let people = Directory::invented(400, 1);
        let simulator = Simulator::builder().directory(people).seed(seed).start().await.unwrap();
        for person in simulator.directory().people() {
            simulator.login_virtual(&person.id);
        }
        simulator.change_rate(100.0, true);
        eventually("changes", || simulator.stats().changes >= 10).await;
        simulator.change_rate(0.0, false);
        let ids: Vec<String> = stamps(&simulator).into_iter().map(|(_, id)| id).take(10).collect();
        simulator.shut_down().await;
        ids
    };
    let one = first(1).await;
    assert_eq!((one.len(), &one), (10, &first(1).await));
    assert_ne!(one, first(2).await);
}

#[tokio::test]
async fn changes_that_come_late_are_stamped_with_the_time_they_were_due() {
    let simulator = Simulator::builder().people(40).start().await.unwrap();
    for person in simulator.directory().people() {
        simulator.login_virtual(&person.id);
    }
    simulator.change_rate(100.0, true);
    eventually("changes", || simulator.stats().changes >= 10).await;
    // Everything in this test runs on this thread.
    let before = micros();
    std::thread::sleep(Duration::from_millis(400));
    let after = micros();
    eventually("what was due", || simulator.stats().changes >= 55).await;
    let stats = simulator.stats();
    assert!(stats.latest >= Duration::from_millis(350), "{stats:?}");
    assert_eq!((stats.due, stats.missed), (stats.changes, 0));
    let meanwhile = stamps(&simulator).iter().filter(|(at, _)| (before..after).contains(at)).count();
    assert!(meanwhile >= 30, "{meanwhile} of 40 were due while nothing ran");
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}
