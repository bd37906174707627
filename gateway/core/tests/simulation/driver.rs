//! The gateway's side of one upstream login: dials, follows redirects, comes back, and takes a kick of a
//! user as final. What the program does with sockets, here with pipes.

use std::time::Duration;

use gateway_core::hub;
use gateway_core::upstream::{Session, Told};
use gateway_core::watchset::Command;
use gateway_core::{LoginId, ScopeId};
use protocol::presence::{Presence, Status};
use protocol::vp::client::{Auth, Closed, Config, Login};
use protocol::vp::reason::{Reason, Retry};

use super::dice::Dice;
use super::pipe::Pipe;
use super::site::Site;
use super::world::Seen;

/// The two directions of a connection; `None` is its end.
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) up: Pipe<Option<Vec<u8>>>,
    pub(crate) down: Pipe<Option<Vec<u8>>>,
}

pub(crate) struct Driver {
    pub(crate) site: usize,
    pub(crate) scope: ScopeId,
    /// Place of the person in the site's directory.
    pub(crate) person: usize,
    /// A user's own login, or an observer.
    pub(crate) own: bool,
    server: usize,
    pub(crate) line: Option<Line>,
    /// Earlier connections whose end has not reached the server yet.
    pub(crate) old_lines: Vec<Line>,
    pub(crate) session: Option<Session>,
    pub(crate) dial_at: Option<Duration>,
    tries: u32,
    /// The hub's login, while the awareness channel is open.
    pub(crate) login: Option<LoginId>,
    pub(crate) commands: Pipe<Command>,
    pub(crate) to_hub: Pipe<hub::Event>,
    /// The user's own presence as the session tells it.
    pub(crate) me: Option<Presence>,
    pub(crate) over: bool,
}

impl Driver {
    pub(crate) fn new(site: usize, scope: ScopeId, person: usize, own: bool, now: Duration) -> Self {
        Self {
            site,
            scope,
            person,
            own,
            server: 0,
            line: None,
            old_lines: Vec::new(),
            session: None,
            dial_at: Some(now),
            tries: 0,
            login: None,
            commands: Pipe::new(),
            to_hub: Pipe::new(),
            me: None,
            over: false,
        }
    }

    pub(crate) fn dial(&mut self, id: u64, site: &mut Site, dice: &mut Dice, now: Duration) {
        self.dial_at = None;
        site.connect(id, self.server, dice, now);
        let person = &site.community.directory().people()[self.person];
        let password = person.password.clone();
        let auth = if site.has_keys() { Auth::DhPassword(password) } else { Auth::PlainPassword(password) };
        let login = Login { name: person.id.to_string(), auth };
        self.old_lines.extend(self.line.take());
        self.line = Some(Line { id, up: Pipe::new(), down: Pipe::new() });
        let config = Config { follow: site.follow, ..Config::default() };
        self.session = Some(Session::new(config, login, dice.source(), now));
    }

    /// The next time at which this driver has something to do by itself.
    pub(crate) fn due(&self) -> Option<Duration> {
        let session = self.session.as_ref().and_then(Session::next_wake);
        let lines = self.line.iter().flat_map(|line| [line.up.due(), line.down.due()]);
        let old = self.old_lines.iter().map(|line| line.up.due());
        let own = [self.dial_at, session, self.commands.due(), self.to_hub.due()];
        own.into_iter().chain(lines).chain(old).flatten().min()
    }

    /// Sends what the session has to send and passes on what it tells.
    pub(crate) fn settle(
        &mut self,
        site: &Site,
        next_id: &mut u64,
        dice: &mut Dice,
        seen: &mut Seen,
        now: Duration,
    ) {
        let Some(session) = &mut self.session else { return };
        let mut end = None;
        while let Some(told) = session.next_event() {
            match told {
                Told::LoggedIn { own, .. } => {
                    self.tries = 0;
                    self.me = Some(own);
                }
                Told::Own(own) => self.me = Some(own),
                Told::Redirected { host } => {
                    seen.redirects += 1;
                    self.server = site.server_of(&host);
                }
                Told::ServiceUp => {
                    *next_id += 1;
                    let login = LoginId(*next_id);
                    self.login = Some(login);
                    self.commands = Pipe::new();
                    let event = hub::Event::LoginUp { scope: self.scope, login };
                    self.to_hub.push(now + dice.milliseconds(3), event);
                }
                Told::ServiceDown => {
                    seen.service_losses += u64::from(!session.is_closed());
                    let login = self.login.take().unwrap();
                    self.commands = Pipe::new();
                    self.to_hub.push(now + dice.milliseconds(3), hub::Event::LoginDown(login));
                }
                Told::Entries { entries, snapshot, decoded_at } => {
                    let login = self.login.unwrap();
                    let event = hub::Event::Entries { login, entries, snapshot, decoded_at };
                    self.to_hub.push(now + dice.milliseconds(3), event);
                }
                Told::Other(_) => {}
                Told::Closed(closed) => end = Some(closed),
            }
        }
        let output = session.output();
        if let Some(line) = &mut self.line {
            send(&mut line.up, &output, end.is_some(), dice, now);
        }
        if let Some(end) = end {
            seen.kicks += u64::from(end == Closed::ByServer(Reason::OTHER_COMPUTER));
            self.ended(&end, dice, now);
        }
    }

    fn ended(&mut self, end: &Closed, dice: &mut Dice, now: Duration) {
        self.session = None;
        match end {
            Closed::LoggedOut => self.over = true,
            Closed::ByServer(reason) if self.own && self.me.is_some() && reason.retry() == Retry::Never => {
                self.over = true;
            }
            Closed::Redirected => self.dial_at = Some(now),
            _ => {
                self.tries += 1;
                let longest = 1000 << self.tries.min(6);
                self.dial_at = Some(now + Duration::from_millis(200) + dice.milliseconds(longest));
            }
        }
        self.me = None;
        if self.over {
            self.dial_at = None;
            if self.own {
                self.to_hub.push(now + dice.milliseconds(3), hub::Event::ScopeClosed(self.scope));
            }
        }
    }

    /// The connection breaks, for both ends and with whatever is on the way.
    pub(crate) fn cut(&mut self, dice: &mut Dice, now: Duration) {
        let Some(line) = &mut self.line else { return };
        for pipe in [&mut line.up, &mut line.down] {
            pipe.clear(now);
            pipe.push(now + dice.milliseconds(2000), None);
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.to_hub.is_empty() && self.commands.is_empty()
    }

    pub(crate) fn set_status(&mut self, status: Status, text: &str, now: Duration) -> bool {
        let up = self.me.is_some();
        if let Some(session) = self.session.as_mut().filter(|_| up) {
            session.set_status(status, text, now);
        }
        up
    }
}

/// Bytes into a pipe: in pieces, each with a delay, and perhaps with the end behind them.
pub(crate) fn send(
    pipe: &mut Pipe<Option<Vec<u8>>>,
    mut bytes: &[u8],
    over: bool,
    dice: &mut Dice,
    now: Duration,
) {
    let mut at = now + dice.milliseconds(30);
    while !bytes.is_empty() {
        let most = if dice.one_in(4) { 20 } else { 4096 };
        let (piece, rest) = bytes.split_at(bytes.len().min(1 + dice.below(most)));
        pipe.push(at, Some(piece.to_vec()));
        at += dice.milliseconds(3);
        bytes = rest;
    }
    if over {
        pipe.push(at, None);
    }
}
