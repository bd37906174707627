//! A real Sametime client to test against: the C program `tests/libmeanwhile/peer.c` on Debian's
//! libmeanwhile, compiled when first needed, driven by lines and answering in JSON lines.
//!
//! For tests only; plain threads and processes, so that any test can use it. Nothing is skipped in
//! silence: [`Peer::is_installed`] notes it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use serde_json::Value;
use thiserror::Error;

use crate::left_out;

/// The program.
const SOURCE: &str = include_str!("../tests/libmeanwhile/peer.c");

/// Lines of a peer that nobody has read yet; a peer waits when there are more.
const UNREAD_LINES: usize = 200_000;

/// How a peer proves who it is.
#[derive(Clone, Copy, Debug)]
pub enum PeerProof<'a> {
    /// By a password, sent encrypted (Diffie-Hellman).
    Password(&'a str),
    /// By an LTPA token in the Login message.
    Token(&'a str),
}

/// Why there is no peer, or not what was expected of it.
#[derive(Debug, Error)]
pub enum PeerError {
    /// The library is not installed here: skip, and say so.
    #[error("libmeanwhile is not installed (pkg-config cannot find meanwhile)")]
    NotInstalled,
    /// The program does not compile.
    #[error("the peer does not compile: {0}")]
    Compile(String),
    /// It cannot be run, or ended.
    #[error("the peer cannot be run: {0}")]
    Io(#[from] io::Error),
    /// What was waited for did not come.
    #[error("no {wanted} within {waited:?}; the peer said {said:?}")]
    Silent {
        /// The event waited for.
        wanted: String,
        /// For how long.
        waited: Duration,
        /// The last lines it wrote instead.
        said: Vec<String>,
    },
}

/// A running client.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    commands: ChildStdin,
    events: Receiver<Value>,
    /// What was read while waiting for something else, newest last.
    passed: Vec<Value>,
}

impl Peer {
    /// The compiled program; compiled at the first call of a process.
    pub fn program() -> Result<PathBuf, PeerError> {
        static COMPILED: OnceLock<Mutex<Option<PathBuf>>> = OnceLock::new();
        let compiled = COMPILED.get_or_init(Mutex::default);
        let mut compiled = compiled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(program) = &*compiled {
            return Ok(program.clone());
        }
        let program = compile()?;
        *compiled = Some(program.clone());
        Ok(program)
    }

    /// Whether there is a peer. If not, notes that the calling test is left out.
    pub fn is_installed() -> Result<bool, PeerError> {
        match Self::program() {
            Ok(_) => Ok(true),
            Err(PeerError::NotInstalled) => {
                left_out::note("libmeanwhile");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Starts a client that logs in. Its first event is `started`, `redirected` or `stopped`.
    pub fn log_in(
        server: SocketAddr,
        login_type: u16,
        name: &str,
        proof: PeerProof<'_>,
    ) -> Result<Self, PeerError> {
        let mut process =
            Command::new(Self::program()?).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(commands), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(PeerError::Io(io::ErrorKind::BrokenPipe.into()));
        };
        let (sender, events) = sync_channel(UNREAD_LINES);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut peer = Self { process, commands, events, passed: Vec::new() };
        let (kind, secret) = match proof {
            PeerProof::Password(password) => ("password", password),
            PeerProof::Token(token) => ("token", token),
        };
        let (host, port) = (server.ip().to_string(), server.port().to_string());
        peer.tell(&["login", &host, &port, &format!("{login_type:x}"), name, kind, secret])?;
        Ok(peer)
    }

    /// Gives a command: the words of `peer.c`, without tabs and line ends inside.
    pub fn tell(&mut self, words: &[&str]) -> Result<(), PeerError> {
        let line = words.join("\t") + "\n";
        self.commands.write_all(line.as_bytes())?;
        Ok(self.commands.flush()?)
    }

    /// Waits for the next event of this name that suits, and passes over the others.
    pub fn wait_for(
        &mut self,
        event: &str,
        limit: Duration,
        suits: impl Fn(&Value) -> bool,
    ) -> Result<Value, PeerError> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(value) if value["event"] == event && suits(&value) => return Ok(value),
                Ok(value) => self.passed.push(value),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let said = self.passed.iter().rev().take(10).rev().map(Value::to_string).collect();
                    return Err(PeerError::Silent { wanted: event.into(), waited: limit, said });
                }
            }
        }
    }

    /// What was passed over so far.
    pub fn passed(&self) -> &[Value] {
        &self.passed
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Compiles beside the test programs, under a name of this process, so that tests running at the
/// same time do not write one file.
fn compile() -> Result<PathBuf, PeerError> {
    let found = Command::new("pkg-config").args(["--cflags", "--libs", "meanwhile", "glib-2.0"]).output();
    let flags = found.ok().filter(|found| found.status.success()).ok_or(PeerError::NotInstalled)?.stdout;
    let flags = String::from_utf8_lossy(&flags).into_owned();
    let directory = env::current_exe()?.parent().map(Path::to_path_buf).unwrap_or_default();
    let unfinished = directory.join(format!("libmeanwhile-peer-{}", std::process::id()));
    let mut compiler = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-Wall", "-O1", "-o"]).arg(&unfinished).args(["-x", "c", "-", "-x", "none"]);
    compiler.args(flags.split_whitespace());
    compiler.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = compiler.spawn()?;
    if let Some(mut source) = running.stdin.take() {
        source.write_all(SOURCE.as_bytes())?;
    }
    let output = running.wait_with_output()?;
    if !output.status.success() {
        return Err(PeerError::Compile(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let program = directory.join("libmeanwhile-peer");
    fs::rename(&unfinished, &program)?;
    Ok(program)
}
