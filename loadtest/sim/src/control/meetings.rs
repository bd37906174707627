//! Where the generators of one load test wait for each other: all go on when the last has come.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::command::Failure;

/// Parts of one test. Each waits on a connection of its own.
const MOST: usize = super::CONNECTIONS / 2;

/// Meetings that have not taken place yet, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Meetings(Mutex<HashMap<String, Meeting>>);

#[derive(Debug)]
struct Meeting {
    of: usize,
    here: BTreeSet<usize>,
    complete: watch::Sender<bool>,
}

/// Somebody who waits; whoever hangs up is not there any more.
struct Place {
    meetings: Arc<Meetings>,
    at: String,
    part: usize,
}

impl Meetings {
    /// Waits until all parts have come.
    pub(super) async fn meet(self: &Arc<Self>, at: String, part: usize, of: usize) -> Result<(), Failure> {
        if part == 0 || part > of || of > MOST {
            return Err(Failure::NoPart { most: MOST });
        }
        let (mut complete, _place) = self.take_place(at, part, of)?;
        // The sender is gone when everybody waiting is, this one too.
        let _ = complete.wait_for(|complete| *complete).await;
        Ok(())
    }

    fn take_place(
        self: &Arc<Self>,
        at: String,
        part: usize,
        of: usize,
    ) -> Result<(watch::Receiver<bool>, Place), Failure> {
        let mut meetings = self.lock();
        let new = || Meeting { of, here: BTreeSet::new(), complete: watch::Sender::new(false) };
        let meeting = meetings.entry(at.clone()).or_insert_with(new);
        if meeting.of != of {
            return Err(Failure::Parts { ours: of, theirs: meeting.of });
        }
        if !meeting.here.insert(part) {
            return Err(Failure::Twice(part));
        }
        let waiting = meeting.complete.subscribe();
        if meeting.here.len() == of
            && let Some(meeting) = meetings.remove(&at)
        {
            meeting.complete.send_replace(true);
        }
        Ok((waiting, Place { meetings: self.clone(), at, part }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Meeting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut meetings = self.meetings.lock();
        // One that has taken place is not there any more; the next of the same name is another.
        if let Some(meeting) = meetings.get_mut(&self.at) {
            meeting.here.remove(&self.part);
            if meeting.here.is_empty() {
                meetings.remove(&self.at);
            }
        }
    }
}
