use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::clients::fixture::Fixture;
use crate::clients::{Action, Crew, Deed, Dialer, Setup};
use crate::measure::{Transport, Truth};
use crate::plan::Plan;

fn browser() -> Fixture {
    Fixture::new(Transport::Poll)
}

fn say(fixture: &mut Fixture, now: u64, value: Value) -> Option<FailureKind> {
    let Fixture { browser, cast, recorder } = fixture;
    let ended = browser.take_value(&value, now, cast, recorder);
    browser.check_ready(now, recorder);
    ended
}

fn person(id: &str, status: i64, text: &str) -> Value {
    let person = serde_json::json!({"id": id, "status": status, "statusMessage": text});
    serde_json::json!({"action": ["watchlist", "watchlist"], "watchlist": [person], "returnCode": 200})
}

#[test]
fn a_page_is_ready_when_everybody_was_named_however_the_server_writes_them() {
    let mut page = browser();
    assert_eq!(say(&mut page, 150, person("renovation::CN=Ann,O=R", 7, "50 #1")), None);
    assert!(!page.browser.visit.ready);
    let unknown =
        serde_json::json!({"action": ["watchlist", "addUser"], "userId": "CN=Bo/O=R", "returnCode": 404});
    assert_eq!(say(&mut page, 160, unknown), None);
    assert!(page.browser.visit.ready);
    assert_eq!(page.browser.seen[0].state, PersonState::new("away", true, "50 #1"));
    say(&mut page, 230, person("CN=Ann/O=R", 1, "200 #2"));
    let counts = page.counts();
    assert_eq!((counts.opened, counts.delivered, counts.states), (1, 1, 2));
}

#[test]
fn an_ended_session_is_told_from_one_that_may_come_back() {
    for (end, kind) in [("too_slow", FailureKind::Sent), ("logged_in_elsewhere", FailureKind::LoginEnded)] {
        let value = serde_json::json!({"action": ["session", "ended"], "end": end, "returnCode": 410});
        assert_eq!(say(&mut browser(), 1, value), Some(kind));
    }
}

#[test]
fn a_page_that_goes_on_with_the_session_of_the_last_one_is_counted_and_still_waits_for_everybody() {
    let mut page = browser();
    for (sid, resumed) in [("s1", 0), ("s1", 1), ("s2", 1), ("s2", 2)] {
        page.browser.begin(100, 110);
        page.browser.joined(sid);
        say(&mut page, 150, person("CN=Ann/O=R", 1, ""));
        assert!(!page.browser.visit.ready);
        say(&mut page, 150, person("CN=Bo/O=R", 1, ""));
        assert!(page.browser.visit.ready);
        assert_eq!(page.counts().resumed, resumed, "with session {sid}");
    }
}

#[test]
fn cookies_are_replaced_by_their_names_and_values_are_encoded() {
    assert_eq!(merged(None, &["sid=1".into(), "a=2".into()]), "sid=1; a=2");
    assert_eq!(merged(Some("sid=1; a=2"), &["sid=3".into(), "b=4".into()]), "a=2; sid=3; b=4");
    assert_eq!(merged(Some("sid=1; a=2"), &["sid=".into()]), "a=2");
    assert_eq!(encoded("CN=Bö/O=R"), "CN%3DB%C3%B6%2FO%3DR");
}

#[test]
fn names_that_cannot_be_looked_up_are_failures_not_nobody() {
    for (code, kind) in [(500, FailureKind::Unavailable), (409, FailureKind::CommandRefused)] {
        let value = serde_json::json!({"action": ["watchlist", "addUser"], "userId": "CN=Bo/O=R", "returnCode": code});
        let mut page = browser();
        assert_eq!(say(&mut page, 1, value), Some(kind));
        assert!(!page.browser.visit.ready);
    }
}

/// A proxy as the older ones are: the nonce comes with the join only, answers have no numbers, ids have commas, and
/// every answer has a length and ends the connection.
async fn old_proxy(guest: &mut TcpStream, heard: &mut Vec<String>) {
    let mut request = String::new();
    while !request.contains("\r\n\r\n") {
        let mut part = [0; 4096];
        let count = guest.read(&mut part).await.unwrap();
        request.push_str(std::str::from_utf8(&part[..count]).unwrap());
    }
    let with_nonce = request.contains("Rtc4web-Nonce: n1\r\n") && request.contains("Cookie: sid=s1");
    let person = r#"{"id":"renovation::CN=Ann,O=R","status":2,"statusMessage":"Lunch"}"#;
    let (cookie, body) = match request.split(' ').nth(1).unwrap() {
        path if path.starts_with("/stwebapi/user/connect") => {
            ("Set-Cookie: sid=s1; Path=/\r\n", r#"{"sid":"s1","loginName":"ann"}"#.to_owned())
        }
        "/stwebapi/RTCServlet/s1/user?userName=ann&method=put" => {
            ("", r#"{"Rtc4web-Nonce":"n1"}"#.to_owned())
        }
        "/stwebapi/presence" if with_nonce => ("", r#"{"returnCode":200}"#.to_owned()),
        "/stwebapi/RTCServlet?format=json" if with_nonce => {
            let value =
                format!(r#"{{"action":["watchlist","watchlist"],"watchlist":[{person}],"returnCode":200}}"#);
            ("", format!(r#"{{"update":[{{"sid":"s1","type":"channel","value":{value}}}]}}"#))
        }
        path => panic!("{path} without its nonce or cookie: {request}"),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{cookie}Connection: close\r\nContent-Length: {length}\r\n\r\n");
    guest.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    heard.push(request.lines().next().unwrap().to_owned());
}

#[tokio::test]
async fn an_older_proxy_is_spoken_to_in_its_own_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let plan = "[transports]\npoll = 1\n[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n";
    let plan = Plan::parse(Path::new("x"), plan).unwrap();
    let cast = Arc::new(Cast::new(&plan, vec!["CN=Ann/O=R".into()], None).unwrap());
    let dialer = Arc::new(Dialer::new(&url, None).await.unwrap());
    let crew = Crew::start(Setup { cast, dialer, seed: 1 }).unwrap();
    crew.recorder().begin_phase(1);
    crew.schedule(vec![Action { at: Instant::now(), browser: 0, deed: Deed::Arrive }]).await;
    let mut heard = Vec::new();
    // Log in, join, watch, and two polls.
    for _ in 0..5 {
        let (mut guest, _) = timeout(Duration::from_secs(20), listener.accept()).await.unwrap().unwrap();
        old_proxy(&mut guest, &mut heard).await;
    }
    assert_eq!(heard[4], "GET /stwebapi/RTCServlet?format=json HTTP/1.1");
    let truth = Truth { states: vec![PersonState::new("away", false, "Lunch")] };
    assert!(crew.compare(Arc::new(truth)).await.converged(), "the first poll's answer was read");
    let recorder = crew.recorder();
    assert_eq!((recorder.phases()[0].counts.opened, &recorder.phases()[0].failures.len()), (1, &0));
}
