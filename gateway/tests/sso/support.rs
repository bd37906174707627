//! The program with a configuration of its own, an upstream that shows what reached it, and tokens.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::ltpa::SystemSeconds;
use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{SigningKey, Version};
use protocol::secret::Secret;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with keys: `1.secret` to `3.secret` for Domino, `A.keys`, `B.keys` and `F.keys` (FIPS) for
/// WebSphere, each with a `.password`.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("livename-sso-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        for (number, secret) in
            ["AQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgI=", "AwMDAwMDAwMDAwMDAwMDAwMDAwM="]
                .iter()
                .enumerate()
        {
            folder.write(&format!("{}.secret", number + 1), secret);
        }
        let vectors = vectors("websphere");
        for id in ["A", "B", "F"] {
            folder.write(&format!("{id}.keys"), vectors["keysets"][id]["keyfile"].as_str().unwrap());
            folder.write(&format!("{id}.password"), vectors["keysets"][id]["password"].as_str().unwrap());
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        // In one step: the program may read it at any time.
        let part = self.0.join(format!("{name}.part"));
        std::fs::write(&part, text).unwrap();
        std::fs::rename(&part, &path).unwrap();
        path
    }

    /// A configuration with one worker, this `[sso]` and these routes.
    pub(crate) fn config(&self, sso: &str, routes: &str) -> PathBuf {
        let text = format!(
            "[listen]\nhttp = [\"127.0.0.1:0\"]\nadmin = \"127.0.0.1:0\"\nworkers = 1\n[limits]\nheader_bytes = 65536\n{sso}\n{routes}\n"
        );
        self.write("livename.toml", &text)
    }

    pub(crate) fn start(&self) -> Program {
        let ready = self.0.join("ready.json");
        let child = livename()
            .args(["run", "--config", self.0.join("livename.toml").to_str().unwrap()])
            .args(["--ready-file", ready.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut program = Program { child, addresses: Value::Null };
        wait("the ready file", || {
            assert!(program.child.try_wait().unwrap().is_none(), "the program has ended");
            ready.exists()
        });
        program.addresses = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
        program
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) const DOMINO_COOKIE: &str = "[[sso.cookie]]\nname = \"LtpaToken\"\nformat = \"domino\"\n";
pub(crate) const LTPA1_COOKIE: &str =
    "[[sso.cookie]]\nname = \"LtpaToken\"\nformat = \"ltpa1\"\nunsigned_expiry = true\n";
pub(crate) const LTPA2_COOKIE: &str = "[[sso.cookie]]\nname = \"LtpaToken2\"\nformat = \"ltpa2\"\n";

pub(crate) fn domino_key(number: u8) -> String {
    format!("[[sso.key]]\nid = \"d{number}\"\nformat = \"domino\"\nsecret_file = \"{number}.secret\"\n")
}

pub(crate) fn websphere_key(id: &str) -> String {
    format!(
        "[[sso.key]]\nid = \"{id}\"\nformat = \"websphere\"\nkey_file = \"{id}.keys\"\npassword_file = \"{id}.password\"\n"
    )
}

/// A running gateway; killed at the end.
pub(crate) struct Program {
    child: Child,
    addresses: Value,
}

impl Program {
    pub(crate) fn http(&self) -> SocketAddr {
        self.addresses["http"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.addresses["admin"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn metric(&self, series: &str) -> u64 {
        let scrape = get(self.admin(), "/metrics", &[]).body;
        let value = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        get(self.http(), path, headers)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn livename() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livename"));
    command.env_remove("LIVENAME_LOG");
    command
}

/// An answer, read whole. Header names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// One GET to `mail1.acme.example` on a connection of its own; a `host` among the headers replaces that.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut head = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str("Host: mail1.acme.example\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    asked(address, format!("{head}\r\n").as_bytes())
}

/// One POST of JSON.
pub(crate) fn post(address: SocketAddr, path: &str, cookies: &str, body: &str) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nConnection: close\r\nHost: mail1.acme.example\r\nCookie: {cookies}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    asked(address, head.as_bytes())
}

/// One GET with header lines of bytes.
pub(crate) fn get_bytes(address: SocketAddr, lines: &[&[u8]]) -> Answer {
    let head = b"GET /x HTTP/1.1\r\nConnection: close\r\nHost: mail1.acme.example";
    let lines = [&[&head[..]], lines, &[b"", b""]].concat();
    asked(address, &lines.join(&b"\r\n"[..]))
}

fn asked(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Answer { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
}

/// A connection that is kept, for one request after the other.
pub(crate) struct KeptConnection(BufReader<TcpStream>);

impl KeptConnection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// The status of a request whose answer has a length.
    pub(crate) fn get(&mut self, path: &str, cookies: &str) -> u16 {
        let (status, length) = self.ask(path, cookies, "*/*");
        std::io::copy(&mut self.0.by_ref().take(length.unwrap()), &mut std::io::sink()).unwrap();
        status
    }

    /// Opens an event channel: its first message.
    pub(crate) fn events(&mut self, path: &str, cookies: &str) -> Value {
        assert_eq!(self.ask(path, cookies, "text/event-stream").0, 200);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the channel is closed");
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    /// Whether the other side has left it open.
    pub(crate) fn is_open(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        loop {
            match self.0.read(&mut [0; 4096]) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            }
        }
    }

    fn ask(&mut self, path: &str, cookies: &str, accept: &str) -> (u16, Option<u64>) {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: mail1.acme.example\r\nAccept: {accept}\r\nCookie: {cookies}\r\n\r\n"
        );
        self.0.get_mut().write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}")).parse().unwrap();
        let mut length = None;
        loop {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                return (status, length);
            }
            let (name, value) = line.split_once(':').unwrap();
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse().unwrap());
            }
        }
    }
}

/// An upstream that answers every request with its head; runs until the test program ends.
pub(crate) fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || reflect(stream.unwrap()));
        }
    });
    address
}

fn reflect(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    while lines.read_until(b'\n', &mut head).is_ok_and(|count| count > 0) {
        if head.ends_with(b"\r\n\r\n") {
            let mut answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len()).into_bytes();
            answer.append(&mut head);
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A Domino token with the secret of that number, valid from a minute ago for half an hour.
pub(crate) fn domino(user: &str, number: u8) -> String {
    domino_between(user, number, now() - 60, now() + 1800)
}

pub(crate) fn domino_between(user: &str, number: u8, from: u64, to: u64) -> String {
    let secret = DominoSecret::from_bytes(&[number; 20]).unwrap();
    mint(user.as_bytes(), SystemSeconds(from), SystemSeconds(to), &secret).unwrap()
}

/// A WebSphere token of the key file, valid for half an hour.
pub(crate) fn websphere(version: Version, user: &str, id: &str) -> String {
    websphere_until(version, user, id, now() + 1800)
}

pub(crate) fn key_file(id: &str) -> KeyFile {
    let set = &vectors("websphere")["keysets"][id];
    let text = |field: &str| set[field].as_str().unwrap();
    KeyFile::read(text("keyfile"), &Secret::from(text("password"))).unwrap()
}

pub(crate) fn websphere_until(version: Version, user: &str, id: &str, to: u64) -> String {
    let file = key_file(id);
    SigningKey::new(&file).unwrap().mint(version, file.realm().unwrap(), user, to * 1000).unwrap()
}

pub(crate) fn vectors(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors/ltpa");
    serde_json::from_slice(&std::fs::read(root.join(format!("{name}.json"))).unwrap()).unwrap()
}

pub(crate) fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs the program with this text on its standard input.
pub(crate) fn piped(arguments: &[&str], text: &str) -> (i32, String, String) {
    let mut child = livename()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_owned();
    // Beside reading: the answers may fill their pipe before the questions are all written.
    let writer = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
