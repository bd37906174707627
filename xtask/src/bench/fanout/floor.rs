//! The bare program beside which the gateway is measured: an event loop that writes the same bytes to the same
//! sockets, and does nothing else.
//!
//! *Floor*: one write per delivery. *Joined floor*: whatever became pending for a socket in one turn of the loop leaves
//! in one write. `GET /sub/1,2,3` with an upgrade subscribes to three people, `POST /pub/2` is a change of one.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::wire;
use crate::step::Outcome;

const LISTENER: Token = Token(usize::MAX);
const READ: usize = 64 << 10;

pub(super) fn serve(port: u16, joined: bool) -> Outcome {
    Floor::listen(port, joined).and_then(Floor::run).map_err(|error| format!("floor: {error}"))
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    joined: bool,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    watchers: HashMap<u32, Vec<usize>>,
    /// Who has something to be written at the end of the turn.
    dirty: Vec<usize>,
}

struct Client {
    stream: TcpStream,
    /// Requests that are not whole yet.
    part: Vec<u8>,
    /// What was not written yet.
    pending: Vec<u8>,
    watches: Vec<u32>,
}

impl Floor {
    fn listen(port: u16, joined: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(([0, 0, 0, 0], port).into())?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (clients, free, dirty) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { poll, listener, joined, clients, free, watchers: HashMap::new(), dirty })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; READ];
        loop {
            match self.poll.poll(&mut events, None) {
                // Whoever counts system calls interrupts.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(number) => {
                        if event.is_writable() {
                            self.write_pending(number);
                        }
                        if event.is_readable() {
                            self.read(number, &mut buffer);
                        }
                    }
                }
            }
            for number in std::mem::take(&mut self.dirty) {
                self.write_pending(number);
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let number = self.free.pop().unwrap_or(self.clients.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(number), interest)?;
            let client = Client { stream, part: Vec::new(), pending: Vec::new(), watches: Vec::new() };
            match self.clients.get_mut(number) {
                Some(place) => *place = Some(client),
                None => self.clients.push(Some(client)),
            }
        }
    }

    fn read(&mut self, number: usize, buffer: &mut [u8]) {
        while let Some(Some(client)) = self.clients.get_mut(number) {
            match client.stream.read(buffer) {
                Ok(0) => return self.close(number),
                Ok(count) => {
                    client.part.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    // Frames of subscribers are not of interest.
                    if client.watches.is_empty() {
                        self.requests(number);
                    } else {
                        client.part = Vec::new();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.close(number),
            }
        }
    }

    fn requests(&mut self, number: usize) {
        let Some(Some(client)) = self.clients.get_mut(number) else { return };
        let part = std::mem::take(&mut client.part);
        let mut rest = part.as_slice();
        while let Some((request, after)) = wire::request(rest) {
            rest = after;
            if let Some(ids) = request.path.strip_prefix("/sub/") {
                let watches = ids.split(',').filter_map(|id| id.parse().ok()).collect();
                self.subscribe(number, watches);
            } else if let Some(person) = request.path.strip_prefix("/pub/") {
                self.publish(person.parse().unwrap_or_default(), &wire::text_frame(request.body));
            }
        }
        let rest = rest.to_vec();
        if let Some(Some(client)) = self.clients.get_mut(number) {
            client.part = rest;
        }
    }

    fn subscribe(&mut self, number: usize, watches: Vec<u32>) {
        for person in &watches {
            self.watchers.entry(*person).or_default().push(number);
        }
        if let Some(Some(client)) = self.clients.get_mut(number) {
            client.watches = watches;
            client.pending.extend_from_slice(wire::UPGRADED);
        }
        self.write_pending(number);
    }

    fn publish(&mut self, person: u32, frame: &[u8]) {
        let Some(watchers) = self.watchers.get(&person) else { return };
        for number in watchers {
            let Some(Some(client)) = self.clients.get_mut(*number) else { continue };
            if self.joined {
                if client.pending.is_empty() {
                    self.dirty.push(*number);
                }
                client.pending.extend_from_slice(frame);
            } else if client.pending.is_empty() {
                let written = client.stream.write(frame).unwrap_or(0);
                client.pending.extend_from_slice(frame.get(written..).unwrap_or_default());
            } else {
                client.pending.extend_from_slice(frame);
            }
        }
    }

    fn write_pending(&mut self, number: usize) {
        let Some(Some(client)) = self.clients.get_mut(number) else { return };
        if client.pending.is_empty() {
            return;
        }
        if let Ok(written) = client.stream.write(&client.pending) {
            client.pending.drain(..written);
        }
    }

    fn close(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(number).and_then(Option::take) else { return };
        for person in client.watches {
            if let Some(watchers) = self.watchers.get_mut(&person) {
                watchers.retain(|watcher| *watcher != number);
            }
        }
        self.free.push(number);
    }
}
