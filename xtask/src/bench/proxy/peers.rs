//! The backend and the proxies before it, as processes.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{ALL, Programs, configs, page, tunnels};
use crate::bench::certificate;
use crate::step::{Outcome, root};

/// Everything that runs; ends with this.
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    pub(super) peers: Vec<Peer>,
    _backend: Running,
}

/// A proxy under test.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) plain: SocketAddr,
    tls: SocketAddr,
    running: Running,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Peer {
    pub(super) fn process(&self) -> u32 {
        self.running.0.id()
    }

    pub(super) fn url(&self, tls: bool, path: &str) -> String {
        if tls {
            format!("https://localhost:{}{path}", self.tls.port())
        } else {
            format!("http://{}{path}", self.plain)
        }
    }
}

/// Where everything listens, and its files.
pub(super) struct Places {
    pub(super) at: String,
    pub(super) backend: SocketAddr,
    pub(super) secure: SocketAddr,
    pub(super) echo: SocketAddr,
}

impl Stage {
    /// Starts the backend and all proxies.
    pub(super) fn start(programs: &Programs) -> Result<Self, String> {
        let folder = root().join("target/bench/proxy");
        fs::create_dir_all(folder.join("www")).map_err(|error| format!("{}: {error}", folder.display()))?;
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        let places = Places {
            at: folder.display().to_string(),
            backend: free()?,
            secure: free()?,
            echo: tunnels::echo()?,
        };
        certificate(&folder)?;
        write(&folder, "www/large", &"x".repeat(1 << 20))?;
        write(&folder, "www/page.html", &page::text(places.backend))?;
        write(&folder, "backend.conf", &configs::backend(&places))?;
        let backend = start("1", "nginx", &["-c", &format!("{}/backend.conf", places.at)], places.backend)?;
        let mut peers = Vec::new();
        for name in ALL {
            let (plain, tls) = (free()?, free()?);
            let running = proxy(name, programs, &places, plain, tls)?;
            peers.push(Peer { name, plain, tls, running });
        }
        if let Some(gateway) = peers.iter().find(|peer| peer.name == "livename") {
            page::check(gateway.plain, places.backend)?;
        }
        Ok(Self { folder, peers, _backend: backend })
    }
}

/// Starts one of the proxies, with its configuration.
fn proxy(
    name: &str,
    programs: &Programs,
    places: &Places,
    plain: SocketAddr,
    tls: SocketAddr,
) -> Result<Running, String> {
    let Places { at, backend, secure, echo } = places;
    let file = |name: &str, text: String| {
        write(Path::new(at), name, &text)?;
        Ok::<_, String>(format!("{at}/{name}"))
    };
    match name {
        "nginx" => {
            let path = file("nginx.conf", configs::nginx(places, plain, tls))?;
            start("0", "nginx", &["-c", &path], plain)
        }
        "haproxy" => {
            let path = file("haproxy.cfg", configs::haproxy(places, plain, tls))?;
            start("0", "haproxy", &["-db", "-f", &path], plain)
        }
        "pingora" => {
            let addresses = [plain, tls, *backend, *secure, *echo].map(|address| address.to_string());
            let files = [format!("{at}/cert.pem"), format!("{at}/key.pem")];
            let arguments: Vec<&str> = addresses.iter().chain(&files).map(String::as_str).collect();
            start("0", &programs.pingora, &arguments, plain)
        }
        _ => {
            let path = file("livename.toml", configs::livename(places, plain, tls))?;
            start("0", &programs.gateway, &["run", "--config", &path], plain)
        }
    }
}

fn free() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(|error| error.to_string())
}

fn write(folder: &Path, name: &str, text: &str) -> Outcome {
    fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
}

fn start(core: &str, program: &str, arguments: &[&str], address: SocketAddr) -> Result<Running, String> {
    // `taskset` becomes the program: the process id is the program's.
    let child = Command::new("taskset")
        .args(["-c", core, program])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let running = Running(child);
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            return Err(format!("{program} does not listen on {address}"));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(running)
}

fn certificate(folder: &Path) -> Outcome {
    certificate::make(folder)?;
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    write(folder, "both.pem", &(read("cert.pem")? + &read("key.pem")?))
}
