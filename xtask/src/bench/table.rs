//! Rows as a table in Markdown: one line for each thing that was measured, one column for each peer.

use super::report::{Goal, Interval, Row};

/// Heading, rule and lines, padded so that they can be read as they are.
pub(super) fn lines(rows: &[Row]) -> Vec<String> {
    let mut peers: Vec<&str> = Vec::new();
    let mut things: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !peers.contains(&&*row.peer) {
            peers.push(&row.peer);
        }
        if !things.contains(&(&*row.what, row.unit)) {
            things.push((&row.what, row.unit));
        }
    }
    let mut cells = vec![heading(&peers)];
    cells.extend(things.into_iter().map(|(what, unit)| {
        let of_thing: Vec<&Row> = rows.iter().filter(|row| row.what == what && row.unit == unit).collect();
        let figures = peers.iter().map(|peer| {
            let row = of_thing.iter().find(|row| row.peer == *peer);
            row.map_or_else(String::new, |row| interval(row.figure))
        });
        let goals: Vec<String> = of_thing.iter().flat_map(|row| &row.goals).map(verdict).collect();
        let mut line = vec![what.to_owned(), unit.to_owned()];
        line.extend(figures);
        line.push(goals.join("; "));
        line
    }));
    padded(&cells)
}

fn heading(peers: &[&str]) -> Vec<String> {
    let words = ["what", "unit"].into_iter().chain(peers.iter().copied()).chain(["ratio"]);
    words.map(str::to_owned).collect()
}

/// The median, and the range if there is one.
fn interval(of: Interval) -> String {
    let Interval { median, low, high } = of;
    let median = figure(median);
    if low.total_cmp(&high).is_eq() {
        median
    } else {
        format!("{median} ({} … {})", figure(low), figure(high))
    }
}

fn figure(figure: f64) -> String {
    match figure.abs() {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// `1.52 (1.26 … 1.92) × nginx, goal 1.2: missed`.
fn verdict(goal: &Goal) -> String {
    let Goal { rank, to, ratio, at_most } = goal;
    let verdict = if goal.is_met() { "met" } else { "**missed**" };
    format!("{} × {to}, {rank} {at_most}: {verdict}", interval(*ratio))
}

fn padded(cells: &[Vec<String>]) -> Vec<String> {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let of_line = |line: &Vec<String>| line.get(column).map_or(0, |cell| cell.chars().count());
        cells.iter().map(of_line).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}", cells.collect::<String>())
    };
    let rule = widths.iter().map(|width| format!(" {} |", "-".repeat(*width)));
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    lines.insert(1.min(lines.len()), format!("|{}", rule.collect::<String>()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_a_line_with_its_peers_and_its_goals() {
        let row = |what: &str, peer: &str, median: f64, goals| {
            let figure = Interval { median, low: median, high: median + 1.0 };
            Row { what: what.into(), peer: peer.into(), figure, unit: "µs", goals }
        };
        let ratio = Interval { median: 1.5, low: 1.5, high: 1.5 };
        let goal = |at_most| Goal { rank: "goal", to: "b".into(), ratio, at_most };
        let rows = [
            row("one", "a", 3.0, vec![goal(1.0), goal(2.0)]),
            row("one", "b", 200.0, vec![]),
            row("two", "b", 20.0, vec![]),
        ];
        let lines = lines(&rows);
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines.len(), 4);
        assert_eq!(cells(&lines[0]), ["", "what", "unit", "a", "b", "ratio", ""]);
        let goals = "1.50 × b, goal 1: **missed**; 1.50 × b, goal 2: met";
        assert_eq!(cells(&lines[2]), ["", "one", "µs", "3.00 (3.00 … 4.00)", "200 (200 … 201)", goals, ""]);
        assert_eq!(cells(&lines[3]), ["", "two", "µs", "", "20.0 (20.0 … 21.0)", "", ""]);
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()));
    }
}
