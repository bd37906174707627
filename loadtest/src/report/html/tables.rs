//! The figures of a report.

use std::fmt::Write;

use crate::measure::Transport;
use crate::report::chart::escape;
use crate::report::results::{PhaseResult, Results, Used};
use crate::report::style;
use crate::report::summary::{label, table as columns};

/// What the columns of the table of phases mean.
const COLUMNS: &str = "<b>pages</b>: opened in the phase. <b>delivered</b>: changes that reached a browser, counted once for \
    each browser. <b>superseded</b>: overtaken by a newer change before they were sent. <b>p50</b>, <b>p99</b>: half of \
    them, 99 of 100 were in the browser within this time. <b>list p99</b>: 99 of 100 pages had all their names within. \
    <b>agreed after</b>: from the last change until every browser knew the truth.";

/// What is wrong stands out.
const WRONG: [&str; 3] = ["missed", "never", "no"];

/// A table; the first column is text.
pub(in crate::report) fn table(page: &mut String, head: &[&str], rows: &[Vec<String>]) {
    page.push_str("<div class=\"wide\"><table><thead><tr>");
    for cell in head {
        let _ = write!(page, "<th>{}</th>", escape(cell));
    }
    page.push_str("</tr></thead><tbody>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let class = if WRONG.contains(&cell.as_str()) { " class=\"wrong\"" } else { "" };
            let _ = write!(page, "<td{class}>{}</td>", escape(cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>");
}

pub(super) fn tiles(page: &mut String, results: &Results) {
    let updates = results.updates();
    let counts = results.counts();
    let failures: u64 = results.failures().iter().map(|(_, count)| count).sum();
    let cost = results.phases.iter().filter_map(|phase| results.cost(phase)).fold(f64::NAN, f64::min);
    let mut tiles = vec![
        ("browsers at most", style::count(results.browsers() as u64)),
        ("half of all changes are in the browser within", style::maybe(updates.quantile(0.5))),
        ("99 of 100 within", style::maybe(updates.quantile(0.99))),
        ("the slowest took", style::maybe(updates.max())),
        ("changes delivered", style::count(counts.delivered)),
        ("failures", style::count(failures)),
    ];
    if cost.is_finite() {
        tiles.push(("gateway CPU per delivered change", format!("{} µs", style::digits(cost))));
    }
    if let Some(memory) = results.memory_of_gateway() {
        tiles.push(("gateway memory per browser", style::bytes(memory)));
    }
    page.push_str("<section class=\"tiles\">");
    for (what, value) in tiles {
        let _ = write!(page, "<div><b>{value}</b><span>{what}</span></div>");
    }
    page.push_str("</section>");
}

pub(super) fn requirements(page: &mut String, results: &Results) {
    let kept = |kept: bool| if kept { "kept" } else { "missed" }.to_owned();
    let (wrong, states) = results.wrong_states();
    let found = format!("{} of {} states", style::count(states - wrong), style::count(states));
    let verdict = results.converged.map_or_else(|| "not checked".to_owned(), kept);
    let mut rows = vec![vec!["browsers know the truth in the end".into(), verdict, found, "all".into()]];
    for one in results.requirements() {
        rows.push(vec![one.words, kept(one.missed.is_none()), one.found, format!("at most {}", one.limit)]);
    }
    page.push_str("<h2>What was asked</h2>");
    table(page, &["", "", "found", "asked"], &rows);
}

pub(super) fn phases(page: &mut String, results: &Results) {
    let (head, rows) = columns(results);
    page.push_str("<h2>Phases</h2>");
    let rows: Vec<_> = rows.into_iter().map(Vec::from).collect();
    table(page, &head, &rows);
    let _ = write!(page, "<p class=\"what\">{COLUMNS}</p>");
}

pub(super) fn transports(page: &mut String, results: &Results) {
    let mut rows = Vec::new();
    for transport in Transport::ALL {
        let (updates, lists) = (results.updates_over(transport), results.lists_over(transport));
        if updates.count() + lists.count() == 0 {
            continue;
        }
        let time = |part| style::maybe(updates.quantile(part));
        rows.push(vec![
            transport.name().to_owned(),
            style::count(lists.count()),
            style::maybe(lists.quantile(0.5)),
            style::maybe(lists.quantile(0.99)),
            style::count(updates.count()),
            time(0.5),
            time(0.9),
            time(0.99),
            time(0.999),
            time(1.0),
        ]);
    }
    page.push_str("<h2>Ways to the browser</h2>");
    let head = ["", "pages", "list p50", "list p99", "changes", "p50", "p90", "p99", "p99.9", "max"];
    table(page, &head, &rows);
    page.push_str(
        "<p class=\"what\"><b>websocket</b>: a connection in both directions. <b>sse</b>: server-sent events, a stream \
         to the browser. <b>poll</b>: the Sametime Proxy's REST interface, whose answers wait \
         for news. <b>h2</b>: over HTTP/2, where all requests of a page share a connection. <b>pages</b> come with \
         the time to their complete list, <b>changes</b> with the time to the browser, overtaken ones included.</p>",
    );
}

pub(super) fn machine(page: &mut String, results: &Results) {
    // Processes elsewhere use nothing that could be seen here.
    let cpu = |part: fn(&Used) -> f64, phase: &PhaseResult| {
        let known = results.phases.iter().any(|phase| part(&phase.used) > 0.0);
        let seconds = part(&phase.used);
        let percent = seconds * 100.0 / phase.seconds.max(0.001);
        if known { format!("{percent:.0} % ({})", style::seconds(seconds)) } else { "–".to_owned() }
    };
    let mut rows: Vec<_> = results
        .phases
        .iter()
        .map(|phase| {
            let cost = results.cost(phase).map(|cost| format!("{} µs", style::digits(cost)));
            vec![
                format!("CPU in phase \"{}\"", phase.name),
                cpu(|used| used.gateway, phase),
                cpu(|used| used.generator, phase),
                cpu(|used| used.community, phase),
                cost.unwrap_or_else(|| "–".to_owned()),
            ]
        })
        .collect();
    let most = |process: usize| {
        let most = results.timeline.iter().filter_map(|tick| tick.memory.get(process).copied()).max();
        most.filter(|most| *most > 0).map_or_else(|| "–".to_owned(), style::bytes)
    };
    rows.push(vec!["most memory".into(), most(0), most(1), most(2), String::new()]);
    page.push_str("<h2>Use of the machine</h2>");
    let head = ["", "gateway", "generator", "community", "gateway, per delivered change"];
    table(page, &head, &rows);
    page.push_str(
        "<p class=\"what\">100 % is one core for the whole phase. The <b>generator</b> plays the browsers, the \
         <b>community</b> the Sametime server; only the gateway is tested. –: it \
         runs elsewhere, or there is too little to tell.</p>",
    );
}

/// Several played this test.
pub(super) fn generators(page: &mut String, results: &Results) {
    if results.generators.is_empty() {
        return;
    }
    let rows: Vec<_> = results
        .generators
        .iter()
        .map(|one| {
            let clock = match one.clock {
                None => "–".to_owned(),
                Some(clock) if clock.same => "the community's".to_owned(),
                Some(clock) => {
                    format!("{:.3} ± {}", clock.last.ahead * -1e3, style::clock(clock.error))
                }
            };
            let agreed = match one.converged {
                Some(true) => "yes",
                Some(false) => "no",
                None => "–",
            };
            vec![
                label(one),
                style::count(one.browsers as u64),
                style::count(one.delivered),
                style::count(one.failures),
                agreed.to_owned(),
                style::seconds(one.cpu),
                style::bytes(one.memory),
                style::seconds(one.lag),
                clock,
            ]
        })
        .collect();
    page.push_str("<h2>Generators</h2>");
    let head = [
        "",
        "browsers",
        "delivered",
        "failures",
        "agreed",
        "CPU",
        "most memory",
        "late at most",
        "its clock",
    ];
    table(page, &head, &rows);
    page.push_str(
        "<p class=\"what\">They played this test together. Gateway and community served all of them and are counted \
         once. <b>late</b>: the generator's own delay. <b>its clock</b>: how far it is ahead of the community's, or behind it (-); times \
         are corrected by that.</p>",
    );
}
