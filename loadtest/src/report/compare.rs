//! Two results side by side, and which differences are more than noise.

use std::fmt::Write;

use super::chart::escape;
use super::html::{end, head, table};
use super::results::{Results, Tick};
use super::style;
use super::summary::headline;
use crate::measure::Latency;

/// Differences below this part are not worth a word, however sure they are.
const WORTH: f64 = 0.05;
/// Of a normal distribution: 99 of 100 times the true value is inside.
const SURE: f64 = 2.576;
/// What the memory of two runs of the same differs by, in bytes: allocators take it in large pieces.
const PIECES: f64 = 1_048_576.0;

const NOISE: &str = "more than the noise: the 99 % intervals do not meet, and the difference is over 5 %. What happens in \
    one second belongs together, so a test has as many independent samples as it has seconds. CPU and memory \
    have to be 10 % apart beyond that, memory a MiB more. Two runs cannot tell what changes from run to run: repeat before you believe.";

const SHORT: &str =
    "too short to tell: a p90 needs 50 seconds of test, a p99 nine minutes, a p99.9 an hour and a half.";
/// The chance that no sample is above a percentile; where it is greater, nobody knows how far up it may be.
const UNSEEN: f64 = 0.005;

/// What is compared, as text.
struct Row {
    name: String,
    a: String,
    b: String,
    change: String,
    verdict: Verdict,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// Nothing: runs of the same differ by as much.
    Noise,
    /// The tests were too short to know this percentile.
    TooShort,
    /// Something.
    Apart,
}

/// A table as text, with a line end.
pub fn compare(a: &Results, b: &Results) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "A  {}\nB  {}", title(a), title(b));
    for remark in remarks(a, b) {
        let _ = writeln!(text, "\n{remark}");
    }
    let _ = writeln!(text, "\n{:<31} {:>12} {:>12} {:>9}", "", "A", "B", "B to A");
    for Row { name, a, b, change, verdict } in rows(a, b) {
        let mark = match verdict {
            Verdict::Noise => "",
            Verdict::TooShort => " ?",
            Verdict::Apart => " *",
        };
        let _ = writeln!(text, "{name:<31} {a:>12} {b:>12} {change:>9}{mark}");
    }
    let _ = writeln!(text, "\n* {NOISE}\n? {SHORT}");
    text
}

/// The same as a page of HTML.
pub fn comparison_page(a: &Results, b: &Results) -> String {
    let mut page = head(&format!("{} and {}", a.name, b.name));
    let rows = rows(a, b);
    let apart = rows.iter().filter(|row| row.verdict == Verdict::Apart).count();
    let differences = style::several(apart, "difference");
    let verb = if apart == 1 { "is" } else { "are" };
    let _ = write!(
        page,
        "<h1>{differences} of {} {verb} more than noise</h1>",
        style::several(rows.len(), "figure")
    );
    let _ = write!(page, "<p><b>A</b> {}<br><b>B</b> {}</p>", escape(&title(a)), escape(&title(b)));
    for remark in remarks(a, b) {
        let _ = write!(page, "<p>{}</p>", escape(&remark));
    }
    let cells = |row: Row| {
        let mark = match row.verdict {
            Verdict::Noise => "",
            Verdict::TooShort => "too short to tell",
            Verdict::Apart => "more than noise",
        };
        vec![row.name, row.a, row.b, row.change, mark.to_owned()]
    };
    let rows: Vec<_> = rows.into_iter().map(cells).collect();
    table(&mut page, &["", "A", "B", "B to A", ""], &rows);
    let noise = escape(NOISE.trim_start_matches("more than the noise: "));
    let short = escape(SHORT.trim_start_matches("too short to tell: "));
    let _ = write!(
        page,
        "<p class=\"what\"><b>more than noise</b>: {noise} <b>too short to tell</b>: {short}</p>"
    );
    end(page)
}

/// What has to be known before the figures are compared.
fn remarks(a: &Results, b: &Results) -> Vec<String> {
    let mut remarks = Vec::new();
    if a.plan != b.plan || a.seed != b.seed || a.part != b.part || a.generators.len() != b.generators.len() {
        remarks.push(
            "The plans, seeds or generators differ: differences need not come from the gateway.".to_owned(),
        );
    }
    for (name, results) in [("A", a), ("B", b)] {
        let count = results.warnings.len();
        if count > 0 {
            remarks.push(format!(
                "{name} is to be read with care: its own report says why ({}).",
                style::several(count, "remark")
            ));
        }
    }
    remarks
}

fn rows(a: &Results, b: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, one, other) in [
        ("change to browser", a.updates(), b.updates()),
        ("change on page to browser", a.own().updates, b.own().updates),
        ("start to complete list", a.lists(), b.lists()),
    ] {
        for (part, label) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")] {
            let found = (interval(&one, part, a.seconds), interval(&other, part, b.seconds));
            let (Some(one), Some(other)) = found else { continue };
            rows.push(row(format!("{name} {label}"), &one, &other, style::seconds));
        }
    }
    for phase in &a.phases {
        if let (Some(one), Some(other)) = (cost(a, &phase.name), cost(b, &phase.name)) {
            rows.push(row(format!("gateway µs/change, {}", phase.name), &one, &other, style::digits));
        }
    }
    if let (Some(one), Some(other)) = (a.memory_of_gateway(), b.memory_of_gateway()) {
        let show = |bytes: f64| style::bytes(bytes as u64);
        let noisy = |bytes: u64, results: &Results| {
            around(bytes as f64, PIECES / 2.0 / results.memory.browsers.max(1) as f64)
        };
        rows.push(row("gateway memory per browser".to_owned(), &noisy(one, a), &noisy(other, b), show));
    }
    rows
}

/// A value with the limits of its noise.
struct Noisy {
    low: f64,
    value: f64,
    high: f64,
}

/// One run has no noise of its own to show; a tenth is what runs of the same differ by, and so much more.
fn around(value: f64, more: f64) -> Noisy {
    Noisy { low: value * 0.95 - more, value, high: value * 1.05 + more }
}

/// The percentile, and those at the ranks between which the true one lies (binomial, by its normal
/// approximation). A change reaches many browsers, and a slow moment slows everything: each second is one sample.
fn interval(latency: &Latency, part: f64, seconds: f64) -> Option<Noisy> {
    let count = (latency.count() as f64).min(seconds.max(1.0));
    let spread = SURE * (part * (1.0 - part) / count).sqrt();
    let at = |part: f64| Some(latency.quantile(part.clamp(0.0, 1.0))?.as_secs_f64());
    let high = if part.powf(count) > UNSEEN { f64::INFINITY } else { at(part + spread)? };
    Some(Noisy { low: at(part - spread)?, value: at(part)?, high })
}

/// Of the phase of this name, with what it varies by from second to second (as of a ratio of sums).
fn cost(results: &Results, phase: &str) -> Option<Noisy> {
    let (place, phase) = results.phases.iter().enumerate().find(|(_, one)| one.name == phase)?;
    let value = results.cost(phase)?;
    let seconds = || results.timeline.iter().filter(|tick| tick.phase == place);
    let count = seconds().count().max(2) as f64;
    let delivered: f64 = seconds().map(|tick| tick.delivered).sum();
    let off = |tick: &Tick| tick.cpu[0] * 1e6 - value * tick.delivered;
    let squares: f64 = seconds().map(|tick| off(tick).powi(2)).sum();
    let spread = (squares * count / (count - 1.0)).sqrt() / delivered.max(1.0);
    Some(around(value, SURE * spread))
}

fn row(name: String, a: &Noisy, b: &Noisy, show: impl Fn(f64) -> String) -> Row {
    let change = b.value / a.value - 1.0;
    let verdict = if change.abs() <= WORTH {
        Verdict::Noise
    } else if a.high < b.low || b.high < a.low {
        Verdict::Apart
    } else if a.high.is_infinite() || b.high.is_infinite() {
        Verdict::TooShort
    } else {
        Verdict::Noise
    };
    Row { name, a: show(a.value), b: show(b.value), change: format!("{:+.1} %", change * 100.0), verdict }
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
        let apart = |a: &Latency, b: &Latency, seconds: f64| {
            let found = |latency| interval(latency, 0.5, seconds).unwrap();
            row("x".into(), &found(a), &found(b), style::seconds).verdict == Verdict::Apart
        };
        let base = around_ms(10, 5000);
        assert!(apart(&base, &around_ms(20, 5000), 60.0));
        assert!(!apart(&base, &around_ms(10, 3000), 60.0));
        // A big difference of a few samples with a wide spread is noise.
        let few = Latency::from_buckets([(1_000, 2), (15_000, 1), (40_000, 2)]);
        assert!(!apart(&base, &few, 60.0));
        // So is one of many that come from a few slow moments.
        let moments = Latency::from_buckets([(10_000, 2300), (30_000, 2700)]);
        assert!(!apart(&base, &moments, 20.0) && apart(&base, &moments, 5000.0));
    }

    #[test]
    fn a_short_test_does_not_know_its_rare_times() {
        let rare = |latency: &Latency, seconds| interval(latency, 0.99, seconds).unwrap();
        let (good, bad) = (around_ms(10, 50_000), around_ms(30, 50_000));
        let verdict =
            |seconds| row("x".into(), &rare(&good, seconds), &rare(&bad, seconds), style::seconds).verdict;
        assert_eq!((verdict(60.0), verdict(600.0)), (Verdict::TooShort, Verdict::Apart));
    }

    #[test]
    fn memory_of_a_few_browsers_says_little() {
        let apart = |browsers: f64| {
            let noisy = |value| around(value, PIECES / 2.0 / browsers);
            row("x".into(), &noisy(30_000.0), &noisy(36_000.0), style::digits).verdict == Verdict::Apart
        };
        assert!(apart(10_000.0) && !apart(100.0));
    }
}
