//! Moments in UTC, as a configuration and a person write them.

use std::fmt;

use toml::de::DeValue;
use toml::value::{Datetime, Offset};

use super::value::{FromValue, Wrong};

const DAY: i64 = 86_400;

/// Whole seconds since 1970-01-01 UTC; shown as `2026-12-31T23:59:59Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// `None` before 1970 and for a local time: servers in different places would read it differently. A date
    /// alone is its first second in UTC.
    fn of(written: &Datetime) -> Option<Self> {
        let date = written.date?;
        let (time, offset) = match (written.time, written.offset) {
            (None, None) => (0, 0),
            (Some(time), Some(offset)) => {
                let minutes = match offset {
                    Offset::Z => 0,
                    Offset::Custom { minutes } => i64::from(minutes),
                };
                let second = i64::from(time.second.unwrap_or(0));
                (i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + second, minutes * 60)
            }
            _ => return None,
        };
        let days = days(i64::from(date.year), i64::from(date.month), i64::from(date.day));
        u64::try_from(days * DAY + time - offset).ok().map(Self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens can claim any number of milliseconds.
        let Some(seconds) = i64::try_from(self.0).ok().filter(|seconds| *seconds < 10_000 * 366 * DAY) else {
            return write!(f, "second {} after 1970", self.0);
        };
        let (year, month, day) = date(seconds / DAY);
        let second = seconds % DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromValue for Moment {
    fn expected() -> String {
        "a moment such as 2026-12-31T23:59:59Z, without quotes".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let DeValue::Datetime(written) = value else { return Err(Wrong::Type) };
        let wrong = || Wrong::Value(format!("{written} could mean several moments; write it in UTC, with Z"));
        Self::of(written).ok_or_else(wrong)
    }

    fn literal(&self) -> String {
        self.to_string()
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that the leap
/// day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The other way round.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        Moment::of(&text.parse().unwrap()).map(|moment| moment.0)
    }

    #[test]
    fn moments_are_read_in_utc_only() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600)),
            ("2026-01-01T01:30:00+01:30", Some(1_767_225_600)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199)),
            ("2026-01-01T00:00:00", None),
            ("1969-12-31", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for second in [0, 951_782_399, 951_782_400, 1_709_251_199, 1_767_225_600, 4_294_967_295] {
            assert_eq!(read(&Moment(second).to_string()), Some(second), "{}", Moment(second));
        }
        assert_eq!(Moment(u64::MAX).to_string(), "second 18446744073709551615 after 1970");
    }
}
