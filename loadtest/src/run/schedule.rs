//! Who does what when in a phase. Open model: times are drawn beforehand and do not wait for anybody.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::clients::{Action, Deed};
use crate::plan::{Dice, Kind, Phase};

/// The actions of a phase that begins at `start` with `open` browsers; updates `open`.
///
/// Times are independent and evenly distributed, as those of people who do not know of each other: a
/// Poisson process of which the number of events is known.
pub(super) fn actions(phase: &Phase, start: Instant, open: &mut usize, dice: &mut Dice) -> Vec<Action> {
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
    let reloads = (phase.reloads_per_second * phase.duration.as_secs_f64()).round() as usize;
    for _ in 0..if before > 0 { reloads } else { 0 } {
        let at = start + phase.duration.mul_f64(dice.share());
        let browser = dice.below(before);
        // Who has left does not change pages.
        if leaves.get(&browser).is_none_or(|left| at < *left) {
            actions.push(Action { at, browser, deed: Deed::Reload });
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

    fn phase(text: &str) -> Phase {
        let text = format!("[[phase]]\nduration = \"10s\"\n{text}\n");
        Plan::parse(Path::new("x"), &text).unwrap().phases.remove(0)
    }

    fn plan(text: &str, open: &mut usize) -> (Instant, Vec<Action>) {
        let start = Instant::now();
        let actions = actions(&phase(text), start, open, &mut Dice::new(1, 1));
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
