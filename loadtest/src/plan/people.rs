//! Who there is and what they do at which hour, from a document.

use settings::Section;

use super::check::{MOST_PEOPLE, MOST_PER_SECOND};
use super::{Amount, Day, Dice, Estate, Popularity, Population, Target, TimeOfDay};

/// The purpose of chance that makes browsers idle.
const IDLE: u64 = 4 << 32;
/// A month in a second; and a rush hour.
const FASTEST: f64 = 3_000_000.0;
const MOST_RATE: f64 = 1000.0;

/// Whether users may change their status on their pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Possible,
    /// The gateway would refuse.
    NoLogins,
    /// They would be somebody's.
    WherePeopleWork,
    /// Tokens from elsewhere do not say whose they are.
    UnknownUsers,
}

impl Own {
    pub(super) fn of(target: Option<&Target>, estate: Estate) -> Self {
        match target {
            None if !estate.own_logins => Self::NoLogins,
            Some(target) if target.control.is_none() => Self::WherePeopleWork,
            Some(target) if target.token_file.is_some() => Self::UnknownUsers,
            // A gateway that runs already says itself when a user has no login.
            _ => Self::Possible,
        }
    }

    /// `own_changes_per_second` of the population or a phase.
    pub(super) fn rate(self, section: &Section<'_>) -> Option<f64> {
        let key = "own_changes_per_second";
        let rate = section.number(key, 0.0..=MOST_PER_SECOND)?;
        match self {
            Self::NoLogins if rate > 0.0 => {
                section.wrong(
                    key,
                    "users without a login have no status: needs own_presence = \"login\" in [estate]",
                );
            }
            Self::WherePeopleWork if rate > 0.0 => {
                section.wrong(
                    key,
                    "is for simulated communities; where people work only [actors] change their status",
                );
            }
            Self::UnknownUsers if rate > 0.0 => {
                section
                    .wrong(key, "nobody knows whose tokens are in token_file: needs a key that makes them");
            }
            _ => {}
        }
        Some(rate)
    }
}

impl Population {
    /// Whether nothing is done on the pages of this browser.
    pub fn is_idle(&self, browser: usize, seed: u64) -> bool {
        let mut dice = Dice::new(seed, IDLE + browser as u64);
        self.idle_percent > 0 && dice.below(100) < usize::from(self.idle_percent)
    }
}

pub(super) fn population(section: Section<'_>, target: Option<&Target>, own: Own) -> Population {
    let amount = section.loose("watches", "a number or a text such as \"20-80\" or \"4d100\"");
    let watches = match amount.as_deref().map(str::parse::<Amount>) {
        None => Amount::Fixed(50),
        Some(Ok(amount)) => amount,
        Some(Err(())) => {
            section
                .wrong("watches", "expected a number, a range such as \"20-80\" or dice such as \"4d100\"");
            Amount::Fixed(1)
        }
    };
    if watches.most() > 5000 {
        section.wrong("watches", "more than 5000 for one browser");
    }
    let population = Population {
        people: section.number("people", 1..=MOST_PEOPLE).unwrap_or(300),
        online_percent: section.number("online", 0..=100).unwrap_or(80),
        changing_percent: section.number("changing", 0..=100).unwrap_or(100),
        idle_percent: section.number("idle", 0..=100).unwrap_or(0),
        watches,
        popularity: Popularity(section.number("popularity", 0.0..=3.0).unwrap_or(0.5)),
        changes_per_second: section.number("changes_per_second", 0.0..=MOST_PER_SECOND).unwrap_or(5.0),
        own_changes_per_second: own.rate(&section).unwrap_or(0.0),
    };
    if section.has("changing") && target.is_some_and(|target| target.control.is_none()) {
        section.wrong("changing", "is for simulated communities; elsewhere actors make all changes");
    }
    section.no_others();
    population
}

pub(super) fn day(section: Section<'_>) -> Option<Day> {
    let mut rates = section.numbers("rates", 0.0..=MOST_RATE).unwrap_or_else(Day::working);
    rates.sort_by(|(one, _), (other, _)| one.0.total_cmp(&other.0));
    if rates.windows(2).any(|pair| matches!(pair, [one, next] if one.0 == next.0)) {
        section.wrong("rates", "has the same time twice");
    }
    if rates.is_empty() {
        section.wrong("rates", "needs at least one time of day, such as \"09:00\" = 1.0");
    }
    let starts = section.parsed("starts");
    let pace = section.number("pace", 0.001..=FASTEST);
    let there = section.is_there();
    if there && starts.is_none() && !section.has("starts") {
        section.wrong("starts", "is missing; what the clock shows when the test begins, as \"07:30\"");
    }
    section.no_others();
    let starts = starts.unwrap_or(TimeOfDay(0.0));
    there.then(|| Day { starts, pace: pace.unwrap_or(1.0), rates })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Plan;

    #[test]
    fn idle_browsers_are_the_same_for_the_same_seed() {
        let text = "[population]\nidle = 60\n[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n";
        let population = Plan::parse(Path::new("x"), text).unwrap().population;
        let idle = |seed| (0..1000).map(|browser| population.is_idle(browser, seed)).collect::<Vec<_>>();
        assert!((550..650).contains(&idle(1).into_iter().filter(|idle| *idle).count()));
        assert_eq!(idle(1), idle(1));
        assert_ne!(idle(1), idle(2));
    }
}
