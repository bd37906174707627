//! The servers that are measured, each started anew for each stage, on a core of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::dialect;
use super::stage::Stage;
use crate::step::root;

/// Until a server listens.
const START: Duration = Duration::from_secs(30);
/// Until one that was asked to end is killed.
const STOP: Duration = Duration::from_secs(3);
/// Servers run here, everything else on the other one.
const SERVER_CORE: &str = "0";
const CROWD_CORE: &str = "1";
/// With which the observer's token is made and proved; nobody else has tokens here.
const SECRET: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=";
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
    /// Of the simulated community behind Livename.
    pub(super) control: Option<SocketAddr>,
    _children: Vec<Ended>,
}

/// A process that ends with its owner.
struct Ended(Child);

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
        match self {
            Self::Livename => livename(stage),
            Self::Floor => floor(&[]),
            Self::JoinedFloor => floor(&["--joined"]),
            Self::Nchan => nchan(),
            Self::Ws => ws(),
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

fn floor(arguments: &[&str]) -> Result<Running, String> {
    let port = free_port()?;
    let mut command = on_core(SERVER_CORE, &built("xtask"));
    command.args(["bench", "fanout-part", "floor", "--port", &port.to_string()]).args(arguments);
    serving(command, port, "floor")
}

fn ws() -> Result<Running, String> {
    let port = free_port()?;
    let mut command = on_core(SERVER_CORE, Path::new("node"));
    command.arg(root().join("xtask/src/bench/fanout/ws.mjs")).arg(port.to_string());
    command.current_dir(packages());
    serving(command, port, "ws")
}

fn nchan() -> Result<Running, String> {
    let port = free_port()?;
    let text = include_str!("nginx.conf").replace("PORT", &port.to_string()).replace("MODULE", NCHAN);
    let file = work().join("nginx.conf");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = on_core(SERVER_CORE, Path::new("nginx"));
    command.arg("-p").arg(work()).arg("-c").arg(&file);
    let mut running = serving(command, port, "nginx")?;
    // The only worker does the work.
    let children = format!("/proc/{0}/task/{0}/children", running.process);
    let worker = fs::read_to_string(&children).unwrap_or_default();
    let worker = worker.split_whitespace().next().and_then(|id| id.parse().ok());
    running.process = worker.ok_or("nginx has no worker")?;
    Ok(running)
}

fn livename(stage: Stage) -> Result<Running, String> {
    let (community, gateway) = (work().join("community.json"), work().join("gateway.json"));
    for file in [&community, &gateway] {
        let _ = fs::remove_file(file);
    }
    let secret = work().join("domino.secret");
    fs::write(&secret, SECRET).map_err(|error| format!("{}: {error}", secret.display()))?;
    let mut command = beside(&built("livename-load"));
    command
        .args(["--log", "error", "community", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"])
        .args(["--online", "100", "--people", &stage.people().to_string(), "--domino-secret-file"])
        .arg(&secret)
        .arg("--ready-file")
        .arg(&community);
    let mut children = vec![spawn(command, "community")?];
    let said = ready(&community)?;
    let control = address(&said, "control")?;
    let people = dialect::people(control)?;
    let observer = people.last().ok_or("the simulated community is empty")?;
    let text = include_str!("livename.toml")
        .replace("COMMUNITY", &address(&said, "listen")?.to_string())
        .replace("OBSERVER", observer);
    let file = work().join("livename.toml");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = on_core(SERVER_CORE, &built("livename"));
    command.arg("run").arg("--config").arg(&file).arg("--ready-file").arg(&gateway);
    let child = spawn(command, "livename")?;
    let process = child.0.id();
    children.push(child);
    let port = address(&ready(&gateway)?, "http")?.port();
    Ok(Running { process, port, control: Some(control), _children: children })
}

fn serving(command: Command, port: u16, what: &str) -> Result<Running, String> {
    let child = spawn(command, what)?;
    let process = child.0.id();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > START {
            return Err(format!("{what} does not listen: see {}", work().join(what).display()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Running { process, port, control: None, _children: vec![child] })
}

fn spawn(mut command: Command, what: &str) -> Result<Ended, String> {
    let log = work().join(format!("{what}.log"));
    let log = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    command.stderr(log);
    command.spawn().map(Ended).map_err(|error| format!("{what}: {error}"))
}

fn ready(file: &Path) -> Result<Value, String> {
    let begun = Instant::now();
    while begun.elapsed() < START {
        if let Ok(text) = fs::read_to_string(file)
            && let Ok(said) = serde_json::from_str(&text)
        {
            return Ok(said);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("{} does not come: see the logs beside it", file.display()))
}

fn address(said: &Value, key: &str) -> Result<SocketAddr, String> {
    let address = said.get(key).and_then(Value::as_str).and_then(|text| text.parse().ok());
    address.ok_or_else(|| format!("no {key}: {said}"))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}
