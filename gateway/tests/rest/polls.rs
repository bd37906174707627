//! The long poll: what is answered when, and what happens to an answer that is lost.

use std::time::Duration;

use http::{Method, StatusCode};
use protocol::presence::Status;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::{BASE, Browser};
use crate::estate::{Plan, id};
use crate::support::{soon, until};

/// A poll whose browser goes away: the head of its answer is read, then the connection is cut.
async fn hanging(page: &Browser, address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let cookies: Vec<_> = page.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let nonce = page.nonce.clone().unwrap();
    let head = format!(
        "GET {BASE}RTCServlet?format=json HTTP/1.1\r\nHost: im.test.example\r\nCookie: {}\r\nRtc4web-Nonce: {nonce}\r\n\r\n",
        cookies.join("; ")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    soon("the head of a poll's answer", async {
        while !head.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await.unwrap();
            head.push(byte);
        }
    })
    .await;
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_answers_the_hanging_poll() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    page.does(Method::POST, "presence?users=p1").await;
    page.sees(&id(1), 1).await;
    let mut waiting = page.clone();
    let poll = tokio::spawn(async move {
        waiting.sees(&id(1), 2).await;
        waiting
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    estate.sets(1, Status::Away, "");
    soon("the poll is answered", poll).await.unwrap();
    let timed = || estate.gateway.metric("livename_propagation_seconds_count");
    until("both answers are timed, once each", || timed() == 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn end_update_and_a_newer_poll_let_the_older_one_go_and_nothing_is_lost() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    page.does(Method::POST, "presence?users=p1").await;
    page.sees(&id(1), 1).await;
    for round in 0..10 {
        let (status, number) = if round % 2 == 0 { (Status::Away, 2) } else { (Status::Active, 1) };
        let mut older = hanging(&page, estate.address()).await;
        let mut newer = page.clone();
        newer.people.clear();
        let mut newer = tokio::spawn(async move { newer.sees(&id(1), number).await });
        // Around the moment at which the older poll is let go: either of them may bring the change.
        tokio::time::sleep(Duration::from_millis(round)).await;
        estate.sets(1, status, "");
        let mut body = String::new();
        soon("the older poll ends", async {
            while !body.ends_with("0\r\n\r\n") {
                let mut part = [0; 4096];
                let read = older.read(&mut part).await.unwrap();
                assert!(read > 0, "the older poll ends in order: {body}");
                body.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
        })
        .await;
        if body.contains(&format!("\"status\":{number}")) {
            newer.abort();
        } else {
            soon("the newer poll", &mut newer).await.unwrap();
        }
        page.does(Method::PUT, &format!("RTCServlet/{}/endUpdate", page.sid())).await;
    }
    let mut waiting = page.clone();
    let poll = tokio::spawn(async move { waiting.poll().await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    page.does(Method::PUT, &format!("RTCServlet/{}/endUpdate", page.sid())).await;
    let answer = soon("the poll ends", poll).await.unwrap();
    assert_eq!(answer, json!({"update": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_not_taken_comes_again() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    page.does(Method::POST, "presence?users=p1").await;
    page.sees(&id(1), 1).await;
    // The browser is gone before there is an answer: nothing is taken from the outbox for it.
    drop(hanging(&page, estate.address()).await);
    estate.sets(1, Status::Away, "one");
    page.sees(&id(1), 2).await;
    // A client that counts gets what it has not confirmed, as often as it asks.
    let first = page.poll_with(Some(u64::MAX), || estate.sets(1, Status::Dnd, "two")).await;
    let number = first["seq"].as_u64().unwrap();
    for _ in 0..3 {
        let again = page.poll_with(Some(number - 1), || {}).await;
        assert_eq!(again, first);
    }
    let next = page.poll_with(Some(number), || estate.sets(1, Status::Active, "three")).await;
    assert_eq!(next["seq"], number + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_fetches_end_the_session_with_a_reason() {
    let estate = Plan::default().limits(|limits| limits.lane_messages = 8).start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    for _ in 0..20 {
        page.get("preferences").await;
    }
    let ended = page.hears(&["session", "ended"]).await;
    assert_eq!(
        (&ended["end"], &ended["code"], &ended["returnCode"]),
        (&json!("too_slow"), &json!(17), &json!(410))
    );
    assert_eq!(page.get("RTCServlet?format=json").await.status, StatusCode::GONE);
    // It heals by logging in again.
    let old = page.sid();
    page.connect().await;
    assert_ne!(page.sid(), old);
    page.join().await;
    page.does(Method::GET, "preferences").await;
    page.hears(&["preferences", "get"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_polls_go() {
    let estate = Plan::default().start().await;
    let page = Browser::logged_in(estate.address(), &id(0)).await;
    let mut waiting = page.clone();
    let poll = tokio::spawn(async move {
        while waiting.poll().await["update"].as_array().is_some_and(|all| !all.is_empty()) {}
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    soon("the node stops", estate.gateway.running.drain()).await;
    soon("the poll is answered", poll).await.unwrap();
}

impl Browser {
    /// One poll that confirms answers up to that number, with something that happens meanwhile.
    async fn poll_with(&mut self, ack: Option<u64>, act: impl FnOnce()) -> serde_json::Value {
        self.ack = ack;
        let mut waiting = self.clone();
        let poll = tokio::spawn(async move { waiting.poll().await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        act();
        let answer = soon("a poll", poll).await.unwrap();
        self.ack = None;
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_of_one_session_do_not_chase_each_other() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    page.does(Method::POST, "presence?users=p1").await;
    page.sees(&id(1), 1).await;
    let until = tokio::time::Instant::now() + Duration::from_secs(3);
    let window = |mut page: Browser| {
        tokio::spawn(async move {
            let mut polls = 0;
            while tokio::time::timeout_at(until, page.poll()).await.is_ok() {
                polls += 1;
            }
            polls
        })
    };
    let windows = [window(page.clone()), window(page.clone())];
    let mut polls = 0;
    for window in windows {
        polls += window.await.unwrap();
    }
    assert!((1..=12).contains(&polls), "{polls} polls in three seconds");
    estate.sets(1, Status::Away, "");
    page.sees(&id(1), 2).await;
}
