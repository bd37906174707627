//! The user's home is another server.

use protocol::vp::client::{self, Auth, Closed, Event, Follow};
use protocol::vp::server;
use protocol::vp::session::ProtocolError;

use crate::pair::Pair;

fn pair(follow: Follow) -> Pair {
    let config = client::Config { follow, ..client::Config::default() };
    let mut pair = Pair::new(config, server::Config::default(), Auth::DhPassword("geheim".into()), 11);
    pair.talk();
    pair
}

fn redirected(host: &str) -> Event {
    Event::Redirected { host: host.to_owned(), server_id: "CN=st2/O=Acme".to_owned() }
}

fn redirect(pair: &mut Pair, host: &str) {
    pair.server.redirect(host, "CN=st2/O=Acme").unwrap();
    pair.talk();
}

#[test]
fn a_client_that_reconnects_closes_and_names_the_host() {
    let mut pair = pair(Follow::Reconnect);
    redirect(&mut pair, "st2.acme.example");
    assert_eq!(pair.at_client, [redirected("st2.acme.example"), Event::Closed(Closed::Redirected)]);
    assert!(pair.client.output().is_empty());
}

#[test]
fn a_client_that_continues_gets_in_without_a_second_login() {
    let mut pair = pair(Follow::Continue);
    redirect(&mut pair, "st2.acme.example");
    assert_eq!(pair.at_server.last(), Some(&server::Event::Continue));
    redirect(&mut pair, "st3.acme.example");
    pair.admit();
    pair.talk();
    assert!(pair.client.is_up() && pair.server.is_up());
    let logins = pair.at_server.iter().filter(|event| matches!(event, server::Event::Login(_)));
    assert_eq!(logins.count(), 1);
    assert_eq!(pair.at_client[..2], [redirected("st2.acme.example"), redirected("st3.acme.example")]);
}

#[test]
fn redirects_in_circles_end() {
    let mut pair = pair(Follow::Continue);
    redirect(&mut pair, "a");
    redirect(&mut pair, "b");
    redirect(&mut pair, "a");
    let closed = Event::Closed(Closed::Protocol(ProtocolError::RedirectLoop));
    assert_eq!(pair.at_client.last(), Some(&closed));
    assert!(pair.server.is_closed());
}

#[test]
fn redirects_without_end_end() {
    let mut pair = pair(Follow::Continue);
    for host in ["a", "b", "c"] {
        redirect(&mut pair, host);
        assert!(!pair.client.is_closed());
    }
    redirect(&mut pair, "d");
    let closed = Event::Closed(Closed::Protocol(ProtocolError::RedirectLoop));
    assert_eq!(pair.at_client.last(), Some(&closed));
}
