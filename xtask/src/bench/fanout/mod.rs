//! `cargo xtask bench fanout`: what a delivered change costs, beside programs that do less and products that do the same.
//!
//! Every server runs alone on one core; browsers, publisher and simulated community share the other. What was measured is
//! kept after each stage, so that an interrupted bench goes on with `--resume`. `floor.rs` is the bare program,
//! `crowd.rs` the browsers, `stage.rs` whom they watch, `play.rs` what happens, `idle.rs` memory, `findings.rs` the table.

mod callgrind;
mod crowd;
mod dialect;
mod findings;
mod floor;
mod gateway;
mod idle;
mod kept;
mod peers;
mod play;
mod stage;
mod wire;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::Value;

use self::dialect::Dialect;
use self::findings::Sample;
use self::kept::Of;
use self::peers::Peer;
use self::stage::Stage;
use crate::step::{Outcome, cargo, root};

/// A stage that takes longer has failed.
const STAGE: Duration = Duration::from_secs(180);
/// Rounds in which system calls are counted.
const COUNTED: usize = 3;

#[derive(Args)]
pub(crate) struct Fanout {
    /// Three rounds, few browsers: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// How often everything is measured [default: 7, with --quick 3]
    #[arg(long)]
    rounds: Option<usize>,
    /// Go on where the last run was interrupted
    #[arg(long)]
    resume: bool,
    /// Stop after so many minutes and report what there is
    #[arg(long, default_value_t = 120)]
    minutes: u64,
    /// The release programs are built already
    #[arg(long)]
    no_build: bool,
    /// Only these stages, such as everybody-1000 or pattern-10000
    #[arg(long, value_name = "STAGE")]
    only: Vec<String>,
}

/// What the bench starts of itself.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// The bare server
    Floor {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        joined: bool,
    },
    /// The browsers; prints figures as JSON
    Crowd {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        control: Option<SocketAddr>,
        #[arg(long)]
        server: u32,
        #[arg(long)]
        stage: String,
        #[arg(long)]
        quick: bool,
    },
}

pub(crate) fn part(part: Part) -> Outcome {
    match part {
        Part::Floor { port, joined } => floor::serve(port, joined),
        Part::Crowd { port, control, server, stage, quick } => {
            let stage = Stage::parse(&stage).ok_or_else(|| format!("no such stage: {stage}"))?;
            let dialect = match control {
                Some(control) => Dialect::livename(port, control)?,
                None => Dialect::plain(port),
            };
            let figures = play::play(dialect, server, stage, quick)?;
            println!("{figures}");
            Ok(())
        }
    }
}

pub(crate) fn run(bench: &Fanout) -> Outcome {
    let is_stage = |name: &&String| *name == idle::NAME || Stage::parse(name).is_some();
    if let Some(name) = bench.only.iter().find(|name| !is_stage(name)) {
        return Err(format!("no such stage: {name}"));
    }
    if !bench.no_build {
        cargo("programs", &["build", "--release", "-p", "gateway", "-p", "loadtest", "-p", "xtask"]).run()?;
    }
    fs::create_dir_all(peers::work()).map_err(|error| error.to_string())?;
    peers::install();
    let (peers, missing): (Vec<Peer>, Vec<Peer>) =
        Peer::ALL.into_iter().partition(|peer| peer.missing().is_none());
    let mut notes: Vec<String> = missing
        .iter()
        .filter_map(|peer| Some(format!("{} was left out: it needs {}", peer.name(), peer.missing()?)))
        .collect();
    if let Some(need) = callgrind::missing() {
        notes.push(format!("instructions were left out: counting them needs {need}"));
    }
    let of = Of::now(bench.quick)?;
    let mut samples = if bench.resume { of.load() } else { Vec::new() };
    let begun = Instant::now();
    let rounds = bench.rounds.unwrap_or(if bench.quick { 3 } else { 7 });
    for Turn { round, peer, stage } in turns(bench, rounds, &peers) {
        let name = stage.map_or_else(|| idle::NAME.to_owned(), Stage::name);
        if samples.iter().any(|sample: &Sample| sample.is(round, peer.name(), &name)) {
            continue;
        }
        if begun.elapsed() > Duration::from_secs(bench.minutes * 60) {
            notes.push(format!("out of time in round {} of {rounds}", round + 1));
            break;
        }
        let what = format!("round {}: {name}, {}", round + 1, peer.name());
        let turn = Instant::now();
        let found = match stage {
            Some(stage) => measure(peer, stage, bench.quick),
            None => idle::measure(peer, |peer, stage| measure(peer, stage, bench.quick)),
        };
        let took = turn.elapsed().as_secs_f64();
        match found {
            Ok(figures) => {
                println!("── {what}, {took:.0} s: {}", findings::brief(&figures));
                samples.push(Sample { round, peer: peer.name().into(), stage: name, figures });
                of.save(&samples)?;
            }
            Err(why) => {
                println!("── {what}: failed: {why}");
                notes.push(format!("{what}: {why}"));
            }
        }
    }
    findings::tell(&samples, notes, &root().join("target/bench/fanout.json"))
}

/// One server in one stage of one round; without a stage, the memory of idle browsers.
struct Turn {
    round: usize,
    peer: Peer,
    stage: Option<Stage>,
}

/// Everything that is to be measured, in order.
fn turns(bench: &Fanout, rounds: usize, peers: &[Peer]) -> Vec<Turn> {
    let mut turns = Vec::new();
    for round in 0..rounds {
        let order: Vec<Peer> =
            super::order(round, peers.len()).filter_map(|place| peers.get(place).copied()).collect();
        for stage in stages(bench, round) {
            turns.extend(order.iter().map(|peer| Turn { round, peer: *peer, stage: Some(stage) }));
        }
        if bench.only.is_empty() || bench.only.iter().any(|name| name == idle::NAME) {
            // Both floors keep the same.
            let order = order.iter().filter(|peer| **peer != Peer::JoinedFloor);
            turns.extend(order.map(|peer| Turn { round, peer: *peer, stage: None }));
        }
    }
    turns
}

fn stages(bench: &Fanout, round: usize) -> Vec<Stage> {
    if !bench.only.is_empty() {
        return bench.only.iter().filter_map(|name| Stage::parse(name)).collect();
    }
    let mut stages = if bench.quick {
        vec![Stage::Everybody(1000), Stage::Pattern(2000)]
    } else {
        vec![Stage::Everybody(1000), Stage::Everybody(5000), Stage::Everybody(19_000), Stage::Pattern(10_000)]
    };
    // Counts hardly differ from round to round, and instructions take their time.
    if round < COUNTED {
        stages.push(Stage::Calls(1000));
    }
    if round == 0 && callgrind::missing().is_none() {
        stages.push(Stage::Instructions(1000));
    }
    stages
}

/// Starts the server, lets the crowd do its stage, and stops both.
fn measure(peer: Peer, stage: Stage, quick: bool) -> Result<Value, String> {
    let server = peer.start(stage)?;
    let said = peers::work().join("crowd.json");
    let output = File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    let mut command = peers::beside(&peers::built("xtask"));
    command.args(["bench", "fanout-part", "crowd", "--stage", &stage.name()]);
    command.args(["--port", &server.port.to_string(), "--server", &server.process.to_string()]);
    if let Some(livename) = &server.livename {
        command.args(["--control", &livename.control.to_string()]);
    }
    if quick {
        command.arg("--quick");
    }
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    command.stdout(output).stderr(Stdio::from(errors));
    let mut crowd = command.spawn().map_err(|error| format!("crowd: {error}"))?;
    let ended = wait(&mut crowd);
    let said = fs::read_to_string(&said).unwrap_or_default();
    ended?;
    serde_json::from_str(&said).map_err(|_| said.trim().to_owned())
}

fn wait(crowd: &mut Child) -> Outcome {
    let begun = Instant::now();
    while begun.elapsed() < STAGE {
        if crowd.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = crowd.kill();
    let _ = crowd.wait();
    Err(format!("not done after {} s", STAGE.as_secs()))
}
