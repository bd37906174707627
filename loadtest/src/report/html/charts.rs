//! What happened over time, and how times are distributed.

use crate::measure::Transport;
use crate::report::chart::{Axis, Mark, Series, chart};
use crate::report::hours;
use crate::report::results::{Results, Tick};
use crate::report::style;

const MEBIBYTE: f64 = 1_048_576.0;

/// All charts; of less than two seconds there are none over time.
pub(super) fn all(page: &mut String, results: &Results) {
    if results.timeline.len() > 1 {
        over_time(page, results);
    }
    distribution(page, results);
}

/// Where each phase begins.
fn marks(results: &Results) -> Vec<Mark<'_>> {
    let (mut marks, mut before) = (Vec::new(), None);
    for tick in &results.timeline {
        if before != Some(tick.phase) {
            let name = results.phases.get(tick.phase).map_or("", |phase| phase.name.as_str());
            marks.push(Mark((tick.at - 1.0).max(0.0), name));
            before = Some(tick.phase);
        }
    }
    marks
}

fn over_time(page: &mut String, results: &Results) {
    page.push_str("<h2>Over time</h2>");
    let ticks = &results.timeline;
    let marks = marks(results);
    let x = hours::axis(ticks, ticks.last().map_or(1.0, |tick| tick.at));
    let line = |name, value: &dyn Fn(&Tick) -> Option<f64>| Series {
        name,
        points: ticks.iter().map(|tick| (tick.at, value(tick))).collect(),
    };
    let highest = |series: &[Series]| {
        series.iter().flat_map(|line| &line.points).filter_map(|point| point.1).fold(0.0, f64::max)
    };
    let mut draw = |title: &str, about: &str, y: &Axis, series: &[Series]| {
        page.push_str(&chart(title, about, &x, y, series, &marks));
    };
    let delays = [
        line("half within", &|tick| tick.p50),
        line("99 of 100 within", &|tick| tick.p99),
        line("slowest", &|tick| tick.max),
    ];
    let lowest = delays[0].points.iter().filter_map(|point| point.1).fold(f64::INFINITY, f64::min);
    let count = |count: f64| style::count(count as u64);
    if lowest.is_finite() {
        let y = Axis::decades(lowest, highest(&delays), style::seconds);
        let about = "How long changes of this second took until browsers had them. Each step up is ten times as long.";
        draw("From change to browser", about, &y, &delays);
    }
    let rates = [line("changes delivered per second", &|tick| Some(tick.delivered))];
    let y = Axis::linear(highest(&rates), count);
    if highest(&rates) > 0.0 {
        draw("Deliveries", "A change counts once for each browser that was told.", &y, &rates);
    }
    let failures = |tick: &Tick| tick.failures.values().sum::<u64>() as f64;
    if ticks.iter().any(|tick| failures(tick) > 0.0) {
        let failures = [line("failures per second", &|tick| Some(failures(tick)))];
        let y = Axis::linear(highest(&failures), count);
        draw("Failures", "Pages that did not come up, and channels that were lost.", &y, &failures);
    }
    let browsers = [
        line("ready", &|tick| Some(tick.open as f64)),
        line("on their way", &|tick| Some(tick.coming as f64)),
        line("should be there at the end of the phase", &|tick| Some(tick.wanted as f64)),
    ];
    let y = Axis::linear(highest(&browsers), count);
    draw("Browsers", "Ready: with the states of everybody on their lists.", &y, &browsers);
    let cpu = [
        line("gateway", &|tick| Some(tick.cpu[0])),
        line("generator", &|tick| Some(tick.cpu[1])),
        line("community", &|tick| Some(tick.cpu[2])),
    ];
    let y = Axis::linear(highest(&cpu), |cores| format!("{} %", (cores * 100.0).round()));
    draw("CPU", "100 % is one core.", &y, &cpu);
    let memory = [
        line("gateway", &|tick| Some(tick.memory[0] as f64 / MEBIBYTE)),
        line("generator", &|tick| Some(tick.memory[1] as f64 / MEBIBYTE)),
        line("community", &|tick| Some(tick.memory[2] as f64 / MEBIBYTE)),
    ];
    let y = Axis::linear(highest(&memory), |mebibytes| format!("{mebibytes:.0} MiB"));
    draw("Memory", "What the processes hold, shared parts included.", &y, &memory);
}

/// Times over percentiles: how bad is the worst percent, the worst of a thousand?
fn distribution(page: &mut String, results: &Results) {
    let parts = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999];
    let labels = ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"];
    let nines = |part: f64| -(1.0 - part).log10();
    let mut series = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for transport in Transport::ALL {
        let updates = results.updates_over(transport);
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
    let about = "99 % of all changes were in the browser within the time above &quot;99 %&quot;; one of 100 took longer.";
    page.push_str(&chart("From change to browser", about, &x, &y, &series, &[]));
}
