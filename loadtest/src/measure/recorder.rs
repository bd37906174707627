//! What the browsers of one thread have seen, per phase.
//!
//! A change belongs to the phase in which it was made, whenever it arrives: a stall at the end of a
//! phase cannot hide in the next one. States that were superseded before they were sent count as well,
//! with the time until their successor came, so that a gateway that skips states while it hangs gains
//! nothing by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FailureKind, Latency};

/// How a browser is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    WebSocket,
    Sse,
}

/// A state that a browser got.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// When it was made, in microseconds since 1970.
    pub stamp: u64,
    /// When it came.
    pub received: u64,
    /// The stamp of the state before it, or when the page was opened.
    pub before: u64,
    /// Changes in between that were never sent.
    pub superseded: u64,
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
}

/// Times and counts of one phase.
#[derive(Clone, Debug, Default)]
pub struct PhaseRecord {
    /// From change to browser, by transport.
    pub updates: [Latency; 2],
    /// From the intended start of a page to its first message.
    pub hellos: [Latency; 2],
    /// From the intended start of a page to its complete list.
    pub lists: [Latency; 2],
    pub counts: Counts,
    /// By kind.
    pub failures: BTreeMap<FailureKind, u64>,
}

/// Numbers of one phase.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Pages that were to be opened.
    pub visits: u64,
    /// Pages that started more than 100 ms late: the generator was too slow.
    pub late_starts: u64,
    /// Pages that were ready.
    pub opened: u64,
    /// Those of them that resumed.
    pub resumed: u64,
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
    /// Bytes received, after TLS.
    pub bytes: u64,
}

/// The last second, for the live view and the charts.
#[derive(Clone, Debug, Default)]
pub struct Second {
    pub updates: Latency,
    pub delivered: u64,
    pub failures: u64,
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
    /// Both, in the order of their indexes.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::Sse];

    /// For arrays by transport.
    pub fn index(self) -> usize {
        match self {
            Self::WebSocket => 0,
            Self::Sse => 1,
        }
    }

    /// As it is written in plans and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
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
    pub fn update(&mut self, transport: Transport, update: Update) {
        let Update { stamp, received, before, superseded } = update;
        let Some(phase) = self.phase_at(stamp) else { return };
        let updates = &mut phase.updates[transport.index()];
        updates.record(received.saturating_sub(stamp));
        // When exactly they were made is not known: evenly since the state before.
        let gap = stamp.saturating_sub(before);
        for number in 1..=superseded {
            let made = before + gap * number / (superseded + 1);
            updates.record(received.saturating_sub(made));
        }
        phase.counts.delivered += 1;
        phase.counts.superseded += superseded;
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
    }

    /// Something went wrong for a browser.
    pub fn failure(&mut self, kind: FailureKind) {
        self.second.failures += 1;
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

fn together(parts: &[Latency; 2]) -> Latency {
    let mut all = parts[0].clone();
    all.merge(&parts[1]);
    all
}

impl Counts {
    /// Adds numbers of another thread or phase.
    pub fn add(&mut self, other: &Self) {
        let Self {
            visits,
            late_starts,
            opened,
            resumed,
            states,
            delivered,
            superseded,
            duplicate,
            out_of_order,
            bytes,
        } = other;
        self.visits += visits;
        self.late_starts += late_starts;
        self.opened += opened;
        self.resumed += resumed;
        self.states += states;
        self.delivered += delivered;
        self.superseded += superseded;
        self.duplicate += duplicate;
        self.out_of_order += out_of_order;
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn update(stamp: u64, received: u64) -> Update {
        Update { stamp, received, before: 0, superseded: 0 }
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
    fn superseded_changes_count_with_the_time_until_their_successor() {
        let mut recorder = Recorder::default();
        recorder.begin_phase(0);
        let hung = Update { stamp: 4_000_000, received: 4_000_100, before: 1_000_000, superseded: 2 };
        recorder.update(Transport::WebSocket, hung);
        let updates = recorder.phases()[0].all_updates();
        let near = |part, seconds: f64| {
            let found = updates.quantile(part).unwrap().as_secs_f64();
            assert!((found - seconds).abs() < 0.01, "{part}: {found}");
        };
        near(0.1, 0.0001);
        near(0.5, 1.0);
        near(1.0, 2.0);
        assert_eq!(recorder.phases()[0].counts.superseded, 2);
    }
}
