use std::time::Duration;

use super::*;
use crate::clients::fixture::Fixture;

/// Of a page with an event channel.
fn page() -> Fixture {
    let mut fixture = Fixture::new(Transport::WebSocket);
    fixture.browser.visit.unanswered = 1;
    fixture
}

impl Fixture {
    fn say(&mut self, now: u64, text: &str) -> Notice {
        self.browser.take(text.as_bytes(), now, &self.cast, &mut self.recorder)
    }

    fn state(&mut self, now: u64, name: &str, text: &str) {
        let people = format!(r#"{{"id":"CN={name}/O=R","status":"away","text":"{text}","revision":1}}"#);
        let said = self.say(now, &format!(r#"{{"type":"presence","people":[{people}],"cursor":"c{now}"}}"#));
        assert_eq!(said, Notice::Nothing);
    }
}

#[test]
fn a_page_is_ready_when_its_commands_are_answered_and_everybody_was_named() {
    let mut test = page();
    assert_eq!(test.say(150, r#"{"type":"hello","channel":"abc"}"#), Notice::Hello("abc".into()));
    test.state(160, "Ann", "50 #1 Lunch");
    test.say(170, r#"{"type":"ok","id":1}"#);
    assert_eq!(test.counts().opened, 0);
    test.state(200, "Bo", "");
    assert_eq!((test.counts().opened, test.counts().states, test.counts().delivered), (1, 2, 0));
    let phase = &test.recorder.phases()[0];
    assert_eq!(phase.hellos[0].max(), Some(Duration::from_micros(50)));
    assert_eq!(phase.lists[0].max(), Some(Duration::from_micros(100)));
}

#[test]
fn a_page_that_shows_nobody_waits_for_nothing_but_its_greeting() {
    let mut test = page();
    (test.browser.list, test.browser.seen) = (Vec::new(), Vec::new());
    test.browser.begin(100, 110);
    assert_eq!(test.counts().opened, 0);
    test.say(150, r#"{"type":"hello","channel":"abc"}"#);
    assert_eq!(test.counts().opened, 1);
}

#[test]
fn changes_are_timed_and_skipped_old_and_double_ones_counted() {
    let mut test = page();
    test.state(160, "Ann", "50 #1");
    test.state(230, "Ann", "200 #2");
    test.state(330, "Ann", "300 #5 Lunch");
    test.state(340, "Ann", "300 #5 Lunch");
    test.state(350, "Ann", "200 #2");
    let counts = test.counts();
    assert_eq!((counts.delivered, counts.superseded), (2, 2));
    assert_eq!((counts.duplicate, counts.out_of_order), (1, 1));
    let updates = test.recorder.phases()[0].all_updates();
    assert_eq!(updates.count(), 4);
    // Two changes between 200 and 300 were made at 233 and 266 as far as one can tell.
    assert_eq!(updates.max(), Some(Duration::from_micros(97)));
}

#[test]
fn the_first_change_of_somebody_who_never_changed_is_timed() {
    let mut test = page();
    test.state(160, "Ann", "");
    test.state(230, "Ann", "200 #1");
    assert_eq!(test.counts().delivered, 1);
}

#[test]
fn what_happened_while_no_page_was_open_is_no_delay() {
    let mut test = page();
    test.state(160, "Ann", "50 #1");
    test.state(170, "Bo", "");
    test.browser.begin(1000, 1010);
    test.browser.visit.unanswered = 1;
    assert!(test.browser.visit.resumed);
    test.say(1030, r#"{"type":"ok"}"#);
    assert_eq!(test.counts().resumed, 1);
    test.state(1040, "Ann", "900 #7");
    assert_eq!((test.counts().delivered, test.counts().superseded), (0, 0));
    test.state(2040, "Ann", "2000 #8");
    test.state(2050, "Bo", "2020 #1");
    assert_eq!((test.counts().delivered, test.counts().superseded), (2, 0));
    assert_eq!(test.recorder.phases()[0].all_updates().max(), Some(Duration::from_micros(40)));
}

#[test]
fn refusals_and_ends_are_told() {
    let mut test = page();
    assert_eq!(test.say(1, r#"{"type":"error","code":"x"}"#), Notice::Failed(FailureKind::CommandRefused));
    assert_eq!(test.say(1, r#"{"type":"end","code":"draining","retry":true}"#), Notice::End { again: true });
    assert_eq!(test.say(1, "nonsense"), Notice::Failed(FailureKind::BadAnswer));
    assert_eq!(test.say(1, r#"{"type":"something new"}"#), Notice::Nothing);
}
