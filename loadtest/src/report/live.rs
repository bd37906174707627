//! Lines that tell what goes on.

use std::fmt;

use super::results::Tick;
use super::style;

/// Displays as one line without its end.
pub struct Line<T>(pub T);

impl fmt::Display for Line<(&str, &Tick)> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, tick) = self.0;
        let time = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), style::seconds);
        let [gateway, generator, community] = tick.cpu.map(|cores| format!("{:.0} %", cores * 100.0));
        write!(
            f,
            "{:>5.0} s  {phase:<12} {:>6} of {:>6} browsers  {:>7.0} updates/s  p50 {:>8}  p99 {:>8}  cpu: gateway \
             {gateway}, generator {generator}, community {community}",
            tick.at,
            tick.open,
            tick.wanted,
            tick.delivered,
            time(tick.p50),
            time(tick.p99),
        )?;
        if tick.coming > 0 {
            write!(f, "  {} on their way", tick.coming)?;
        }
        for (kind, count) in &tick.failures {
            write!(f, "  {count} × {kind}")?;
        }
        if tick.lag > 0.05 {
            write!(f, "  generator late by {}", style::seconds(tick.lag))?;
        }
        Ok(())
    }
}
