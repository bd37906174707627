//! Charts as inline SVG. Colours come from the page; lines also differ by dashes, for print.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
/// Rows for the names of phases, and the width of a letter in them.
const ROWS: usize = 3;
const LETTER: f64 = 6.5;
/// More points than pixels show nothing.
const POINTS: usize = 600;

/// One line of a chart; its place in the chart is its colour.
pub(super) struct Series {
    pub(super) name: &'static str,
    /// Nothing where there was nothing to measure: the line has a gap there.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// An axis: from, to, and what its ticks are called.
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

/// A vertical line with a name: where a phase begins.
pub(super) struct Mark<'a>(pub(super) f64, pub(super) &'a str);

impl Axis {
    /// From 0 to a little above `high`, at round numbers.
    pub(super) fn linear(high: f64, label: impl Fn(f64) -> String) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let rough = high / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let count = (high / step).ceil();
        let ticks = (0..=count as usize).map(|n| (n as f64 * step, label(n as f64 * step))).collect();
        Self { low: 0.0, high: count * step, logarithmic: false, ticks }
    }

    /// So many seconds since the start, at round times.
    pub(super) fn time(end: f64) -> Self {
        let rough = end / 6.0;
        let steps =
            [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0];
        let step = steps.into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or_else(|| (rough / 14_400.0).ceil() * 14_400.0);
        let (unit, name) = match step {
            step if step < 60.0 => (1.0, "s"),
            step if step < 3600.0 => (60.0, "min"),
            _ => (3600.0, "h"),
        };
        let ticks = (0..=(end / step) as usize).map(|number| number as f64 * step);
        let ticks = ticks.map(|at| (at, format!("{:.0} {name}", at / unit))).collect();
        Self { low: 0.0, high: end, logarithmic: false, ticks }
    }

    /// Decades around the values.
    pub(super) fn decades(low: f64, high: f64, label: impl Fn(f64) -> String) -> Self {
        let first = low.max(1e-6).log10().floor();
        let last = high.max(1e-5).log10().ceil().max(first + 1.0);
        let ticks = (first as i32..=last as i32).map(|power| 10_f64.powi(power)).map(|at| (at, label(at)));
        Self { low: 10_f64.powf(first), high: 10_f64.powf(last), logarithmic: true, ticks: ticks.collect() }
    }

    /// Given ticks.
    pub(super) fn given(low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { low, high, logarithmic: false, ticks }
    }

    #[cfg(test)]
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        self.ticks
    }

    /// 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        place.clamp(0.0, 1.0)
    }
}

/// A chart with its legend, and a sentence that says how to read it.
pub(super) fn chart(
    title: &str,
    about: &str,
    x: &Axis,
    y: &Axis,
    series: &[Series],
    marks: &[Mark<'_>],
) -> String {
    let right = |value: f64| LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
    let up = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
    let mut svg = String::new();
    let _ = write!(svg, "<figure><figcaption><b>{title}</b>");
    for (index, line) in series.iter().enumerate() {
        let _ = write!(svg, " <span class=\"key l{index}\">{}</span>", line.name);
    }
    let _ = write!(
        svg,
        "<br><span class=\"what\">{about}</span></figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">"
    );
    for (at, label) in &y.ticks {
        let (y, edge) = (up(*at), WIDTH - RIGHT);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{edge}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{label}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
    for (at, label) in &x.ticks {
        let at = right(*at);
        // The last label would be cut off.
        let anchor = if at > WIDTH - 2.0 * RIGHT { "end" } else { "middle" };
        let at = if anchor == "end" { WIDTH } else { at };
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{label}</text>",
            HEIGHT - 10.0
        );
    }
    let mut free = [f64::NEG_INFINITY; ROWS];
    for Mark(at, name) in marks {
        let (x, edge) = (right(*at), HEIGHT - BOTTOM);
        // Names of short phases stand below each other; where there is no room at all, the line stands alone.
        let row = free.iter().position(|free| *free <= x);
        let _ = write!(svg, "<path class=\"mark\" d=\"M{x:.1} {TOP}V{edge:.1}\"/>");
        if let Some((row, free)) = row.and_then(|row| Some((row, free.get_mut(row)?))) {
            *free = x + 6.0 + LETTER * name.chars().count() as f64;
            let y = TOP + 9.0 + 13.0 * row as f64;
            let _ =
                write!(svg, "<text class=\"tick\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>", x + 3.0, escape(name));
        }
    }
    for (index, line) in series.iter().enumerate() {
        let path = path(thin(&line.points).map(|(x, y)| y.map(|y| (right(x), up(y)))));
        let _ = write!(svg, "<path class=\"line l{index}\" d=\"{path}\"/>");
    }
    svg.push_str("</svg></figure>");
    svg
}

/// What is drawn through points, in pixels; a gap where there is none.
fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut path, mut drawing) = (String::new(), false);
    for point in points {
        if let Some((x, y)) = point {
            // A point between two gaps is a dot, by the round ends of lines.
            let _ = if drawing { write!(path, "L{x:.1} {y:.1}") } else { write!(path, "M{x:.1} {y:.1}h0") };
        }
        drawing = point.is_some();
    }
    path
}

/// Fewer points; of each group the highest, so that no peak is lost.
fn thin(points: &[(f64, Option<f64>)]) -> impl Iterator<Item = (f64, Option<f64>)> {
    let group = points.len().div_ceil(POINTS).max(1);
    let height = |point: &(f64, Option<f64>)| point.1.unwrap_or(f64::NEG_INFINITY);
    points
        .chunks(group)
        .filter_map(move |group| group.iter().copied().max_by(|a, b| height(a).total_cmp(&height(b))))
}

/// Text between tags.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers_above_the_values() {
        let ticks = |axis: &Axis| axis.ticks.iter().map(|(at, _)| *at).collect::<Vec<_>>();
        let axis = Axis::linear(730.0, |value| value.to_string());
        assert_eq!(ticks(&axis), [0.0, 200.0, 400.0, 600.0, 800.0]);
        assert_eq!((axis.place(0.0), axis.place(400.0), axis.place(9e9)), (0.0, 0.5, 1.0));
        let axis = Axis::decades(0.0004, 0.03, |value| value.to_string());
        assert!((axis.place(0.0001), axis.place(0.1)) == (0.0, 1.0) && axis.ticks.len() == 4);
        assert!((axis.place(0.001) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn times_are_in_seconds_minutes_or_hours() {
        let labels = |end: f64| Axis::time(end).ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(38.0), ["0 s", "10 s", "20 s", "30 s"]);
        assert_eq!(labels(700.0), ["0 min", "2 min", "4 min", "6 min", "8 min", "10 min"]);
        assert_eq!(labels(8.0 * 3600.0), ["0 h", "2 h", "4 h", "6 h", "8 h"]);
        assert!(labels(0.5).len() == 1 && labels(900_000.0).len() < 8);
    }

    #[test]
    fn names_of_short_phases_do_not_overlap() {
        let x = Axis::time(100.0);
        let marks = [Mark(0.0, "a long name"), Mark(1.0, "short"), Mark(60.0, "later")];
        let svg = chart("x", "", &x, &Axis::linear(1.0, |y| y.to_string()), &[], &marks);
        let row = |name: &str| {
            svg.split("y=\"").find_map(|part| part.split_once(&format!("\">{name}<"))).unwrap().0.to_owned()
        };
        assert_eq!(
            (row("a long name"), row("short"), row("later")),
            ("21.0".into(), "34.0".into(), "21.0".into())
        );
    }

    #[test]
    fn a_peak_survives_thinning() {
        let height = |x| if x == 1234 { 9.0 } else { 1.0 };
        let points: Vec<_> = (0..5000).map(|x| (f64::from(x), Some(height(x)))).collect();
        let thinned: Vec<_> = thin(&points).collect();
        assert!(thinned.len() <= POINTS && thinned.contains(&(1234.0, Some(9.0))));
    }

    #[test]
    fn a_line_has_a_gap_where_nothing_was_measured() {
        let points = [Some((1.0, 1.0)), Some((2.0, 1.0)), None, None, Some((5.0, 3.0)), None];
        assert_eq!(path(points.into_iter()), "M1.0 1.0h0L2.0 1.0M5.0 3.0h0");
    }

    #[test]
    fn the_last_label_is_not_cut_off() {
        let x = Axis::given(0.0, 1.0, vec![(0.5, "half".into()), (1.0, "99.99 %".into())]);
        let svg = chart("x", "", &x, &Axis::linear(1.0, |y| y.to_string()), &[], &[]);
        assert!(svg.contains("x=\"720.0\" y=\"220.0\" text-anchor=\"end\">99.99 %<"), "{svg}");
        assert!(svg.contains("text-anchor=\"middle\">half<"));
    }
}
