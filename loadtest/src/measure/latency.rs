//! Times in a histogram of high dynamic range: three digits of precision from a microsecond to minutes.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Longer times count as this long.
const LONGEST: u64 = 600_000_000;
const DIGITS: u8 = 3;

/// Recorded times, in microseconds. Kept as its buckets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<(u64, u64)>", from = "Vec<(u64, u64)>")]
pub struct Latency(Option<Histogram<u64>>);

impl Latency {
    /// Nothing yet; memory comes with the first time.
    pub const fn new() -> Self {
        Self(None)
    }

    /// One time.
    pub fn record(&mut self, micros: u64) {
        self.record_many(micros, 1);
    }

    /// The same time for several.
    pub fn record_many(&mut self, micros: u64, count: u64) {
        if self.0.is_none() {
            self.0 = Histogram::new_with_bounds(1, LONGEST, DIGITS).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record_n(micros.clamp(1, LONGEST), count);
        }
    }

    /// Takes over the times of another.
    pub fn merge(&mut self, other: &Self) {
        for (micros, count) in other.buckets() {
            self.record_many(micros, count);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The time within which this part (0 to 1) of all lies; `None` without any.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        // The bucket's upper end could be above the largest time there was.
        Some(Duration::from_micros(histogram.value_at_quantile(part).min(histogram.max())))
    }

    /// The longest.
    pub fn max(&self) -> Option<Duration> {
        self.quantile(1.0)
    }

    /// The mean, in microseconds.
    pub fn mean(&self) -> Option<f64> {
        self.0.as_ref().filter(|histogram| !histogram.is_empty()).map(Histogram::mean)
    }

    /// Raw: times in microseconds and how many there were of each.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let recorded = self.0.iter().flat_map(Histogram::iter_recorded);
        recorded.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }

    /// The same again from [`Self::buckets`].
    pub fn from_buckets(buckets: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut latency = Self::new();
        for (micros, count) in buckets {
            latency.record_many(micros, count);
        }
        latency
    }
}

impl From<Latency> for Vec<(u64, u64)> {
    fn from(latency: Latency) -> Self {
        latency.buckets().collect()
    }
}

impl From<Vec<(u64, u64)>> for Latency {
    fn from(buckets: Vec<(u64, u64)>) -> Self {
        Self::from_buckets(buckets)
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut latency = Latency::new();
        assert_eq!(latency.quantile(0.5), None);
        for micros in 1..=1000 {
            latency.record(micros * 100);
        }
        let near = |latency: &Latency, part: f64, micros: f64| {
            let found = latency.quantile(part).unwrap().as_micros() as f64;
            assert!((found / micros - 1.0).abs() < 0.002, "{part}: {found}");
        };
        near(&latency, 0.5, 50_000.0);
        near(&latency, 0.99, 99_000.0);
        near(&latency, 1.0, 100_000.0);
        latency.record(u64::MAX);
        near(&latency, 1.0, LONGEST as f64);
    }

    #[test]
    fn buckets_keep_everything_and_merge() {
        let mut one = Latency::from_buckets([(5, 2), (70_000, 3)]);
        let two = Latency::from_buckets(one.buckets());
        one.merge(&two);
        assert_eq!((one.count(), two.count()), (10, 5));
        assert_eq!(one.quantile(0.5), two.quantile(0.5));
    }
}
