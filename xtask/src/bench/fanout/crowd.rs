//! The browsers of a bench: many sockets, one thread, no memory per socket. The same for all peers.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::dialect::Dialect;
use super::wire;

const PUBLISHER: Token = Token(usize::MAX);
const READ: usize = 256 << 10;
/// Connections that begin at once: fewer than any server keeps waiting, which is 128 by the standard library.
const WAVE: usize = 100;
/// Each address of a server has so many of its 28,000 ports used.
const PER_ADDRESS: usize = 10_000;
/// Nothing that is waited for takes longer, or it has failed.
const LIMIT: Duration = Duration::from_secs(60);
/// Begins the text of a change: `@phase.microseconds`.
const STAMP: u8 = b'@';

/// Sockets that are open, and what has come over them in the current phase.
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    dialect: Dialect,
    browsers: Vec<Browser>,
    /// Comes when all browsers are there: nginx closes connections that wait for requests when it is nearly full.
    publisher: Option<TcpStream>,
    /// Of the publisher, not written yet.
    out: Vec<u8>,
    buffer: Vec<u8>,
    phase: u32,
    pub(super) seen: Seen,
}

/// What browsers have got.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) deliveries: u64,
    pub(super) bytes: u64,
    /// Microseconds each took.
    pub(super) latencies: Vec<u32>,
}

struct Browser {
    stream: TcpStream,
    part: Vec<u8>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// The answer to the handshake is outstanding.
    Handshake,
    /// The server speaks first.
    Hello,
    Open,
}

impl Crowd {
    pub(super) fn new(dialect: Dialect) -> Result<Self, String> {
        let poll = Poll::new().map_err(|error| format!("crowd: {error}"))?;
        Ok(Self {
            poll,
            events: Events::with_capacity(4096),
            dialect,
            browsers: Vec::new(),
            publisher: None,
            out: Vec::new(),
            buffer: vec![0; READ],
            phase: 0,
            seen: Seen::default(),
        })
    }

    /// Opens a socket for each list of people, and waits until it is quiet.
    pub(super) fn join(&mut self, lists: &[Vec<u32>]) -> Result<(), String> {
        self.publisher = None;
        for wave in lists.chunks(WAVE) {
            for list in wave {
                self.connect(list).map_err(|error| format!("crowd: {error}"))?;
            }
            let open =
                |crowd: &Self| crowd.browsers.iter().rev().take(WAVE).all(|one| one.stage == Stage::Open);
            self.pump(open, LIMIT)?;
        }
        let mut publisher =
            connect(self.dialect.publish_at).map_err(|error| format!("publisher: {error}"))?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut publisher, PUBLISHER, both);
        registered.map_err(|error| format!("publisher: {error}"))?;
        self.publisher = Some(publisher);
        self.settle()
    }

    /// What comes from now on counts anew.
    pub(super) fn begin(&mut self) {
        self.phase += 1;
        self.seen = Seen::default();
    }

    /// A change of this person that is due now.
    pub(super) fn publish(&mut self, person: u32, due: u64) -> Result<(), String> {
        let text = format!("@{}.{due}", self.phase);
        self.dialect.publish(&mut self.out, person, &text);
        self.flush()
    }

    /// Reads until there were so many deliveries.
    pub(super) fn wait_for(&mut self, deliveries: u64) -> Result<(), String> {
        self.pump(|crowd| crowd.seen.deliveries >= deliveries, LIMIT)
    }

    /// Reads whatever comes until then.
    pub(super) fn read_until(&mut self, end: Instant) -> Result<(), String> {
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left)?;
        }
        Ok(())
    }

    /// Until nothing has come for a while.
    fn settle(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let before = self.seen.bytes;
            self.read_until(Instant::now() + Duration::from_millis(700))?;
            if self.seen.bytes == before {
                return Ok(());
            }
            if begun.elapsed() > LIMIT {
                return Err("crowd: it does not get quiet".into());
            }
        }
    }

    fn pump(&mut self, done: impl Fn(&Self) -> bool, limit: Duration) -> Result<(), String> {
        let begun = Instant::now();
        while !done(self) {
            if begun.elapsed() > limit {
                return Err(format!("crowd: {} deliveries and no more", self.seen.deliveries));
            }
            self.turn(Duration::from_millis(100))?;
        }
        Ok(())
    }

    fn turn(&mut self, at_most: Duration) -> Result<(), String> {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        self.poll.poll(&mut events, Some(at_most)).map_err(|error| format!("crowd: {error}"))?;
        for event in &events {
            match event.token() {
                PUBLISHER => {
                    self.flush()?;
                    if let Some(publisher) = &mut self.publisher {
                        drain(publisher, &mut self.buffer)?;
                    }
                }
                Token(number) => self.read(number)?,
            }
        }
        self.events = events;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        let Some(publisher) = &mut self.publisher else { return Ok(()) };
        while !self.out.is_empty() {
            match publisher.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(format!("publisher: {error}")),
            }
        }
        Ok(())
    }

    fn connect(&mut self, list: &[u32]) -> io::Result<()> {
        let number = self.browsers.len();
        let last = u8::try_from(1 + number / PER_ADDRESS).unwrap_or(u8::MAX);
        let mut stream = connect(SocketAddr::from(([127, 0, 0, last], self.dialect.port)))?;
        stream.write_all(self.dialect.handshake(list).as_bytes())?;
        self.poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
        self.browsers.push(Browser { stream, part: Vec::new(), stage: Stage::Handshake });
        if self.dialect.says_hello() {
            self.dialect.remember(number, list);
        }
        Ok(())
    }

    fn read(&mut self, number: usize) -> Result<(), String> {
        let Self { browsers, buffer, dialect, seen, phase, .. } = self;
        let Some(browser) = browsers.get_mut(number) else { return Ok(()) };
        loop {
            let count = match browser.stream.read(buffer) {
                Ok(0) => return Err(format!("browser {number}: the server has closed")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("browser {number}: {error}")),
            };
            let piece = buffer.get(..count).unwrap_or_default();
            seen.bytes += count as u64;
            let now = micros();
            if browser.part.is_empty() {
                let left = browser.take(piece, number, dialect, |payload| seen.scan(payload, *phase, now))?;
                browser.part.extend_from_slice(left);
            } else {
                let mut part = std::mem::take(&mut browser.part);
                part.extend_from_slice(piece);
                let left = browser.take(&part, number, dialect, |payload| seen.scan(payload, *phase, now))?;
                browser.part = left.to_vec();
            }
            if count < READ {
                return Ok(());
            }
        }
    }
}

impl Browser {
    /// Takes what is whole; what is left.
    fn take<'a>(
        &mut self,
        mut bytes: &'a [u8],
        number: usize,
        dialect: &Dialect,
        mut each: impl FnMut(&[u8]),
    ) -> Result<&'a [u8], String> {
        if self.stage == Stage::Handshake {
            let Some(end) = wire::head_end(bytes) else { return Ok(bytes) };
            let (head, rest) = bytes.split_at(end);
            if !head.starts_with(b"HTTP/1.1 101") {
                return Err(format!("no WebSocket: {}", String::from_utf8_lossy(head)));
            }
            bytes = rest;
            self.stage = if dialect.says_hello() { Stage::Hello } else { Stage::Open };
        }
        while let Some((payload, rest)) = wire::frame(bytes) {
            bytes = rest;
            if self.stage == Stage::Hello {
                self.stage = Stage::Open;
                let frame = wire::masked_text_frame(dialect.watch(number).as_bytes());
                self.stream.write_all(&frame).map_err(|error| format!("browser {number}: {error}"))?;
            }
            each(payload);
        }
        Ok(bytes)
    }
}

impl Seen {
    /// Every stamp of this phase is a delivery.
    fn scan(&mut self, payload: &[u8], phase: u32, now: u64) {
        let mut rest = payload;
        while let Some(at) = rest.iter().position(|byte| *byte == STAMP) {
            rest = rest.get(at + 1..).unwrap_or_default();
            if let Some(stamped) = stamp(rest, phase) {
                self.deliveries += 1;
                self.latencies.push(u32::try_from(now.saturating_sub(stamped)).unwrap_or(u32::MAX));
            }
        }
    }
}

fn stamp(text: &[u8], phase: u32) -> Option<u64> {
    let end = text.iter().position(|byte| *byte == b'"')?;
    let (of, at) = std::str::from_utf8(text.get(..end)?).ok()?.split_once('.')?;
    (of.parse() == Ok(phase)).then(|| at.parse().ok())?
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}

fn drain(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), String> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err("publisher: the server has closed".into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(format!("publisher: {error}")),
        }
    }
}

/// Since 1970.
pub(super) fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
