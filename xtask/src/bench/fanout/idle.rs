//! What an idle browser costs a server in memory, its own and the kernel's: plain and over TLS, bare and with a list, with
//! a WebSocket and with a poll that hangs.
//!
//! The gateway's browsers are the load tester's: they speak TLS, and each has a name and a token of its own. Those of the
//! others are the crowd's.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::dialect;
use super::gateway::{self, Addresses};
use super::peers::{Ended, Peer, Running, beside, built, spawn, work};
use super::stage::{FIRST, IDLE, Stage};
use crate::bench::process::{kernel_memory, own_memory};
use crate::bench::report::to_float;
use crate::step::Outcome;

/// The name of this stage.
pub(super) const NAME: &str = "idle";

/// Bytes per session at most, by figure.
pub(super) const GOALS: [(&str, f64); 5] = [
    ("plain bare", 3000.0),
    ("plain 50 watches", 5000.0),
    ("TLS bare", 13_000.0),
    ("TLS 50 watches", 15_000.0),
    ("long poll 50 watches", 14_000.0),
];
/// Beside them, the kernel's share of each.
const KERNEL: &str = "in the kernel";

/// The browsers come, and nothing grows any more.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(150);
/// So many looks in a row are alike: no more bytes apart than this, which is little for each of the browsers.
const ALIKE: usize = 4;
const APART: f64 = 32.0 * 1024.0;

#[derive(Clone, Copy)]
enum Way {
    Plain,
    Tls,
    Poll,
}

/// What is measured of `peer`; `play` lets the crowd do a stage before it.
pub(super) fn measure(
    peer: Peer,
    play: impl Fn(Peer, Stage) -> Result<Value, String>,
) -> Result<Value, String> {
    let mut figures = Map::new();
    let mut note = |name: &str, own: f64, kernel: f64| {
        figures.insert(name.to_owned(), json!(own));
        figures.insert(format!("{name} {KERNEL}"), json!(kernel));
    };
    if peer == Peer::Livename {
        for (name, way, watches) in [
            ("plain bare", Way::Plain, 0),
            ("plain 1 watch", Way::Plain, 1),
            ("plain 50 watches", Way::Plain, 50),
            ("TLS bare", Way::Tls, 0),
            ("TLS 1 watch", Way::Tls, 1),
            ("TLS 50 watches", Way::Tls, 50),
            ("long poll 50 watches", Way::Poll, 50),
        ] {
            let (own, kernel) = ours(way, watches).map_err(|error| format!("{name}: {error}"))?;
            note(name, own, kernel);
        }
    } else {
        for (name, watches) in [("plain 1 watch", 1), ("plain 50 watches", 50)] {
            let found = play(peer, Stage::Idle(watches))?;
            let figure = |name| found.get(name).and_then(Value::as_f64).unwrap_or_default();
            note(name, figure("memory"), figure("kernel"));
        }
    }
    Ok(Value::Object(figures))
}

/// Bytes per session: the gateway's own, and the kernel's for both ends.
fn ours(way: Way, watches: usize) -> Result<(f64, f64), String> {
    let running = gateway::start(FIRST + IDLE, &[])?;
    let Some(addresses) = &running.livename else { return Err("no gateway".into()) };
    let file = work().join("idle.toml");
    fs::write(&file, plan(&running, addresses, way, watches))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let mut tester = tester(&file)?;
    let watch = Watch { process: running.process, addresses, way };
    let (before, kernel) = watch.settled(FIRST, &mut tester)?;
    let (after, both) = watch.settled(FIRST + IDLE, &mut tester)?;
    Ok(((after - before) / to_float(IDLE), (both - kernel) / to_float(IDLE)))
}

/// Browsers that come in two waves and stay.
fn plan(running: &Running, addresses: &Addresses, way: Way, watches: usize) -> String {
    let (scheme, port) = match way {
        Way::Tls => ("https", addresses.https),
        Way::Plain | Way::Poll => ("http", running.port),
    };
    let transport = if matches!(way, Way::Poll) { "poll" } else { "websocket" };
    format!(
        "[target]\nurl = \"{scheme}://127.0.0.1:{port}\"\ncontrol = \"{}\"\n\
         domino_secret_file = \"domino.secret\"\nca = \"cert.pem\"\n\
         [population]\nwatches = {watches}\nchanges_per_second = 0\n[transports]\n{transport} = 1\n\
         [[phase]]\nkind = \"ramp\"\nduration = \"500ms\"\nbrowsers = {FIRST}\n\
         [[phase]]\nkind = \"hold\"\nduration = \"2500ms\"\ncheck = false\n\
         [[phase]]\nkind = \"ramp\"\nduration = \"1500ms\"\nbrowsers = {}\n\
         [[phase]]\nkind = \"hold\"\nduration = \"60s\"\ncheck = false\n",
        addresses.control,
        FIRST + IDLE
    )
}

fn tester(plan: &Path) -> Result<Ended, String> {
    let mut command = beside(&built("livename-load"));
    command.args(["--log", "error", "run", "--quiet"]).arg(plan).arg("--out").arg(work().join("idle"));
    spawn(command, "idle")
}

struct Watch<'a> {
    process: u32,
    addresses: &'a Addresses,
    way: Way,
}

impl Watch<'_> {
    /// Memory when there are so many sessions and it does not change any more: the gateway's own, and the kernel's.
    fn settled(&self, sessions: usize, tester: &mut Ended) -> Result<(f64, f64), String> {
        let begun = Instant::now();
        let (mut last, mut alike) = (0.0, 0);
        while alike < ALIKE {
            if begun.elapsed() > LIMIT {
                return Err(format!("{sessions} browsers do not come to rest: {} there", self.sessions()?));
            }
            is_running(tester)?;
            sleep(LOOK);
            let memory = own_memory(self.process)?;
            let same = (memory - last).abs() <= APART && self.sessions()? == sessions;
            alike = if same { alike + 1 } else { 0 };
            last = memory;
        }
        Ok((last, kernel_memory()))
    }

    fn sessions(&self) -> Result<usize, String> {
        let transport = if matches!(self.way, Way::Poll) { "poll" } else { "websocket" };
        let name = format!("livename_subscribers{{transport=\"{transport}\"}} ");
        let answer = dialect::get(self.addresses.admin, "/metrics")?;
        let text = String::from_utf8_lossy(&answer);
        let count = text.lines().find_map(|line| line.strip_prefix(&*name)?.trim().parse::<usize>().ok());
        Ok(count.unwrap_or_default())
    }
}

fn is_running(tester: &mut Ended) -> Outcome {
    match tester.0.try_wait() {
        Ok(None) => Ok(()),
        ended => {
            let said = fs::read_to_string(work().join("idle.log")).unwrap_or_default();
            Err(format!("livename-load: {ended:?} {}", said.trim()))
        }
    }
}
