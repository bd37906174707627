//! One session of the REST interface: a browser that has logged in.
//!
//! Its watches are a subscription of the shard of the worker that took the login; requests and polls may come
//! to any worker. What commands bring about goes into the subscription's ordered lane, and out by the poll.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, BytesMut};
use gateway_core::ScopeId;
use http::StatusCode;
use protocol::presence::PersonId;
use protocol::webapi::Code;
use protocol::webapi::update::Update;
use tokio::sync::watch;
use tokio::time::Instant;

use super::poll::{Polls, Seen, Turn};
use super::watching::Watching;
use super::{Refused, Work};
use crate::auth::Identity;
use crate::config::Limits;
use crate::hub::{Listening, LoginState, OwnCommand, OwnLogin};
use crate::names::{Asker, Names};
use crate::session::end_of;
use crate::session::expiry::Expiry;
use crate::session::message::End;
use crate::session::users::Page;
use crate::shard::{self, Shard, Subscription};
use crate::telemetry::Metrics;

/// Commands of a session that may be waiting for the community.
const WORK: usize = 32;

/// Whose session it is, and by what that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// By the cookie: each request has to prove it again.
    Token(String),
    /// By what the community has judged.
    Proved(PersonId),
    Guest,
}

/// Through which login a session looks and acts.
pub(super) enum Seat {
    User(Page),
    /// Nobody's own; where watches need a login, the one that all guests share. It is only looked through.
    Guest(Option<Page>),
}

impl Seat {
    pub(super) fn user(&self) -> Option<&Page> {
        match self {
            Self::User(page) => Some(page),
            Self::Guest(_) => None,
        }
    }

    /// Whosever login it is.
    pub(super) fn page(&self) -> Option<&Page> {
        match self {
            Self::User(page) => Some(page),
            Self::Guest(page) => page.as_ref(),
        }
    }

    pub(super) fn login(&self) -> Option<&OwnLogin> {
        self.page()?.user.login()
    }
}

/// What a session is opened with.
pub(super) struct Door {
    pub(super) community: String,
    pub(super) scope: ScopeId,
    pub(super) shard: Arc<Shard>,
    pub(super) names: Arc<Names>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    /// Its pages can chat.
    pub(super) chat: bool,
    /// When the token ends that each request has to show; `None` if there is none.
    pub(super) expires: Option<Instant>,
}

/// See the module.
pub(super) struct WebSession {
    pub(super) sid: String,
    nonce: String,
    /// The name that was logged in with.
    pub(super) name: String,
    pub(super) owner: Owner,
    pub(super) seat: Seat,
    pub(super) community: String,
    pub(super) names: Arc<Names>,
    pub(super) asker: Asker,
    pub(super) subscription: Subscription,
    pub(super) watching: Mutex<Watching>,
    pub(super) seen: Mutex<Seen>,
    pub(super) polls: Mutex<Polls>,
    pub(super) turn: watch::Sender<Turn>,
    pub(super) preferences: Mutex<BTreeMap<String, String>>,
    /// One change of the contact list at a time.
    pub(super) editing: tokio::sync::Mutex<()>,
    /// Its pages can chat.
    pub(super) chat: bool,
    working: AtomicUsize,
    hanging: AtomicUsize,
    last_seen: Mutex<Instant>,
    /// When the newest token that was shown ends.
    pub(super) expires: Expiry,
    scope: ScopeId,
    shard: Arc<Shard>,
    pub(super) metrics: Arc<Metrics>,
    bounds: gateway_core::shard::Limits,
}

impl WebSession {
    pub(super) fn open(door: Door, owner: Owner, seat: Seat, name: &str) -> Result<Self, getrandom::Error> {
        let Door { community, scope, shard, names, metrics, limits, chat, expires } = door;
        let bounds = shard::limits(&limits);
        metrics.subscribers("poll", 1);
        Ok(Self {
            sid: random()?,
            nonce: random()?,
            name: name.to_owned(),
            owner,
            community,
            asker: names.asker(seat.login()),
            names,
            subscription: shard.subscribe(scope, bounds),
            watching: Mutex::default(),
            seen: Mutex::new(Seen::of(seat.user().and_then(|page| page.user.login()))),
            polls: Mutex::default(),
            turn: watch::Sender::default(),
            preferences: Mutex::default(),
            editing: tokio::sync::Mutex::default(),
            chat: chat && seat.user().is_some(),
            working: AtomicUsize::new(0),
            hanging: AtomicUsize::new(0),
            last_seen: Mutex::new(Instant::now()),
            expires: Expiry::new(expires),
            seat,
            scope,
            shard,
            metrics,
            bounds,
        })
    }

    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Takes the same time whatever is wrong with it.
    pub(super) fn has_nonce(&self, shown: &str) -> bool {
        let (ours, shown) = (self.nonce.as_bytes(), shown.as_bytes());
        let differ = ours.iter().zip(shown).fold(0, |differ, (ours, shown)| differ | (ours ^ shown));
        ours.len() == shown.len() && differ == 0
    }

    /// Whether whoever asks may be its user.
    pub(super) fn is_of(&self, identity: Option<&Identity>) -> bool {
        match &self.owner {
            Owner::Token(user) => identity.is_some_and(|identity| identity.user == *user),
            Owner::Proved(_) | Owner::Guest => true,
        }
    }

    /// Its page is there. A renewed token is the user's from now on.
    pub(super) fn touch(&self, identity: Option<&Identity>) {
        *locked(&self.last_seen) = Instant::now();
        if let (Seat::User(page), Some(identity), Owner::Token(_)) = (&self.seat, identity, &self.owner) {
            page.user.show(identity);
            self.expires.put_off(end_of(identity));
        }
    }

    /// Why there will be nothing more: the login or the token is over.
    pub(super) fn end(&self) -> Option<End> {
        self.login_end().or(self.expires.is_over().then_some(End::TOKEN_EXPIRED))
    }

    /// Whether nobody has asked for so long.
    pub(super) fn is_over(&self, grace: Duration) -> bool {
        self.hanging.load(Ordering::Acquire) == 0 && locked(&self.last_seen).elapsed() > grace
    }

    /// A poll hangs as long as the guard lives.
    pub(super) fn hang(self: &Arc<Self>) -> Hanging {
        self.hanging.fetch_add(1, Ordering::AcqRel);
        let audience = self.seat.login().filter(|_| self.chat).map(|login| login.audience.listen());
        Hanging { session: Arc::clone(self), _audience: audience }
    }

    /// Logs the user out; of the login that guests share, only this one goes.
    pub(super) fn log_out(&self) {
        if let Some(page) = self.seat.user() {
            page.log_out();
        }
        self.turn.send_modify(|turn| turn.nudges += 1);
    }

    /// Why there will be nothing more, if the login is over.
    pub(super) fn login_end(&self) -> Option<End> {
        let page = self.seat.page()?;
        match page.user.me().login {
            LoginState::Kicked => Some(End::LOGGED_IN_ELSEWHERE),
            LoginState::Refused => Some(End::LOGIN_REFUSED),
            _ if page.user.logged_out.is_cancelled() => Some(End::LOGGED_OUT),
            _ => None,
        }
    }

    /// Lets a login go that the community has ended or refused: the next page begins anew instead of finding
    /// it again.
    pub(super) fn give_up_login(&self) {
        if self.login_end().is_some()
            && let Some(page) = self.seat.page()
        {
            page.log_out();
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.login_end().is_some() || locked(&self.polls).has_ended()
    }

    /// Puts something on the event channel.
    pub(super) fn tell(&self, update: &Update) {
        self.subscription.notice(update.entry(&self.sid, millis()));
    }

    /// Several in one piece, which counts once against the lane's bound.
    pub(super) fn tell_all(&self, updates: &[Update]) {
        let mut entries = BytesMut::new();
        for update in updates {
            if !entries.is_empty() {
                entries.put_u8(b',');
            }
            entries.put_slice(&update.entry(&self.sid, millis()));
        }
        if !entries.is_empty() {
            self.subscription.notice(entries.freeze());
        }
    }

    /// What takes longer than an answer may: its result travels on the event channel.
    pub(super) fn later<F>(
        self: &Arc<Self>,
        work: Work<'_>,
        act: impl FnOnce(Arc<Self>) -> F,
    ) -> Result<(), Refused>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.working.fetch_add(1, Ordering::AcqRel) >= WORK {
            self.working.fetch_sub(1, Ordering::AcqRel);
            return Err((StatusCode::INTERNAL_SERVER_ERROR, Code::ServiceUnavailable));
        }
        let (this, draining) = (Arc::clone(self), work.draining.clone());
        let acting = act(Arc::clone(self));
        work.tasks.spawn(async move {
            let _ = draining.run_until_cancelled(acting).await;
            this.working.fetch_sub(1, Ordering::AcqRel);
        });
        Ok(())
    }

    /// Hands a command to the user's own login.
    pub(super) fn command(&self, command: OwnCommand) -> Result<(), Refused> {
        let login = self.seat.user().and_then(|page| page.user.login());
        let login = login.ok_or((StatusCode::CONFLICT, Code::NotLoggedIn))?;
        if login.me.borrow().login != LoginState::Up {
            return Err((StatusCode::INTERNAL_SERVER_ERROR, Code::CommunityOffline));
        }
        let busy = |_| (StatusCode::INTERNAL_SERVER_ERROR, Code::ServiceUnavailable);
        login.commands.try_send(command).map_err(busy)
    }

    /// Another subscription with the same view.
    pub(super) fn another_view(&self) -> Subscription {
        self.shard.subscribe(self.scope, self.bounds)
    }
}

impl Drop for WebSession {
    fn drop(&mut self) {
        self.metrics.subscribers("poll", -1);
        self.give_up_login();
    }
}

/// A poll that waits.
pub(super) struct Hanging {
    session: Arc<WebSession>,
    /// Where its page can show chats.
    _audience: Option<Listening>,
}

impl Drop for Hanging {
    fn drop(&mut self) {
        *locked(&self.session.last_seen) = Instant::now();
        self.session.hanging.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Now, as entries have it.
pub(super) fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// 128 random bits, in hexadecimal.
fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let mut text = String::with_capacity(32);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
