//! One user of a rehearsal: a login, what it sees, and a chat.

use std::collections::HashMap;
use std::time::Duration;

use gateway_core::upstream::{Session, Told};
use gateway_core::watchset::Command;
use protocol::presence::{PersonId, Presence, Status};
use protocol::vp::client::{Closed, Event, Login};
use protocol::vp::reason::Reason;
use tokio::time::{Instant, timeout};

use super::trouble::Trouble;
use crate::community::chats::Chats;
use crate::community::link::{Happened, Link};
use crate::community::machine::{client_config, random};
use crate::community::servers::{Endpoint, Servers};
use crate::config::Community;
use crate::hub::{Chat, Item, Partner};

/// See the module.
pub(super) struct Guest {
    /// The id that the community knows the user by.
    pub(super) me: String,
    /// Where the login is.
    at: String,
    login_type: u16,
    session: Session,
    link: Link,
    start: Instant,
    own: Presence,
    is_up: bool,
    watches: bool,
    seen: HashMap<PersonId, Status>,
    chats: Chats,
    chat_refused: Option<Reason>,
    heard: Vec<String>,
    sent_on: Option<String>,
}

impl Guest {
    /// Logs in at the first server of a community, or where that sends the user.
    pub(super) async fn log_in(community: &Community, login: Login) -> Result<Self, Trouble> {
        let mut servers = Servers::new(community, 0);
        loop {
            let Some(endpoint) = servers.current() else { return Err(Trouble::NoServer) };
            let tried = Self::try_log_in(community, endpoint, login.clone()).await;
            match &tried {
                Err(Trouble::Elsewhere { host, .. }) if servers.redirect(host).is_ok() => {}
                _ => return tried,
            }
        }
    }

    async fn try_log_in(community: &Community, endpoint: &Endpoint, login: Login) -> Result<Self, Trouble> {
        let at = format!("{}:{}", endpoint.host, endpoint.port);
        let source = community.source_addresses.first().copied();
        let link = Link::connect(community, endpoint, source)
            .await
            .map_err(|error| Trouble::Unreachable { at: at.clone(), why: error.to_string() })?;
        let config = client_config(community);
        let me = login.name.clone();
        let mut guest = Self {
            me,
            login_type: config.login_type,
            session: Session::new(config, login, random(), Duration::ZERO),
            link,
            start: Instant::now(),
            own: Presence::default(),
            is_up: false,
            watches: false,
            seen: HashMap::new(),
            chats: Chats::default(),
            chat_refused: None,
            heard: Vec::new(),
            sent_on: None,
            at: at.clone(),
        };
        let logged_in = async {
            while !guest.is_up {
                guest.step().await?;
            }
            Ok(())
        };
        let limit = community.tuning.login_timeout;
        timeout(limit, logged_in).await.unwrap_or(Err(Trouble::Silent { at }))?;
        Ok(guest)
    }

    /// Whether others can be watched by now.
    pub(super) fn watches(&self) -> bool {
        self.watches
    }

    pub(super) fn watch(&mut self, people: &[String]) {
        let people = people.iter().map(|id| PersonId::from(id.as_str())).collect();
        self.session.command(&Command::Add(people), self.start.elapsed());
    }

    /// The newest state of a person, if one was told.
    pub(super) fn seen(&self, person: &str) -> Option<Status> {
        self.seen.get(&PersonId::from(person)).copied()
    }

    /// The user's own state, as the community has it.
    pub(super) fn own(&self) -> &Presence {
        &self.own
    }

    pub(super) fn set_status(&mut self, wanted: &Presence) {
        self.session.set_status(wanted.status, &wanted.text, self.start.elapsed());
    }

    /// Goes on until the community has the user so: it says so itself, or tells it like anybody's.
    pub(super) async fn becomes(&mut self, status: Status) -> Result<(), Trouble> {
        while self.own.status != status && self.seen(&self.me) != Some(status) {
            self.step().await?;
        }
        Ok(())
    }

    /// Begins a chat with a text.
    pub(super) fn write_to(&mut self, person: &str, text: &str) {
        let with = Partner { id: person.to_owned(), name: String::new() };
        let refused = self.chats.say(with, Some(text.to_owned()), self.session.client());
        self.note(refused);
    }

    /// Why a chat has ended, if one has.
    pub(super) fn chat_refused(&self) -> Option<Reason> {
        self.chat_refused
    }

    pub(super) fn heard(&self, text: &str) -> bool {
        self.heard.iter().any(|heard| heard == text)
    }

    /// Goes on until something has happened. Cancel safe.
    pub(super) async fn step(&mut self) -> Result<(), Trouble> {
        self.hear()?;
        if self.session.is_closed() {
            return Err(self.trouble(Closed::Transport));
        }
        if self.link.is_idle() {
            self.link.send(self.session.output());
        }
        let wake = self.session.next_wake().map(|due| due.saturating_sub(self.start.elapsed()));
        tokio::select! {
            happened = self.link.progress() => match happened {
                Happened::Read(count) => self.session.receive(self.link.read(count), self.start.elapsed()),
                Happened::Wrote => {}
                Happened::Ended => self.session.closed(self.start.elapsed()),
            },
            () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => {
                self.session.tick(self.start.elapsed());
            }
        }
        self.hear()
    }

    /// Logs out.
    pub(super) async fn leave(mut self) {
        self.session.logout(self.start.elapsed());
        self.link.finish(self.session.output()).await;
    }

    fn hear(&mut self) -> Result<(), Trouble> {
        while let Some(told) = self.session.next_event() {
            match told {
                Told::LoggedIn { info, own, .. } => {
                    self.me = info.user_id;
                    self.own = own;
                    self.is_up = true;
                }
                Told::Own(own) => self.own = own,
                Told::ServiceUp => self.watches = true,
                Told::ServiceDown => self.watches = false,
                Told::Entries { entries, .. } => {
                    self.seen.extend(entries.into_iter().map(|(id, presence)| (id, presence.status)));
                }
                Told::Redirected { host } => self.sent_on = Some(host),
                Told::Other(event) => self.chatter(&event),
                Told::Closed(closed) => return Err(self.trouble(closed)),
            }
        }
        Ok(())
    }

    fn chatter(&mut self, event: &Event) {
        let items = match event {
            Event::Incoming { create, .. } => {
                let item = self.chats.invited(create, Some(&self.own), self.session.client());
                item.into_iter().collect()
            }
            // What cannot be read was not heard.
            _ => self.chats.take(event, true, self.session.client()).unwrap_or_default(),
        };
        self.note(items);
    }

    fn note(&mut self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            match item {
                Item::Chat { what: Chat::Said(text), .. } => self.heard.push(text),
                Item::Chat { what: Chat::Closed(reason), .. } => self.chat_refused = Some(reason),
                _ => {}
            }
        }
    }

    fn trouble(&self, closed: Closed) -> Trouble {
        let (at, user) = (self.at.clone(), self.me.clone());
        match (closed, &self.sent_on) {
            (Closed::Redirected, Some(host)) => Trouble::Elsewhere { user, host: host.clone() },
            (Closed::ByServer(reason), _) if !self.is_up => {
                Trouble::Refused { user, reason, login_type: self.login_type }
            }
            (Closed::ByServer(reason), _) => Trouble::Ended { user, why: reason.to_string() },
            (Closed::Protocol(error), _) => Trouble::NoCommunity { at, why: error.to_string() },
            (Closed::Timeout(_), _) => Trouble::Silent { at },
            _ if self.is_up => Trouble::Ended { user, why: "the connection was lost".to_owned() },
            _ => Trouble::Closed { at },
        }
    }
}
