//! One upstream login, kept up: connect, log in, serve, and come back after a loss, with patience.
//!
//! What follows from the end of a connection is decided in `ending`. A token that has grown old is replaced
//! when a page shows a fresh one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway_core::hub;
use gateway_core::upstream::{Session, Told};
use gateway_core::watchset::Command;
use gateway_core::{LoginId, ScopeId};
use protocol::presence::Presence;
use protocol::vp::client::{Closed, Event, Login as Credentials};
use protocol::vp::message::Announce;
use protocol::vp::prim::{LoginInfo, PrivacyInfo};
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::Community;
use super::chats::Chats;
use super::credential;
use super::ending::{Ending, Past, judge};
use super::link::{Happened, Link};
use super::machine::{client_config, random};
use super::pace::Backoff;
use super::servers::Servers;
use super::services::Services;
use super::silence::Silence;
use super::visitors;
use crate::config::Observer;
use crate::hub::{Audience, LoginState, Me, News, OwnCommand, Proof};

/// Commands of the hub that may wait. Few ADDs are in flight, but when all viewers of an observer go, their
/// REMOVEs come at once; each command names a whole batch.
const COMMANDS: usize = 4096;
/// The bit of a login type that says that nobody in particular logs in (vp-wire.md 4).
const ANONYMOUS: u16 = 0x0800;
/// A login that stood that long was a good one: after its loss the waits begin anew.
const STEADY: Duration = Duration::from_secs(30);

/// Whose login it is.
pub(super) enum Who {
    Observer {
        observer: Observer,
        /// Questions that any observer of the community may answer.
        asked: Arc<Mutex<mpsc::Receiver<OwnCommand>>>,
    },
    User {
        me: watch::Sender<Me>,
        queue: mpsc::Receiver<OwnCommand>,
        /// What others want of the user.
        news: watch::Sender<News>,
        /// The pages that can show a chat.
        audience: Arc<Audience>,
        proofs: watch::Receiver<Proof>,
        /// The user has logged out.
        over: CancellationToken,
    },
}

/// See the module.
pub(super) struct Login {
    community: Arc<Community>,
    scope: ScopeId,
    who: Who,
    servers: Servers,
    backoff: Backoff,
    source: Option<std::net::IpAddr>,
    /// The last token that the community refused.
    refused: Option<Proof>,
    was_up: bool,
}

impl Login {
    pub(super) fn new(community: &Arc<Community>, scope: ScopeId, who: Who) -> Self {
        let turn = community.turn();
        Self {
            servers: Servers::new(&community.config, turn),
            backoff: Backoff::new(community.config.tuning.backoff),
            source: community.source(turn),
            community: Arc::clone(community),
            scope,
            who,
            refused: None,
            was_up: false,
        }
    }

    /// Runs until the login is over for good, then closes its scope if it was the user's own.
    pub(super) async fn run(mut self) {
        let stopped = self.community.stopped.clone();
        let _ = stopped.run_until_cancelled(self.keep_up()).await;
        if matches!(self.who, Who::User { .. }) {
            self.community.hub.tell(hub::Event::ScopeClosed(self.scope)).await;
        }
    }

    async fn keep_up(&mut self) {
        let community = Arc::clone(&self.community);
        loop {
            tokio::select! {
                () = community.pace.turn() => {}
                () = self.who.unwanted() => return,
            }
            let wait = match self.connect().await {
                Ending::Redirected => continue,
                Ending::Unwanted => return,
                Ending::Final(state) => return self.give_up(state),
                Ending::NeedsToken(_) if !self.was_up => return self.give_up(LoginState::Refused),
                Ending::NeedsToken(refused) => {
                    self.refused = Some(refused);
                    self.tell_me(LoginState::Down, None);
                    if self.fresh_token().await {
                        continue;
                    }
                    return;
                }
                Ending::Rest => community.config.tuning.backoff.1,
                Ending::Retry => self.backoff.wait(),
            };
            self.tell_me(LoginState::Down, None);
            self.servers.failed();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.who.unwanted() => return,
            }
        }
    }

    fn give_up(&self, state: LoginState) {
        if let Who::Observer { observer, .. } = &self.who {
            let (community, observer) = (&self.community.config.name, &observer.name);
            error!(community, observer, "the observer is refused; it is not tried again before a restart");
        }
        self.tell_me(state, None);
    }

    /// One connection, from dialling to its end.
    async fn connect(&mut self) -> Ending {
        let community = Arc::clone(&self.community);
        let Some(endpoint) = self.servers.current().cloned() else {
            return Ending::Final(LoginState::Refused);
        };
        let (credentials, token) = match self.credentials() {
            Ok(credentials) => credentials,
            Err(error) => {
                warn!(community = community.config.name, %error, "nothing to log in with");
                community.metrics.upstream_login(&community.config.name, "no_credential");
                return Ending::Retry;
            }
        };
        let connected = tokio::select! {
            connected = Link::connect(&community.config, &endpoint, self.source) => connected,
            () = self.who.unwanted() => return Ending::Unwanted,
        };
        let mut link = match connected {
            Ok(link) => link,
            Err(error) => {
                let host = &endpoint.host;
                info!(community = community.config.name, host, kind = self.kind(), %error, "not connected");
                community.metrics.upstream_login(&community.config.name, error.label());
                return Ending::Retry;
            }
        };
        let now = community.hub.clock.now();
        let mut config = client_config(&community.config);
        if token == Some(Proof::Anonymous) {
            config.login_type |= ANONYMOUS;
        }
        let mut session = Session::new(config, credentials, random(), now);
        let mut standing = Standing::default();
        let end = self.converse(&mut session, &mut link, &mut standing).await;
        self.watching_stopped(&mut standing).await;
        if let Who::User { news, .. } = &self.who {
            visitors::tell(news, standing.chats.lost());
        }
        if let Some(since) = standing.up_since {
            community.up.fetch_sub(1, Ordering::Relaxed);
            community.metrics.upstream_state(&community.config.name, self.kind(), false);
            if community.hub.clock.now().saturating_sub(since) >= STEADY {
                self.backoff.reset();
            }
        }
        link.finish(session.output()).await;
        self.note(end.as_ref(), &standing);
        let sent_on = standing.home.is_some_and(|host| self.follow(&host));
        let (was_up, is_observer) = (standing.up_since.is_some(), matches!(self.who, Who::Observer { .. }));
        judge(end.as_ref(), Past { was_up, token, is_observer, sent_on })
    }

    /// Carries bytes, commands and news until the session ends. `None`: nobody wants it any more.
    ///
    /// Inputs: the connection, the hub's commands, the pages' commands, the session's own timer.
    async fn converse(
        &mut self,
        session: &mut Session,
        link: &mut Link,
        standing: &mut Standing,
    ) -> Option<Closed> {
        let clock = self.community.hub.clock;
        let tuning = &self.community.config.tuning;
        let mut silence = Silence::new(tuning.keepalive, clock.now());
        let login_until = clock.now().saturating_add(tuning.login_timeout);
        loop {
            while let Some(told) = session.next_event() {
                match &told {
                    Told::Closed(closed) => return Some(closed.clone()),
                    Told::Other(event) => self.hear(event, standing, session),
                    _ => {}
                }
                self.take(told, standing).await;
                // While the hub let us wait, nobody listened.
                silence.broken(clock.now());
            }
            if link.is_idle() {
                link.send(session.output());
            }
            let wake = session.next_wake().map(|due| due.saturating_sub(clock.now()));
            let (what, limit) = match standing.up_since {
                None => ("login", Some(login_until)),
                Some(_) => ("silence", session.is_kept_alive().then(|| silence.too_long_at())),
            };
            let patience = limit.map(|limit| limit.saturating_sub(clock.now()));
            tokio::select! {
                happened = link.progress() => match happened {
                    Happened::Read(count) => {
                        silence.broken(clock.now());
                        session.receive(link.read(count), clock.now());
                    }
                    Happened::Wrote => {}
                    Happened::Ended => session.closed(clock.now()),
                },
                command = next(&mut standing.commands) => match command {
                    Some(command) => session.command(&command, clock.now()),
                    // The hub has cut us: we did not keep up.
                    None => session.closed(clock.now()),
                },
                own = self.who.command(standing.up_since.is_some()) => match own {
                    Some(OwnCommand::SetStatus { status, text }) => {
                        session.set_status(status, &text, clock.now());
                    }
                    Some(OwnCommand::SetPrivacy(privacy)) => {
                        // A login that takes nothing more ends by itself.
                        let _ = session.client().set_privacy(privacy);
                    }
                    Some(OwnCommand::Announce { recipients, text, may_reply }) => {
                        let announce = Announce { may_reply, text, recipients, ..Announce::default() };
                        let _ = session.client().announce(announce);
                    }
                    Some(OwnCommand::Chat { with, text }) => {
                        let refused = standing.chats.say(with, text, session.client());
                        if let Who::User { news, .. } = &self.who {
                            visitors::tell(news, refused);
                        }
                    }
                    Some(OwnCommand::Typing { with, typing }) => {
                        standing.chats.typing(&with, typing, session.client());
                    }
                    Some(OwnCommand::Ask(ask)) => standing.services.ask(ask, session.client()),
                    None => {
                        session.logout(clock.now());
                        return None;
                    }
                },
                () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => {
                    session.tick(clock.now());
                }
                () = tokio::time::sleep(patience.unwrap_or(Duration::MAX)), if patience.is_some() => {
                    return Some(Closed::Timeout(what));
                }
            }
        }
    }

    async fn take(&mut self, told: Told, standing: &mut Standing) {
        let community = Arc::clone(&self.community);
        let name = &community.config.name;
        match told {
            Told::LoggedIn { own, info, privacy } => {
                standing.up_since = Some(community.hub.clock.now());
                standing.home = None;
                self.was_up = true;
                self.backoff.ease();
                self.servers.settled();
                community.up.fetch_add(1, Ordering::Relaxed);
                community.metrics.upstream_login(name, "ok");
                community.metrics.upstream_state(name, self.kind(), true);
                info!(community = name, kind = self.kind(), "logged in");
                self.introduce(info, privacy);
                self.tell_me(LoginState::Up, Some(own));
            }
            Told::Own(own) => self.tell_me(LoginState::Up, Some(own)),
            Told::ServiceUp => {
                let (sender, commands) = mpsc::channel(COMMANDS);
                standing.commands = Some(commands);
                standing.login = Some(community.hub.login_up(self.scope, sender).await);
            }
            Told::ServiceDown => self.watching_stopped(standing).await,
            Told::Entries { entries, snapshot, decoded_at } => {
                if let Some(login) = standing.login {
                    let entries = hub::Event::Entries { login, entries, snapshot, decoded_at };
                    community.hub.tell(entries).await;
                }
            }
            // With `redirect = "continue"` it matters only if the server then sends us away after all.
            Told::Redirected { host } => standing.home = Some(host),
            Told::Other(_) | Told::Closed(_) => {}
        }
    }

    /// What is of no concern to the core: what others want of the user, and answers of the services beside
    /// awareness.
    fn hear(&self, event: &Event, standing: &mut Standing, session: &mut Session) {
        if let Err((service, error)) = standing.services.take(event) {
            return session.reject(service, error, self.community.hub.clock.now());
        }
        let Who::User { me, news, audience, .. } = &self.who else { return };
        let client = session.client();
        match event {
            Event::PrivacyEcho(privacy) => me.send_modify(|me| me.privacy = Some(privacy.clone())),
            Event::Incoming { create, .. } => {
                let own = audience.is_there().then(|| me.borrow().presence.clone());
                visitors::tell(news, standing.chats.invited(create, own.as_ref(), client));
            }
            _ => {
                match standing.chats.take(event, audience.is_there(), client) {
                    Ok(items) => visitors::tell(news, items),
                    // Another person's client wrote it, and the server only passed it on: that is no reason to
                    // leave the server.
                    Err(error) => {
                        debug!(%error, "what is said in a chat cannot be read");
                        self.community.metrics.upstream_protocol_error("chat");
                    }
                }
                visitors::tell(news, visitors::said(event));
            }
        }
    }

    async fn watching_stopped(&self, standing: &mut Standing) {
        standing.commands = None;
        if let Some(login) = standing.login.take() {
            self.community.hub.tell(hub::Event::LoginDown(login)).await;
        }
    }

    /// Counts and logs how a connection ended.
    fn note(&self, end: Option<&Closed>, standing: &Standing) {
        let Some(end) = end else { return };
        let (community, kind, reason) = (&self.community.config.name, self.kind(), end.kind());
        let metrics = &self.community.metrics;
        if standing.up_since.is_none() {
            metrics.upstream_login(community, reason);
        }
        match end {
            Closed::LoggedOut | Closed::Redirected => debug!(community, kind, reason, "connection ended"),
            Closed::Protocol(error) => {
                warn!(community, kind, %error, "the server broke the protocol");
                metrics.upstream_protocol_error(reason);
            }
            Closed::Timeout(phase) => info!(community, kind, phase, "the server does not answer"),
            Closed::Transport => info!(community, kind, "connection lost"),
            Closed::ByServer(reason) => warn!(community, kind, %reason, "ended by the server"),
        }
    }

    /// Whether the next connection goes to that server.
    fn follow(&mut self, host: &str) -> bool {
        let community = &self.community.config.name;
        match self.servers.redirect(host) {
            Ok(()) => debug!(community, host, "redirected"),
            Err(error) => warn!(community, host, %error, "redirect not followed"),
        }
        self.servers.is_redirected()
    }

    fn credentials(&self) -> Result<(Credentials, Option<Proof>), credential::CredentialError> {
        let form = self.community.config.token_form;
        Ok(match &self.who {
            Who::Observer { observer, .. } => {
                let auth = credential::of_observer(observer, form)?;
                (Credentials { name: observer.name.clone(), auth }, None)
            }
            Who::User { me, proofs, .. } => {
                let proof = proofs.borrow().clone();
                let auth = credential::of_user(&proof, form);
                (Credentials { name: me.borrow().person.as_str().to_owned(), auth }, Some(proof))
            }
        })
    }

    fn kind(&self) -> &'static str {
        match self.who {
            Who::Observer { .. } => "observer",
            Who::User { .. } => "user",
        }
    }

    /// Who the user is, as the community has it.
    fn introduce(&self, info: LoginInfo, privacy: Option<PrivacyInfo>) {
        if let Who::User { me, proofs, .. } = &self.who {
            let typed = proofs.borrow().leaves_name_open();
            me.send_modify(|me| {
                me.privacy = privacy;
                if typed {
                    me.person = info.user_id.into();
                }
            });
        }
    }

    fn tell_me(&self, login: LoginState, presence: Option<Presence>) {
        if let Who::User { me, .. } = &self.who {
            me.send_modify(|me| {
                me.login = login;
                if let Some(presence) = presence {
                    me.presence = presence;
                }
            });
        }
    }

    /// Waits for a token that was not refused; `false` if nobody wants the login any more.
    async fn fresh_token(&mut self) -> bool {
        let Self { who, refused, .. } = self;
        let Who::User { proofs, over, .. } = who else { return true };
        tokio::select! {
            fresh = proofs.wait_for(|proof| Some(proof) != refused.as_ref()) => fresh.is_ok(),
            () = over.cancelled() => false,
        }
    }
}

/// How far a connection has come.
#[derive(Default)]
struct Standing {
    up_since: Option<Duration>,
    /// The home server that the community has named.
    home: Option<String>,
    /// What the hub calls the open awareness channel, and what it wants of it.
    login: Option<LoginId>,
    commands: Option<mpsc::Receiver<Command>>,
    services: Services,
    chats: Chats,
}

impl Who {
    /// What a page wants; `None` once no page can want anything: all are gone, or the user has logged out.
    /// Observers share their queue, so only one that is up takes from it.
    async fn command(&mut self, is_up: bool) -> Option<OwnCommand> {
        match self {
            Self::Observer { asked, .. } if is_up => match asked.lock().await.recv().await {
                Some(ask) => Some(ask),
                None => std::future::pending().await,
            },
            Self::Observer { .. } => std::future::pending().await,
            Self::User { queue, over, .. } => tokio::select! {
                command = queue.recv() => command,
                () = over.cancelled() => None,
            },
        }
    }

    /// Returns when the login has no use any more. What pages want meanwhile is dropped: they were told that
    /// the login is down.
    async fn unwanted(&mut self) {
        while self.command(false).await.is_some() {}
    }
}

async fn next(queue: &mut Option<mpsc::Receiver<Command>>) -> Option<Command> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}
