use std::path::Path;

use super::*;
use crate::clients::Cast;
use crate::clients::page::{Seen, Visit};
use crate::measure::{Recorder, Transport};
use crate::plan::Plan;

fn browser() -> (Browser, Cast, Recorder) {
    let plan = Plan::parse(Path::new("x"), "[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n").unwrap();
    let cast = Cast::new(&plan, vec!["CN=Ann/O=R".into(), "CN=Bo/O=R".into()], None).unwrap();
    let mut recorder = Recorder::default();
    recorder.begin_phase(1);
    let mut browser = Browser {
        number: 0,
        transport: Transport::Poll,
        list: vec![0, 1],
        seen: vec![Seen::default(); 2],
        cursor: None,
        cookies: None,
        visit: Visit::default(),
    };
    browser.begin(100, 110);
    (browser, cast, recorder)
}

fn say(parts: &mut (Browser, Cast, Recorder), now: u64, value: Value) -> Option<FailureKind> {
    let (browser, cast, recorder) = parts;
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
    let mut parts = browser();
    assert_eq!(say(&mut parts, 150, person("renovation::CN=Ann,O=R", 7, "50 #1")), None);
    assert!(!parts.0.visit.ready);
    let unknown =
        serde_json::json!({"action": ["watchlist", "addUser"], "userId": "CN=Bo/O=R", "returnCode": 404});
    assert_eq!(say(&mut parts, 160, unknown), None);
    assert!(parts.0.visit.ready);
    assert_eq!(parts.0.seen[0].state, PersonState::new("away", true, "50 #1"));
    say(&mut parts, 230, person("CN=Ann/O=R", 1, "200 #2"));
    let counts = parts.2.phases()[0].counts;
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
        let mut parts = browser();
        assert_eq!(say(&mut parts, 1, value), Some(kind));
        assert!(!parts.0.visit.ready);
    }
}
