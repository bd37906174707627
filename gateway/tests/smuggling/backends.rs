//! The backends: one that keeps every byte and judges it, Node's, and nginx before another of the first kind.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use loadtest_sim::left_out;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::ports;

use crate::support::client::fetch;
use crate::support::until;

/// A request as a backend understood it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The browser's word for the gateway, which the backend's own `Host` must not be.
    pub(crate) host: String,
    pub(crate) body: String,
    /// What was not canonical.
    #[serde(default)]
    pub(crate) problem: String,
}

pub(crate) struct Backend {
    pub(crate) kind: &'static str,
    pub(crate) address: SocketAddr,
    facts: Facts,
    /// Ends with the backend.
    _process: Option<Process>,
}

enum Facts {
    Kept(Arc<Mutex<Vec<Seen>>>),
    /// To be asked for there, as JSON.
    At(SocketAddr),
}

struct Process {
    child: Child,
    folder: Option<PathBuf>,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.folder.as_ref().map(std::fs::remove_dir_all);
    }
}

impl Backend {
    /// What came since the last call.
    pub(crate) async fn seen(&self) -> Vec<Seen> {
        match &self.facts {
            Facts::Kept(seen) => std::mem::take(&mut *seen.lock().unwrap()),
            Facts::At(address) => serde_json::from_str(&fetch(*address, "/").await.body).unwrap(),
        }
    }
}

/// All that this machine has.
pub(crate) async fn start() -> Vec<Backend> {
    let mut backends = vec![recorder(None).await];
    if left_out::need("node").is_some() {
        backends.push(node());
    }
    if let Some(program) = left_out::need("nginx") {
        backends.push(nginx(&program).await);
    }
    backends
}

/// `named`: the authority that `Host` must have, if it is not the recorder's own.
async fn recorder(named: Option<SocketAddr>) -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let authority = named.unwrap_or(address).to_string();
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let record = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(record_all(stream, authority.clone(), Arc::clone(&record)));
        }
    });
    Backend { kind: "recorder", address, facts: Facts::Kept(seen), _process: None }
}

async fn record_all(mut stream: TcpStream, authority: String, record: Arc<Mutex<Vec<Seen>>>) {
    let mut bytes = Vec::new();
    while let Some(request) = next(&mut stream, &mut bytes, &authority).await {
        let (is_head, is_broken) = (request.method == "HEAD", !request.problem.is_empty());
        record.lock().unwrap().push(request);
        let body = if is_head { "" } else { "ok" };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{body}");
        if is_broken || stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next whole request; `None` at the end of the connection.
async fn next(stream: &mut TcpStream, bytes: &mut Vec<u8>, authority: &str) -> Option<Seen> {
    let head = take(stream, bytes, b"\r\n\r\n").await?;
    let mut seen = Seen::default();
    let mut problem = |what: &str| seen.problem.push_str(&format!("{what} in {head:?}; "));
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let line = lines.next()?;
    let mut parts = line.split(' ');
    let (method, path, version) = (parts.next()?, parts.next().unwrap_or(""), parts.next());
    if version != Some("HTTP/1.1") || parts.next().is_some() || !path.starts_with('/') {
        problem("request line");
    }
    if head.replace("\r\n", "").bytes().any(|byte| byte < b' ' && byte != b'\t') {
        problem("control byte");
    }
    let headers: Vec<(String, &str)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or(("", line));
            if name.is_empty() || name.contains([' ', '\t']) {
                problem("header line");
            }
            (name.to_lowercase(), value)
        })
        .collect();
    let all = |wanted: &str| -> Vec<&str> {
        headers.iter().filter(|(name, _)| name.replace('_', "-") == wanted).map(|(_, value)| *value).collect()
    };
    if all("host") != [authority] {
        problem("host");
    }
    for name in ["upgrade", "http2-settings", "keep-alive", "proxy-connection", "remote-user", "iv-user"] {
        if !all(name).is_empty() {
            problem(name);
        }
    }
    if headers.iter().any(|(name, _)| name.starts_with("$ws")) || all("cookie").len() > 1 {
        problem("identity");
    }
    let body = match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => String::new(),
        ([length], []) => match length.parse() {
            Ok(length) => take_exactly(stream, bytes, length).await?,
            Err(_) => {
                problem("length");
                String::new()
            }
        },
        ([], ["chunked"]) => chunks(stream, bytes, &mut problem).await?,
        _ => {
            problem("framing");
            String::new()
        }
    };
    let host = all("x-forwarded-host").join(" and ");
    (seen.method, seen.path, seen.host, seen.body) = (method.to_owned(), path.to_owned(), host, body);
    Some(seen)
}

async fn chunks(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    problem: &mut impl FnMut(&str),
) -> Option<String> {
    let mut body = String::new();
    loop {
        let line = take(stream, bytes, b"\r\n").await?;
        let Ok(length) = usize::from_str_radix(line.trim_end_matches("\r\n"), 16) else {
            problem("chunk size");
            return Some(body);
        };
        if length == 0 {
            break;
        }
        body.push_str(&take_exactly(stream, bytes, length).await?);
        if take_exactly(stream, bytes, 2).await? != "\r\n" {
            problem("chunk end");
        }
    }
    loop {
        let line = take(stream, bytes, b"\r\n").await?.to_lowercase();
        if line == "\r\n" {
            return Some(body);
        }
        if ["host", "content-length", "$ws"].iter().any(|name| line.starts_with(name)) {
            problem("trailer");
        }
    }
}

async fn take(stream: &mut TcpStream, bytes: &mut Vec<u8>, end: &[u8]) -> Option<String> {
    loop {
        if let Some(at) = bytes.windows(end.len()).position(|window| window == end) {
            let taken: Vec<u8> = bytes.drain(..at + end.len()).collect();
            return Some(taken.iter().map(|byte| char::from(*byte)).collect());
        }
        (stream.read_buf(bytes).await.ok()? > 0).then_some(())?;
    }
}

async fn take_exactly(stream: &mut TcpStream, bytes: &mut Vec<u8>, length: usize) -> Option<String> {
    while bytes.len() < length {
        (stream.read_buf(bytes).await.ok()? > 0).then_some(())?;
    }
    Some(bytes.drain(..length).map(char::from).collect())
}

/// Node's own HTTP server, with the strictness that it has by default.
fn node() -> Backend {
    const SCRIPT: &str = r#"
        const http = require("http");
        let seen = [];
        const server = http.createServer((request, response) => {
            let body = "";
            request.on("data", (data) => (body += data.toString("latin1")));
            request.on("end", () => {
                const host = request.headers["x-forwarded-host"] || "";
                seen.push({ method: request.method, path: request.url, host, body });
                response.end("ok");
            });
        });
        server.on("clientError", (error, socket) => {
            if (error.code !== "ECONNRESET" && error.code !== "HPE_INVALID_EOF_STATE")
                seen.push({ method: "", path: "", host: "", body: "", problem: String(error.code) });
            socket.destroy();
        });
        const facts = http.createServer((_, response) => { response.end(JSON.stringify(seen)); seen = []; });
        server.listen(0, "127.0.0.1", () => facts.listen(0, "127.0.0.1", () =>
            console.log(server.address().port + " " + facts.address().port)));
    "#;
    let mut node = Command::new("node");
    let mut child = node.args(["-e", SCRIPT]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut ports =
        line.split_whitespace().map(|port| SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())));
    let (address, facts) = (ports.next().unwrap(), ports.next().unwrap());
    Backend {
        kind: "node",
        address,
        facts: Facts::At(facts),
        _process: Some(Process { child, folder: None }),
    }
}

/// nginx reads the request its own way and writes it anew; what it has understood arrives at a recorder.
async fn nginx(program: &Path) -> Backend {
    let free = ports::reserved();
    let Backend { address: sink, facts, .. } = recorder(Some(free)).await;
    let folder = std::env::temp_dir().join(format!("livename-smuggling-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let at = folder.display();
    let configuration = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;
        events {{}}
        http {{
            access_log off; underscores_in_headers on;
            client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
            uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
            server {{
                listen {free};
                location / {{
                    proxy_pass http://{sink}; proxy_http_version 1.1;
                    proxy_set_header Host $http_host; proxy_set_header Connection \"\";
                }}
            }}
        }}"
    );
    std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
    let mut nginx = Command::new(program);
    nginx.arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("error.log"));
    let child = nginx.stderr(Stdio::null()).spawn().unwrap();
    until("nginx listens", || std::net::TcpStream::connect(free).is_ok()).await;
    let process = Process { child, folder: Some(folder) };
    Backend { kind: "nginx", address: free, facts, _process: Some(process) }
}
