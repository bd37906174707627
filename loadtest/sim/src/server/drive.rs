//! What the simulated people do by themselves: change at a steady rate, or live through working days.

use std::sync::Arc;
use std::time::Duration;

use protocol::presence::PersonId;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::switchboard::Switchboard;
use crate::clock::Clock;
use crate::day::{self, Change, Step};
use crate::model::{Dice, UserStatus};
use crate::pace::Pace;
use crate::stamp::Stamps;

/// How finely a rate is spread.
const TICK: Duration = Duration::from_millis(2);
/// Changes that may be late at once before they are given up: the machine is too slow for the rate.
const LATE: f64 = 100_000.0;

/// How much of the first day is over when it begins.
const MORNING: Duration = Duration::from_secs(3 * 3600);

/// How often people who are online without a connection change their status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Churn {
    /// In all, evenly spaced.
    pub per_second: f64,
    /// Whether the status text begins with a [`Stamp`](crate::Stamp), by which the load tester measures.
    pub stamped: bool,
    /// How many of a hundred people ever change; the same ones for the same seed.
    pub changing: u8,
    /// Only the rate is another: how punctual the changes are is counted on.
    pub goes_on: bool,
}

impl Default for Churn {
    fn default() -> Self {
        Self { per_second: 0.0, stamped: false, changing: 100, goes_on: false }
    }
}

/// Changes people at the rate that is set, until the end. Open loop: what is late is made up for, and a stamp tells
/// when it was due.
pub(super) async fn churn(
    board: Arc<Switchboard>,
    seed: u64,
    clock: Clock,
    mut rate: watch::Receiver<Churn>,
    end: CancellationToken,
) {
    let people: Vec<PersonId> = board
        .read(|community| community.directory().people().iter().map(|person| person.id.clone()).collect());
    let (mut changing, mut chosen) = (0, Vec::new());
    let mut dice = Dice(0x0063_6875_726e ^ seed);
    let mut stamps = vec![Stamps::default(); people.len()];
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pace = Pace::still();
    loop {
        let is_new = rate.has_changed().unwrap_or(false);
        let churn = *rate.borrow_and_update();
        if is_new {
            pace.set(churn.per_second);
            if churn.per_second > 0.0 && !churn.goes_on {
                board.punctuality.begin();
            }
        }
        if changing != churn.changing {
            changing = churn.changing;
            chosen = (0..people.len()).filter(|index| ever_changes(*index, changing, seed)).collect();
        }
        if pace.due().is_none() || people.is_empty() {
            tokio::select! {
                () = end.cancelled() => return,
                changed = rate.changed() => match changed {
                    Ok(()) => rate.mark_changed(),
                    Err(_) => return,
                },
            }
            continue;
        }
        tokio::select! {
            () = end.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Instant::now();
        board.punctuality.gave_up(pace.give_up(now, LATE));
        while let Some(due) = pace.take(now) {
            let (at, late) = clock.due_at(due);
            let stamps = churn.stamped.then_some((&mut stamps, at));
            let changed = change_somebody(&board, &people, &chosen, &mut dice, stamps);
            board.punctuality.was_due(changed, late);
        }
    }
}

/// Whether this person is one of those who change now and then; the others came with a status and keep it.
fn ever_changes(index: usize, changing: u8, seed: u64) -> bool {
    let mut dice = Dice(seed ^ 0x6368_616e_6765 ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    changing >= 100 || dice.below(100) < usize::from(changing)
}

/// Changes one of `chosen` who is online without a connection: people with clients are their own masters.
/// Gives up if a few draws find nobody: false. With `stamps` the text begins with a stamp of this time, so that whoever
/// receives it knows what was left out.
fn change_somebody(
    board: &Switchboard,
    people: &[PersonId],
    chosen: &[usize],
    dice: &mut Dice,
    stamps: Option<(&mut Vec<Stamps>, u64)>,
) -> bool {
    for _ in 0..64 {
        let Some(index) = chosen.get(dice.below(chosen.len())).copied() else { return false };
        let Some(person) = people.get(index) else { return false };
        if !board.is_virtual(person) {
            continue;
        }
        let mut status = day::some_status(dice);
        if let Some((stamps, at)) = stamps
            && let Some(own) = stamps.get_mut(index)
        {
            status.text = own.text(at, &status.text).into();
        }
        set_status(board, person, status);
        return true;
    }
    false
}

/// Working days, one after the other; each has its own seed. The first begins in the middle of the
/// morning. Who logs in with a client leaves the play.
pub(super) struct Play {
    board: Arc<Switchboard>,
    people: Vec<PersonId>,
    seed: u64,
}

impl Play {
    /// Everybody is where they are in the middle of the morning when this returns.
    pub(super) fn begin(board: Arc<Switchboard>, seed: u64) -> Self {
        let people = board.read(|community| {
            community.directory().people().iter().map(|person| person.id.clone()).collect()
        });
        let play = Self { board, people, seed };
        play.board.begin_play();
        play.today().take_while(|step| step.at < MORNING).for_each(|step| play.take(step));
        play
    }

    /// Goes on, so many times faster than life, until the end.
    pub(super) async fn go_on(mut self, speed: f64, end: CancellationToken) {
        let mut from = MORNING;
        loop {
            let begun = Instant::now();
            let when = |at: Duration| begun + at.saturating_sub(from).div_f64(speed);
            for step in self.today().skip_while(|step| step.at < from) {
                tokio::select! {
                    () = end.cancelled() => return,
                    () = sleep_until(when(step.at)) => self.take(step),
                }
            }
            tokio::select! {
                () = end.cancelled() => return,
                () = sleep_until(when(day::LENGTH)) => {}
            }
            from = Duration::ZERO;
            self.seed = self.seed.wrapping_add(1);
        }
    }

    fn today(&self) -> impl Iterator<Item = Step> + use<> {
        day::plan(self.people.len(), self.seed).into_iter()
    }

    fn take(&self, step: Step) {
        let Some(person) = self.people.get(step.person) else { return };
        if self.board.has_left_the_play(person) {
            return;
        }
        match step.change {
            Change::Arrive => drop(self.board.log_in_virtually(person)),
            Change::Leave => drop(self.board.log_out_virtually(person)),
            Change::Become(status) if self.board.is_virtual(person) => {
                set_status(&self.board, person, status);
            }
            Change::Become(_) => {}
        }
    }
}

fn set_status(board: &Switchboard, person: &PersonId, status: UserStatus) {
    board.count_change();
    let now = board.now();
    board.change(|community| ((), community.set_status(person, status, now)));
}
