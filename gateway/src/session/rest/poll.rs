//! The long poll (browser-side.md 3.3 and 3.5): answered as soon as there is something to say, after 25 s in
//! any case.
//!
//! The head of the answer is sent at once and its body is a stream of one piece, so a hanging poll holds neither
//! the request nor a buffer. An answer is kept until the next poll acknowledges it: one that was not written
//! whole is sent again, and so is one that a client which counts (`ack`) has not seen. A newer poll takes over
//! from an older one: of several windows one polls.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use gateway_core::WireForm;
use gateway_core::shard::{Batch, Ended};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use protocol::webapi::Code;
use protocol::webapi::update::{self, NOTHING, Update};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::answer::{refuse, with_body};
use super::news::{missed, told};
use super::session::{Hanging, WebSession, locked, millis};
use crate::http::Body;
use crate::hub::{Me, News, OwnLogin};
use crate::session::life::cancelled;
use crate::session::message::End;

/// Middle boxes cut what is silent for 30 s.
const PATIENCE: Duration = Duration::from_secs(25);
/// A poll that a newer one has replaced is answered so much later: two windows of one session would otherwise
/// chase each other as fast as they can.
const REPLACED: Duration = Duration::from_secs(1);
/// Takes of an outbox that one answer joins.
const TAKES: usize = 8;

/// Which poll is to be answered.
#[derive(Debug, Default)]
pub(super) struct Turn {
    poll: u64,
    ended: u64,
    /// Other reasons to look again.
    pub(super) nudges: u64,
}

/// The answer that was given last.
#[derive(Default)]
pub(super) struct Polls {
    number: u64,
    kept: Option<Bytes>,
    delivered: bool,
    /// When the news in it were decoded, until it is delivered.
    unwritten: Vec<Duration>,
    end: Option<End>,
}

impl Polls {
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }
}

/// How much of what is not watched the page knows.
#[derive(Clone)]
pub(super) struct Seen {
    me: Option<watch::Receiver<Me>>,
    news: Option<watch::Receiver<News>>,
    news_seen: u64,
}

impl Seen {
    /// Everything up to now.
    pub(super) fn of(login: Option<&OwnLogin>) -> Self {
        let mut me = login.map(|login| login.me.clone());
        me.iter_mut().for_each(|me| me.mark_unchanged());
        let news = login.map(|login| login.news.clone());
        let news_seen = news.as_ref().map_or(0, |news| news.borrow().seen());
        Self { me, news, news_seen }
    }
}

/// A poll's answer, which may take a while.
pub(super) fn response(
    session: &Arc<WebSession>,
    ack: Option<u64>,
    draining: CancellationToken,
) -> Response<Body> {
    if locked(&session.polls).has_ended() {
        return refuse(StatusCode::GONE, Code::BadSession);
    }
    let mut poll = 0;
    session.turn.send_modify(|turn| {
        turn.poll += 1;
        poll = turn.poll;
    });
    let mut turn = session.turn.subscribe();
    let ended = turn.borrow_and_update().ended;
    let waiting = Waiting {
        poll,
        ended,
        turn,
        ack,
        draining,
        until: Instant::now() + PATIENCE,
        hanging: session.hang(),
        session: Arc::clone(session),
    };
    let body = stream::unfold(Stage::Waiting(Box::new(waiting)), |stage| async {
        let (chunk, next) = stage.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(chunk)), next))
    });
    let body = StreamBody::new(body).map_err(|never| match never {}).boxed_unsync();
    with_body(StatusCode::OK, body)
}

struct Waiting {
    session: Arc<WebSession>,
    hanging: Hanging,
    poll: u64,
    ended: u64,
    turn: watch::Receiver<Turn>,
    ack: Option<u64>,
    draining: CancellationToken,
    until: Instant,
}

enum Stage {
    Waiting(Box<Waiting>),
    /// The piece was taken for writing; asked for more, it has been written.
    Given {
        session: Arc<WebSession>,
        number: Option<u64>,
        _hanging: Hanging,
    },
}

impl Stage {
    async fn next(self) -> Option<(Bytes, Self)> {
        match self {
            Self::Waiting(mut waiting) => {
                let (chunk, number) = waiting.answer().await;
                let Waiting { session, hanging, .. } = *waiting;
                Some((chunk, Self::Given { session, number, _hanging: hanging }))
            }
            Self::Given { session, number, .. } => {
                let mut polls = locked(&session.polls);
                if number == Some(polls.number) {
                    polls.delivered = true;
                    session.subscription.written(polls.unwritten.drain(..), &session.metrics);
                }
                None
            }
        }
    }
}

impl Waiting {
    /// The answer, and its number if it has to be acknowledged.
    async fn answer(&mut self) -> (Bytes, Option<u64>) {
        if let Some(kept) = self.session.unconfirmed(self.ack) {
            return kept;
        }
        loop {
            let (replaced, ended) = {
                let turn = self.turn.borrow_and_update();
                (turn.poll != self.poll, turn.ended != self.ended)
            };
            if replaced {
                // Whatever woke this poll was meant for the newer one.
                self.session.turn.send_modify(|turn| turn.nudges += 1);
                let _ = self.draining.run_until_cancelled(sleep(REPLACED)).await;
                return (NOTHING, None);
            }
            if ended {
                return (NOTHING, None);
            }
            if let Some((answer, number)) = self.session.next_answer() {
                return (answer, Some(number));
            }
            let Seen { mut me, mut news, .. } = locked(&self.session.seen).clone();
            let logged_out = self.session.seat.page().map(|page| &page.user.logged_out);
            tokio::select! {
                () = self.session.subscription.news() => {}
                _ = self.turn.changed() => {}
                () = changed(&mut me) => {}
                () = changed(&mut news) => {}
                () = cancelled(logged_out) => {}
                () = self.session.expires.passed() => {}
                () = self.draining.cancelled() => return (NOTHING, None),
                () = sleep_until(self.until) => return (NOTHING, None),
            }
        }
    }
}

impl WebSession {
    /// Lets the hanging poll go.
    pub(super) fn end_update(&self) {
        self.turn.send_modify(|turn| turn.ended += 1);
    }

    /// The last answer, if it has not arrived.
    fn unconfirmed(&self, ack: Option<u64>) -> Option<(Bytes, Option<u64>)> {
        let mut polls = locked(&self.polls);
        let kept = polls.kept.clone()?;
        let arrived = ack.map_or(polls.delivered, |number| number >= polls.number);
        if arrived {
            polls.kept = None;
            return None;
        }
        polls.delivered = false;
        Some((kept, Some(polls.number)))
    }

    /// What the page does not know yet.
    fn next_answer(&self) -> Option<(Bytes, u64)> {
        let mut entries = self.own_news();
        let mut news = Vec::new();
        let end = self.take(&mut entries, &mut news).or_else(|| self.end());
        if let Some(end) = end {
            entries.push(ending(end).entry(&self.sid, millis()));
        }
        if entries.is_empty() {
            return None;
        }
        let mut polls = locked(&self.polls);
        if end.is_some() && polls.end.is_none() {
            polls.end = end;
            // A kicked or refused login is over for good: the next login begins anew.
            self.give_up_login();
            self.metrics.subscriber_ended(end.map_or("", |end| end.code));
        }
        polls.number += 1;
        let answer = update::answer(entries.iter(), polls.number);
        polls.kept = Some(answer.clone());
        polls.unwritten = news;
        polls.delivered = false;
        Some((answer, polls.number))
    }

    /// Takes the outbox: the ordered lane first, then newest states.
    fn take(&self, entries: &mut Vec<Bytes>, news: &mut Vec<Duration>) -> Option<End> {
        let mut batch = Batch::default();
        for _ in 0..TAKES {
            if !self.subscription.take(&mut batch) {
                return None;
            }
            entries.extend(batch.notices.drain(..));
            if !batch.states.is_empty() {
                let watching = locked(&self.watching);
                let mut people = Vec::with_capacity(batch.states.len());
                for state in &batch.states {
                    let write = |id: &str| update::person(id, &state.presence);
                    people.push(state.wire(WireForm::Proxy, |state| write(state.person.as_str())).clone());
                    people.extend(watching.aliases(&state.person).map(write));
                }
                drop(watching);
                entries.push(update::watchlist(&self.sid, people.iter(), millis()));
                self.metrics.updates_delivered(batch.states.len() as u64);
                news.extend(self.subscription.news_among(&batch));
            }
            if let Some(ended) = batch.ended {
                return Some(match ended {
                    Ended::Overflow => End::TOO_SLOW,
                    Ended::ScopeClosed => self.login_end().unwrap_or(End::DRAINING),
                });
            }
            if !batch.more {
                return None;
            }
        }
        None
    }

    /// The own status, if it has changed, and what others wanted.
    fn own_news(&self) -> Vec<Bytes> {
        let mut entries = Vec::new();
        let mut seen = locked(&self.seen);
        let Seen { me, news, news_seen } = &mut *seen;
        if let Some(me) = me
            && me.has_changed().unwrap_or(false)
        {
            let me = me.borrow_and_update();
            let own = Update::own_status(me.person.as_str(), &me.presence);
            entries.push(own.entry(&self.sid, millis()));
        }
        if let Some(news) = news {
            let news = news.borrow_and_update();
            let (lost, items) = news.since(news_seen);
            let updates = missed(lost).into_iter().chain(items.map(|item| told(item)));
            entries.extend(updates.map(|update| update.entry(&self.sid, millis())));
        }
        entries
    }
}

fn ending(end: End) -> Update {
    let (status, code) = match end {
        End::LOGGED_IN_ELSEWHERE => (StatusCode::CONFLICT, Code::LoggedInElsewhere),
        End::LOGIN_REFUSED => (StatusCode::UNAUTHORIZED, Code::WrongCredentials),
        End::LOGGED_OUT | End::TOKEN_EXPIRED => (StatusCode::UNAUTHORIZED, Code::NotLoggedIn),
        _ => (StatusCode::GONE, Code::BadSession),
    };
    let fields = json!({"end": end.code, "message": end.message, "retry": end.retry});
    Update::failed(["session", "ended"], fields, status.as_u16(), code)
}

/// Never, once there is nothing to hear from any more.
async fn changed<T>(receiver: &mut Option<watch::Receiver<T>>) {
    if let Some(receiver) = receiver
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
