//! One upstream login, kept up: connect, log in, serve, and come back after a loss, with patience.
//!
//! A kick is final, and so is a refusal that no waiting will mend: another client or an administrator has
//! decided, and it is not fought. A token that has grown old is replaced when a page shows a fresh one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway_core::hub;
use gateway_core::upstream::{Session, Told};
use gateway_core::watchset::Command;
use gateway_core::{LoginId, ScopeId};
use protocol::presence::Presence;
use protocol::secret::Secret;
use protocol::vp::client::{Closed, Config, Follow, Login as Credentials};
use protocol::vp::reason::{Reason, Retry};
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use super::Community;
use super::credential;
use super::link::{Happened, Link};
use super::pace::Backoff;
use super::servers::Servers;
use crate::config::{Observer, Redirect};
use crate::hub::{LoginState, Me, OwnCommand};

/// Commands of the hub that may wait; its watch sets keep few in flight.
const COMMANDS: usize = 64;

/// Whose login it is.
pub(super) enum Who {
    Observer(Observer),
    User { me: watch::Sender<Me>, queue: mpsc::Receiver<OwnCommand>, tokens: watch::Receiver<Secret> },
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
    refused: Option<Secret>,
    was_up: bool,
}

/// How a connection ended.
enum Ending {
    /// Try again after a wait.
    Retry,
    /// Try again at once: the server has sent us on.
    Redirected,
    /// Try again when there is another token.
    NeedsToken(Secret),
    /// Never try again.
    Final(LoginState),
    /// Nobody wants the login any more.
    Unwanted,
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
        loop {
            self.community.pace.turn().await;
            let ending = self.connect().await;
            match ending {
                Ending::Redirected => continue,
                Ending::Unwanted => return,
                Ending::Final(state) => return self.tell_me(state, None),
                Ending::NeedsToken(refused) => {
                    if !self.was_up {
                        return self.tell_me(LoginState::Refused, None);
                    }
                    self.refused = Some(refused);
                    self.tell_me(LoginState::Down, None);
                    if !self.fresh_token().await {
                        return;
                    }
                }
                Ending::Retry => {
                    self.tell_me(LoginState::Down, None);
                    self.servers.failed();
                    let wait = self.backoff.wait();
                    if !self.pause(wait).await {
                        return;
                    }
                }
            }
        }
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
        let mut link = match Link::connect(&community.config, &endpoint, self.source).await {
            Ok(link) => link,
            Err(error) => {
                let host = &endpoint.host;
                info!(community = community.config.name, host, kind = self.kind(), %error, "not connected");
                community.metrics.upstream_login(&community.config.name, error.label());
                return Ending::Retry;
            }
        };
        let now = community.hub.clock.now();
        let mut session = Session::new(self.config(), credentials, random(), now);
        let mut standing = Standing::default();
        let end = self.converse(&mut session, &mut link, &mut standing).await;
        self.watching_stopped(&mut standing).await;
        if standing.logged_in {
            community.up.fetch_sub(1, Ordering::Relaxed);
            community.metrics.upstream_state(&community.config.name, self.kind(), false);
        }
        link.finish(session.output()).await;
        self.judge(end, standing.logged_in, token)
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
        loop {
            while let Some(told) = session.next_event() {
                if let Told::Closed(closed) = told {
                    return Some(closed);
                }
                self.take(told, standing).await;
            }
            if link.is_idle() {
                link.send(session.output());
            }
            let wake = session.next_wake().map(|due| due.saturating_sub(clock.now()));
            tokio::select! {
                happened = link.progress() => match happened {
                    Happened::Read(count) => session.receive(link.read(count), clock.now()),
                    Happened::Wrote => {}
                    Happened::Ended => session.closed(clock.now()),
                },
                command = next(&mut standing.commands) => match command {
                    Some(command) => session.command(&command, clock.now()),
                    // The hub has cut us: we did not keep up.
                    None => session.closed(clock.now()),
                },
                own = self.who.command() => match own {
                    Some(OwnCommand::SetStatus { status, text }) => {
                        session.set_status(status, &text, clock.now());
                    }
                    None => {
                        session.logout(clock.now());
                        return None;
                    }
                },
                () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => {
                    session.tick(clock.now());
                }
            }
        }
    }

    async fn take(&mut self, told: Told, standing: &mut Standing) {
        let community = Arc::clone(&self.community);
        let name = &community.config.name;
        match told {
            Told::LoggedIn { own, .. } => {
                standing.logged_in = true;
                self.was_up = true;
                self.backoff.reset();
                self.servers.settled();
                community.up.fetch_add(1, Ordering::Relaxed);
                community.metrics.upstream_login(name, "ok");
                community.metrics.upstream_state(name, self.kind(), true);
                info!(community = name, kind = self.kind(), "logged in");
                self.tell_me(LoginState::Up, Some(own));
            }
            Told::Own(own) => self.tell_me(LoginState::Up, Some(own)),
            Told::ServiceUp => {
                let (sender, commands) = mpsc::channel(COMMANDS);
                standing.commands = Some(commands);
                standing.login = Some(community.hub.login_up(self.scope, sender).await);
            }
            Told::ServiceDown => self.watching_stopped(standing).await,
            Told::Entries(entries) => {
                if let Some(login) = standing.login {
                    community.hub.tell(hub::Event::Entries { login, entries }).await;
                }
            }
            Told::Redirected { host } => {
                debug!(community = name, host, "redirected");
                if let Err(error) = self.servers.redirect(&host) {
                    warn!(community = name, host, %error, "redirect not followed");
                    self.servers.failed();
                }
            }
            Told::Other(_) | Told::Closed(_) => {}
        }
    }

    async fn watching_stopped(&self, standing: &mut Standing) {
        standing.commands = None;
        if let Some(login) = standing.login.take() {
            self.community.hub.tell(hub::Event::LoginDown(login)).await;
        }
    }

    /// What follows from the end of a connection.
    fn judge(&self, end: Option<Closed>, was_up: bool, token: Option<Secret>) -> Ending {
        let Some(end) = end else { return Ending::Unwanted };
        let community = &self.community.config.name;
        let kind = self.kind();
        if !was_up && end != Closed::Redirected {
            self.community.metrics.upstream_login(community, end.kind());
        }
        match end {
            Closed::LoggedOut => Ending::Unwanted,
            Closed::Redirected => Ending::Redirected,
            Closed::Protocol(error) => {
                warn!(community, kind, %error, "the server broke the protocol");
                self.community.metrics.upstream_protocol_error(error.kind());
                Ending::Retry
            }
            Closed::Transport | Closed::Timeout(_) => {
                info!(community, kind, reason = end.kind(), "connection lost");
                Ending::Retry
            }
            Closed::ByServer(reason) => {
                warn!(community, kind, %reason, "ended by the server");
                self.judge_reason(reason, was_up, token)
            }
        }
    }

    fn judge_reason(&self, reason: Reason, was_up: bool, token: Option<Secret>) -> Ending {
        match (reason.retry(), token) {
            (Retry::FreshToken, Some(token)) => Ending::NeedsToken(token),
            // An observer's token comes from a file or is made anew each time.
            (Retry::FreshToken, None) | (Retry::Backoff | Retry::Follow, _) => Ending::Retry,
            // A second login of a user ends the first with this; coming back would end the other.
            (Retry::Once | Retry::Never, _) if was_up => Ending::Final(LoginState::Kicked),
            (Retry::Once | Retry::Never, _) => Ending::Final(LoginState::Refused),
        }
    }

    fn credentials(&self) -> Result<(Credentials, Option<Secret>), credential::CredentialError> {
        let form = self.community.config.token_form;
        Ok(match &self.who {
            Who::Observer(observer) => {
                let auth = credential::of_observer(observer, form)?;
                (Credentials { name: observer.name.clone(), auth }, None)
            }
            Who::User { me, tokens, .. } => {
                let token = tokens.borrow().clone();
                let auth = credential::of_token(token.clone(), form);
                (Credentials { name: me.borrow().person.as_str().to_owned(), auth }, Some(token))
            }
        })
    }

    fn config(&self) -> Config {
        let config = &self.community.config;
        Config {
            login_type: config.login_type,
            keepalive: config.tuning.keepalive,
            login_timeout: config.tuning.login_timeout,
            follow: match config.redirect {
                Redirect::Reconnect => Follow::Reconnect,
                Redirect::Continue => Follow::Continue,
            },
            ..Config::default()
        }
    }

    fn kind(&self) -> &'static str {
        match self.who {
            Who::Observer(_) => "observer",
            Who::User { .. } => "user",
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

    /// Waits; `false` if nobody wants the login any more.
    async fn pause(&mut self, wait: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.who.unwanted() => false,
        }
    }

    /// Waits for a token that was not refused; `false` if nobody wants the login any more.
    async fn fresh_token(&mut self) -> bool {
        let Self { who, refused, .. } = self;
        let Who::User { tokens, .. } = who else { return true };
        tokens.wait_for(|token| Some(token) != refused.as_ref()).await.is_ok()
    }
}

/// How far a connection has come.
#[derive(Default)]
struct Standing {
    logged_in: bool,
    /// What the hub calls the open awareness channel, and what it wants of it.
    login: Option<LoginId>,
    commands: Option<mpsc::Receiver<Command>>,
}

impl Who {
    /// What a page wants; `None` once no page is left that could want anything.
    async fn command(&mut self) -> Option<OwnCommand> {
        match self {
            Self::Observer(_) => std::future::pending().await,
            Self::User { queue, .. } => queue.recv().await,
        }
    }

    /// Returns when no page is left. What pages want meanwhile is dropped: they were told that the login is down.
    async fn unwanted(&mut self) {
        while self.command().await.is_some() {}
    }
}

async fn next(queue: &mut Option<mpsc::Receiver<Command>>) -> Option<Command> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}

/// Keys come from the system. Without it there is no login, but no panic either: zeros make a key that the
/// other side refuses.
fn random() -> protocol::vp::crypto::Random {
    Box::new(|bytes| {
        if let Err(error) = getrandom::fill(bytes) {
            warn!(%error, "no random numbers from the system");
            bytes.fill(0);
        }
    })
}
