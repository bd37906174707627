//! The servers that are measured, each started anew for each stage, on a core of its own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::callgrind;
use super::gateway::{self, Addresses};
use super::stage::Stage;
use crate::step::root;

/// Until a server listens.
pub(super) const START: Duration = Duration::from_secs(30);
/// Until one that was asked to end is killed.
const STOP: Duration = Duration::from_secs(3);
/// Servers run here, everything else on the other one.
const SERVER_CORE: &str = "0";
const CROWD_CORE: &str = "1";
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Livename,
    Floor,
    JoinedFloor,
    Nchan,
    Ws,
}

/// A running server.
pub(super) struct Running {
    /// Whose CPU time counts.
    pub(super) process: u32,
    pub(super) port: u16,
    /// Livename has more of them.
    pub(super) livename: Option<Addresses>,
    pub(super) _children: Vec<Ended>,
}

/// A process that ends with its owner.
pub(super) struct Ended(pub(super) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Asked first: nginx has a child of its own.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < STOP {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    pub(super) const ALL: [Self; 5] = [Self::Livename, Self::Floor, Self::JoinedFloor, Self::Nchan, Self::Ws];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Livename => "livename",
            Self::Floor => "floor",
            Self::JoinedFloor => "joined floor",
            Self::Nchan => "nginx + nchan",
            Self::Ws => "npm ws",
        }
    }

    /// Why it cannot be measured here.
    pub(super) fn missing(self) -> Option<String> {
        match self {
            Self::Nchan if !Path::new(NCHAN).exists() => {
                Some("apt-get install nginx libnginx-mod-nchan".into())
            }
            Self::Ws if !packages().join("node_modules/ws").exists() => {
                Some("nodejs and npm, for npm install ws".into())
            }
            _ => None,
        }
    }

    pub(super) fn start(self, stage: Stage) -> Result<Running, String> {
        let tool = if matches!(stage, Stage::Instructions(_)) { callgrind::tool() } else { Vec::new() };
        let tool = tool.as_slice();
        match self {
            Self::Livename => gateway::start(stage.people(), tool),
            Self::Floor => floor(tool, &[]),
            Self::JoinedFloor => floor(tool, &["--joined"]),
            Self::Nchan => nchan(tool),
            Self::Ws => ws(tool),
        }
    }
}

/// Fetches what comes from the npm registry.
pub(super) fn install() {
    let folder = packages();
    if folder.join("node_modules/ws").exists() || fs::create_dir_all(&folder).is_err() {
        return;
    }
    let arguments = ["install", "ws@8", "--no-audit", "--no-fund"];
    let _ = Command::new("npm").args(arguments).current_dir(folder).status();
}

/// A command of this program, or another one, on the crowd's core.
pub(super) fn beside(program: &Path) -> Command {
    on_core(CROWD_CORE, program)
}

/// A server on its own core, below a tool if there is one.
pub(super) fn server(tool: &[String], program: &Path) -> Command {
    let Some((first, others)) = tool.split_first() else { return on_core(SERVER_CORE, program) };
    let mut command = on_core(SERVER_CORE, Path::new(first));
    command.args(others).arg(program);
    command
}

fn on_core(core: &str, program: &Path) -> Command {
    // Nothing that is started here outlives this program.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "taskset", "-c", core]).arg(program);
    command.current_dir(work()).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

pub(super) fn built(program: &str) -> PathBuf {
    root().join("target/release").join(program)
}

pub(super) fn work() -> PathBuf {
    root().join("target/bench/fanout")
}

fn packages() -> PathBuf {
    root().join("target/bench/npm")
}

fn floor(tool: &[String], arguments: &[&str]) -> Result<Running, String> {
    let port = free_port()?;
    let mut command = server(tool, &built("xtask"));
    command.args(["bench", "fanout-part", "floor", "--port", &port.to_string()]).args(arguments);
    serving(command, port, "floor")
}

fn ws(tool: &[String]) -> Result<Running, String> {
    let port = free_port()?;
    let mut command = server(tool, Path::new("node"));
    command.arg(root().join("xtask/src/bench/fanout/ws.mjs")).arg(port.to_string());
    command.current_dir(packages());
    serving(command, port, "ws")
}

fn nchan(tool: &[String]) -> Result<Running, String> {
    let port = free_port()?;
    let mut text = include_str!("nginx.conf").replace("PORT", &port.to_string()).replace("MODULE", NCHAN);
    if !tool.is_empty() {
        // Valgrind's control does not find a worker that was forked.
        text.insert_str(0, "master_process off;\n");
    }
    let file = work().join("nginx.conf");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = server(tool, Path::new("nginx"));
    command.arg("-p").arg(work()).arg("-c").arg(&file);
    let mut running = serving(command, port, "nginx")?;
    if !tool.is_empty() {
        return Ok(running);
    }
    // The only worker does the work.
    let children = format!("/proc/{0}/task/{0}/children", running.process);
    let begun = Instant::now();
    while begun.elapsed() < START {
        let worker = fs::read_to_string(&children).unwrap_or_default();
        if let Some(worker) = worker.split_whitespace().next().and_then(|id| id.parse().ok()) {
            running.process = worker;
            return Ok(running);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("nginx has no worker".into())
}

fn serving(command: Command, port: u16, what: &str) -> Result<Running, String> {
    let child = spawn(command, what)?;
    let process = child.0.id();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > START {
            return Err(format!("{what} does not listen: see {}", log(what).display()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Running { process, port, livename: None, _children: vec![child] })
}

pub(super) fn spawn(mut command: Command, what: &str) -> Result<Ended, String> {
    let log = log(what);
    let log = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    command.stderr(log);
    command.spawn().map(Ended).map_err(|error| format!("{what}: {error}"))
}

/// What a program complains of.
fn log(what: &str) -> PathBuf {
    work().join(format!("{what}.log"))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}
