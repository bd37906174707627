//! `cargo xtask bench proxy`: what passing a request on costs, beside nginx and haproxy.
//!
//! Peers and gateway run on one core each in turn, with one worker; the backend and the load on another core. What is
//! compared is the CPU time of the proxy's process, so a busy machine disturbs little. The sizes are small on purpose:
//! many short rounds say more than few long ones.

mod load;
mod peers;
mod tunnels;

use std::fs;

use clap::Args;

use super::order;
use super::process::{cpu_seconds, own_memory};
use super::report::{Goal, Interval, Report, Row, to_float};
use crate::step::{self, Outcome, root};
use peers::{Peer, Stage};

#[derive(Args)]
pub(crate) struct Proxy {
    /// Rounds; each runs everything once
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Small requests of one measurement
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// A gateway that was built already, instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<String>,
}

/// What is asked for, how often, on how many connections.
struct Case {
    what: &'static str,
    /// Listener and path.
    tls: bool,
    path: &'static str,
    requests: usize,
    connections: usize,
    unit: &'static str,
    /// The highest ratio to nginx that is good enough.
    goal: f64,
    /// Who takes part.
    peers: &'static [&'static str],
}

const ALL: &[&str] = &["livename", "nginx", "haproxy"];
/// CPU time to one large body, rewritten, beside passed through.
const REWRITING_GOAL: f64 = 2.0;
/// Bytes of an idle relayed connection.
const IDLE_GOAL: f64 = 10.0 * 1024.0;

fn cases(requests: usize) -> Vec<Case> {
    let small = |what, tls, path| Case {
        what,
        tls,
        path,
        requests,
        connections: 16,
        unit: "µs CPU",
        goal: 1.2,
        peers: ALL,
    };
    let large = |what, path, peers| Case {
        what,
        tls: false,
        path,
        requests: requests / 40,
        connections: 4,
        unit: "µs CPU",
        goal: 1.2,
        peers,
    };
    vec![
        small("small request, plain to plain", false, "/small"),
        small("small request, TLS to plain", true, "/small"),
        small("small request, plain to TLS", false, "/tls/small"),
        large("1 MiB passed through", "/large", ALL),
        large("1 MiB of HTML", "/page", &["livename"]),
    ]
}

/// Figures of one thing, by peer, one per round.
type Samples = Vec<(&'static str, Vec<f64>)>;

pub(crate) fn run(bench: &Proxy) -> Outcome {
    let program = match &bench.program {
        Some(program) => program.clone(),
        None => {
            step::cargo("gateway", &["build", "--release", "--package", "gateway", "--bin", "livename"])
                .run()?;
            root().join("target/release/livename").display().to_string()
        }
    };
    let stage = Stage::start(&program)?;
    let mut report = Report::default();
    // Before anything else: memory that a busy run leaves behind would hide what is added.
    idle(&mut report, &stage)?;
    let cases = cases(bench.requests);
    let mut found: Vec<Samples> =
        cases.iter().map(|case| case.peers.iter().map(|peer| (*peer, Vec::new())).collect()).collect();
    let mut relayed: Samples = ALL.iter().map(|peer| (*peer, Vec::new())).collect();
    for round in 0..bench.rounds {
        for index in order(round, stage.peers.len()) {
            let Some(peer) = stage.peers.get(index) else { continue };
            eprintln!("round {} of {}: {}", round + 1, bench.rounds, peer.name);
            for (case, samples) in cases.iter().zip(&mut found) {
                if let Some((_, samples)) = samples.iter_mut().find(|(name, _)| *name == peer.name) {
                    samples.push(request_cost(case, peer)?);
                }
            }
            if let Some((_, samples)) = relayed.iter_mut().find(|(name, _)| *name == peer.name) {
                samples.push(relay_cost(peer)?);
            }
        }
    }
    for (case, samples) in cases.iter().zip(&found) {
        rows(&mut report, case.what, case.unit, case.goal, samples);
    }
    rewriting(&mut report, &found);
    rows(&mut report, "message through a relayed WebSocket", "µs CPU", 1.0, &relayed);
    calls(&mut report, &stage, bench.requests / 10)?;
    report.notes.push("one worker each on core 0, backend and load on core 1; TLS figures include the handshakes of their connections".into());
    report.notes.push("1 MiB of HTML is the gateway alone, beside its own pass-through".into());
    report.print();
    report.write(&root().join("target/bench/proxy.json"))
}

/// CPU microseconds of the proxy per request.
fn request_cost(case: &Case, peer: &Peer) -> Result<f64, String> {
    let before = cpu_seconds(peer.process())?;
    load::run(&peer.url(case.tls, case.path), case.requests, case.connections)?;
    Ok((cpu_seconds(peer.process())? - before) * 1e6 / to_float(case.requests))
}

/// CPU microseconds of the proxy per message.
fn relay_cost(peer: &Peer) -> Result<f64, String> {
    const TUNNELS: usize = 16;
    const TURNS: usize = 500;
    let tunnels = tunnels::open(peer.plain, TUNNELS)?;
    let before = cpu_seconds(peer.process())?;
    tunnels::talk(tunnels, TURNS)?;
    // Each turn is a message there and one back.
    Ok((cpu_seconds(peer.process())? - before) * 1e6 / to_float(TUNNELS * TURNS * 2))
}

fn rows(report: &mut Report, what: &str, unit: &'static str, at_most: f64, samples: &Samples) {
    let nginx = samples.iter().find(|(name, _)| *name == "nginx").map(|(_, samples)| samples);
    for (name, figures) in samples {
        let Some(figure) = Interval::of(figures) else { continue };
        let ratio =
            nginx.filter(|_| *name == "livename").and_then(|nginx| Interval::of_ratio(figures, nginx));
        let goal = ratio.map(|ratio| Goal { to: "nginx".into(), ratio, at_most });
        report.rows.push(Row { what: what.to_owned(), peer: (*name).to_owned(), figure, unit, goal });
    }
}

/// The gateway's own two ways for a large body.
fn rewriting(report: &mut Report, found: &[Samples]) {
    let own = |samples: &Samples| {
        samples.iter().find(|(name, _)| *name == "livename").map(|(_, samples)| samples.clone())
    };
    let [.., through, rewritten] = found else { return };
    let (Some(through), Some(rewritten)) = (own(through), own(rewritten)) else { return };
    let (Some(figure), Some(ratio)) = (Interval::of(&rewritten), Interval::of_ratio(&rewritten, &through))
    else {
        return;
    };
    report.rows.push(Row {
        what: "1 MiB of HTML beside passed through".into(),
        peer: "livename".into(),
        figure,
        unit: "µs CPU",
        goal: Some(Goal { to: "livename passed through".into(), ratio, at_most: REWRITING_GOAL }),
    });
}

/// Memory of connections on which nothing happens.
fn idle(report: &mut Report, stage: &Stage) -> Outcome {
    const TUNNELS: usize = 1_000;
    for peer in &stage.peers {
        // What the first connections cost once.
        drop(tunnels::open(peer.plain, 20)?);
        let before = own_memory(peer.process())?;
        let tunnels = tunnels::open(peer.plain, TUNNELS)?;
        let each = (own_memory(peer.process())? - before) / to_float(TUNNELS);
        drop(tunnels);
        let ratio = Interval { median: each / IDLE_GOAL, low: each / IDLE_GOAL, high: each / IDLE_GOAL };
        let goal = (peer.name == "livename").then(|| Goal { to: "10 KiB".into(), ratio, at_most: 1.0 });
        report.rows.push(Row {
            what: "idle relayed WebSocket".into(),
            peer: peer.name.to_owned(),
            figure: Interval { median: each, low: each, high: each },
            unit: "bytes",
            goal,
        });
    }
    Ok(())
}

/// System calls per request, in a run of their own: counting them slows everything down.
fn calls(report: &mut Report, stage: &Stage, requests: usize) -> Outcome {
    for (what, tls, path) in [
        ("system calls, plain to plain", false, "/small"),
        ("system calls, TLS to plain", true, "/small"),
        ("system calls, plain to TLS", false, "/tls/small"),
    ] {
        for peer in &stage.peers {
            let file = stage.folder.join("calls");
            drop(fs::remove_file(&file));
            let count =
                load::counted(peer.process(), &file, || load::run(&peer.url(tls, path), requests, 16))?;
            let each = to_float(count) / to_float(requests);
            report.rows.push(Row {
                what: what.to_owned(),
                peer: peer.name.to_owned(),
                figure: Interval { median: each, low: each, high: each },
                unit: "calls",
                goal: None,
            });
        }
    }
    Ok(())
}
