//! Announcements, and chats where pages have none: one that comes to a page is refused, visibly on both sides, and
//! one that a rich client of the same user should get goes there.

use http::{Method, StatusCode};
use loadtest_sim::peer::{Peer, PeerProof};

use crate::browser::{Browser, json};
use crate::estate::{Estate, Plan, id};
use crate::support::PATIENCE;

pub const RICH: u16 = 0x1700;

pub fn peer(estate: &Estate, number: usize) -> Peer {
    let (name, password) = (format!("p{number}"), format!("pw{number}"));
    let proof = PeerProof::Password(&password);
    let mut peer = Peer::log_in(estate.community.addr(), RICH, &name, proof).unwrap();
    peer.wait_for("started", PATIENCE, |_| true).unwrap();
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_of_a_rich_client_to_a_page_is_refused_visibly_on_both_sides() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let mut events = estate.page_up(0).await;
    let mut client = peer(&estate, 1);
    client.tell(&["im", &id(0), "Are you there?"]).unwrap();
    let closed = client.wait_for("im_closed", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
    assert_eq!(closed["reason"], 0x8000_2000_u32, "not online, as every client puts into words");
    let notice = loop {
        let message = events.next().await.expect("a notice");
        if message["type"] == "notice" {
            break message;
        }
    };
    assert_eq!((&notice["notice"], &notice["from"]), (&"chat_refused".into(), &id(1).into()));
    let told = page.hears(&["chat", "refused"]).await;
    assert_eq!((&told["userId"], &told["displayName"]), (&id(1).into(), &"Person 1".into()));
    assert_eq!(told["code"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_rich_client_the_servers_choice_gets_the_chat_and_none_is_swallowed() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let (mut rich, mut sender) = (peer(&estate, 0), peer(&estate, 1));
    // The server prefers rich clients, as the documentation asks of administrators.
    estate.community.change_settings(|settings| settings.preferred_types = vec![RICH]);
    let _newest = estate.page_up(0).await;
    sender.tell(&["im", &id(0), "To your desk"]).unwrap();
    rich.wait_for("im", PATIENCE, |seen| seen["text"] == "To your desk").unwrap();

    // The server prefers nobody, and the page is the newest login: the sender is told at once.
    estate.community.change_settings(|settings| settings.preferred_types = vec![0x14b4]);
    let mut other = peer(&estate, 2);
    other.tell(&["im", &id(0), "Hello?"]).unwrap();
    other.wait_for("im_closed", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
    page.hears(&["chat", "refused"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_come_and_go() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let mut client = peer(&estate, 1);
    page.does(Method::POST, "buddylist/alerts?receivers=p1&message=Fire%20drill&isAllowed=false").await;
    page.hears(&["announcement", "sent"]).await;
    client.wait_for("announce", PATIENCE, |seen| seen["text"] == "Fire drill").unwrap();
    client.tell(&["announce", "Coffee", &id(0)]).unwrap();
    let received = page.hears(&["announcement", "received"]).await;
    assert_eq!((&received["message"], &received["userId"]), (&"Coffee".into(), &id(1).into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_served_here_is_refused_or_passed_on_by_a_route_of_its_own() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    for path in [
        "chat?userId=p1&msg=Hi",
        "chat?userId=p1&typing=TRUE&method=put",
        "chat/nway?topic=x",
        "chat/meeting",
        "call",
        "nway/invitation",
    ] {
        let answer = page.post(path).await;
        assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::CONFLICT, &9.into()), "{path}");
    }
    // The same community, with chats passed to another server: the echo page of the tests.
    let setup =
        estate.setup.clone().route("/im/stwebapi/chat", gateway::config::AuthPolicy::Required, "echo");
    let second = setup.start().await;
    let mut page = Browser::logged_in(second.http(), &id(0)).await;
    let answer = page.post("chat?userId=p1&msg=Hi").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.body.contains("returnCode"), "{}", answer.body);
    page.does(Method::GET, "preferences").await;
}
