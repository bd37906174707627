//! A plausible working day: who comes when, is away, in a meeting, busy, and leaves. Pure: the same
//! people and seed give the same day. Played by [`Simulator::play_day`](crate::Simulator::play_day).

use std::time::Duration;

use protocol::presence::Status;

use crate::model::{Dice, UserStatus};

/// From the first arrival to the last departure: 07:00 to 19:00.
pub const LENGTH: Duration = Duration::from_secs(12 * 3600);

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the day began.
    pub at: Duration,
    /// Index in the directory.
    pub person: usize,
    /// What.
    pub change: Change,
}

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Comes.
    Arrive,
    /// Does something else.
    Become(UserStatus),
    /// Leaves.
    Leave,
}

/// The day of this many people, in the order of time.
pub fn plan(people: usize, seed: u64) -> Vec<Step> {
    let mut dice = Dice(seed);
    let mut steps: Vec<Step> = (0..people).flat_map(|person| day_of(person, &mut dice)).collect();
    steps.sort_by_key(|step| step.at);
    steps
}

/// A status that people take now and then, with a text of its kind.
pub(crate) fn some_status(dice: &mut Dice) -> UserStatus {
    let (status, texts): (Status, &[&str]) = match dice.below(10) {
        0..=3 => (Status::Active, &["", "", "", "Im Büro", "Available", "По делу"]),
        4..=5 => (Status::Away, &["Back soon", "À table", "お昼", "Lunch"]),
        6 => (Status::Idle, &[""]),
        7 => (Status::Dnd, &["Please do not disturb", "Termin beim Kunden", "Month end"]),
        _ => (Status::Meeting, &["In a meeting", "Planning", "Weekly", "Reunião"]),
    };
    let text = texts.get(dice.below(texts.len())).copied().unwrap_or_default();
    UserStatus { mobile: dice.below(12) == 0, ..UserStatus::new(status, text) }
}

/// One in eight stays away, the others work in their own hours.
fn day_of(person: usize, dice: &mut Dice) -> Vec<Step> {
    if dice.below(8) == 0 {
        return Vec::new();
    }
    let minutes = |minutes: usize| Duration::from_secs(60 * minutes as u64);
    let arrive = minutes(dice.below(180));
    let leave = minutes(540 + dice.below(175));
    let mut steps = vec![Step { at: arrive, person, change: Change::Arrive }];
    let lunch = minutes(270 + dice.below(120));
    let away = UserStatus::new(Status::Away, "Lunch");
    let back = UserStatus::new(Status::Active, "");
    steps.push(Step { at: lunch, person, change: Change::Become(away) });
    steps.push(Step { at: lunch + minutes(25 + dice.below(35)), person, change: Change::Become(back) });
    let mut now = arrive + minutes(10 + dice.below(60));
    while now < leave {
        // Lunch is lunch.
        if now < lunch || now > lunch + minutes(60) {
            steps.push(Step { at: now, person, change: Change::Become(some_status(dice)) });
        }
        now += minutes(10 + dice.below(80));
    }
    steps.push(Step { at: leave, person, change: Change::Leave });
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_an_order_and_everybody_leaves_who_came() {
        let day = plan(300, 4);
        assert_eq!(day, plan(300, 4));
        assert!(day.is_sorted_by_key(|step| step.at) && day.last().unwrap().at < LENGTH);
        let count = |wanted: Change| day.iter().filter(|step| step.change == wanted).count();
        assert_eq!(count(Change::Arrive), count(Change::Leave));
        assert!((200..290).contains(&count(Change::Arrive)));
        for person in 0..300 {
            let own: Vec<_> = day.iter().filter(|step| step.person == person).collect();
            assert!(own.first().is_none_or(|step| step.change == Change::Arrive));
            assert!(own.last().is_none_or(|step| step.change == Change::Leave));
        }
    }
}
