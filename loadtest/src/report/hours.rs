//! The time axis of charts: seconds of the test, or the clock of the day that it plays.

use super::chart::Axis;
use super::results::Tick;

/// In hours; the shortest that does not fill the axis.
const STEPS: [f64; 10] = [1.0 / 60.0, 1.0 / 12.0, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0];
const LABELS: f64 = 13.0;

/// From the beginning of the test to `end`.
pub(super) fn axis(ticks: &[Tick], end: f64) -> Axis {
    let hours = hours(ticks);
    let (Some((_, first)), Some((_, last))) = (hours.first(), hours.last()) else {
        return Axis::time(end);
    };
    let fits = |step: &f64| (last - first) / step <= LABELS;
    let step = STEPS.into_iter().find(fits).unwrap_or(((last - first) / LABELS / 24.0).ceil() * 24.0);
    let mut next = (first / step).ceil() * step;
    let mut labels = Vec::new();
    for pair in hours.windows(2) {
        let [(from, before), (to, after)] = pair else { continue };
        while next <= *after {
            let part = if after > before { (next - before) / (after - before) } else { 0.0 };
            labels.push((from + (to - from) * part.max(0.0), label(next)));
            next += step;
        }
    }
    Axis::given(0.0, end, labels)
}

/// Seconds of the test and hours since the midnight before it.
fn hours(ticks: &[Tick]) -> Vec<(f64, f64)> {
    let mut midnights = 0.0;
    let mut last = 0.0;
    let mut hours = Vec::new();
    for (at, hour) in ticks.iter().filter_map(|tick| Some((tick.at, tick.hour?))) {
        if hour < last {
            midnights += 24.0;
        }
        last = hour;
        hours.push((at, midnights + hour));
    }
    hours
}

/// `07:30`.
fn label(hour: f64) -> String {
    let minutes = (hour * 60.0).round() as u64 % (24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn tick(at: f64, hour: Option<f64>) -> Tick {
        Tick {
            at,
            phase: 0,
            hour,
            wanted: 0,
            open: 0,
            coming: 0,
            delivered: 0.0,
            failures: BTreeMap::new(),
            p50: None,
            p99: None,
            max: None,
            cpu: [0.0; 3],
            memory: [0; 3],
            lag: 0.0,
        }
    }

    fn labels(ticks: &[Tick]) -> Vec<(u64, String)> {
        let end = ticks.last().unwrap().at;
        let ticks = axis(ticks, end).ticks();
        ticks.into_iter().map(|(at, label)| (at.round() as u64, label)).collect()
    }

    #[test]
    fn full_hours_are_where_the_clock_showed_them() {
        // Four hours a second; a comparison of three seconds after the second one.
        let times = [1.0, 2.0, 6.0, 7.0];
        let ticks: Vec<_> =
            times.iter().zip([18.0, 22.0, 2.0, 6.0]).map(|(at, hour)| tick(*at, Some(hour))).collect();
        let found = labels(&ticks);
        assert_eq!(found.len(), 13);
        assert_eq!(found[0], (1, "18:00".to_owned()));
        assert_eq!(found[4], (2, "22:00".to_owned()));
        assert_eq!((&found[6], &found[12]), (&(4, "00:00".to_owned()), &(7, "06:00".to_owned())));
    }

    #[test]
    fn a_long_day_has_few_labels_and_a_test_without_one_has_seconds() {
        let ticks: Vec<_> = (0..=200).map(|n| tick(f64::from(n), Some(f64::from(n) % 24.0))).collect();
        let found = labels(&ticks);
        assert!((7..=14).contains(&found.len()) && found[1] == (24, "00:00".to_owned()), "{found:?}");
        let ticks: Vec<_> = (0..=20).map(|n| tick(f64::from(n), None)).collect();
        assert_eq!(labels(&ticks)[1], (5, "5 s".to_owned()));
    }
}
