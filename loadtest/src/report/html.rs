//! Results as one page of HTML that needs nothing else: light, dark and printed.

use std::fmt::Write;

use super::chart::{Axis, Mark, Series, chart, escape};
use super::results::{Results, Tick, explanation};
use super::style;
use super::summary::{figures, headline, table, trouble};
use crate::measure::{Latency, Transport};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(results: &Results) -> String {
    let mut page = String::new();
    let name = escape(&results.name);
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Load test {name}</title>\
         <style>{STYLE}</style></head><body><main>"
    );
    let good = results.exit_code() == 0;
    let _ = write!(page, "<header class=\"{}\">", if good { "good" } else { "bad" });
    let _ = write!(page, "<h1>{}</h1>", escape(&headline(results)));
    for line in trouble(results) {
        let _ = write!(page, "<p>{}</p>", escape(&line));
    }
    page.push_str("</header>");
    let _ = write!(
        page,
        "<p class=\"what\">Load test <b>{name}</b>, seed {}, {}, {:.0} s, against {} ({}).</p>",
        results.seed,
        date(results.started as u64),
        results.seconds,
        escape(&results.target),
        escape(&results.versions.gateway)
    );
    tiles(&mut page, results);
    phases(&mut page, results);
    charts(&mut page, results);
    page.push_str("<h2>In words</h2><ul>");
    for line in figures(results) {
        let _ = write!(page, "<li>{}</li>", escape(&line));
    }
    page.push_str("</ul>");
    doubts(&mut page, results);
    let _ = write!(
        page,
        "<h2>How it was measured</h2><p>{METHOD}</p><details><summary>The plan</summary><pre>{}</pre></details>\
         <p class=\"what\">{} on {}, {}.</p></main></body></html>",
        escape(&results.plan),
        escape(&results.versions.generator),
        style::several(results.cores, "core"),
        style::several(results.threads, "generator thread")
    );
    page
}

const METHOD: &str = "The community writes the time into the status text of each change, and the browser compares when \
    it has read it: the time covers everything in between. A change belongs to the phase in which it was made, \
    whenever it arrives. The gateway sends newest states only; changes that were overtaken count with the time until \
    their successor came. Pages have a time at which they are to start, and their times count from then, whether \
    the gateway was ready or not; a page that is given up counts with the time it had waited. At the end of a phase changes stop, and every state that every browser holds is \
    compared with the community's.";

fn tiles(page: &mut String, results: &Results) {
    let updates = results.updates();
    let counts = results.counts();
    let failures: u64 = results.failures().iter().map(|(_, count)| count).sum();
    let most = results.phases.iter().map(|phase| phase.browsers).max().unwrap_or(0);
    let cost = results.phases.iter().filter_map(|phase| results.cost(phase)).fold(f64::NAN, f64::min);
    let cost = if cost.is_nan() { "–".to_owned() } else { format!("{} µs", style::digits(cost)) };
    let memory = results.memory_of_gateway().map_or_else(|| "–".to_owned(), style::bytes);
    let tiles = [
        ("browsers at most", style::count(most as u64)),
        ("half of all changes arrive within", style::maybe(updates.quantile(0.5))),
        ("99 of 100 within", style::maybe(updates.quantile(0.99))),
        ("the slowest took", style::maybe(updates.max())),
        ("changes delivered", style::count(counts.delivered)),
        ("failures", style::count(failures)),
        ("gateway CPU per delivered change", cost),
        ("gateway memory per browser", memory),
    ];
    page.push_str("<section class=\"tiles\">");
    for (what, value) in tiles {
        let _ = write!(page, "<div><b>{value}</b><span>{what}</span></div>");
    }
    page.push_str("</section>");
}

fn phases(page: &mut String, results: &Results) {
    let (head, rows) = table(results);
    page.push_str("<h2>Phases</h2><div class=\"wide\"><table><thead><tr>");
    for cell in head {
        let _ = write!(page, "<th>{cell}</th>");
    }
    page.push_str("</tr></thead><tbody>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escape(&cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>");
}

fn charts(page: &mut String, results: &Results) {
    let ticks = &results.timeline;
    if ticks.len() < 2 {
        return;
    }
    let mut marks = Vec::new();
    for (index, tick) in ticks.iter().enumerate() {
        if index == 0 || ticks.get(index - 1).is_some_and(|before| before.phase != tick.phase) {
            let name = results.phases.get(tick.phase).map_or("", |phase| phase.name.as_str());
            marks.push(Mark((tick.at - 1.0).max(0.0), name));
        }
    }
    let end = ticks.last().map_or(1.0, |tick| tick.at);
    let x = Axis::linear(end, |seconds| format!("{seconds:.0} s")).until(end);
    let line = |name, value: &dyn Fn(&Tick) -> Option<f64>| Series {
        name,
        points: ticks.iter().map(|tick| (tick.at, value(tick))).collect(),
    };
    let highest = |series: &[Series]| {
        series.iter().flat_map(|line| &line.points).filter_map(|point| point.1).fold(0.0, f64::max)
    };
    page.push_str("<h2>Over time</h2>");
    let delays = [
        line("half within", &|tick| tick.p50),
        line("99 of 100 within", &|tick| tick.p99),
        line("slowest", &|tick| tick.max),
    ];
    let lowest = delays[0].points.iter().filter_map(|point| point.1).fold(f64::INFINITY, f64::min);
    if lowest.is_finite() {
        let y = Axis::decades(lowest, highest(&delays), style::seconds);
        page.push_str(&chart("From change to browser", &x, &y, &delays, &marks));
    }
    let rates = [line("changes delivered per second", &|tick| Some(tick.delivered))];
    let y = Axis::linear(highest(&rates), |rate| style::count(rate as u64));
    page.push_str(&chart("Deliveries", &x, &y, &rates, &marks));
    let failures = |tick: &Tick| tick.failures.values().sum::<u64>() as f64;
    if ticks.iter().any(|tick| failures(tick) > 0.0) {
        let failures = [line("failures per second", &|tick| Some(failures(tick)))];
        let y = Axis::linear(highest(&failures), |count| style::count(count as u64));
        page.push_str(&chart("Failures", &x, &y, &failures, &marks));
    }
    let browsers = [
        line("ready", &|tick| Some(tick.open as f64)),
        line("on their way", &|tick| Some(tick.coming as f64)),
        line("should be there at the end of the phase", &|tick| Some(tick.wanted as f64)),
    ];
    let y = Axis::linear(highest(&browsers), |count| style::count(count as u64));
    page.push_str(&chart("Browsers", &x, &y, &browsers, &marks));
    let cpu = [
        line("gateway", &|tick| Some(tick.cpu[0])),
        line("generator", &|tick| Some(tick.cpu[1])),
        line("community", &|tick| Some(tick.cpu[2])),
    ];
    let y = Axis::linear(highest(&cpu), |cores| format!("{} %", (cores * 100.0).round()));
    page.push_str(&chart("CPU (100 % is one core)", &x, &y, &cpu, &marks));
    let memory = [
        line("gateway", &|tick| Some(tick.memory[0] as f64 / 1048576.0)),
        line("generator", &|tick| Some(tick.memory[1] as f64 / 1048576.0)),
        line("community", &|tick| Some(tick.memory[2] as f64 / 1048576.0)),
    ];
    let y = Axis::linear(highest(&memory), |mebibytes| format!("{mebibytes:.0} MiB"));
    page.push_str(&chart("Memory", &x, &y, &memory, &marks));
    distribution(page, results);
}

/// Times over percentiles: how bad is the worst percent, the worst of a thousand?
fn distribution(page: &mut String, results: &Results) {
    let parts = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999];
    let labels = ["all", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"];
    let nines = |part: f64| -(1.0 - part).log10();
    let mut series = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for transport in Transport::ALL {
        let mut updates = Latency::new();
        for phase in &results.phases {
            updates.merge(&phase.updates[transport.index()]);
        }
        let mut points = Vec::new();
        for step in 0..=80 {
            let nine = f64::from(step) / 20.0;
            // Beyond the last sample a percentile says nothing.
            let Some(time) = updates.quantile(1.0 - 10_f64.powf(-nine)) else { continue };
            if updates.count() as f64 >= 10_f64.powf(nine) {
                let time = time.as_secs_f64();
                (low, high) = (low.min(time), high.max(time));
                points.push((nine, Some(time)));
            }
        }
        if !points.is_empty() {
            series.push(Series { name: transport.name(), points });
        }
    }
    if !low.is_finite() {
        return;
    }
    let ticks = parts.iter().zip(labels).map(|(part, label)| (nines(*part), label.to_owned())).collect();
    let (x, y) = (Axis::given(0.0, 4.0, ticks), Axis::decades(low, high, style::seconds));
    page.push_str("<h2>How the times are distributed</h2>");
    page.push_str(&chart("So many of all changes arrive within", &x, &y, &series, &[]));
}

fn doubts(page: &mut String, results: &Results) {
    let failures = results.failures();
    if !failures.is_empty() {
        page.push_str("<h2>Failures</h2><table><tbody>");
        for (name, count) in failures {
            let (count, why) = (style::count(count), escape(explanation(&name)));
            let _ = write!(page, "<tr><td>{name}</td><td>{count}</td><td class=\"text\">{why}</td></tr>");
        }
        page.push_str("</tbody></table>");
    }
    if !results.warnings.is_empty() {
        page.push_str("<h2>Read with care</h2><ul>");
        for warning in &results.warnings {
            let _ = write!(page, "<li>{}</li>", escape(warning));
        }
        page.push_str("</ul>");
    }
}

/// UTC, from seconds since 1970 (Howard Hinnant's days-to-civil).
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", rest / 3600, rest / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_827_696), "2000-02-29 12:34 UTC");
        assert_eq!(date(1_795_476_000), "2026-11-23 23:20 UTC");
    }
}
