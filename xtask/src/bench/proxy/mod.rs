//! `cargo xtask bench proxy`: what passing a request on costs, beside nginx, haproxy and Pingora.
//!
//! Peers and gateway run on one core each in turn, with one worker; the backend and the load on another core. What is
//! compared is the CPU time of the proxy's process, so a busy machine disturbs little. The sizes are small on purpose:
//! many short rounds say more than few long ones.
//!
//! `configs` has who is told what, `peers` the processes, `load` and `tunnels` what is sent through them, `page` the
//! body that is rewritten, `findings` the rows.

mod configs;
mod findings;
mod load;
mod page;
mod peers;
mod tunnels;

use std::time::Instant;

use clap::Args;

use super::order;
use super::process::{cpu_seconds, own_memory, system_calls, user_ticks};
use super::report::{Goal, Interval, Report, to_float};
use crate::step::{self, Outcome, root};
use findings::{Samples, Wanted, Yardstick, single, wanted};
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
    /// A Pingora peer that was built already, instead of building one
    #[arg(long, value_name = "FILE")]
    pingora: Option<String>,
}

/// The programs that are not installed but built.
struct Programs {
    gateway: String,
    pingora: String,
}

/// What is asked for, how often, on how many connections.
struct Case {
    what: &'static str,
    /// Listener and path.
    tls: bool,
    path: &'static str,
    requests: usize,
    connections: usize,
    wanted: &'static [Wanted],
    /// Who takes part.
    peers: &'static [&'static str],
}

/// In the order of the table.
const ALL: &[&str] = &["livename", "nginx", "haproxy", "pingora"];
/// For a small request.
const SMALL: &[Wanted] = &[
    wanted("gate", Yardstick::Peer("pingora"), 1.0),
    wanted("goal", Yardstick::Peer("nginx"), 1.2),
    wanted("moonshot", Yardstick::Better, 1.0),
];
const LARGE: &[Wanted] = &[wanted("goal", Yardstick::Peer("nginx"), 1.2)];
const RELAYED: &[Wanted] = &[wanted("goal", Yardstick::Better, 1.0)];
/// CPU time to one large body, rewritten, beside passed through.
const REWRITING_GOAL: f64 = 2.0;
/// Bytes of an idle relayed connection.
const IDLE_GOAL: f64 = 10.0 * 1024.0;

fn cases(requests: usize) -> [Case; 5] {
    let small =
        |what, tls, path| Case { what, tls, path, requests, connections: 16, wanted: SMALL, peers: ALL };
    let large = |what, path, wanted, peers| Case {
        what,
        tls: false,
        path,
        requests: requests / 40,
        connections: 4,
        wanted,
        peers,
    };
    [
        small("small request, plain to plain", false, "/small"),
        small("small request, TLS to plain", true, "/small"),
        small("small request, plain to TLS", false, "/tls/small"),
        large("1 MiB passed through", "/large", LARGE, ALL),
        large("1 MiB of HTML rewritten", "/page", &[], &["livename"]),
    ]
}

/// What a request cost.
#[derive(Clone, Copy)]
struct Cost {
    /// Microseconds of CPU time of the proxy.
    cpu: f64,
    /// Of them in the program itself, not in the kernel.
    user: f64,
    /// Microseconds until the next one could follow.
    elapsed: f64,
}

pub(crate) fn run(bench: &Proxy) -> Outcome {
    let stage = Stage::start(&programs(bench)?)?;
    let mut report = Report::default();
    // Before anything else: memory that a busy run leaves behind would hide what is added.
    idle(&mut report, &stage)?;
    let cases = cases(bench.requests);
    let mut found: Vec<Vec<(&'static str, Vec<Cost>)>> =
        cases.iter().map(|case| case.peers.iter().map(|peer| (*peer, Vec::new())).collect()).collect();
    let mut relayed: Samples = ALL.iter().map(|peer| (*peer, Vec::new())).collect();
    for round in 0..bench.rounds {
        for index in order(round, stage.peers.len()) {
            let Some(peer) = stage.peers.get(index) else { continue };
            eprintln!("round {} of {}: {}", round + 1, bench.rounds, peer.name);
            for (case, costs) in cases.iter().zip(&mut found) {
                if let Some((_, costs)) = costs.iter_mut().find(|(name, _)| *name == peer.name) {
                    costs.push(request_cost(case, peer)?);
                }
            }
            if let Some((_, samples)) = relayed.iter_mut().find(|(name, _)| *name == peer.name) {
                samples.push(relay_cost(peer)?);
            }
        }
    }
    tell(&mut report, &cases, &found);
    findings::rows(&mut report, "message through a relayed WebSocket", "µs CPU", RELAYED, &relayed);
    calls(&mut report, &stage, bench.requests / 10)?;
    report.notes.push("one worker each on core 0, backend and load on core 1; TLS figures include the handshakes of their connections".into());
    report.notes.push(
        "medians of the rounds with 95 % intervals; ratios are made within a round, and a goal is missed only when \
         even the lower end is beyond it"
            .into(),
    );
    report.print();
    report.write(&root().join("target/bench/proxy.json"))
}

fn programs(bench: &Proxy) -> Result<Programs, String> {
    let gateway = match &bench.program {
        Some(program) => program.clone(),
        None => {
            step::cargo("gateway", &["build", "--release", "--package", "gateway", "--bin", "livename"])
                .run()?;
            root().join("target/release/livename").display().to_string()
        }
    };
    let pingora = match &bench.pingora {
        Some(program) => program.clone(),
        None => {
            let manifest = ["--manifest-path", "xtask/peers/pingora/Cargo.toml"];
            let folder = ["--target-dir", "target/bench-peers"];
            let arguments = [&["build", "--release", "--locked"][..], &manifest, &folder].concat();
            // The library that the others use, too, instead of one of its own.
            step::cargo("pingora", &arguments).env("OPENSSL_NO_VENDOR", "1").run()?;
            root().join("target/bench-peers/release/pingora-peer").display().to_string()
        }
    };
    Ok(Programs { gateway, pingora })
}

fn request_cost(case: &Case, peer: &Peer) -> Result<Cost, String> {
    let (cpu, ticks) = (cpu_seconds(peer.process())?, user_ticks(peer.process())?);
    let begun = Instant::now();
    load::run(&peer.url(case.tls, case.path), case.requests, case.connections)?;
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu = cpu_seconds(peer.process())? - cpu;
    let (user, system) = user_ticks(peer.process())?;
    let (user, system) = (user - ticks.0, system - ticks.1);
    let each = |seconds: f64| seconds * 1e6 / to_float(case.requests);
    Ok(Cost { cpu: each(cpu), user: each(cpu) * user / (user + system).max(1.0), elapsed: each(elapsed) })
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

/// The rows of all cases.
fn tell(report: &mut Report, cases: &[Case; 5], found: &[Vec<(&'static str, Vec<Cost>)>]) {
    let mut through = Samples::new();
    for (case, costs) in cases.iter().zip(found) {
        let each = |figure: fn(&Cost) -> f64| -> Samples {
            costs.iter().map(|(peer, costs)| (*peer, costs.iter().map(figure).collect())).collect()
        };
        let cpu = each(|cost| cost.cpu);
        findings::rows(report, case.what, "µs CPU", case.wanted, &cpu);
        match case.path {
            "/page" => findings::rewriting(report, &through, &cpu, REWRITING_GOAL),
            "/large" => through = cpu,
            _ => {
                let what = format!("{}, in user mode", case.what);
                findings::rows(report, &what, "µs CPU", &[], &each(|cost| cost.user));
                continue;
            }
        }
        // A body is one MiB, and so many microseconds are a second.
        findings::rows(report, case.what, "MiB/s", &[], &each(|cost| 1e6 / cost.elapsed));
    }
}

/// Memory of connections on which nothing happens.
fn idle(report: &mut Report, stage: &Stage) -> Outcome {
    const TUNNELS: usize = 1_000;
    for peer in &stage.peers {
        // The second thousand: the first one fills what a start has left behind, and costs what is paid once.
        let first = tunnels::open(peer.plain, TUNNELS)?;
        let before = own_memory(peer.process())?;
        let second = tunnels::open(peer.plain, TUNNELS)?;
        let each = (own_memory(peer.process())? - before) / to_float(TUNNELS);
        drop((first, second));
        let mut row = single("idle relayed WebSocket", peer.name, each, "bytes");
        if peer.name == "livename" {
            let share = each / IDLE_GOAL;
            let ratio = Interval { median: share, low: share, high: share };
            row.goals.push(Goal { rank: "goal", to: "10 KiB".into(), ratio, at_most: 1.0 });
        }
        report.rows.push(row);
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
            let count =
                system_calls(peer.process(), &file, || load::run(&peer.url(tls, path), requests, 16))?;
            let each = to_float(count) / to_float(requests);
            report.rows.push(single(what, peer.name, each, "calls"));
        }
    }
    Ok(())
}
