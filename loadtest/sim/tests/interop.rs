//! A real Sametime client (libmeanwhile) against the simulated community.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loadtest_sim::model::Person;
use loadtest_sim::peer::{Peer, PeerProof};
use loadtest_sim::{Simulator, TokenCheck};
use protocol::ltpa::SystemSeconds;
use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::presence::Status;
use protocol::vp::message::auth_type;
use protocol::vp::reason::Reason;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);

fn log_in(simulator: &Simulator, person: &Person) -> Peer {
    let password = String::from_utf8(person.password.expose().to_vec()).unwrap();
    let proof = PeerProof::Password(&password);
    let mut peer = Peer::log_in(simulator.addr(), 0x1700, &person.short_name, proof).unwrap();
    let started = expect(&mut peer, "started", |_| true);
    assert_eq!(started["user"], person.id.as_str());
    assert_eq!(simulator.last_auth_type(), Some(auth_type::DH_PASSWORD), "not the 40-bit form");
    peer
}

fn expect(peer: &mut Peer, event: &str, suits: impl Fn(&Value) -> bool) -> Value {
    peer.wait_for(event, LIMIT, suits).unwrap_or_else(|error| panic!("{error}"))
}

/// The ids of so many people that suit. The library keeps no order, and when it adds people while its
/// channel opens, it adds them twice and is answered twice.
fn next_ids(peer: &mut Peer, count: usize, suits: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    while ids.len() < count {
        ids.insert(expect(peer, "aware", &suits)["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_client_watches_people_with_names_of_all_scripts() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let simulator = Simulator::builder().people(200).start().await.unwrap();
    let directory = simulator.directory();
    let people = directory.people();
    let mut viewer = log_in(&simulator, &people[0]);
    let foreign: Vec<_> = people.iter().filter(|person| !person.id.as_str().is_ascii()).take(20).collect();
    let mut words = vec!["add"];
    words.extend(foreign.iter().map(|person| person.id.as_str()));
    viewer.tell(&words).unwrap();
    let seen = next_ids(&mut viewer, foreign.len(), |seen| seen["online"] == 0);
    assert_eq!(seen, foreign.iter().map(|person| person.id.to_string()).collect());
    let subject = &foreign[3];
    simulator.login_virtual(&subject.id);
    let seen = expect(&mut viewer, "aware", |seen| seen["online"] == 1);
    assert_eq!((&seen["id"], &seen["status"]), (&subject.id.as_str().into(), &0x20.into()));
    assert_eq!(seen["name"], &*subject.display_name);
    simulator.set_status(&subject.id, Status::Meeting, "会議中 \"🙂\"");
    let seen = expect(&mut viewer, "aware", |seen| seen["status"] == 8);
    assert_eq!(seen["text"], "会議中 \"🙂\"");

    let group = directory.groups()[0].clone();
    viewer.tell(&["addgroup", &group.name]).unwrap();
    let seen = next_ids(&mut viewer, group.members.len(), |seen| seen["group"] == *group.name);
    assert_eq!(seen, group.members.iter().map(|member| member.to_string()).collect());
    viewer.tell(&["resolve", "8", &subject.mail]).unwrap();
    let resolved = expect(&mut viewer, "resolved", |_| true);
    assert_eq!(resolved["id"], subject.id.as_str());
    viewer.tell(&["save", "100", "Frei;Büro"]).unwrap();
    expect(&mut viewer, "saved", |saved| saved["result"] == 0);
    viewer.tell(&["load", "100"]).unwrap();
    expect(&mut viewer, "loaded", |loaded| loaded["text"] == "Frei;Büro");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_real_clients_see_hide_from_and_write_to_each_other() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let simulator = Simulator::builder().people(20).start().await.unwrap();
    let directory = simulator.directory();
    let (ann, bob) = (&directory.people()[0], &directory.people()[1]);
    let (mut left, mut right) = (log_in(&simulator, ann), log_in(&simulator, bob));
    left.tell(&["add", bob.id.as_str()]).unwrap();
    expect(&mut left, "aware", |seen| seen["online"] == 1);
    right.tell(&["status", "80", "schreibe"]).unwrap();
    expect(&mut left, "aware", |seen| seen["status"] == 0x80 && seen["text"] == "schreibe");
    assert_eq!(simulator.truth(&bob.id).status, Status::Dnd);

    left.tell(&["im", bob.id.as_str(), "hello"]).unwrap();
    let refused = expect(&mut left, "im_closed", |_| true);
    assert_eq!(refused["reason"], Reason::PEER_DND.0);
    right.tell(&["status", "20", ""]).unwrap();
    expect(&mut left, "aware", |seen| seen["status"] == 0x20);
    left.tell(&["im", bob.id.as_str(), "héllo"]).unwrap();
    let heard = expect(&mut right, "im", |_| true);
    assert_eq!((&heard["from"], &heard["text"]), (&ann.id.as_str().into(), &"héllo".into()));
    right.tell(&["im", ann.id.as_str(), "välkommen"]).unwrap();
    expect(&mut left, "im", |heard| heard["text"] == "välkommen");

    right.tell(&["privacy", "deny", ann.id.as_str(), "CN=Somebody"]).unwrap();
    expect(&mut left, "aware", |seen| seen["online"] == 0);
    right.tell(&["privacy", "deny"]).unwrap();
    expect(&mut left, "aware", |seen| seen["online"] == 1);
    left.tell(&["announce", "Kuchen", &format!("@U {}", bob.id)]).unwrap();
    expect(&mut right, "announce", |told| told["text"] == "Kuchen" && told["from"] == ann.id.as_str());

    assert!(simulator.kick(&bob.id, Reason::OTHER_COMPUTER));
    let ended = expect(&mut right, "stopped", |_| true);
    assert_eq!(ended["reason"], Reason::OTHER_COMPUTER.0);
    expect(&mut left, "aware", |seen| seen["online"] == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_client_logs_in_by_token_and_follows_a_redirect() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let secret = || DominoSecret::from_bytes(&[9; 20]).unwrap();
    let free = ([127, 0, 0, 1], 0).into();
    let simulator = Simulator::builder()
        .tokens(TokenCheck::domino(secret()))
        .server("CN=st2/O=Renovation", "st2.example", free)
        .start()
        .await
        .unwrap();
    let ann = simulator.directory().people().iter().find(|p| p.id.as_str().is_ascii()).cloned().unwrap();
    simulator.set_home(&ann.id, "CN=st2/O=Renovation");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |until| {
        mint(ann.id.as_str().as_bytes(), SystemSeconds(now - 500), SystemSeconds(until), &secret()).unwrap()
    };
    let good = token(now + 600);
    let mut peer = Peer::log_in(simulator.addr(), 0x14b4, ann.id.as_str(), PeerProof::Token(&good)).unwrap();
    assert_eq!(expect(&mut peer, "redirected", |_| true)["host"], "st2.example");
    peer.tell(&["continue"]).unwrap();
    assert_eq!(expect(&mut peer, "started", |_| true)["server"], "CN=st2/O=Renovation");
    let bob = simulator.directory().people().iter().find(|person| person.id != ann.id).cloned().unwrap();
    peer.tell(&["add", bob.id.as_str()]).unwrap();
    expect(&mut peer, "aware", |seen| seen["id"] == bob.id.as_str() && seen["online"] == 0);
    simulator.login_virtual(&bob.id);
    simulator.set_status(&bob.id, Status::Away, "à bientôt");
    expect(&mut peer, "aware", |seen| seen["id"] == bob.id.as_str() && seen["text"] == "à bientôt");

    let old = token(now - 300);
    let home = simulator.addrs().nth(1).unwrap();
    let mut peer = Peer::log_in(home, 0x14b4, ann.id.as_str(), PeerProof::Token(&old)).unwrap();
    assert_eq!(expect(&mut peer, "stopped", |_| true)["reason"], Reason::TOKEN_EXPIRED.0);
}
