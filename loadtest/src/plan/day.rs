//! How much happens at which hour: the shape of a working day over the rates of a plan.

use std::str::FromStr;
use std::time::Duration;

const HOURS: f64 = 24.0;

/// A working day of people who come between seven and nine, eat at noon, and leave from four on. Most happens when
/// they have come and when they are back from lunch.
const WORKING_DAY: [(f64, f64); 13] = [
    (0.0, 0.02),
    (5.0, 0.02),
    (7.0, 0.2),
    (9.0, 1.0),
    (10.0, 0.8),
    (11.5, 0.7),
    (12.5, 0.3),
    (13.5, 0.9),
    (14.5, 0.7),
    (16.5, 0.6),
    (18.0, 0.2),
    (20.0, 0.05),
    (22.0, 0.02),
];

/// A time of day as plans write it, `"07"` or `"07:30"`, in hours since midnight.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct TimeOfDay(pub f64);

/// The clock of a test, and how much of each rate of the plan there is at which time.
#[derive(Clone, Debug)]
pub struct Day {
    /// What the clock shows when the test begins.
    pub starts: TimeOfDay,
    /// So many times faster than life.
    pub pace: f64,
    /// Part of the plan's rates, by time of day, ascending; evenly from one to the next, around midnight as well.
    /// Never empty.
    pub rates: Vec<(TimeOfDay, f64)>,
}

impl Day {
    /// The rates of a day at an office.
    pub fn working() -> Vec<(TimeOfDay, f64)> {
        WORKING_DAY.map(|(hour, rate)| (TimeOfDay(hour), rate)).to_vec()
    }

    /// What the clock shows when so much of the plan's time is over, in hours since midnight.
    pub fn hour(&self, since: Duration) -> f64 {
        (self.starts.0 + since.as_secs_f64() * self.pace / 3600.0) % HOURS
    }

    /// The part of the plan's rates at this time.
    pub fn rate(&self, since: Duration) -> f64 {
        let hour = self.hour(since);
        let after = self.rates.partition_point(|(at, _)| at.0 <= hour);
        let (Some(first), Some(last)) = (self.rates.first(), self.rates.last()) else { return 1.0 };
        let before = after.checked_sub(1).and_then(|index| self.rates.get(index));
        let (from, low) = before.map_or((last.0.0 - HOURS, last.1), |(at, rate)| (at.0, *rate));
        let (to, high) =
            self.rates.get(after).map_or((first.0.0 + HOURS, first.1), |(at, rate)| (at.0, *rate));
        low + (high - low) * (hour - from) / (to - from)
    }

    /// The largest part there is.
    pub fn busiest(&self) -> f64 {
        self.rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max)
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (hours, minutes) = text.split_once(':').unwrap_or((text, "0"));
        let number = |text: &str, below: u32| text.parse().ok().filter(|number: &u32| *number < below);
        match (number(hours, 24), number(minutes, 60)) {
            (Some(hours), Some(minutes)) => Ok(Self(f64::from(hours) + f64::from(minutes) / 60.0)),
            _ => Err(format!("expected a time of day such as \"07:30\", found \"{text}\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(starts: &str, pace: f64, rates: &[(&str, f64)]) -> Day {
        let rates = rates.iter().map(|(at, rate)| (at.parse().unwrap(), *rate)).collect();
        Day { starts: starts.parse().unwrap(), pace, rates }
    }

    #[test]
    fn the_clock_runs_at_its_pace_and_around_midnight() {
        let day = day("22:30", 60.0, &[("00", 1.0)]);
        let near = |seconds, hour: f64| {
            let found = day.hour(Duration::from_secs(seconds));
            assert!((found - hour).abs() < 1e-9, "{found}");
        };
        near(0, 22.5);
        near(60, 23.5);
        near(120, 0.5);
        near(24 * 60 + 30, 23.0);
    }

    #[test]
    fn rates_go_evenly_from_one_time_to_the_next() {
        let day = day("00", 3600.0, &[("06", 0.0), ("08", 1.0), ("20", 0.4)]);
        let near = |hour, rate: f64| {
            let found = day.rate(Duration::from_secs_f64(hour));
            assert!((found - rate).abs() < 1e-9, "{found} at {hour}");
        };
        near(6.0, 0.0);
        near(7.0, 0.5);
        near(8.0, 1.0);
        near(14.0, 0.7);
        near(20.0, 0.4);
        near(22.0, 0.32);
        near(1.0, 0.2);
        near(5.0, 0.04);
        assert!((day.busiest() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_office_is_busy_in_the_morning_and_after_lunch_and_quiet_at_night() {
        let rates = Day::working();
        assert!(rates.is_sorted_by(|one, next| one.0 < next.0));
        let day = Day { starts: TimeOfDay(0.0), pace: 3600.0, rates };
        let rate = |hour: u64| day.rate(Duration::from_secs(hour));
        assert!(rate(9) > rate(11) && rate(9) > rate(7) && rate(14) > rate(12) && rate(14) > rate(17));
        assert!(rate(3) < 0.05 && (day.busiest() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn times_of_day_are_read() {
        assert_eq!("07:30".parse(), Ok(TimeOfDay(7.5)));
        assert_eq!("7".parse(), Ok(TimeOfDay(7.0)));
        for text in ["", "24", "07:60", "7:3x", "-1", "noon"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
