//! A page that talks to a Sametime Proxy: log in, join, watch, and poll for ever (docs/rest.md; browser-side.md
//! 3.3 to 3.5). Written from the published interface, so that it works against a real proxy as well.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::body::Body;
use super::cast::Cast;
use super::crew::Stage;
use super::http::{self, Head};
use super::http2::Line;
use super::own::{self, Beside};
use super::page::Browser;
use super::request::Request;
use super::visit::{IDS, OPEN_LIMIT, Order, Seat, reading};
use super::wire::Wire;
use crate::measure::{FailureKind, PersonState, Recorder, micros};

/// A poll is answered after 30 s at the latest; one that hangs longer is lost.
const POLL_LIMIT: Duration = Duration::from_secs(60);
/// An empty answer does not come sooner than this, if all is well.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long a page that is closed waits for its goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// The kind of client that iNotes is.
const CONNECT: &str = "user/connect?loginType=5284&loginMethod=byToken&initialStatus=1";

/// The session of a page, and its one connection.
struct Session<'a> {
    stage: &'a Stage,
    browser: &'a RefCell<Browser>,
    link: Link,
    /// Of single sign-on.
    token: Option<String>,
    sid: String,
    login_name: String,
    nonce: String,
    /// Number of the last answer, where the server counts.
    ack: Option<u64>,
}

/// The connection, if there is one: for one request after the other, or for all at once.
enum Link {
    Wire(Option<Wire>),
    Line(Option<Rc<Line>>),
}

/// What the log-in and the join answer. Servers differ in spelling, and some use several at once.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LoggedIn {
    sid: String,
    sessionid: String,
    #[serde(rename = "loginName")]
    login_name: String,
    #[serde(rename = "rtc4webNonce")]
    nonce: String,
    #[serde(rename = "Rtc4web-Nonce")]
    joined_nonce: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    update: Vec<Entry>,
    #[serde(default)]
    seq: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    value: Value,
}

/// Plays one page until an order ends it, or says why it ended by itself.
pub(super) async fn visit(
    stage: &Stage,
    browser: &RefCell<Browser>,
    seat: &Seat,
) -> Result<Order, FailureKind> {
    let (number, transport) = {
        let browser = browser.borrow();
        (browser.number, browser.transport)
    };
    let token = stage.cast.cookie(number);
    let link = if transport.is_http2() { Link::Line(None) } else { Link::Wire(None) };
    let (sid, login_name, nonce) = Default::default();
    let mut session = Session { stage, browser, link, token, sid, login_name, nonce, ack: None };
    let opening = Box::pin(session.open());
    tokio::select! {
        biased;
        order = seat.order() => return Ok(order),
        opened = timeout(OPEN_LIMIT, opening) => opened.unwrap_or(Err(FailureKind::NoAnswer))?,
    }
    loop {
        let polling = timeout(POLL_LIMIT, session.poll());
        tokio::select! {
            biased;
            order = seat.order() => {
                if order == Order::Leave {
                    let _ = timeout(GOODBYE, Box::pin(session.leave())).await;
                }
                return Ok(order);
            }
            polled = polling => polled.unwrap_or(Err(FailureKind::NoAnswer))?,
        }
    }
}

/// Sets the user's own status, beside the poll that hangs.
pub(super) async fn set_status(
    stage: &Stage,
    browser: &RefCell<Browser>,
    beside: &Beside,
    form: &str,
) -> Result<(), FailureKind> {
    let token = stage.cast.cookie(browser.borrow().number);
    let link = beside.line.clone().map_or(Link::Wire(None), |line| Link::Line(Some(line)));
    let (sid, login_name, nonce) = (String::new(), String::new(), beside.key.clone());
    let mut session = Session { stage, browser, link, token, sid, login_name, nonce, ack: None };
    session.call("POST", "user/status", form).await.map(drop)
}

impl Session<'_> {
    async fn open(&mut self) -> Result<(), FailureKind> {
        let body = self.call("POST", CONNECT, "").await?;
        reading(self.stage, self.browser, |browser, _| browser.greeted(micros()));
        let login: LoggedIn = parse(&body)?;
        self.sid = if login.sid.is_empty() { login.sessionid } else { login.sid };
        (self.login_name, self.nonce) = (login.login_name, login.nonce);
        reading(self.stage, self.browser, |browser, _| browser.joined(&self.sid));
        let join = format!("RTCServlet/{}/user?userName={}&method=put", self.sid, encoded(&self.login_name));
        let body = self.call("POST", &join, "").await?;
        // Older servers tell the nonce here only.
        let joined: LoggedIn = parse(&body)?;
        if !joined.joined_nonce.is_empty() {
            self.nonce = joined.joined_nonce;
        }
        let line = match &self.link {
            Link::Line(line) => line.clone(),
            Link::Wire(_) => None,
        };
        own::may_say(Beside { key: self.nonce.clone(), line }, self.stage, self.browser);
        for part in self.lists() {
            self.call("POST", "presence", &part).await?;
        }
        Ok(())
    }

    /// The watch list as forms of bearable length.
    fn lists(&self) -> Vec<String> {
        let browser = self.browser.borrow();
        let form = |part: &[u32]| {
            let ids: Vec<_> = part.iter().map(|person| encoded(self.stage.cast.id(*person))).collect();
            format!("users={}", ids.join("%7C"))
        };
        browser.list.chunks(IDS).map(form).collect()
    }

    /// One poll, and what it brings.
    async fn poll(&mut self) -> Result<(), FailureKind> {
        let asked_at = Instant::now();
        let ack = self.ack.map(|number| format!("&ack={number}")).unwrap_or_default();
        let asked = self.call("GET", &format!("RTCServlet?format=json{ack}"), "").await;
        let body = asked.map_err(|kind| match kind {
            // The server has forgotten the session: the page logs in again.
            FailureKind::OriginRefused => FailureKind::Sent,
            FailureKind::LoginRefused => FailureKind::LoginEnded,
            other => other,
        })?;
        let answer: Answer = parse(&body)?;
        self.ack = answer.seq.or(self.ack);
        if answer.update.is_empty() && asked_at.elapsed() < AT_ONCE {
            // Nothing to say, and nothing to wait for either: the server is about to stop.
            sleep(AT_ONCE).await;
        }
        let now = micros();
        let ended = reading(self.stage, self.browser, |browser, recorder| {
            let mut ended = None;
            for Entry { value } in &answer.update {
                ended = ended.or(browser.take_value(value, now, &self.stage.cast, recorder));
            }
            browser.check_ready(now, recorder);
            ended
        });
        ended.map_or(Ok(()), Err)
    }

    /// As a page does that is closed; without HTTP/2 on a connection of its own, as the poll still hangs.
    async fn leave(&mut self) -> Result<(), FailureKind> {
        let path =
            format!("RTCServlet/{}/user?userName={}&broadcast=false", self.sid, encoded(&self.login_name));
        self.call("DELETE", &path, "").await.map(drop)
    }

    /// One call. A connection that the server has closed between two calls is replaced once.
    async fn call(&mut self, method: &'static str, path: &str, form: &str) -> Result<Vec<u8>, FailureKind> {
        let kept = self.link.is_open();
        match self.exchange(method, path, form).await {
            Err(FailureKind::Lost) if kept => {
                self.link.cut();
                self.exchange(method, path, form).await
            }
            done => done,
        }
    }

    async fn exchange(
        &mut self,
        method: &'static str,
        path: &str,
        form: &str,
    ) -> Result<Vec<u8>, FailureKind> {
        let request = self.request(method, path, form);
        let (way, source) =
            (self.stage.way(self.browser), self.stage.cast.source(self.browser.borrow().number));
        let (head, content) = match &mut self.link {
            Link::Line(line) => {
                let open = match line.as_ref() {
                    Some(open) => Rc::clone(open),
                    None => Rc::clone(line.insert(Rc::new(Line::open(way, source).await?))),
                };
                open.ask(request, way).await?
            }
            // A call that is given up takes the connection with it.
            Link::Wire(kept) => {
                let mut wire = match kept.take() {
                    Some(wire) => wire,
                    None => way.dial(source).await?,
                };
                wire.write(request.text(way).as_bytes()).await?;
                drop(request);
                let (head, content) = answer(&mut wire).await?;
                *kept = Some(wire).filter(|_| head.stays);
                (head, content)
            }
        };
        self.stage.recorder().count(|counts| counts.bytes += content.len() as u64);
        self.keep(&head.cookies);
        match head.status {
            200..=299 => Ok(content),
            409 => Err(FailureKind::NotLoggedIn),
            410 => Err(FailureKind::Sent),
            status => Err(http::failure_of(status)),
        }
    }

    fn request(&self, method: &'static str, path: &str, form: &str) -> Request {
        let browser = self.browser.borrow();
        let cookies = self.token.as_deref().into_iter().chain(browser.cookies.as_deref());
        let kind = if form.is_empty() { "" } else { "application/x-www-form-urlencoded" };
        Request::new(method, format!("/stwebapi/{path}"))
            .with("Cookie", &cookies.collect::<Vec<_>>().join("; "))
            .with("Rtc4web-Nonce", &self.nonce)
            .with("Content-Type", kind)
            .with("Accept", "application/json")
            .saying(form.to_owned())
    }

    /// Cookies are the browser's: its next page has them, too.
    fn keep(&self, fresh: &[String]) {
        if fresh.is_empty() {
            return;
        }
        let mut browser = self.browser.borrow_mut();
        let kept = browser.cookies.take();
        browser.cookies = Some(merged(kept.as_deref(), fresh).into());
    }
}

impl Link {
    fn is_open(&self) -> bool {
        matches!(self, Self::Wire(Some(_)) | Self::Line(Some(_)))
    }

    fn cut(&mut self) {
        match self {
            Self::Wire(wire) => *wire = None,
            Self::Line(line) => *line = None,
        }
    }
}

fn merged(kept: Option<&str>, fresh: &[String]) -> String {
    let name = |cookie: &str| cookie.split('=').next().unwrap_or_default().to_owned();
    let is_kept = |old: &&str| fresh.iter().all(|new| name(new) != name(old));
    let kept = kept.into_iter().flat_map(|kept| kept.split("; ")).filter(is_kept);
    // A cookie that is taken back has no value.
    let fresh = fresh.iter().map(String::as_str).filter(|new| !new.ends_with('='));
    kept.chain(fresh).collect::<Vec<_>>().join("; ")
}

/// Reads an answer; while it is waited for, only the connection takes memory.
pub(super) async fn answer(wire: &mut Wire) -> Result<(Head, Vec<u8>), FailureKind> {
    let mut rest = Vec::new();
    let head = http::read_head(wire, &mut rest).await?;
    let (mut body, mut content) = (Body::of(&head), Vec::new());
    body.take(&rest, &mut content)?;
    drop(rest);
    while !body.has_ended() {
        let take = |context: &mut std::task::Context<'_>| {
            wire.poll_take(context, |bytes| body.take(bytes, &mut content))
        };
        match std::future::poll_fn(take).await {
            Some(taken) => taken?,
            None if body == Body::Endless => break,
            None => return Err(FailureKind::Lost),
        }
    }
    Ok((head, content))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, FailureKind> {
    serde_json::from_slice(body).map_err(|_| FailureKind::BadAnswer)
}

/// A value in a query or a form.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
    }
    out
}

impl Browser {
    /// The value of an entry of a poll's answer. Why the page ends, if it does.
    fn take_value(
        &mut self,
        value: &Value,
        now: u64,
        cast: &Cast,
        recorder: &mut Recorder,
    ) -> Option<FailureKind> {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        match (value["action"][0].as_str(), value["action"][1].as_str()) {
            (Some("watchlist"), Some("watchlist")) => {
                for person in value["watchlist"].as_array().into_iter().flatten() {
                    let words = text(person, "statusMessage");
                    if let Some(index) = cast.index_of_any(&text(person, "id"))
                        && let Some((status, mobile)) = person["status"].as_i64().and_then(word_of)
                    {
                        let state = PersonState::new(status, mobile, &words);
                        self.learn((index, cast.changes_itself(index)), state, &words, now, recorder);
                    }
                }
            }
            (Some("watchlist"), Some("addUser")) => match value["returnCode"].as_i64() {
                Some(404) => {
                    if let Some(index) = cast.index_of_any(&text(value, "userId")) {
                        self.learn_nothing(index);
                    }
                }
                Some(500..) => return Some(FailureKind::Unavailable),
                Some(400..) => return Some(FailureKind::CommandRefused),
                _ => {}
            },
            (Some("session"), Some("ended")) => {
                let again = matches!(value["end"].as_str(), Some("too_slow" | "draining"));
                return Some(if again { FailureKind::Sent } else { FailureKind::LoginEnded });
            }
            _ => {}
        }
        None
    }
}

/// The status of a script's number, and whether it is a mobile one (browser-side.md 3.6).
fn word_of(number: i64) -> Option<(&'static str, bool)> {
    Some(match number {
        -1 => ("unknown", false),
        0 => ("offline", false),
        1 => ("active", false),
        2 => ("away", false),
        3 => ("dnd", false),
        4 => ("idle", false),
        5 => ("meeting", false),
        6 => ("active", true),
        7 => ("away", true),
        8 => ("dnd", true),
        10 => ("meeting", true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
