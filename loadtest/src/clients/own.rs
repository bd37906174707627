//! Status changes that users make on their pages: over the WebSocket that is open, or beside a channel of one
//! direction. Each is stamped with the time it was due, so whoever watches the user measures the whole way, from one
//! browser through the community to another.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loadtest_sim::Stamps;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::crew::{Role, Stage};
use super::http2::Line;
use super::page::Browser;
use super::{opening, poll};
use crate::measure::{Agreement, FailureKind, PersonState, Recorder, Transport, Truth, clock};

/// Until an answer has come; a person would have given up.
const ANSWER: Duration = Duration::from_secs(60);
/// Numbers of commands from here on are changes.
const FIRST: u64 = 1 << 32;
/// What users are at, in turn: word, and number of the Sametime Proxy's interface (docs/rest.md).
const STATUSES: [(&str, u8); 4] = [("away", 2), ("dnd", 3), ("meeting", 5), ("active", 1)];

/// What a browser has changed.
#[derive(Default)]
pub(super) struct Own {
    stamps: Stamps,
    made: u64,
    /// Not sent yet: one after the other where each has a connection of its own.
    waiting: VecDeque<Change>,
    /// Sent and not answered, oldest first.
    sent: VecDeque<Change>,
    sending: bool,
    /// What the gateway has taken last; `None` if that is not certain.
    set: Option<PersonState>,
}

/// What a request beside the channel of a page takes.
#[derive(Clone)]
pub(super) struct Beside {
    /// The channel's name, or the nonce of a Sametime Proxy's session.
    pub(super) key: String,
    /// The page's connection, if it is one for everything.
    pub(super) line: Option<Rc<Line>>,
}

struct Change {
    id: u64,
    status: (&'static str, u8),
    text: String,
}

/// The page that opens may have to say something: kept where its user ever changes anything.
pub(super) fn may_say(beside: Beside, stage: &Stage, browser: &RefCell<Browser>) {
    let mut browser = browser.borrow_mut();
    let person = u32::try_from(browser.number);
    if person.is_ok_and(|person| stage.cast.changes_itself(person)) {
        browser.beside = Some(beside.into());
    }
}

/// A user changes status, if there is a page to do it on.
pub(super) fn change(stage: &Rc<Stage>, role: &Rc<Role>, due: Instant) {
    let mut browser = role.browser.borrow_mut();
    let is_ready = browser.visit.ready;
    stage.recorder().own(|own| {
        own.due += 1;
        own.missed += u64::from(!is_ready);
    });
    if !is_ready {
        return;
    }
    let transport = browser.transport;
    let own = browser.own.get_or_insert_default();
    let change = own.next(clock().due_at(due).0);
    if transport == Transport::WebSocket {
        role.seat.say(change.command());
        own.sent.push_back(change);
        return;
    }
    own.waiting.push_back(change);
    if !std::mem::replace(&mut own.sending, true) {
        tokio::task::spawn_local(send_all(stage.clone(), role.clone()));
    }
}

/// One change after the other: on connections of their own they could overtake each other.
async fn send_all(stage: Rc<Stage>, role: Rc<Role>) {
    loop {
        let (command, form, beside, is_poll) = {
            let mut browser = role.browser.borrow_mut();
            let is_poll = browser.transport.is_poll();
            let beside = browser.beside.as_ref().map(|beside| (**beside).clone());
            let Some(own) = browser.own.as_mut() else { return };
            // Without a page nothing waits.
            let (Some(beside), Some(change)) = (beside, own.waiting.pop_front()) else {
                own.sending = false;
                return;
            };
            let request = (change.command(), change.form(), beside, is_poll);
            own.sent.push_back(change);
            request
        };
        let sending = async {
            if is_poll {
                poll::set_status(&stage, &role.browser, &beside, &form).await
            } else {
                opening::say(&beside, command, &stage, &role.browser).await
            }
        };
        let sent = timeout(ANSWER, Box::pin(sending)).await.unwrap_or(Err(FailureKind::NoAnswer));
        let mut browser = role.browser.borrow_mut();
        let Some(own) = browser.own.as_mut() else { return };
        if let Some(id) = own.sent.front().map(|change| change.id) {
            own.answered(id, sent, &mut stage.recorder());
        }
    }
}

/// Whether a command of this number is a change.
pub(super) fn is_own(id: Option<u64>) -> bool {
    id.is_some_and(|id| id >= FIRST)
}

impl Own {
    fn next(&mut self, at: u64) -> Change {
        let status = STATUSES[usize::try_from(self.made).unwrap_or(0) % STATUSES.len()];
        let id = FIRST + self.made;
        self.made += 1;
        Change { id, status, text: self.stamps.text(at, "") }
    }

    /// The gateway has taken a change, or says why not.
    fn answered(&mut self, id: u64, answer: Result<(), FailureKind>, recorder: &mut Recorder) {
        let Some(place) = self.sent.iter().position(|change| change.id == id) else { return };
        let Some(change) = self.sent.remove(place) else { return };
        match answer {
            Ok(()) => {
                self.set = Some(PersonState::new(change.status.0, false, &change.text));
                recorder.own(|own| own.made += 1);
            }
            // Where it failed nobody knows: the community may have taken it.
            Err(kind) => {
                self.set = None;
                recorder.own(|own| own.failed(kind));
            }
        }
    }

    /// The page on which they were made is gone, by itself or because the browser left it.
    fn cut_off(&mut self, why: Option<FailureKind>, recorder: &mut Recorder) {
        // What is on its way on a connection of its own still gets its answer.
        let gone = if self.sending { self.waiting.drain(..) } else { self.sent.drain(..) };
        for _ in gone {
            self.set = None;
            recorder.own(|own| match why {
                Some(kind) => own.failed(kind),
                None => own.unanswered += 1,
            });
        }
    }

    fn unanswered(&self) -> u64 {
        (self.sent.len() + self.waiting.len()) as u64
    }

    /// What has to be true; `Err`: an answer is still to come. `Ok(None)`: nobody knows.
    fn wanted(&self) -> Result<Option<PersonState>, ()> {
        if self.unanswered() > 0 { Err(()) } else { Ok(self.set) }
    }
}

impl Change {
    /// As an event channel takes it (docs/events.md).
    fn command(&self) -> String {
        json!({ "op": "status", "status": self.status.0, "text": self.text, "id": self.id }).to_string()
    }

    /// As a Sametime Proxy takes it.
    fn form(&self) -> String {
        format!("status={}&statusMessage={}", self.status.1, poll::encoded(&self.text))
    }
}

impl Browser {
    /// The answer to a change, as an event channel gives it: `None` as its code is a yes.
    pub(super) fn own_answered(&mut self, id: u64, code: Option<&str>, recorder: &mut Recorder) {
        let answer = match code {
            None => Ok(()),
            Some("not_logged_in") => Err(FailureKind::NotLoggedIn),
            Some(_) => Err(FailureKind::CommandRefused),
        };
        if let Some(own) = &mut self.own {
            own.answered(id, answer, recorder);
        }
    }

    /// The page is gone, by itself or because the browser left it, and changes with it that have no answer. After a test
    /// they are counted already.
    pub(super) fn cut_off(&mut self, why: Option<FailureKind>, over: bool, recorder: &mut Recorder) {
        self.beside = None;
        if let Some(own) = self.own.as_mut().filter(|_| !over) {
            own.cut_off(why, recorder);
        }
    }

    /// At the end of a test: changes that have no answer yet.
    pub(super) fn count_unanswered(&self, recorder: &mut Recorder) {
        let unanswered = self.own.as_ref().map_or(0, |own| own.unanswered());
        recorder.own(|own| own.unanswered += unanswered);
    }

    /// Compares what the user has set last, if anything.
    pub(super) fn compare_own(&self, truth: &Truth, agreement: &mut Agreement) {
        let Some(set) = self.own.as_ref().and_then(|own| own.wanted().transpose()) else { return };
        // A browser that changes its user's status is the first of its user.
        let truth = truth.of(u32::try_from(self.number).unwrap_or(u32::MAX));
        agreement.compare_own(set, truth, |what| {
            let (number, transport) = (self.number, self.transport.name());
            format!("what the user of browser {number} ({transport}) has set {what}: {:?}", truth.word())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_certain_only_while_everything_is_answered() {
        let mut recorder = Recorder::default();
        recorder.begin_phase(0);
        let mut own = Own::default();
        let change = |own: &mut Own, at| {
            let change = own.next(at);
            let (id, state) = (change.id, PersonState::new(change.status.0, false, &change.text));
            own.sent.push_back(change);
            (id, state)
        };
        assert_eq!(own.wanted(), Ok(None));
        let (first, away) = change(&mut own, 1_000_000);
        let (second, busy) = change(&mut own, 2_000_000);
        assert!(is_own(Some(first)) && !is_own(Some(10)) && !is_own(None));
        own.answered(first, Ok(()), &mut recorder);
        assert_eq!(own.wanted(), Err(()));
        own.answered(second, Ok(()), &mut recorder);
        assert_eq!(own.wanted(), Ok(Some(busy)));
        assert_ne!(away, busy);
        let (third, _) = change(&mut own, 3_000_000);
        own.answered(third, Err(FailureKind::NotLoggedIn), &mut recorder);
        change(&mut own, 4_000_000);
        own.cut_off(None, &mut recorder);
        change(&mut own, 5_000_000);
        own.cut_off(Some(FailureKind::Lost), &mut recorder);
        assert_eq!(own.wanted(), Ok(None));
        let counted = &recorder.phases()[0].own;
        assert_eq!((counted.made, counted.unanswered), (2, 1));
        let failures: Vec<_> = counted.failures.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
        assert_eq!(failures, [("connection lost", 1), ("not logged in", 1)]);
    }

    #[test]
    fn a_change_says_the_same_over_both_interfaces() {
        let change = Own::default().next(1_000_000);
        let command: serde_json::Value = serde_json::from_str(&change.command()).unwrap();
        assert_eq!((&command["op"], &command["status"]), (&json!("status"), &json!("away")));
        assert_eq!(command["text"], "1000000 #1");
        assert_eq!(change.form(), "status=2&statusMessage=1000000%20%231");
    }
}
