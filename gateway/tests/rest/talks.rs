//! Chats of pages, where the route has them, with an independent client at the other end.

use http::{Method, StatusCode};
use loadtest_sim::peer::Peer;
use protocol::presence::Status;
use serde_json::Value;

use crate::browser::{Browser, encoded, json};
use crate::chats::{RICH, peer};
use crate::commands::compare;
use crate::estate::{Estate, Plan, id};
use crate::support::PATIENCE;

async fn estate() -> Estate {
    let mut plan = Plan::default();
    plan.setup.chat = true;
    plan.start().await
}

/// The client after it has seen that.
async fn sees(
    mut client: Peer,
    event: &'static str,
    is_it: impl Fn(&Value) -> bool + Send + 'static,
) -> Peer {
    let wait = move || {
        client.wait_for(event, PATIENCE, is_it).unwrap();
        client
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

/// The page has polled: it is there.
async fn listens(page: &mut Browser) {
    page.does(Method::GET, "user/status").await;
    page.own_status().await;
}

fn line(text: &str) -> String {
    format!("chat?userId={}&msg={}", encoded(&id(1)), encoded(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_and_a_rich_client_talk_and_see_each_other_type() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = estate().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let mut client = peer(&estate, 1);
    listens(&mut page).await;
    client.tell(&["im", &id(0), "Are you there? \u{9234} <b>"]).unwrap();
    let opened = page.hears(&["chat", "opened"]).await;
    assert_eq!((&opened["userId"], &opened["displayName"]), (&id(1).into(), &"Person 1".into()));
    let said = page.hears(&["chat", "data"]).await;
    assert_eq!(said["msg"], "Are you there? \u{9234} <b>");
    compare("chat-data", &said);

    // Both directions use one channel, encrypted as the client has offered.
    page.does(Method::PUT, &format!("chat?userId={}&typing=TRUE", encoded(&id(1)))).await;
    let client = sees(client, "im_typing", |seen| seen["typing"] == 1).await;
    page.does(Method::POST, &line("Yes & you?")).await;
    page.does(Method::POST, &line("And again")).await;
    let client = sees(client, "im", |seen| seen["text"] == "Yes & you?").await;
    let mut client = sees(client, "im", |seen| seen["text"] == "And again").await;
    client.tell(&["typing", &id(0), "1"]).unwrap();
    compare("chat-typing", &page.hears(&["chat", "isTyping"]).await);

    client.tell(&["imclose", &id(0)]).unwrap();
    let closed = page.hears(&["chat", "closed"]).await;
    assert_eq!((&closed["userId"], &closed["returnCode"]), (&id(1).into(), &200.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_begins_a_chat_by_any_name_and_what_it_says_first_is_not_lost() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = estate().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let client = peer(&estate, 1);
    listens(&mut page).await;
    page.does(Method::POST, "chat?userId=p1&msg=One").await;
    page.does(Method::POST, "chat?userId=p1&msg=Two").await;
    let client = sees(client, "im", |seen| seen["text"] == "One").await;
    let _client = sees(client, "im", |seen| seen["text"] == "Two").await;
    page.hears(&["chat", "opened"]).await;

    // Whoever is not there cannot be talked to, and the page is told.
    page.does(Method::POST, "chat?userId=p7&msg=Hello").await;
    let closed = page.hears(&["chat", "closed"]).await;
    assert_eq!((&closed["userId"], &closed["returnCode"]), (&id(7).into(), &409.into()));
    let nobody = page.post("chat?userId=nobody-at-all&msg=Hello").await;
    assert_eq!((nobody.status, &json(&nobody)["code"]), (StatusCode::NOT_FOUND, &7.into()));
    let long = page.post(&format!("chat?userId=p1&msg={}", "x".repeat(10_001))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_of_two_users_talk() {
    let estate = estate().await;
    let mut ann = Browser::logged_in(estate.address(), &id(0)).await;
    let mut bo = Browser::logged_in(estate.address(), &id(1)).await;
    listens(&mut ann).await;
    listens(&mut bo).await;
    ann.does(Method::POST, &line("Lunch?")).await;
    assert_eq!(bo.hears(&["chat", "data"]).await["msg"], "Lunch?");
    let answer = format!("chat?userId={}&msg=At%20one", encoded(&id(0)));
    bo.does(Method::POST, &answer).await;
    assert_eq!(ann.hears(&["chat", "data"]).await["msg"], "At one");
    // The login of one ends: the other sees that nobody is there any more.
    bo.delete("user/connect").await;
    ann.hears(&["chat", "closed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_chatted_with_who_would_not_see_it() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = estate().await;
    // An event channel alone shows no chats.
    let mut events = estate.page_up(0).await;
    let mut client = peer(&estate, 1);
    client.tell(&["im", &id(0), "Hello?"]).unwrap();
    let closed = client.wait_for("im_closed", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
    assert_eq!(closed["reason"], 0x8000_2000_u32, "not online");
    while events.next().await.expect("a notice")["notice"] != "chat_refused" {}

    // A page that does not want to be disturbed.
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    listens(&mut page).await;
    page.does(Method::POST, "user/status?status=3&statusMessage=Busy").await;
    page.hears(&["MY_STATUS_CHANGED"]).await;
    assert_eq!(estate.community.truth(&crate::estate::person(0)).status, Status::Dnd);
    let mut other = peer(&estate, 2);
    other.tell(&["im", &id(0), "Hello?"]).unwrap();
    let closed = other.wait_for("im_closed", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
    assert_eq!(closed["reason"], 0x8000_2001_u32, "does not want to be disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_rich_client_the_servers_choice_gets_the_chat() {
    if !Peer::is_installed().unwrap() {
        return;
    }
    let estate = estate().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    listens(&mut page).await;
    let (rich, mut sender) = (peer(&estate, 0), peer(&estate, 1));
    estate.community.change_settings(|settings| settings.preferred_types = vec![RICH]);
    sender.tell(&["im", &id(0), "To your desk"]).unwrap();
    sees(rich, "im", |seen| seen["text"] == "To your desk").await;
    assert!(page.updates.iter().all(|update| update["action"][0] != "chat"), "{:?}", page.updates);
}
