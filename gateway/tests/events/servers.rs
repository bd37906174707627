//! Ways to a community: home servers, observers' credentials, source addresses, TLS.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use gateway::config::{CommunityTls, Observer, ObserverCredential, Redirect};
use loadtest_sim::{Simulator, tls};
use protocol::presence::PersonId;
use protocol::secret::Secret;
use tokio::net::TcpListener;

use crate::estate::{Estate, OBSERVER, Plan, builder, id, person};
use crate::support::tls::Certificate;
use crate::support::{loopback, soon, tokens, until};

const SECOND: &str = "CN=st2/O=Acme";
const SECOND_HOST: &str = "st2.acme.example";

/// A community of two servers; person 0 is at home at the second.
async fn two_servers() -> Simulator {
    let simulator = builder(20).server(SECOND, SECOND_HOST, loopback()).start().await.unwrap();
    assert!(simulator.set_home(&person(0), SECOND));
    simulator
}

/// A gateway that knows the first server, and perhaps where the second is.
async fn gateway_for(simulator: &Simulator, redirect: Redirect, knows_second: bool) -> Estate {
    let addresses: Vec<_> = simulator.addrs().map(|address| address.to_string()).collect();
    let plan = Plan::default().community(|community| {
        community.servers = vec![addresses[0].clone()];
        community.redirect = redirect;
        if knows_second {
            community.host_map = vec![(SECOND_HOST.to_uppercase(), addresses[1].clone())];
        }
    });
    let estate = plan.start().await;
    Estate { community: simulator.clone(), ..estate }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_leads_to_the_home_server_and_back_after_its_loss() {
    let simulator = two_servers().await;
    let estate = gateway_for(&simulator, Redirect::Reconnect, true).await;
    let mut page = estate.page_up(0).await;
    let mut local = estate.page_up(1).await;
    page.watch(&[id(1)]).await;
    page.sees(&id(1), "active").await;
    // Only person 0 is there.
    simulator.stop_server(1).await;
    page.login_is("down").await;
    local.settle().await;
    assert_eq!(local.me["login"], "up");
    simulator.restart_server(1).await.unwrap();
    page.is_up().await;
    page.sees(&id(1), "active").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_may_be_continued_on_the_same_connection() {
    let simulator = two_servers().await;
    let estate = gateway_for(&simulator, Redirect::Continue, false).await;
    let mut page = estate.page_up(0).await;
    simulator.stop_server(1).await;
    page.watch(&[id(3)]).await;
    page.sees(&id(3), "offline").await;
    assert_eq!((page.me["login"].as_str(), simulator.connections()), (Some("up"), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_continue_reconnects() {
    let simulator = two_servers().await;
    simulator.change_settings(|settings| settings.reject_forwarded = true);
    let estate = gateway_for(&simulator, Redirect::Continue, true).await;
    let mut page = estate.page_up(0).await;
    simulator.stop_server(1).await;
    page.login_is("down").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_a_stranger_is_not_followed_and_costs_a_wait() {
    let simulator = two_servers().await;
    let estate = gateway_for(&simulator, Redirect::Reconnect, false).await;
    let mut page = estate.page(0).await;
    page.login_is("down").await;
    assert!(simulator.set_home(&person(0), "CN=st1/O=Renovation"));
    page.is_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observers_prove_themselves_in_three_ways() {
    let file = std::env::temp_dir().join(format!("livename-events-token-{}", std::process::id()));
    let token = tokens::cookie(OBSERVER).trim_start_matches("LtpaToken=").to_owned();
    let secret = tokens::sso().keys[0].material.clone();
    let gateway::config::KeyMaterial::Domino(secret) = secret else { panic!("a Domino key") };
    for credential in [
        ObserverCredential::Password(Secret::from("observer")),
        ObserverCredential::TokenFile(file.clone()),
        ObserverCredential::Mint(secret),
    ] {
        let comes_later = matches!(credential, ObserverCredential::TokenFile(_));
        let observers = vec![Observer { name: OBSERVER.into(), credential }];
        let estate = Plan::trust().community(|community| community.observers = observers).start().await;
        estate.online([1]);
        if comes_later {
            // Somebody outside writes it; until then there is nothing to log in with.
            let none = "livename_upstream_logins_total{community=\"acme\",result=\"no_credential\"}";
            until("the file is missed", || estate.gateway.metric(none) > 0.0).await;
            std::fs::write(&file, format!("{token}\n")).unwrap();
        }
        let mut page = estate.page(0).await;
        page.watch(&[id(1)]).await;
        page.sees(&id(1), "active").await;
        assert_eq!(estate.community.watch_count(&PersonId::from(OBSERVER)), 1);
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_observer_does_not_guess_and_a_kicked_one_comes_back() {
    let wrong = ObserverCredential::Password(Secret::from("wrong"));
    let observers = vec![Observer { name: OBSERVER.into(), credential: wrong }];
    let estate = Plan::trust().community(|community| community.observers = observers).start().await;
    let refused = "livename_upstream_logins_total{community=\"acme\",result=\"by_server\"}";
    estate.metric_is(refused, 1.0).await;
    let mut page = estate.page(0).await;
    page.watch(&[id(1)]).await;
    page.sees(&id(1), "unknown").await;
    assert_eq!(estate.gateway.metric(refused), 1.0);

    let estate = Plan::trust().start().await;
    let mut page = estate.page(0).await;
    page.watch(&[id(1)]).await;
    page.sees(&id(1), "offline").await;
    let observer = PersonId::from(OBSERVER);
    assert!(estate.community.kick(&observer, protocol::vp::reason::Reason::USER_REMOVED));
    estate.online([1]);
    page.sees(&id(1), "active").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_come_from_the_configured_addresses_in_turn() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let sources: Vec<IpAddr> = ["127.0.0.21", "127.0.0.22"].map(|text| text.parse().unwrap()).to_vec();
    let configured = sources.clone();
    let plan = Plan::default().community(|community| {
        community.servers = vec![address];
        community.source_addresses = configured;
    });
    let estate = plan.start().await;
    let _pages = [estate.page(0).await, estate.page(1).await];
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    while seen.len() < 2 {
        let (socket, peer) = soon("a login", server.accept()).await.unwrap();
        seen.insert(peer.ip());
        kept.push(socket);
    }
    assert_eq!(seen, sources.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_community_may_speak_tls_and_is_verified() {
    let (certificate, other) = (Certificate::new("community"), Certificate::new("other"));
    let (chain, key) = certificate.pem();
    let server = tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    for (trusted, name, works) in [
        (&certificate, "im.example", true),
        (&certificate, "st1.example", false),
        (&other, "im.example", false),
    ] {
        let server = Arc::clone(&server);
        let tls = CommunityTls { client: trusted.client(&[]), server_name: Some(name.into()) };
        let estate = Plan::default()
            .builder(|builder| builder.tls(server))
            .community(|community| community.tls = Some(tls))
            .tuning(|tuning| tuning.batch = 10)
            .start()
            .await;
        estate.online(1..40);
        let mut page = estate.page(0).await;
        if works {
            // Both directions, more than one record.
            page.watch(&(1..40).map(id).collect::<Vec<_>>()).await;
            page.until("all states", |page| page.people.len() == 39).await;
            page.ask(serde_json::json!({"op": "status", "status": "away", "text": "x".repeat(1000)})).await;
            until("it arrives", || estate.community.truth(&person(0)).text.len() == 1000).await;
        } else {
            page.login_is("down").await;
            let failed = "livename_upstream_logins_total{community=\"acme\",result=\"tls\"}";
            assert!(estate.gateway.metric(failed) >= 1.0);
            assert_eq!(estate.logins(0), 0);
        }
    }
}
