//! The seconds of several generators as one series.

use super::results::{Results, Tick};
use crate::measure::add_failures;

/// One series, from the start of the first. Of a second, half of the changes arrive within the mean of what the
/// generators say, weighted by their deliveries, and 99 of 100 within the longest: the true value is not above that.
pub(super) fn together(runs: &[&Results]) -> Vec<Tick> {
    let start = runs.iter().map(|run| run.started).fold(f64::INFINITY, f64::min);
    let mut seconds: Vec<Option<Tick>> = Vec::new();
    for run in runs {
        let shift = run.started - start;
        let mut own: Vec<Option<Tick>> = Vec::new();
        for tick in &run.timeline {
            let tick = Tick { at: tick.at + shift, ..tick.clone() };
            let place = (tick.at.round() as usize).saturating_sub(1);
            if own.len() <= place {
                own.resize(place + 1, None);
            }
            // Two in one second: the later, with the failures of both.
            let before = own.get_mut(place).and_then(|slot| slot.replace(tick));
            if let (Some(before), Some(Some(tick))) = (before, own.get_mut(place)) {
                add_failures(&mut tick.failures, &before.failures);
            }
        }
        fill(&mut own);
        if seconds.len() < own.len() {
            seconds.resize(own.len(), None);
        }
        for (all, tick) in seconds.iter_mut().zip(own) {
            match (all.as_mut(), tick) {
                (Some(all), Some(tick)) => add(all, &tick),
                (None, tick) => *all = tick,
                (Some(_), None) => {}
            }
        }
    }
    let number = |(place, tick): (usize, Option<Tick>)| Some(Tick { at: (place + 1) as f64, ..tick? });
    seconds.into_iter().enumerate().filter_map(number).collect()
}

/// Where looks were a little more than a second apart, what was seen last still holds.
fn fill(ticks: &mut [Option<Tick>]) {
    for place in 1..ticks.len() {
        if ticks[place].is_none() {
            ticks[place] = ticks[place - 1].clone().map(|tick| Tick { failures: Default::default(), ..tick });
        }
    }
}

fn add(all: &mut Tick, tick: &Tick) {
    // Name by name, so that nothing new is forgotten.
    let Tick {
        at: _,
        phase,
        hour,
        wanted,
        open,
        coming,
        delivered,
        failures: _,
        p50,
        p99,
        max,
        cpu,
        memory,
        lag,
    } = tick;
    all.p50 = match (all.p50, *p50) {
        (Some(one), Some(other)) => {
            let weight = all.delivered + delivered;
            Some((one * all.delivered + other * delivered) / weight).filter(|mean| mean.is_finite())
        }
        (one, other) => one.or(other),
    };
    all.p99 = longer(all.p99, *p99);
    all.max = longer(all.max, *max);
    all.phase = all.phase.min(*phase);
    all.hour = all.hour.or(*hour);
    all.wanted += wanted;
    all.open += open;
    all.coming += coming;
    all.delivered += delivered;
    add_failures(&mut all.failures, &tick.failures);
    let [gateway, generator, community] = cpu;
    all.cpu = [all.cpu[0].max(*gateway), all.cpu[1] + generator, all.cpu[2].max(*community)];
    let [gateway, generator, community] = *memory;
    all.memory = [all.memory[0].max(gateway), all.memory[1] + generator, all.memory[2].max(community)];
    all.lag = all.lag.max(*lag);
}

fn longer(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}
