//! What the live view looks like.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table};

use super::View;
use crate::report::results::Tick;
use crate::report::style;

/// The generator's own delay from which it is to blame.
const LAG: f64 = 0.05;

const SOFT: Style = Style::new().fg(Color::DarkGray);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

pub(super) fn draw(frame: &mut Frame<'_>, view: &View<'_>) {
    let Some(now) = view.timeline.last() else { return };
    let [head, browsers, middle, rate, processes, failures] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(4),
        Constraint::Length(5),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Min(3),
    ])
    .areas(frame.area());
    progress(frame, head, view, now);
    pages(frame, browsers, now);
    times(frame, middle, view, now);
    deliveries(frame, rate, view, now);
    machine(frame, processes, now);
    wrong(frame, failures, view, now);
}

fn titled(title: String) -> Block<'static> {
    Block::bordered().border_style(SOFT).title(Span::styled(format!(" {title} "), STRONG))
}

fn progress(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, now: &Tick) {
    let (number, of, name) = view.phase;
    let title = format!("{} against {}", view.name, view.target);
    let label = format!("phase {number} of {of}: {name}   {:.0} of about {:.0} s", now.at, view.planned);
    let ratio = (now.at / view.planned.max(1.0)).clamp(0.0, 1.0);
    let gauge = Gauge::default().block(titled(title)).gauge_style(Color::Blue).ratio(ratio).label(label);
    frame.render_widget(gauge, area);
}

fn pages(frame: &mut Frame<'_>, area: Rect, now: &Tick) {
    let figure = |count: usize| Span::styled(style::count(count as u64), STRONG);
    let mut state = vec![figure(now.open), " ready, ".into(), figure(now.coming), " on their way".into()];
    state.extend([", of ".into(), figure(now.wanted), " that are to be there".into()]);
    let lag = if now.lag > LAG {
        Line::styled(format!("The generator is late by {}: times include it", style::seconds(now.lag)), BAD)
    } else {
        Line::styled(format!("The generator is late by {} at most", style::seconds(now.lag)), SOFT)
    };
    frame.render_widget(Paragraph::new(vec![state.into(), lag]).block(titled("Browsers".into())), area);
}

fn times(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, now: &Tick) {
    let time = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), style::seconds);
    let all = |part| time(view.updates.quantile(part).map(|time| time.as_secs_f64()));
    let rows = [
        Row::new(["", "p50", "p90", "p99", "p99.9", "max"]).style(SOFT),
        Row::new([
            "this second".to_owned(),
            time(now.p50),
            String::new(),
            time(now.p99),
            String::new(),
            time(now.max),
        ]),
        Row::new(["so far".to_owned(), all(0.5), all(0.9), all(0.99), all(0.999), all(1.0)]).style(STRONG),
    ];
    let widths = [Constraint::Length(12)].into_iter().chain([Constraint::Length(10); 5]);
    let table = Table::new(rows, widths).block(titled("From change to browser".into()));
    frame.render_widget(table, area);
}

fn deliveries(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, now: &Tick) {
    let width = usize::from(area.width.saturating_sub(2));
    let from = view.timeline.len().saturating_sub(width);
    let recent = view.timeline.get(from..).unwrap_or_default();
    let rates: Vec<u64> = recent.iter().map(|tick| tick.delivered as u64).collect();
    let title = format!("{} changes delivered per second", style::count(now.delivered as u64));
    let sparkline = Sparkline::default().block(titled(title)).style(Color::Blue).data(rates);
    frame.render_widget(sparkline, area);
}

fn machine(frame: &mut Frame<'_>, area: Rect, now: &Tick) {
    let rows = ["gateway", "generator", "community"].into_iter().zip(now.cpu).zip(now.memory).map(
        |((name, cpu), memory)| match memory {
            // A process elsewhere.
            0 => Row::new([name.to_owned(), "–".to_owned(), "–".to_owned()]),
            _ => Row::new([name.to_owned(), format!("{:.0} %", cpu * 100.0), style::bytes(memory)]),
        },
    );
    let head = Row::new(["", "CPU", "memory"]).style(SOFT);
    let widths = [Constraint::Length(12), Constraint::Length(10), Constraint::Length(12)];
    let table = Table::new(rows, widths).header(head).block(titled("Processes".into()));
    frame.render_widget(table, area);
}

fn wrong(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, now: &Tick) {
    let lines: Vec<Line<'_>> = view
        .failures
        .iter()
        .map(|(kind, count)| {
            let recent = now.failures.get(kind).copied().unwrap_or(0);
            let style = if recent > 0 { BAD } else { Style::new() };
            Line::styled(format!("{:>8}  {kind} ({recent} in this second)", style::count(*count)), style)
        })
        .collect();
    let all: u64 = view.failures.values().sum();
    let widget =
        if lines.is_empty() { Paragraph::new(Line::styled("none", SOFT)) } else { Paragraph::new(lines) };
    frame.render_widget(widget.block(titled(format!("Failures: {}", style::count(all)))), area);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::measure::Latency;

    fn tick(lag: f64) -> Tick {
        Tick {
            at: 30.0,
            phase: 1,
            hour: None,
            wanted: 500,
            open: 480,
            coming: 15,
            delivered: 1234.0,
            failures: BTreeMap::from([("unreachable".to_owned(), 2)]),
            p50: Some(0.000_7),
            p99: Some(0.003),
            max: Some(0.1),
            cpu: [0.25, 0.5, 0.0],
            memory: [20 << 20, 60 << 20, 0],
            lag,
        }
    }

    fn shown(width: u16, height: u16, tick: &Tick) -> String {
        let updates = Latency::from_buckets([(500, 98), (2_000_000, 2)]);
        let failures = BTreeMap::from([("unreachable".to_owned(), 17), ("no answer".to_owned(), 3)]);
        let view = View {
            name: "inbox",
            target: "http://127.0.0.1:8080",
            phase: (2, 3, "work"),
            planned: 60.0,
            timeline: std::slice::from_ref(tick),
            updates: &updates,
            failures: &failures,
        };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &view)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        (0..height).map(|y| row(y) + "\n").collect()
    }

    #[test]
    fn everything_that_goes_on_is_on_one_screen() {
        let shown = shown(80, 30, &tick(0.001));
        for part in [
            "inbox against http://127.0.0.1:8080",
            "phase 2 of 3: work   30 of about 60 s",
            "480 ready, 15 on their way, of 500 that",
            "The generator is late by 1.00 ms at most",
            "1,234 changes delivered per second",
            "Failures: 20",
            "17  unreachable (2 in this second)",
            "3  no answer (0 in this second)",
        ] {
            assert!(shown.contains(part), "{part}:\n{shown}");
        }
        let line = |begin: &str| {
            let line = shown.lines().find(|line| line.trim_start_matches('│').starts_with(begin)).unwrap();
            line.trim_matches('│').split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("this second"), "this second 700 µs 3.00 ms 100 ms");
        assert_eq!(line("so far"), "so far 500 µs 500 µs 2.00 s 2.00 s 2.00 s");
        assert_eq!(line("gateway"), "gateway 25 % 20.0 MiB");
        assert_eq!(line("community"), "community – –");
    }

    #[test]
    fn a_late_generator_is_told_and_a_small_terminal_is_no_reason_to_fail() {
        assert!(shown(80, 30, &tick(0.2)).contains("The generator is late by 200 ms: times include it"));
        shown(12, 4, &tick(0.0));
    }
}
