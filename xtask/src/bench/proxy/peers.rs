//! The backend and the three proxies before it: their configurations, their processes.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::tunnels;
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
struct Places {
    at: String,
    backend: SocketAddr,
    secure: SocketAddr,
    echo: SocketAddr,
}

impl Stage {
    /// Starts the backend and all proxies; `program` is the gateway.
    pub(super) fn start(program: &str) -> Result<Self, String> {
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
        write(&folder, "www/page.html", &page(&places))?;
        write(&folder, "backend.conf", &backend(&places))?;
        let backend = start("1", "nginx", &["-c", &format!("{}/backend.conf", places.at)], places.backend)?;
        let mut peers = Vec::new();
        for name in super::ALL {
            let (plain, tls) = (free()?, free()?);
            let (file, text) = match *name {
                "nginx" => ("nginx.conf", nginx(&places, plain, tls)),
                "haproxy" => ("haproxy.cfg", haproxy(&places, plain, tls)),
                _ => ("livename.toml", livename(&places, plain, tls)),
            };
            write(&folder, file, &text)?;
            let path = format!("{}/{file}", places.at);
            let running = match *name {
                "nginx" => start("0", "nginx", &["-c", &path], plain)?,
                "haproxy" => start("0", "haproxy", &["-db", "-f", &path], plain)?,
                _ => start("0", program, &["run", "--config", &path], plain)?,
            };
            peers.push(Peer { name, plain, tls, running });
        }
        Ok(Self { folder, peers, _backend: backend })
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
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "30",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .output()
        .map_err(|error| format!("openssl: {error}"))?;
    if !made.status.success() {
        return Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    write(folder, "both.pem", &(read("cert.pem")? + &read("key.pem")?))
}

/// A page with an address of the upstream in every tenth line.
fn page(places: &Places) -> String {
    let plain = "<p>The quick brown fox jumps over the lazy dog, and nothing here is an address.</p>\n";
    let link = format!("<a href=\"http://{}/small\">a link that has to be rewritten</a>\n", places.backend);
    let block = plain.repeat(9) + &link;
    block.repeat((1 << 20) / block.len())
}

fn common(places: &Places) -> String {
    let at = &places.at;
    format!(
        "access_log off; keepalive_requests 100000000; tcp_nodelay on;
         client_body_temp_path {at}/tmp1; proxy_temp_path {at}/tmp2; fastcgi_temp_path {at}/tmp3;
         uwsgi_temp_path {at}/tmp4; scgi_temp_path {at}/tmp5;"
    )
}

fn backend(places: &Places) -> String {
    let Places { at, backend, secure, .. } = places;
    format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/backend.pid; error_log {at}/backend.log;
        events {{ worker_connections 4096; }}
        http {{
            {}
            sendfile on; default_type application/octet-stream;
            server {{
                listen {backend}; listen {secure} ssl;
                ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;
                root {at}/www;
                location /small {{ return 200 'a small answer, as a status poll would get'; }}
                location /tls/small {{ return 200 'a small answer, as a status poll would get'; }}
                location /page {{ default_type text/html; alias {at}/www/page.html; }}
            }}
        }}\n",
        common(places)
    )
}

fn nginx(places: &Places, plain: SocketAddr, tls: SocketAddr) -> String {
    let Places { at, backend, secure, echo } = places;
    format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/nginx.pid; error_log {at}/nginx.log;
        events {{ worker_connections 4096; }}
        http {{
            {}
            upstream backend {{ server {backend}; keepalive 64; keepalive_requests 100000000; }}
            upstream secure {{ server {secure}; keepalive 64; keepalive_requests 100000000; }}
            server {{
                listen {plain}; listen {tls} ssl;
                ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;
                proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host;
                proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
                location / {{ proxy_pass http://backend; }}
                location /tls {{
                    proxy_pass https://secure; proxy_ssl_verify on; proxy_ssl_trusted_certificate {at}/cert.pem;
                    proxy_ssl_name localhost;
                }}
                location /ws {{
                    proxy_pass http://{echo}; proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header Connection upgrade; proxy_read_timeout 1h;
                }}
            }}
        }}\n",
        common(places)
    )
}

fn haproxy(places: &Places, plain: SocketAddr, tls: SocketAddr) -> String {
    let Places { at, backend, secure, echo } = places;
    format!(
        "global
    nbthread 1
    maxconn 8000
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    http-reuse always
    option forwardfor
frontend all
    bind {plain}
    bind {tls} ssl crt {at}/both.pem
    use_backend secure if {{ path_beg /tls }}
    use_backend echo if {{ path_beg /ws }}
    default_backend plain
backend plain
    server a {backend}
backend secure
    server a {secure} ssl verify required ca-file {at}/cert.pem sni str(localhost) verifyhost localhost
backend echo
    server a {echo}
"
    )
}

fn livename(places: &Places, plain: SocketAddr, tls: SocketAddr) -> String {
    let Places { at, backend, secure, echo } = places;
    format!(
        "[listen]
http = [\"{plain}\"]
https = [\"{tls}\"]
admin = \"127.0.0.1:0\"
workers = 1
[[tls.certificate]]
chain = \"{at}/cert.pem\"
key = \"{at}/key.pem\"
[[route]]
path = \"/\"
upstreams = [\"http://{backend}\"]
auth = \"off\"
[[route]]
path = \"/tls\"
upstreams = [\"https://localhost:{}\"]
auth = \"off\"
tls = {{ ca = \"{at}/cert.pem\" }}
[[route]]
path = \"/ws\"
upstreams = [\"http://{echo}\"]
auth = \"off\"
[limits]
connections_per_address = 10000
[log]
level = \"error\"
",
        secure.port()
    )
}
