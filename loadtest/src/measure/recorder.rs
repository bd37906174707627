//! What the browsers of one thread have seen, per phase.
//!
//! A change belongs to the phase in which it was made, whenever it arrives: a stall at the end of a
//! phase cannot hide in the next one. States that were superseded before they were sent count as well,
//! with the time until their successor came, so that a gateway that skips states while it hangs gains
//! nothing by it. So do pages that were given up before they were ready, with the time they had waited.

use std::collections::BTreeMap;

use loadtest_sim::Stamp;
use serde::{Deserialize, Serialize};

use super::{FailureKind, Latency, OwnChanges};

/// How a browser is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    WebSocket,
    Sse,
    /// The Sametime Proxy's REST interface and its long poll.
    Poll,
    /// Server-sent events over HTTP/2.
    SseHttp2,
    /// The long poll over HTTP/2.
    PollHttp2,
}

/// One of each transport, by [`Transport::index`].
pub type ByTransport<T> = [T; Transport::ALL.len()];

/// A state that a browser got.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// When it was made, in microseconds since 1970.
    pub stamp: u64,
    /// When it came.
    pub received: u64,
    /// The stamp of the state before it, or when the page was opened.
    pub before: u64,
    /// Changes in between that were never sent.
    pub superseded: u64,
    /// When they were made, as far as the newest tells.
    pub times: Option<Stamp<'a>>,
    /// The user made it on a page.
    pub own: bool,
}

/// A page that is ready.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// From the intended start to the first message, in microseconds.
    pub hello: u64,
    /// From the intended start to the complete list.
    pub list: u64,
    /// It resumed an earlier channel.
    pub resumed: bool,
    /// It came over `https`.
    pub secure: bool,
}

/// Times and counts of one phase.
#[derive(Clone, Debug, Default)]
pub struct PhaseRecord {
    /// From change to browser, by transport.
    pub updates: ByTransport<Latency>,
    /// From the intended start of a page to its first message.
    pub hellos: ByTransport<Latency>,
    /// From the intended start of a page to its complete list.
    pub lists: ByTransport<Latency>,
    pub counts: Counts,
    /// By kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Changes that users made on their pages.
    pub own: OwnChanges,
}

/// Numbers of one phase.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Pages that were to be opened.
    pub visits: u64,
    /// Pages that started more than 100 ms late: the generator was too slow.
    pub late_starts: u64,
    /// Pages of the plan that never started, because the one before was still being closed or the test ended.
    #[serde(default)]
    pub not_started: u64,
    /// Pages that were ready.
    pub opened: u64,
    /// Those of them that resumed.
    pub resumed: u64,
    /// Those of them that came over `https`.
    #[serde(default)]
    pub secure: u64,
    /// Pages that were closed, replaced or given up before they were ready. The time they had waited counts
    /// among those of complete lists.
    #[serde(default)]
    pub abandoned: u64,
    /// Those that were still on their way when the test ended; their time counts, too.
    #[serde(default)]
    pub unfinished: u64,
    /// States received, first lists included.
    pub states: u64,
    /// Changes received by pages that knew the person already.
    pub delivered: u64,
    /// Changes that were overtaken by newer ones before they were sent.
    pub superseded: u64,
    /// The same state twice on one channel.
    pub duplicate: u64,
    /// An older state after a newer one.
    pub out_of_order: u64,
    /// Changes that came before they were made, by the clocks: they count as if they had taken no time.
    pub early: u64,
    /// Bytes received, after TLS.
    pub bytes: u64,
}

/// The last second, for the live view and the charts.
#[derive(Clone, Debug, Default)]
pub struct Second {
    pub updates: Latency,
    pub delivered: u64,
    pub failures: BTreeMap<FailureKind, u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Recorder {
    phases: Vec<PhaseRecord>,
    /// When each phase began that has begun, in microseconds since 1970.
    starts: Vec<u64>,
    second: Second,
}

impl Transport {
    /// All, in the order of their indexes.
    pub const ALL: [Self; 5] = [Self::WebSocket, Self::Sse, Self::Poll, Self::SseHttp2, Self::PollHttp2];

    /// For arrays by transport.
    pub fn index(self) -> usize {
        match self {
            Self::WebSocket => 0,
            Self::Sse => 1,
            Self::Poll => 2,
            Self::SseHttp2 => 3,
            Self::PollHttp2 => 4,
        }
    }

    /// Whether requests of a page share one connection.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::SseHttp2 | Self::PollHttp2)
    }

    /// Whether it is the Sametime Proxy's REST interface.
    pub fn is_poll(self) -> bool {
        matches!(self, Self::Poll | Self::PollHttp2)
    }

    /// As it is written in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Poll => "poll",
            Self::SseHttp2 => "sse h2",
            Self::PollHttp2 => "poll h2",
        }
    }
}

impl Recorder {
    /// The next phase begins.
    pub fn begin_phase(&mut self, now: u64) {
        self.starts.push(now);
        self.phases.push(PhaseRecord::default());
    }

    /// A change reached a browser that was waiting for it.
    pub fn update(&mut self, transport: Transport, update: Update<'_>) {
        let Update { stamp, received, before, superseded, times, own } = update;
        let Some(phase) = self.phase_at(stamp) else { return };
        let updates = if own { &mut phase.own.updates } else { &mut phase.updates[transport.index()] };
        updates.record(received.saturating_sub(stamp));
        let (mut oldest, mut left) = (stamp, superseded);
        for made in
            times.iter().flat_map(Stamp::earlier).take(usize::try_from(superseded).unwrap_or(usize::MAX))
        {
            oldest = made.max(before);
            left -= 1;
            updates.record(received.saturating_sub(oldest));
        }
        // Of more than a stamp has room for it is not known when they were made: evenly since the state before.
        let gap = oldest.saturating_sub(before);
        for number in 1..=left {
            let made = before + gap * number / (left + 1);
            updates.record(received.saturating_sub(made));
        }
        phase.counts.delivered += 1;
        phase.counts.superseded += superseded;
        phase.counts.early += u64::from(received < stamp);
        self.second.updates.record(received.saturating_sub(stamp));
        self.second.delivered += 1;
    }

    /// A page is ready.
    pub fn opened(&mut self, transport: Transport, opened: Opened) {
        let Some(phase) = self.phases.last_mut() else { return };
        phase.hellos[transport.index()].record(opened.hello);
        phase.lists[transport.index()].record(opened.list);
        phase.counts.opened += 1;
        phase.counts.resumed += u64::from(opened.resumed);
        phase.counts.secure += u64::from(opened.secure);
    }

    /// A page will never be ready: it was to be there so many microseconds ago, and that is the least its list
    /// would have taken.
    pub fn gave_up(&mut self, transport: Transport, waited: u64) {
        if let Some(phase) = self.phases.last_mut() {
            phase.lists[transport.index()].record(waited);
        }
    }

    /// Something went wrong for a browser.
    pub fn failure(&mut self, kind: FailureKind) {
        *self.second.failures.entry(kind).or_default() += 1;
        if let Some(phase) = self.phases.last_mut() {
            *phase.failures.entry(kind).or_default() += 1;
        }
    }

    /// The numbers of the phase that is on.
    pub fn count(&mut self, edit: impl FnOnce(&mut Counts)) {
        if let Some(phase) = self.phases.last_mut() {
            edit(&mut phase.counts);
        }
    }

    /// What became of a change that a user makes on a page.
    pub fn own(&mut self, edit: impl FnOnce(&mut OwnChanges)) {
        if let Some(phase) = self.phases.last_mut() {
            edit(&mut phase.own);
        }
    }

    /// What came since the last call.
    pub fn take_second(&mut self) -> Second {
        std::mem::take(&mut self.second)
    }

    /// All phases that have begun.
    pub fn phases(&self) -> &[PhaseRecord] {
        &self.phases
    }

    fn phase_at(&mut self, stamp: u64) -> Option<&mut PhaseRecord> {
        let begun = self.starts.partition_point(|start| *start <= stamp);
        self.phases.get_mut(begun.checked_sub(1)?)
    }
}

impl PhaseRecord {
    /// Updates of all transports.
    pub fn all_updates(&self) -> Latency {
        together(&self.updates)
    }
}

/// All transports as one.
pub fn together(parts: &ByTransport<Latency>) -> Latency {
    let mut all = Latency::new();
    parts.iter().for_each(|part| all.merge(part));
    all
}

impl Counts {
    /// Adds numbers of another thread or phase.
    pub fn add(&mut self, other: &Self) {
        let Self {
            visits,
            late_starts,
            not_started,
            opened,
            resumed,
            secure,
            abandoned,
            unfinished,
            states,
            delivered,
            superseded,
            duplicate,
            out_of_order,
            early,
            bytes,
        } = other;
        self.visits += visits;
        self.late_starts += late_starts;
        self.not_started += not_started;
        self.opened += opened;
        self.resumed += resumed;
        self.secure += secure;
        self.abandoned += abandoned;
        self.unfinished += unfinished;
        self.states += states;
        self.delivered += delivered;
        self.superseded += superseded;
        self.duplicate += duplicate;
        self.out_of_order += out_of_order;
        self.early += early;
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn update(stamp: u64, received: u64) -> Update<'static> {
        Update { stamp, received, before: 0, superseded: 0, times: None, own: false }
    }

    #[test]
    fn a_change_belongs_to_the_phase_it_was_made_in() {
        let mut recorder = Recorder::default();
        recorder.update(Transport::Sse, update(5, 9));
        recorder.begin_phase(1000);
        recorder.begin_phase(2000);
        recorder.update(Transport::Sse, update(999, 2001));
        recorder.update(Transport::Sse, update(1500, 2500));
        recorder.update(Transport::WebSocket, update(2000, 2001));
        let counts: Vec<_> = recorder.phases().iter().map(|phase| phase.all_updates().count()).collect();
        assert_eq!(counts, [1, 1]);
        assert_eq!(recorder.phases()[0].updates[1].max(), Some(Duration::from_micros(1000)));
    }

    #[test]
    fn a_change_that_comes_before_it_was_made_takes_no_time_and_is_counted() {
        let mut recorder = Recorder::default();
        recorder.begin_phase(0);
        recorder.update(Transport::Sse, update(2000, 1500));
        recorder.update(Transport::Sse, update(2000, 2500));
        let record = &recorder.phases()[0];
        assert_eq!((record.counts.early, record.counts.delivered), (1, 2));
        assert_eq!(record.all_updates().quantile(0.5), Some(Duration::from_micros(1)));
    }

    fn hung(superseded: u64, text: &str) -> Vec<(u64, u64)> {
        let mut recorder = Recorder::default();
        recorder.begin_phase(0);
        let times = Stamp::parse(text);
        recorder.update(
            Transport::WebSocket,
            Update {
                stamp: 4_000_000,
                received: 4_000_100,
                before: 1_000_000,
                superseded,
                times,
                own: false,
            },
        );
        assert_eq!(recorder.phases()[0].counts.superseded, superseded);
        recorder.phases()[0].all_updates().buckets().collect()
    }

    fn near(found: &[(u64, u64)], wanted: &[u64]) {
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for ((micros, count), wanted) in found.iter().zip(wanted) {
            assert!(*count == 1 && micros.abs_diff(*wanted) <= wanted / 500, "{found:?}");
        }
    }

    #[test]
    fn superseded_changes_count_with_the_time_since_they_were_made() {
        let found = hung(2, "4000000 #9 -300,-2500,-9000 Lunch");
        near(&found, &[100, 300_100, 2_500_100]);
    }

    #[test]
    fn superseded_changes_of_unknown_times_are_spread_evenly() {
        near(&hung(2, "4000000 #9"), &[100, 1_000_100, 2_000_100]);
        near(&hung(2, "4000000 #9 -1000"), &[100, 1_000_100, 2_000_100]);
    }

    #[test]
    fn changes_by_users_have_times_of_their_own() {
        let mut recorder = Recorder::default();
        recorder.begin_phase(0);
        recorder.update(Transport::Sse, Update { own: true, superseded: 1, ..update(2000, 9000) });
        recorder.update(Transport::Sse, update(2000, 3000));
        let phase = &recorder.phases()[0];
        assert_eq!((phase.own.updates.count(), phase.all_updates().count()), (2, 1));
        assert_eq!((phase.counts.delivered, phase.counts.superseded), (2, 1), "all are work for the gateway");
    }

    #[test]
    fn a_page_that_is_given_up_leaves_its_time_among_the_lists() {
        let mut recorder = Recorder::default();
        recorder.begin_phase(0);
        recorder.gave_up(Transport::Poll, 3_000_000);
        assert_eq!(together(&recorder.phases()[0].lists).count(), 1);
    }
}
