//! What a page makes of the messages it gets: the newest state of everybody on its list, and whether
//! they came as promised (docs/events.md).

use std::borrow::Cow;

use loadtest_sim::Stamp;
use serde::Deserialize;

use super::cast::{Cast, Person};
use super::own::{self, Beside, Own};
use crate::measure::{FailureKind, Opened, PersonState, Recorder, Transport, Update};

/// What a browser remembers of a person, over all its pages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) state: PersonState,
    /// The number of the change, if it was stamped.
    number: u32,
    /// When it was made, in microseconds since 1970; 0 if it was not stamped.
    stamp: u64,
    /// Said on this channel.
    said: bool,
    /// The page waits for the next change and nothing else.
    current: bool,
}

/// One browser: its list, and the page that is open.
pub(super) struct Browser {
    pub(super) number: usize,
    pub(super) transport: Transport,
    /// It comes over `https`, where there is a choice.
    pub(super) secure: bool,
    /// Ascending.
    pub(super) list: Vec<u32>,
    pub(super) seen: Vec<Seen>,
    /// Up to where the last channel was read.
    pub(super) cursor: Option<Box<str>>,
    /// Of the Sametime Proxy, as its pages share them.
    pub(super) cookies: Option<Box<str>>,
    /// The session of the last page there.
    pub(super) sid: Option<Box<str>>,
    /// How its page says something beside its channel, if it ever does.
    pub(super) beside: Option<Box<Beside>>,
    /// What the user has changed, if anything.
    pub(super) own: Option<Box<Own>>,
    pub(super) visit: Visit,
}

/// The page that is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Visit {
    /// When it was to be opened, and when the channel was: microseconds since 1970.
    pub(super) intended: u64,
    pub(super) opened: u64,
    /// When the first message came; 0 before.
    hello: u64,
    /// It goes on where the last channel was left: who is not named has not changed.
    pub(super) resumed: bool,
    /// It goes on with the last page's session, and everybody is named again.
    continued: bool,
    /// People on the list of whom nothing was said yet.
    silent: usize,
    /// Commands without an answer.
    pub(super) unanswered: usize,
    pub(super) ready: bool,
}

/// What a message asks the page to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Nothing,
    /// Send the watch list; the name of the channel is for transports with one direction.
    Hello(String),
    /// The server ends the channel.
    End {
        again: bool,
    },
    Failed(FailureKind),
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    people: Vec<Entry<'a>>,
    #[serde(borrow, default)]
    cursor: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(default)]
    retry: bool,
    /// Of the command that is answered.
    #[serde(default)]
    id: Option<u64>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default)]
    mobile: bool,
}

impl Browser {
    /// A browser that has never had a page.
    pub(super) fn new(number: usize, person: Person) -> Self {
        let Person { transport, secure, list } = person;
        let seen = vec![Seen::default(); list.len()];
        let (cursor, cookies, sid, beside, own) = Default::default();
        let visit = Visit::default();
        Self { number, transport, secure, list, seen, cursor, cookies, sid, beside, own, visit }
    }

    /// A new page, from nothing or from where the last channel was left.
    pub(super) fn begin(&mut self, intended: u64, now: u64) {
        for seen in &mut self.seen {
            (seen.said, seen.current) = (false, false);
        }
        let resumed = self.cursor.is_some();
        let silent = self.list.len();
        self.visit = Visit { intended, opened: now, resumed, silent, ..Visit::default() };
    }

    /// Takes a message that came at `now`.
    pub(super) fn take(&mut self, text: &[u8], now: u64, cast: &Cast, recorder: &mut Recorder) -> Notice {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(text) else {
            return Notice::Failed(FailureKind::BadAnswer);
        };
        match &*message.kind {
            "presence" => {
                for Entry { id, status, text, mobile } in &message.people {
                    if let Some(person) = cast.index_of(id) {
                        let state = PersonState::new(status, *mobile, text);
                        self.learn((person, cast.changes_itself(person)), state, text, now, recorder);
                    }
                }
                if let Some(cursor) = message.cursor {
                    self.cursor = Some(cursor.into());
                }
                self.check_ready(now, recorder);
                Notice::Nothing
            }
            "hello" => {
                self.greeted(now);
                if self.list.is_empty() {
                    // There is nothing else to wait for.
                    self.check_ready(now, recorder);
                }
                Notice::Hello(message.channel.map(Cow::into_owned).unwrap_or_default())
            }
            "ok" | "error" if own::is_own(message.id) => {
                self.own_answered(message.id.unwrap_or_default(), message.code.as_deref(), recorder);
                Notice::Nothing
            }
            "ok" => {
                self.answered(1, now, recorder);
                Notice::Nothing
            }
            "error" => Notice::Failed(FailureKind::CommandRefused),
            "end" => Notice::End { again: message.retry },
            _ => Notice::Nothing,
        }
    }

    /// The server has answered.
    pub(super) fn greeted(&mut self, now: u64) {
        self.visit.hello = now;
    }

    /// The server has given the page this session: that of the page before, or another.
    pub(super) fn joined(&mut self, sid: &str) {
        self.visit.continued = !sid.is_empty() && self.sid.as_deref() == Some(sid);
        self.sid = Some(sid.into());
    }

    /// Commands were carried out.
    pub(super) fn answered(&mut self, count: usize, now: u64, recorder: &mut Recorder) {
        self.visit.unanswered = self.visit.unanswered.saturating_sub(count);
        if self.visit.unanswered == 0 && self.visit.resumed {
            // Who was not named has not changed: known from the last channel.
            for seen in &mut self.seen {
                seen.current |= seen.state.is_known();
            }
        }
        self.check_ready(now, recorder);
    }

    /// A state has come of somebody who may be on the list, and whether it is the user who changes it.
    pub(super) fn learn(
        &mut self,
        (person, own): (u32, bool),
        state: PersonState,
        text: &str,
        now: u64,
        recorder: &mut Recorder,
    ) {
        let place = self.list.binary_search(&person).ok();
        let Some(seen) = place.and_then(|place| self.seen.get_mut(place)) else { return };
        let times = Stamp::parse(text);
        let (stamp, number) = times.map_or((0, 0), |stamp| (stamp.at, stamp.number));
        recorder.count(|counts| counts.states += 1);
        let update = Update { stamp, received: now, before: stamp, superseded: 0, times, own };
        if stamp > 0 && seen.stamp > 0 {
            if stamp < seen.stamp {
                recorder.count(|counts| counts.out_of_order += 1);
            } else if seen.said && stamp == seen.stamp && state == seen.state {
                recorder.count(|counts| counts.duplicate += 1);
            } else if seen.current && stamp > seen.stamp.max(self.visit.opened) {
                let superseded = u64::from(number.saturating_sub(seen.number).saturating_sub(1));
                // What happened while no page was open is not counted.
                let before = seen.stamp.max(self.visit.opened);
                let superseded = if seen.number > 0 && seen.said { superseded } else { 0 };
                recorder.update(self.transport, Update { before, superseded, ..update });
            }
        } else if stamp > self.visit.opened && seen.current {
            recorder.update(self.transport, update);
        }
        // A state without a stamp, such as "unknown", does not make the next change an old one.
        let (stamp, number) = if stamp > 0 { (stamp, number) } else { (seen.stamp, seen.number) };
        let was_said = std::mem::replace(seen, Seen { state, number, stamp, said: true, current: true }).said;
        self.visit.silent = self.visit.silent.saturating_sub(usize::from(!was_said));
    }

    /// The server knows nobody of this name: there is nothing to wait for.
    pub(super) fn learn_nothing(&mut self, person: u32) {
        let place = self.list.binary_search(&person).ok();
        if let Some(seen) = place.and_then(|place| self.seen.get_mut(place))
            && !std::mem::replace(&mut seen.said, true)
        {
            self.visit.silent = self.visit.silent.saturating_sub(1);
        }
    }

    pub(super) fn check_ready(&mut self, now: u64, recorder: &mut Recorder) {
        let visit = &mut self.visit;
        if visit.ready || visit.unanswered > 0 || (visit.silent > 0 && !visit.resumed) {
            return;
        }
        visit.ready = true;
        let since = |then: u64| then.saturating_sub(visit.intended);
        let (hello, list) = (since(visit.hello), since(now));
        let resumed = visit.resumed || visit.continued;
        let opened = Opened { hello, list, resumed, secure: self.secure };
        recorder.opened(self.transport, opened);
    }
}

#[cfg(test)]
mod tests;
