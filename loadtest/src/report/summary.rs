//! Results as text for a terminal. The first line says whether the browsers know the truth.

use std::fmt::Write;

use super::results::{Generator, PhaseResult, Results, Used, explanation};
use super::style;
use crate::measure::{Clocks, Counts, Latency, Punctuality, Transport};

/// All of it, with a line end.
pub fn summary(results: &Results) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", headline(results));
    for line in trouble(results) {
        let _ = writeln!(text, "  {line}");
    }
    let Results { name, seed, seconds, target, versions, .. } = results;
    let _ = writeln!(
        text,
        "\nPlan {name}, seed {seed}, {seconds:.0} s, against {target} ({}), by {}.\n",
        versions.gateway, versions.generator
    );
    if let Some(note) = note_of_part(results) {
        let _ = writeln!(text, "{note}\n");
    }
    phases(&mut text, results);
    text.push('\n');
    for line in figures(results) {
        let _ = writeln!(text, "{line}");
    }
    let failures = results.failures();
    if !failures.is_empty() {
        text.push_str("\nFailures\n");
        for (name, count) in failures {
            let _ = writeln!(text, "  {:>8}  {name}: {}", style::count(count), explanation(&name));
        }
    }
    for warning in &results.warnings {
        let _ = writeln!(text, "\nWarning: {warning}");
    }
    text
}

/// What is not to be read from one part of a test.
pub(super) fn note_of_part(results: &Results) -> Option<String> {
    let part = results.part;
    (!part.is_whole()).then(|| {
        format!(
            "This is {part}: gateway and community served the browsers of all parts. `livename-load report` puts them \
             together."
        )
    })
}

/// Converged or not, in one sentence.
pub(super) fn headline(results: &Results) -> String {
    let checked = || results.phases.iter().filter_map(|phase| phase.checked.as_ref());
    let wrong: u64 = checked().map(|c| c.agreement.missing + c.agreement.stale).sum();
    let absent: u64 = checked().map(|c| c.agreement.absent).sum();
    let states: u64 = checked().map(|c| c.agreement.states).sum();
    let browsers = checked().map(|c| c.agreement.browsers).max().unwrap_or(0);
    let (states, browsers) = (style::count(states), style::count(browsers));
    match results.converged {
        Some(true) => format!(
            "CONVERGED: {browsers} browsers agree with the community in all {states} states, at the end of {}.",
            style::several(checked().count(), "phase")
        ),
        Some(false) => format!(
            "NOT CONVERGED: of {states} states of {browsers} browsers {} are wrong; {} browsers were not connected.",
            style::count(wrong),
            style::count(absent)
        ),
        None => "NOT COMPARED: whether browsers know the truth was not checked.".to_owned(),
    }
}

/// What speaks against the test, line by line.
pub(super) fn trouble(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    if results.interrupted {
        lines.push("Interrupted: these are the numbers up to then.".to_owned());
    }
    if let Some(why) = &results.ended_early {
        lines.push(format!("Ended early: {why}"));
    }
    lines.extend(results.missed.iter().map(|missed| format!("Missed: {missed}")));
    for phase in &results.phases {
        let Some(checked) = &phase.checked else { continue };
        let agreement = &checked.agreement;
        if !agreement.converged() {
            lines.push(format!(
                "After phase \"{}\": {} lost, {} stale, {} browsers not connected, after {}.",
                phase.name,
                style::count(agreement.missing),
                style::count(agreement.stale),
                style::count(agreement.absent),
                style::seconds(checked.seconds)
            ));
            if agreement.own_lost > 0 {
                lines.push(format!(
                    "After phase \"{}\": what {} of {} users have set on their pages is not what the community says.",
                    phase.name,
                    style::count(agreement.own_lost),
                    style::count(agreement.own)
                ));
            }
            lines.extend(agreement.examples.iter().map(|example| format!("  for example {example}")));
        }
    }
    lines
}

/// The columns of the table of phases, and their rows.
pub(super) fn table(results: &Results) -> ([&'static str; 11], Vec<[String; 11]>) {
    let head = [
        "phase",
        "time",
        "browsers",
        "pages",
        "delivered",
        "superseded",
        "p50",
        "p99",
        "max",
        "list p99",
        "agreed after",
    ];
    let row = |phase: &PhaseResult| {
        let updates = phase.all_updates();
        let checked = phase.checked.as_ref().map(|checked| match checked.agreement.converged() {
            true => style::seconds(checked.seconds),
            false => "never".to_owned(),
        });
        [
            phase.name.clone(),
            style::seconds(phase.seconds),
            style::count(phase.browsers as u64),
            style::count(phase.counts.opened),
            style::count(phase.counts.delivered),
            style::count(phase.counts.superseded),
            style::maybe(updates.quantile(0.5)),
            style::maybe(updates.quantile(0.99)),
            style::maybe(updates.max()),
            style::maybe(phase.all_lists().quantile(0.99)),
            checked.unwrap_or_else(|| "–".to_owned()),
        ]
    };
    (head, results.phases.iter().map(row).collect())
}

fn phases(text: &mut String, results: &Results) {
    let (head, rows) = table(results);
    let head = head.map(str::to_owned);
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in [&head].into_iter().chain(&rows) {
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ =
                if index == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.push('\n');
    }
}

/// One line per figure.
fn figures(results: &Results) -> Vec<String> {
    let mut lines = times(results);
    lines.extend(counted(results));
    lines.extend(cpu(results));
    lines.extend(memory_and_clocks(results));
    lines.extend(results.generators.iter().map(generator));
    lines
}

fn times(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    for transport in Transport::ALL {
        let updates = results.updates_over(transport);
        if updates.count() > 0 {
            lines.push(format!(
                "From change to browser over {}: p50 {}, p90 {}, p99 {}, p99.9 {}, max {}.",
                transport.name(),
                style::maybe(updates.quantile(0.5)),
                style::maybe(updates.quantile(0.9)),
                style::maybe(updates.quantile(0.99)),
                style::maybe(updates.quantile(0.999)),
                style::maybe(updates.max())
            ));
        }
    }
    lines
}

/// What was counted, and how it came without Livename.
pub(super) fn counted(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    let mut direct = Latency::new();
    results.phases.iter().for_each(|phase| direct.merge(&phase.direct));
    if direct.count() > 0 {
        lines.push(format!(
            "Baseline, from change to test users that watch without Livename: p50 {}, p99 {}, max {}.",
            style::maybe(direct.quantile(0.5)),
            style::maybe(direct.quantile(0.99)),
            style::maybe(direct.max())
        ));
    }
    lines.extend(own(results));
    let counts = results.counts();
    lines.push(format!(
        "{} changes delivered; {} more were superseded before they were sent and count with the time until their \
         successor. {} duplicates, {} out of order.",
        style::count(counts.delivered),
        style::count(counts.superseded),
        style::count(counts.duplicate),
        style::count(counts.out_of_order)
    ));
    lines.push(format!(
        "{} pages opened of {} started ({} resumed where they were); intended start to complete list: p50 {}, p99 {}.",
        style::count(counts.opened),
        style::count(counts.visits),
        style::count(counts.resumed),
        style::maybe(results.lists().quantile(0.5)),
        style::maybe(results.lists().quantile(0.99))
    ));
    lines.extend(connections(results, &counts));
    let Counts { abandoned, unfinished, not_started, .. } = counts;
    for (count, what) in [
        (
            abandoned,
            "closed, replaced or given up before they were ready; they count with the time they had waited",
        ),
        (unfinished, "still on their way at the end; they count with the time they had waited"),
        (not_started, "of the plan never started"),
    ] {
        if count > 0 {
            lines.push(format!("{} {what}.", style::several(count as usize, "page")));
        }
    }
    lines.extend(changes(results));
    lines
}

/// How pages came, where they did not all come alike.
fn connections(results: &Results, counts: &Counts) -> Option<String> {
    let first_messages = |phase: &PhaseResult, transport: Transport| phase.hellos[transport.index()].count();
    let shared = Transport::ALL.into_iter().filter(|transport| transport.is_http2());
    let http2: u64 =
        shared.flat_map(|one| results.phases.iter().map(move |phase| first_messages(phase, one))).sum();
    let Counts { opened, secure, .. } = *counts;
    (http2 > 0 || (secure > 0 && secure < opened)).then(|| {
        format!(
            "Of these pages {} came over http, {} over https, {} of them over HTTP/2.",
            style::count(opened - secure),
            style::count(secure),
            style::count(http2)
        )
    })
}

/// Changes that users made on their pages.
fn own(results: &Results) -> Vec<String> {
    let own = results.own();
    if own.due == 0 {
        return Vec::new();
    }
    let checked = results.phases.iter().filter_map(|phase| phase.checked.as_ref());
    let (compared, lost) = checked.fold((0, 0), |(compared, lost), checked| {
        (compared + checked.agreement.own, lost + checked.agreement.own_lost)
    });
    let compared = if compared > 0 {
        format!(
            " Compared with the community {} times, {} wrong.",
            style::count(compared),
            style::count(lost)
        )
    } else {
        String::new()
    };
    let mut lines = vec![
        format!(
            "From change on a page to other browsers, through the user's own login: p50 {}, p90 {}, p99 {}, max {}.",
            style::maybe(own.updates.quantile(0.5)),
            style::maybe(own.updates.quantile(0.9)),
            style::maybe(own.updates.quantile(0.99)),
            style::maybe(own.updates.max())
        ),
        format!(
            "{} changes on pages were due: {} taken by the gateway, {} failed, {} not made because the user's page was \
             not ready, {} without an answer when the page was closed.{compared}",
            style::count(own.due),
            style::count(own.made),
            style::count(own.failures()),
            style::count(own.missed),
            style::count(own.unanswered)
        ),
    ];
    for (kind, count) in &own.failures {
        lines.push(format!(
            "Changes on pages: {} times {kind}: {}.",
            style::count(*count),
            explanation(kind)
        ));
    }
    lines
}

/// How far the clocks are apart, and how well that is known.
fn sentence(clock: &Clocks) -> String {
    let Clocks { same, first, last, error } = clock;
    let error = style::clock(*error);
    if *same {
        let measured = style::clock(first.ahead);
        return format!(
            "Community and generator run on one machine, by one clock (measured over the network: {measured} ± {error}): \
             nothing is corrected."
        );
    }
    let (from, to) = (style::ahead(first.ahead), style::ahead(last.ahead));
    let end = clock.drift().map(|_| format!(", at the end {to}")).unwrap_or_default();
    format!("The community's clock is {from} this machine's{end} (± {error}); times are corrected by that.")
}

/// What one of several generators did.
fn generator(one: &Generator) -> String {
    let clock = one.clock.as_ref().map(|clock| format!(" {}", sentence(clock))).unwrap_or_default();
    format!(
        "Generator {}: {}, {} changes delivered, {} of CPU by {}, at most {} of memory, late by {} at most.{clock}",
        label(one),
        style::several(one.browsers, "browser"),
        style::count(one.delivered),
        style::seconds(one.cpu),
        style::several(one.threads, "thread"),
        style::bytes(one.memory),
        style::seconds(one.lag)
    )
}

/// Which one.
pub(super) fn label(one: &Generator) -> String {
    match one.part.is_whole() {
        true => format!("with seed {} on {}", one.seed, one.host),
        false => format!("{} of {} on {}", one.part.number, one.part.of, one.host),
    }
}

/// Whether those who make the changes made them in time.
fn changes(results: &Results) -> Option<String> {
    let mut all = Punctuality::default();
    let known = results.phases.iter().filter_map(|phase| phase.changes);
    known.for_each(|changes| all.add(changes));
    let (due, missed) = (style::count(all.due), style::count(all.missed));
    (all.due > 0).then(|| {
        let latest = style::seconds(all.latest);
        format!(
            "{due} changes were due, {missed} of them were not made; the latest came {latest} after its time."
        )
    })
}

fn cpu(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    // Processes elsewhere use nothing that could be seen here.
    let used = |part: fn(&Used) -> f64, phase: &PhaseResult| {
        let known = results.phases.iter().any(|phase| part(&phase.used) > 0.0);
        if known { format!("{} s", style::digits(part(&phase.used))) } else { "not known".to_owned() }
    };
    for phase in &results.phases {
        let cost =
            results.cost(phase).map(|cost| format!(", {} µs per delivered change", style::digits(cost)));
        lines.push(format!(
            "CPU in phase \"{}\": gateway {}{}; generator {}, community {}.",
            phase.name,
            used(|used| used.gateway, phase),
            cost.unwrap_or_default(),
            used(|used| used.generator, phase),
            used(|used| used.community, phase)
        ));
    }
    lines
}

/// Memory per browser, and how far the clocks are apart.
pub(super) fn memory_and_clocks(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    let memory = results.memory;
    if memory.browsers > 0 {
        let gateway = results.memory_of_gateway().map_or_else(|| "not known".to_owned(), style::bytes);
        lines.push(format!(
            "Memory per browser at {} browsers, growth since before the first: gateway {gateway}, generator {}.",
            style::count(memory.browsers as u64),
            style::bytes(memory.generator)
        ));
    }
    lines.extend(results.clock.map(|clock| sentence(&clock)));
    lines
}
