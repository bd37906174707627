//! What a page can do wrong, and that it says so to that page and touches nobody else.

use protocol::presence::Status;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::estate::{Estate, Plan, id};
use crate::page::{BOTH, EVENTS, Page, Transport};
use crate::support::client::{fetch, get_with, raw, send};
use crate::support::{soon, tokens};

/// Another user's page, which must not notice anything.
struct Witness {
    page: Page,
    round: usize,
}

impl Witness {
    async fn new(estate: &Estate) -> Self {
        estate.online([7]);
        let mut page = estate.page_up(9).await;
        page.watch(&[id(7)]).await;
        page.sees(&id(7), "active").await;
        Self { page, round: 0 }
    }

    /// It goes on receiving.
    async fn is_fine(&mut self, estate: &Estate) {
        self.round += 1;
        let text = format!("round {}", self.round);
        estate.sets(7, Status::Away, &text);
        self.page.sees_text(&id(7), &text).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_command_is_answered_and_nothing_else_happens() {
    let estate = Plan::default().limits(|limits| limits.watches_per_session = 3).start().await;
    let mut witness = Witness::new(&estate).await;
    let mut page = estate.page_up(0).await;
    let stream = estate.page_over(Transport::Stream, 0).await;
    page.watch(&[id(7), id(8)]).await;
    page.sees(&id(8), "offline").await;
    let long_text = format!(r#"{{"op":"status","status":"away","text":"{}"}}"#, "é".repeat(600));
    let long_id = format!(r#"{{"op":"watch","ids":["{}"]}}"#, "x".repeat(513));
    let deep = "[".repeat(5000);
    for (text, code, says) in [
        ("", "bad_json", "not JSON: line 1, column 0"),
        ("{\"op\":", "bad_json", "not JSON: line 1, column 6"),
        ("{\"op\":\"ping\"}x", "bad_json", "not JSON: line 1, column 14"),
        (&deep, "bad_json", "not JSON: line 1, column 128"),
        ("7", "bad_json", "a command is an object"),
        ("null", "bad_json", "a command is an object"),
        ("{}", "unknown_op", "the name of a command is expected"),
        (r#"{"op":7}"#, "unknown_op", "the name of a command is expected"),
        (r#"{"op":"dance"}"#, "unknown_op", "no such command"),
        (r#"{"op":"ping","id":"x"}"#, "bad_json", "id: a whole number"),
        (r#"{"op":"ping","id":1.5}"#, "bad_json", "id: a whole number"),
        (r#"{"op":"watch"}"#, "bad_json", "ids: an array"),
        (r#"{"op":"watch","ids":"x"}"#, "bad_json", "ids: an array"),
        (r#"{"op":"watch","ids":["a",{}]}"#, "bad_json", "ids[1]"),
        (r#"{"op":"watch","ids":[""]}"#, "bad_json", "ids[0]"),
        (&long_id, "bad_json", "ids[0]"),
        (r#"{"op":"watch","ids":["a"],"since":7}"#, "bad_json", "since"),
        (r#"{"op":"watch","ids":["a","b"]}"#, "too_many_watches", "at most 3"),
        (r#"{"op":"unwatch"}"#, "bad_json", "ids"),
        (r#"{"op":"unwatch","all":false}"#, "bad_json", "ids"),
        (r#"{"op":"status"}"#, "bad_status", "active, idle"),
        (r#"{"op":"status","status":"offline"}"#, "bad_status", "active, idle"),
        (r#"{"op":"status","status":"unknown"}"#, "bad_status", "active, idle"),
        (r#"{"op":"status","status":"Away"}"#, "bad_status", "active, idle"),
        (r#"{"op":"status","status":"away","text":[]}"#, "bad_status", "text"),
        (&long_text, "bad_status", "at most 1024"),
    ] {
        page.send(Message::text(text)).await;
        let answer = loop {
            let message = page.next().await.unwrap();
            if message["type"] == "error" {
                break message;
            }
        };
        assert_eq!(answer["code"], code, "{text}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(says), "{text}: {answer}");
        if text.starts_with('{') && code != "too_many_watches" && text != "{\"op\":" {
            let posted = stream.post(text).await.body;
            assert!(posted.starts_with("[{\"") && posted.contains(code), "{text}: {posted}");
        }
    }
    witness.is_fine(&estate).await;
    // What the page watched before, it still watches; the third place is still free.
    page.sees_text(&id(7), "round 1").await;
    page.watch(&[id(6)]).await;
    page.sees(&id(6), "offline").await;
    assert_eq!((&page.me["status"], &page.me["text"]), (&json!("active"), &json!("")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_message_ends_the_channel_and_says_why() {
    let estate = Plan::default().limits(|limits| limits.message_bytes = 1000).start().await;
    let mut witness = Witness::new(&estate).await;
    let frame = |head: &[u8], payload: &[u8]| [head, &[0, 0, 0, 0], payload].concat();
    let cases: [(&str, Vec<u8>, &str, u16); 10] = [
        ("binary", frame(&[0x82, 0x81], b"x"), "bad_message", 1003),
        ("not UTF-8", frame(&[0x81, 0x82], b"\xff\xfe"), "bad_message", 1007),
        ("UTF-8 that stops", frame(&[0x81, 0x81], b"\xc3"), "bad_message", 1007),
        ("reserved bits", frame(&[0xf1, 0x81], b"x"), "bad_message", 1007),
        ("reserved opcode", frame(&[0x83, 0x81], b"x"), "bad_message", 1007),
        ("unmasked", b"\x81\x01x".to_vec(), "bad_message", 1007),
        ("a continuation of nothing", frame(&[0x80, 0x81], b"x"), "bad_message", 1007),
        ("a ping in pieces", frame(&[0x09, 0x81], b"x"), "bad_message", 1007),
        ("too large", frame(&[0x81, 0xfe, 0xff, 0xff], &[b'x'; 0xffff]), "message_too_big", 1009),
        ("endless", frame(&[0x81, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0], b"x"), "message_too_big", 1009),
    ];
    for (what, bytes, code, close) in cases {
        let mut page = estate.page(0).await;
        page.raw().write_all(&bytes).await.unwrap();
        assert_eq!(page.ends().await, (code.to_owned(), true), "{what}");
        assert_eq!(page.close_code, Some(close), "{what}");
        witness.is_fine(&estate).await;
    }
    // In pieces it is no smaller.
    let mut page = estate.page(0).await;
    let head = [0x01, 0xfe, 0x02, 0x58];
    let tail = [0x80, 0xfe, 0x02, 0x58];
    let pieces = [frame(&head, &[b'x'; 600]), frame(&tail, &[b'x'; 600])].concat();
    page.raw().write_all(&pieces).await.unwrap();
    assert_eq!(page.ends().await.0, "message_too_big");
    witness.is_fine(&estate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_connect_is_told_so_by_http() {
    let estate = Plan::default().start().await;
    let mut witness = Witness::new(&estate).await;
    let cookie = tokens::cookie(&id(0));
    let mut bodies = Vec::new();
    for transport in BOTH {
        for cookie in [None, Some(tokens::forged_cookie(&id(0))), Some(tokens::expired_cookie(&id(0)))] {
            let refused = Page::try_open(estate.address(), transport, cookie.as_deref(), &[]).await;
            let (status, body) = refused.err().unwrap();
            assert_eq!(status, 401);
            bodies.push(body);
        }
        for origin in ["https://evil.example.test", "null", "https://example.evil"] {
            let headers = [("origin", origin)];
            let refused = Page::try_open(estate.address(), transport, Some(&cookie), &headers).await;
            assert_eq!(refused.err().unwrap().0, 403, "{origin}");
        }
        for origin in ["https://mail1.example", "http://im.example"] {
            let headers = [("origin", origin)];
            assert!(Page::try_open(estate.address(), transport, Some(&cookie), &headers).await.is_ok());
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "no body says why: {bodies:?}");
    witness.is_fine(&estate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_no_channel_are_refused_with_a_status() {
    let estate = Plan::default().start().await;
    let cookie = tokens::cookie(&id(0));
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("cookie", &*cookie)]).collect();
        send(estate.address(), get_with(path, &headers)).await.status.as_u16()
    };
    assert_eq!(get(EVENTS, &[]).await, 400);
    assert_eq!(get(EVENTS, &[("accept", "application/json")]).await, 400);
    assert_eq!(get("/im/livename/v1/nothing", &[("accept", "text/event-stream")]).await, 404);
    let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
    assert_eq!(get(EVENTS, &upgrade).await, 426);
    let old = [upgrade[0], upgrade[1], ("sec-websocket-version", "8"), ("sec-websocket-key", "x")];
    assert_eq!(get(EVENTS, &old).await, 426);
    let request = format!(
        "DELETE {EVENTS} HTTP/1.1\r\nhost: im.example\r\ncookie: {cookie}\r\n\r\n\
         GET / HTTP/1.1\r\nhost: im.example\r\nconnection: close\r\n\r\n"
    );
    assert!(raw(estate.address(), &request).await.starts_with("HTTP/1.1 405 "));
    assert_eq!(fetch(estate.address(), EVENTS).await.status, 401);
    assert_eq!(estate.community.connections(), 0, "nobody was logged in for that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_of_the_transport_is_answered() {
    let estate = Plan::default().start().await;
    let mut page = estate.page(0).await;
    page.send(Message::Ping("are you there".into())).await;
    assert_eq!(soon("a pong", page.pong()).await, "are you there");
    assert_eq!(page.ask(json!({"op": "ping"})).await, json!({"type": "pong", "id": 1}));
}
