//! Who does what when in a phase. Open model: times are drawn beforehand and do not wait for anybody.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::clients::{Action, Deed};
use crate::plan::{Day, Dice, Kind, Phase, Plan};

/// Who does what beside coming and going.
pub(super) struct Crowd {
    /// Browsers that change pages, ascending.
    lively: Vec<usize>,
    /// Browsers whose users change their status on their pages, ascending.
    changers: Vec<usize>,
    day: Option<Day>,
}

impl Crowd {
    pub(super) fn new(plan: &Plan, changers: &[u32]) -> Self {
        let lively = |browser: &usize| !plan.population.is_idle(*browser, plan.seed);
        Self {
            lively: (0..plan.most_browsers()).filter(lively).collect(),
            changers: changers.iter().map(|browser| *browser as usize).collect(),
            day: plan.day.clone(),
        }
    }

    /// The part of the plan's rates that there is when so much of the plan's time is over.
    pub(super) fn share(&self, since: Duration) -> f64 {
        self.day.as_ref().map_or(1.0, |day| day.rate(since))
    }

    /// The most of it there ever is.
    fn busiest(&self) -> f64 {
        self.day.as_ref().map_or(1.0, Day::busiest)
    }

    /// What the clock of the plan's day shows, in hours since midnight.
    pub(super) fn hour(&self, since: Duration) -> Option<f64> {
        self.day.as_ref().map(|day| day.hour(since))
    }
}

/// The actions of a phase that begins at `start`, when so much of the plan's time is over, with `open` browsers;
/// updates `open`.
///
/// Times are independent and evenly distributed, as those of people who do not know of each other: a
/// Poisson process of which the number of events is known.
pub(super) fn actions(
    phase: &Phase,
    (start, since): (Instant, Duration),
    open: &mut usize,
    crowd: &Crowd,
    dice: &mut Dice,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let before = *open;
    match phase.kind {
        Kind::Hold => {}
        Kind::Ramp => {
            let wanted = phase.browsers.unwrap_or(0).max(before);
            arrive(&mut actions, before..wanted, start, phase.duration, dice);
            *open = wanted;
        }
        Kind::Storm => {
            let share = usize::from(phase.reconnect_percent);
            for browser in (0..before).filter(|one| (one + 1) * share / 100 > one * share / 100) {
                actions.push(Action { at: start, browser, deed: Deed::Drop });
                arrive(&mut actions, browser..browser + 1, start, phase.within, dice);
            }
            let wanted = before + phase.browsers.unwrap_or(0);
            arrive(&mut actions, before..wanted, start, phase.within, dice);
            *open = wanted;
        }
        Kind::Drain => {
            let wanted = phase.browsers.unwrap_or(0).min(before);
            for browser in wanted..before {
                let at = start + phase.duration.mul_f64(dice.share());
                actions.push(Action { at, browser, deed: Deed::Leave });
            }
            *open = wanted;
        }
    }
    let leaves: HashMap<usize, Instant> = actions
        .iter()
        .filter(|action| action.deed == Deed::Leave)
        .map(|action| (action.browser, action.at))
        .collect();
    for (deed, per_second, who) in [
        (Deed::Reload, phase.reloads_per_second, &crowd.lively),
        (Deed::Change, phase.own_changes_per_second, &crowd.changers),
    ] {
        let who = who.get(..who.partition_point(|browser| *browser < before)).unwrap_or_default();
        let most = crowd.busiest();
        let count = (per_second * most * phase.duration.as_secs_f64()).round() as usize;
        for _ in 0..if who.is_empty() { 0 } else { count } {
            let at = phase.duration.mul_f64(dice.share());
            // At a quiet hour most of them are left out.
            if crowd.day.is_some() && dice.share() * most >= crowd.share(since + at) {
                continue;
            }
            let at = start + at;
            // Who has left does nothing any more.
            if let Some(browser) = who.get(dice.below(who.len())).copied()
                && leaves.get(&browser).is_none_or(|left| at < *left)
            {
                actions.push(Action { at, browser, deed });
            }
        }
    }
    // The schedule keeps the order of what is due at once: first lost, then back.
    actions.sort_by_key(|action| action.at);
    actions
}

fn arrive(
    actions: &mut Vec<Action>,
    browsers: std::ops::Range<usize>,
    start: Instant,
    within: Duration,
    dice: &mut Dice,
) {
    for browser in browsers {
        let at = start + within.mul_f64(dice.share());
        actions.push(Action { at, browser, deed: Deed::Arrive });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::Plan;

    fn plan(text: &str, open: &mut usize) -> (Instant, Vec<Action>) {
        plan_of("", text, open)
    }

    fn plan_of(head: &str, text: &str, open: &mut usize) -> (Instant, Vec<Action>) {
        let ramp = "[[phase]]\nduration = \"1s\"\nkind = \"ramp\"\nbrowsers = 2000\n";
        let text = format!("{head}\n[[phase]]\nduration = \"10s\"\n{text}\n{ramp}");
        let plan = Plan::parse(Path::new("x"), &text).unwrap();
        let crowd = Crowd::new(&plan, &[1, 5, 30, 60]);
        let start = Instant::now();
        let when = (start, Duration::ZERO);
        let actions = actions(&plan.phases[0], when, open, &crowd, &mut Dice::new(1, 1));
        assert!(actions.is_sorted_by_key(|action| action.at));
        (start, actions)
    }

    fn count(actions: &[Action], deed: Deed) -> usize {
        actions.iter().filter(|action| action.deed == deed).count()
    }

    #[test]
    fn a_ramp_brings_the_missing_browsers_over_its_whole_time() {
        let mut open = 100;
        let (start, actions) = plan("kind = \"ramp\"\nbrowsers = 1100", &mut open);
        assert_eq!((open, actions.len(), count(&actions, Deed::Arrive)), (1100, 1000, 1000));
        let half = actions.iter().filter(|action| action.at < start + Duration::from_secs(5)).count();
        assert!((430..570).contains(&half), "{half} of 1000 in the first half");
        assert!(actions.iter().all(|action| action.at < start + Duration::from_secs(10)));
        let mut browsers: Vec<_> = actions.iter().map(|action| action.browser).collect();
        browsers.sort_unstable();
        assert!(browsers.into_iter().eq(100..1100));
    }

    #[test]
    fn a_storm_drops_a_share_and_brings_it_back_within_its_time() {
        let mut open = 200;
        let text = "kind = \"storm\"\nreconnect_percent = 25\nwithin = \"2s\"\nbrowsers = 10";
        let (start, actions) = plan(text, &mut open);
        assert_eq!((open, count(&actions, Deed::Drop), count(&actions, Deed::Arrive)), (210, 50, 60));
        assert!(actions.iter().all(|action| action.at <= start + Duration::from_secs(2)));
        for dropped in actions.iter().filter(|action| action.deed == Deed::Drop) {
            let back = actions.iter().find(|a| a.deed == Deed::Arrive && a.browser == dropped.browser);
            assert!(back.unwrap().at >= dropped.at);
        }
    }

    #[test]
    fn nothing_is_done_on_the_pages_of_idle_browsers() {
        let mut open = 100;
        let (_, actions) =
            plan_of("[population]\nidle = 70", "kind = \"hold\"\nreloads_per_second = 500", &mut open);
        let who: std::collections::BTreeSet<_> = actions.iter().map(|action| action.browser).collect();
        assert_eq!(actions.len(), 5000);
        assert!((20..40).contains(&who.len()), "{} of 100 change pages", who.len());
    }

    #[test]
    fn users_who_are_there_change_their_status() {
        let mut open = 50;
        let login = "[estate]\nown_presence = \"login\"";
        let (_, actions) = plan_of(login, "kind = \"hold\"\nown_changes_per_second = 9", &mut open);
        assert_eq!(count(&actions, Deed::Change), 90);
        let who: std::collections::BTreeSet<_> = actions.iter().map(|action| action.browser).collect();
        assert_eq!(who, [1, 5, 30].into(), "the last one is not there yet");
    }

    #[test]
    fn a_quiet_hour_has_less_of_everything() {
        // Ten seconds are ten hours.
        let day = "[day]\nstarts = \"00:00\"\npace = 3600\n[day.rates]\n\"04:59\" = 0.5\n\"05:00\" = 2.0\n\"23:59\" = 2\n\"00:00\" = 0.5";
        let mut open = 50;
        let (start, actions) = plan_of(day, "kind = \"hold\"\nreloads_per_second = 400", &mut open);
        let half = start + Duration::from_secs(5);
        let early = actions.iter().filter(|action| action.at < half).count();
        assert!((900..1100).contains(&early), "{early}, half of 400 a second");
        assert!((3800..4200).contains(&(actions.len() - early)), "{} in all", actions.len());
    }

    #[test]
    fn a_hold_changes_pages_and_a_drain_empties() {
        let mut open = 50;
        let (_, actions) = plan("kind = \"hold\"\nreloads_per_second = 4", &mut open);
        assert_eq!((open, count(&actions, Deed::Reload), actions.len()), (50, 40, 40));
        let (_, actions) = plan("kind = \"drain\"", &mut open);
        assert_eq!((open, count(&actions, Deed::Leave)), (0, 50));
        let (_, actions) = plan("kind = \"hold\"\nreloads_per_second = 4", &mut open);
        assert!(actions.is_empty(), "nobody is there");
        open = 50;
        let (_, actions) = plan("kind = \"drain\"\nreloads_per_second = 40", &mut open);
        let reloads = count(&actions, Deed::Reload);
        assert!((120..280).contains(&reloads), "{reloads} of 400 by those who are still there");
        for left in actions.iter().filter(|action| action.deed == Deed::Leave) {
            let after = actions.iter().any(|action| action.browser == left.browser && action.at > left.at);
            assert!(!after, "who has left does nothing");
        }
    }
}
