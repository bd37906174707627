//! What pages see while the community fails and comes back: unknown is not offline, nobody is thrown out,
//! and only differences are told.

use std::time::Duration;

use gateway::config::CommunityTuning;
use protocol::presence::Status;
use protocol::vp::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::estate::{Estate, Plan, id, person};
use crate::page::{BOTH, Page, Transport};
use crate::support::until;

const AWARENESS: u32 = 17;

fn result(word: &str) -> String {
    format!("livename_upstream_logins_total{{community=\"acme\",result=\"{word}\"}}")
}

fn protocol_errors(kind: &str) -> String {
    format!("livename_upstream_protocol_errors_total{{kind=\"{kind}\"}}")
}

/// A page of person 0 over each transport that watches 1 to 5, who are online, and 6, who is not.
async fn watching(estate: &Estate) -> Vec<Page> {
    estate.online(1..6);
    let mut pages = Vec::new();
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        page.is_up().await;
        page.watch(&(1..7).map(id).collect::<Vec<_>>()).await;
        page.until("all states", |page| page.people.len() == 6).await;
        page.sees(&id(6), "offline").await;
        page.told.clear();
        pages.push(page);
    }
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_outage_is_not_seen_but_for_what_has_changed() {
    let patient = |tuning: &mut CommunityTuning| tuning.unknown_after = Duration::from_secs(60);
    for plan in [Plan::default(), Plan::trust()] {
        let estate = plan.tuning(patient).start().await;
        let mut pages = watching(&estate).await;
        estate.community.stop().await;
        for page in &mut pages {
            page.login_is("down").await;
        }
        estate.sets(4, Status::Meeting, "changed meanwhile");
        assert!(estate.community.logout_virtual(&person(5)));
        estate.community.restart().await.unwrap();
        for page in &mut pages {
            page.sees(&id(4), "meeting").await;
            page.sees(&id(5), "offline").await;
            page.is_up().await;
            let mut told = page.told.clone();
            told.sort();
            assert_eq!(told, [(id(4), "meeting".to_owned()), (id(5), "offline".to_owned())]);
            page.told.clear();
        }
        // It is all as before.
        estate.sets(1, Status::Away, "");
        for page in &mut pages {
            page.sees(&id(1), "away").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_outage_makes_states_unknown_until_it_is_over() {
    let short = |tuning: &mut CommunityTuning| tuning.unknown_after = Duration::from_millis(100);
    for plan in [Plan::default(), Plan::trust()] {
        let estate = plan.tuning(short).start().await;
        let mut pages = watching(&estate).await;
        estate.community.stop().await;
        for page in &mut pages {
            page.until("all are unknown", |page| (1..7).all(|n| page.status(&id(n)) == "unknown")).await;
            assert_eq!(page.told.len(), 6, "nobody looked offline: {:?}", page.told);
        }
        // Who comes now is let in, and told that nothing is known.
        let mut late = estate.page(9).await;
        late.watch(&[id(1)]).await;
        late.sees(&id(1), "unknown").await;
        estate.community.restart().await.unwrap();
        for page in &mut pages {
            page.until("all are known", |page| (1..6).all(|n| page.status(&id(n)) == "active")).await;
            page.sees(&id(6), "offline").await;
            page.is_up().await;
        }
        late.sees(&id(1), "active").await;
        assert!(estate.gateway.metric(&result("connect")) >= 1.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_given_up() {
    let machine = server::Config { keepalive: Duration::from_millis(10), ..server::Config::default() };
    let estate = Plan::default()
        .builder(|builder| builder.machine(machine))
        .tuning(|tuning| {
            tuning.keepalive = Duration::from_millis(200);
            tuning.login_timeout = Duration::from_millis(300);
            tuning.unknown_after = Duration::from_millis(100);
        })
        .start()
        .await;
    let mut pages = watching(&estate).await;
    // Only of a server that has sent signs of life can it be said that they stopped.
    let since = estate.community.now();
    until("some have come", || estate.community.now() > since + Duration::from_millis(300)).await;
    estate.community.stall(true);
    for page in &mut pages {
        page.login_is("down").await;
        page.sees(&id(1), "unknown").await;
    }
    until("a login waits in vain", || estate.gateway.metric(&result("timeout")) >= 1.0).await;
    estate.community.stall(false);
    for page in &mut pages {
        page.sees(&id(1), "active").await;
        page.is_up().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_frame_costs_a_connection_and_nothing_else() {
    for plan in [Plan::default(), Plan::trust()] {
        let estate = plan.tuning(|tuning| tuning.unknown_after = Duration::from_secs(60)).start().await;
        let mut pages = watching(&estate).await;
        estate.community.answer_half_a_frame();
        estate.sets(2, Status::Away, "after half a frame");
        for page in &mut pages {
            page.sees(&id(2), "away").await;
            page.settle().await;
            assert_eq!(page.told, [(id(2), "away".to_owned())]);
        }
        let kind = if estate.setup.communities[0].observers.is_empty() { "user" } else { "observer" };
        let lost = format!("livename_upstream_logins_lost_total{{community=\"acme\",login_kind=\"{kind}\"}}");
        estate.metric_is(&lost, 1.0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_goes_away_leaves_the_login_alone() {
    let short = |tuning: &mut CommunityTuning| tuning.unknown_after = Duration::from_millis(100);
    for plan in [Plan::default(), Plan::trust()] {
        let estate = plan.tuning(short).start().await;
        let mut pages = watching(&estate).await;
        let connections = estate.community.connections();
        estate.community.set_service(AWARENESS, false);
        for page in &mut pages {
            page.sees(&id(1), "unknown").await;
            assert_eq!(page.me["login"], "up");
        }
        estate.sets(1, Status::Dnd, "");
        estate.community.set_service(AWARENESS, true);
        for page in &mut pages {
            page.sees(&id(1), "dnd").await;
            page.sees(&id(6), "offline").await;
        }
        assert_eq!(estate.community.connections(), connections);
        assert_eq!(estate.gateway.metric(&result("ok")), connections as f64, "nobody logged in again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_talks_nonsense_is_counted_and_passed_over() {
    // Four strangers, then a server that can be talked to.
    let nonsense: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "frame"),
        (b"\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01", "message"),
        (b"\x7f\xff\xff\xff\x00\x00", "frame"),
        // A LoginAck that nobody has asked for.
        (b"\x00\x00\x00\x0e\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "message"),
    ];
    for (said, kind) in nonsense {
        let stranger = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = stranger.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = stranger.accept().await {
                socket.write_all(said).await.unwrap();
                let _ = socket.read_to_end(&mut Vec::new()).await;
            }
        });
        let plan = Plan::trust();
        let simulator = plan.builder.start().await.unwrap();
        let servers = vec![address, simulator.addr().to_string()];
        let plan = Plan::trust().community(|community| community.servers = servers);
        let estate = plan.start().await;
        assert!(simulator.login_virtual(&person(1)));
        let cookie = crate::support::tokens::cookie(&id(0));
        let mut page = Page::open(estate.address(), Transport::Socket, Some(&cookie)).await;
        page.watch(&[id(1)]).await;
        page.sees(&id(1), "active").await;
        assert!(estate.gateway.metric(&protocol_errors(kind)) >= 1.0, "{said:?}");
    }
}
