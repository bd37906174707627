//! An event channel without its transport: its subscription, its page, and the commands it carries out.

use std::fmt;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::Cursor;
use gateway_core::shard::{Batch, Ended, WatchError};
use protocol::presence::PersonId;
use tokio::time::Instant;

use super::by_name::{self, ByName};
use super::command::{self, Command, Op, Refusal};
use super::expiry::Expiry;
use super::message::{self, End};
use super::users::Page;
use crate::auth::Identity;
use crate::hub::{Item, LoginState, Me, OwnCommand};
use crate::shard::Subscription;
use crate::telemetry::Metrics;

/// Names a channel for commands that come beside it. A secret of its page: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ChannelKey(u128);

/// See the module.
pub(super) struct Channel {
    pub(super) key: ChannelKey,
    pub(super) page: Option<Page>,
    subscription: Arc<Subscription>,
    by_name: Arc<ByName>,
    bounds: Bounds,
    metrics: Arc<Metrics>,
    transport: &'static str,
    /// When the page's token ends; a renewal puts it off.
    pub(super) expires: Expiry,
}

/// How much a page may say; what was in force when its channel was opened.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// People on its list.
    pub(super) watches: usize,
    /// Bytes of a message or body.
    pub(super) message_bytes: usize,
}

/// What a channel begins with.
pub(super) struct Terms {
    pub(super) bounds: Bounds,
    /// `websocket` or `sse`.
    pub(super) transport: &'static str,
    /// How long the page's token is good for; `None` without one.
    pub(super) expires_in: Option<Duration>,
    pub(super) by_name: Arc<ByName>,
}

/// A token that has just been proved, for [`Channel::commands`].
pub(super) struct Fresh<'a> {
    pub(super) identity: &'a Identity,
    /// How long it is good for.
    pub(super) left: Duration,
}

impl ChannelKey {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(u128::from(getrandom::u64()?) << 64 | u128::from(getrandom::u64()?)))
    }

    /// The key that a page gives in a path, if it looks like one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(text, 16).ok().filter(|_| is_one).map(Self)
    }
}

/// As the page gets it.
impl fmt::Display for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelKey(…)")
    }
}

impl Channel {
    pub(super) fn new(
        key: ChannelKey,
        subscription: Subscription,
        page: Option<Page>,
        terms: Terms,
        metrics: Arc<Metrics>,
    ) -> Self {
        let Terms { bounds, transport, expires_in, by_name } = terms;
        let subscription = Arc::new(subscription);
        metrics.subscribers(transport, 1);
        let expires = Expiry::new(expires_in.and_then(|left| Instant::now().checked_add(left)));
        Self { key, page, subscription, by_name, bounds, metrics, transport, expires }
    }

    /// The first message.
    pub(super) fn hello(&self) -> Bytes {
        message::hello(&self.key, self.me().as_ref(), self.expires.left(), &self.bounds)
    }

    /// A command as a WebSocket carries it; the answer goes into the ordered lane.
    pub(super) fn command(&self, text: &[u8]) {
        let answer = match command::one(text) {
            Ok(command) => self.carry_out(command, None),
            Err(refusal) => message::error(&refusal),
        };
        self.subscription.notice(answer);
    }

    /// Commands as a `POST` carries them, with the token of its cookie; the answers are a JSON array.
    pub(super) fn commands(&self, text: &[u8], fresh: Option<&Fresh<'_>>) -> Result<Bytes, Refusal> {
        let commands = command::many(text)?;
        let answers: Vec<Bytes> = commands
            .into_iter()
            .map(|command| match command {
                Ok(command) => self.carry_out(command, fresh),
                Err(refusal) => message::error(&refusal),
            })
            .collect();
        Ok([b"[".as_slice(), &answers.join(b",".as_slice()), b"]"].concat().into())
    }

    fn carry_out(&self, Command { id, op }: Command, fresh: Option<&Fresh<'_>>) -> Bytes {
        let done = match op {
            Op::Watch { ids, names, since } => self.watch(id, &ids, names, since),
            Op::Unwatch(ids) => {
                self.subscription.unwatch(&ids);
                Ok(())
            }
            Op::UnwatchAll => {
                self.subscription.unwatch_all();
                Ok(())
            }
            Op::Status { status, text } => self.own(OwnCommand::SetStatus { status, text }, id),
            Op::Logout => {
                if let Some(page) = &self.page {
                    page.log_out();
                }
                Ok(())
            }
            Op::Ping => return message::pong(id),
            Op::Renew => match fresh {
                Some(fresh) => return message::renewed(id, self.renew(fresh)),
                None => {
                    Err(Refusal::new(id, "no_token", "send it by POST: the request's cookie is the token"))
                }
            },
        };
        match done {
            Ok(()) => message::ok(id),
            Err(refusal) => message::error(&refusal),
        }
    }

    fn watch(
        &self,
        id: Option<u64>,
        ids: &[PersonId],
        names: Vec<Arc<str>>,
        since: Option<Cursor>,
    ) -> Result<(), Refusal> {
        let too_many = |limit: usize, of: &str| {
            let text = format!("at most {limit} {of}; nothing of this command was done");
            Refusal::new(id, "too_many_watches", text)
        };
        if names.len() > by_name::AT_ONCE {
            return Err(too_many(by_name::AT_ONCE, "names can be in a command"));
        }
        self.subscription.watch(ids, since).map_err(|error| match error {
            WatchError::TooMany { limit } => too_many(limit, "people can be watched"),
            WatchError::BadId { .. } | WatchError::NoSubscriber => {
                Refusal::new(id, "bad_json", format!("ids: {error}"))
            }
        })?;
        let most = self.bounds.watches;
        if names.is_empty() || self.by_name.watch(&self.subscription, id, names, most) {
            return Ok(());
        }
        Err(Refusal::new(id, "too_many_watches", format!("at most {most} names can be looked up at a time")))
    }

    /// The page goes on with a fresh token, and so does the user's own login at its next connection. An older
    /// token than the one at hand changes nothing.
    fn renew(&self, fresh: &Fresh<'_>) -> Option<Duration> {
        if let Some(end) = Instant::now().checked_add(fresh.left) {
            self.expires.put_off(end);
        }
        if let Some(page) = &self.page {
            page.user.show(fresh.identity);
        }
        self.expires.left()
    }

    fn own(&self, command: OwnCommand, id: Option<u64>) -> Result<(), Refusal> {
        let refuse = |message: &str| Refusal::new(id, "not_logged_in", message);
        let login = self.page.as_ref().and_then(|page| page.user.login());
        let login = login.ok_or_else(|| refuse("nobody is logged in to the community here"))?;
        if login.me.borrow().login != LoginState::Up {
            return Err(refuse("the community cannot be reached at the moment"));
        }
        login.commands.try_send(command).map_err(|_| refuse("too many commands at once; try again"))
    }

    /// Size of the messages and bodies that the page may send.
    pub(super) fn message_bytes(&self) -> usize {
        self.bounds.message_bytes
    }

    /// Whose channel it is.
    pub(super) fn owner(&self) -> Option<&str> {
        self.page.as_ref().map(|page| page.user.person().as_str())
    }

    /// The own state, if somebody is logged in.
    pub(super) fn me(&self) -> Option<Me> {
        self.page.as_ref().map(|page| page.user.me())
    }

    /// Whether the channel must end because of what became of the own login.
    pub(super) fn login_end(&self) -> Option<End> {
        match self.me()?.login {
            LoginState::Kicked => Some(End::LOGGED_IN_ELSEWHERE),
            LoginState::Refused => Some(End::LOGIN_REFUSED),
            LoginState::Off | LoginState::Connecting | LoginState::Up | LoginState::Down => None,
        }
    }

    /// Why there is nothing to see any more.
    fn scope_end(&self) -> End {
        let logged_out = self.page.as_ref().is_some_and(|page| page.user.logged_out.is_cancelled());
        self.login_end().unwrap_or(if logged_out { End::LOGGED_OUT } else { End::DRAINING })
    }

    /// What the page has not seen yet, as messages, as much as fits one write. `true` if there is more.
    pub(super) fn take(&self, batch: &mut Batch, messages: &mut Vec<Outgoing>) -> bool {
        self.subscription.take(batch) && self.unpack(batch, messages)
    }

    /// As [`Self::take`]; from then on the task is woken when there is more.
    pub(super) fn poll_take(&self, cx: &Context<'_>, batch: &mut Batch, messages: &mut Vec<Outgoing>) {
        if self.subscription.poll_take(cx, batch).is_ready() {
            self.unpack(batch, messages);
        }
    }

    fn unpack(&self, batch: &mut Batch, messages: &mut Vec<Outgoing>) -> bool {
        if !batch.notices.is_empty() {
            messages.extend(batch.notices.drain(..).map(Outgoing::Message));
        }
        if !batch.states.is_empty() {
            let frame = message::presence(&batch.states, batch.cursor);
            messages.push(Outgoing::Presence { frame, cursor: batch.cursor });
            self.metrics.updates_delivered(batch.states.len() as u64);
        }
        if let Some(ended) = batch.ended {
            messages.push(Outgoing::End(match ended {
                Ended::Overflow => End::TOO_SLOW,
                Ended::ScopeClosed => self.scope_end(),
            }));
        }
        batch.more
    }

    /// When the news among what was just taken were decoded.
    pub(super) fn news_among<'b>(&self, batch: &'b Batch) -> impl Iterator<Item = Duration> + use<'b> {
        self.subscription.news_among(batch)
    }

    /// News that were decoded then have now been written.
    pub(super) fn written(&self, decoded_at: impl Iterator<Item = Duration>) {
        self.subscription.written(decoded_at, &self.metrics);
    }

    /// Waits until there may be something to take.
    pub(super) async fn news(&self) {
        self.subscription.news().await;
    }

    /// Puts the own state into the ordered lane.
    pub(super) fn tell_me(&self) {
        self.subscription.notice(message::me(self.me().as_ref()));
    }

    /// Puts what somebody else wants of the user into the ordered lane.
    pub(super) fn tell(&self, item: &Item) {
        self.subscription.notice(message::notice(item));
    }

    /// Notes why the channel ends.
    pub(super) fn ended(&self, reason: &'static str) {
        self.metrics.subscriber_ended(reason);
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.metrics.subscribers(self.transport, -1);
        // A refused or kicked login is over: the next page begins anew instead of finding it again.
        if self.login_end().is_some()
            && let Some(page) = &self.page
        {
            page.log_out();
        }
    }
}

/// One message on its way to a page.
pub(super) enum Outgoing {
    Message(Bytes),
    Presence { frame: Bytes, cursor: Option<Cursor> },
    End(End),
}
