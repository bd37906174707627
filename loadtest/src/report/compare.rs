//! Two results side by side, and which differences are more than noise.

use std::fmt::Write;

use super::results::Results;
use super::style;
use super::summary::headline;
use crate::measure::Latency;

/// Differences below this part are not worth a word, however sure they are.
const WORTH: f64 = 0.05;
/// Of a normal distribution: 99 of 100 times the true value is inside.
const SURE: f64 = 2.576;

/// A table as text, with a line end.
pub fn compare(a: &Results, b: &Results) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "A  {}\nB  {}", title(a), title(b));
    if a.plan != b.plan || a.seed != b.seed {
        let _ = writeln!(text, "\nThe plans or seeds differ: differences need not come from the gateway.");
    }
    let _ = writeln!(text, "\n{:<28} {:>12} {:>12} {:>9}", "", "A", "B", "B to A");
    for (name, a, b) in
        [("change to browser", a.updates(), b.updates()), ("start to complete list", a.lists(), b.lists())]
    {
        for (part, label) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")] {
            let (Some(found_a), Some(found_b)) = (interval(&a, part), interval(&b, part)) else { continue };
            row(&mut text, &format!("{name} {label}"), found_a, found_b, style::seconds);
        }
    }
    for phase in &a.phases {
        let other = b.phases.iter().find(|other| other.name == phase.name);
        if let (Some(a), Some(b)) = (a.cost(phase), other.and_then(|phase| b.cost(phase))) {
            // Ticks of 10 ms are the resolution; what else varies from run to run is not known.
            let name = format!("gateway µs/change, {}", phase.name);
            row(&mut text, &name, around(a), around(b), style::digits);
        }
    }
    if let (Some(a), Some(b)) = (a.memory_of_gateway(), b.memory_of_gateway()) {
        let show = |bytes: f64| style::bytes(bytes as u64);
        row(&mut text, "gateway memory per browser", around(a as f64), around(b as f64), show);
    }
    text.push_str(
        "\n* more than the noise: the 99 % intervals of the percentiles do not meet (CPU and memory: 10 % apart), and \
         the difference is over 5 %. Two runs cannot tell what changes from run to run: repeat before you believe.\n",
    );
    text
}

/// A value with the limits of its noise.
struct Noisy {
    low: f64,
    value: f64,
    high: f64,
}

/// One run has no noise of its own to show; a tenth is what runs of the same differ by.
fn around(value: f64) -> Noisy {
    Noisy { low: value * 0.95, value, high: value * 1.05 }
}

/// The percentile, and those at the ranks between which the true one lies (binomial, by its normal
/// approximation).
fn interval(latency: &Latency, part: f64) -> Option<Noisy> {
    let count = latency.count() as f64;
    let spread = SURE * (part * (1.0 - part) / count).sqrt();
    let at = |part: f64| Some(latency.quantile(part.clamp(0.0, 1.0))?.as_secs_f64());
    Some(Noisy { low: at(part - spread)?, value: at(part)?, high: at(part + spread)? })
}

fn row(text: &mut String, name: &str, a: Noisy, b: Noisy, show: impl Fn(f64) -> String) {
    let change = b.value / a.value - 1.0;
    let apart = a.high < b.low || b.high < a.low;
    let mark = if apart && change.abs() > WORTH { " *" } else { "" };
    let (a, b, percent) = (show(a.value), show(b.value), change * 100.0);
    let _ = writeln!(text, "{name:<28} {a:>12} {b:>12} {percent:>+7.1} %{mark}");
}

fn title(results: &Results) -> String {
    format!("{}, seed {}, {}: {}", results.name, results.seed, results.versions.gateway, headline(results))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around_ms(center: u64, count: u64) -> Latency {
        Latency::from_buckets((0..count).map(|number| (center * 1000 + number % 100 * 10, 1)))
    }

    #[test]
    fn only_what_exceeds_the_noise_is_marked() {
        let line = |a: &Latency, b: &Latency| {
            let mut text = String::new();
            row(&mut text, "x", interval(a, 0.5).unwrap(), interval(b, 0.5).unwrap(), style::seconds);
            text
        };
        let base = around_ms(10, 5000);
        assert!(line(&base, &around_ms(20, 5000)).ends_with("*\n"));
        assert!(!line(&base, &around_ms(10, 3000)).contains('*'));
        // A big difference of a few samples with a wide spread is noise.
        let few = Latency::from_buckets([(1_000, 2), (15_000, 1), (40_000, 2)]);
        assert!(!line(&base, &few).contains('*'));
    }
}
