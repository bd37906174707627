//! A page with an event channel until its list is sent: connect, open the channel, send the list.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use serde_json::json;

use super::body::Body;
use super::cast::Cast;
use super::crew::Stage;
use super::dial::Way;
use super::http::{self, Head};
use super::http2::Line;
use super::own::{self, Beside};
use super::page::Browser;
use super::request::Request;
use super::visit::{Channel, Decoder, Event, IDS, Pipe, next, obey, reading, take};
use super::{sse, websocket};
use crate::measure::{FailureKind, Recorder, Transport, micros};

const EVENTS: &str = "/livename/v1/events";

/// An open channel whose browser has sent its list.
pub(super) async fn open(stage: &Stage, browser: &RefCell<Browser>) -> Result<Channel, FailureKind> {
    let (number, transport) = {
        let browser = browser.borrow();
        (browser.number, browser.transport)
    };
    let (way, source) = (stage.way(browser), stage.cast.source(number));
    let cookie = stage.cast.cookie(number).unwrap_or_default();
    let opened = connect(transport, &cookie, way, source).await?;
    let Opened { mut channel, line, rest } = opened;
    let mut taken = take(&mut channel.decoder, &rest, stage, browser);
    drop(rest);
    let name = loop {
        if let Some(name) = taken.hello.take() {
            obey(&mut channel, taken).await?;
            break name;
        }
        obey(&mut channel, taken).await?;
        match next(&mut channel, stage, browser, None).await {
            Event::Took(next) => taken = next,
            Event::Order(_) | Event::Say(_) | Event::Gone => return Err(FailureKind::Lost),
        }
    };
    let commands = watch_commands(browser, &stage.cast);
    if transport == Transport::WebSocket {
        for command in commands {
            channel.pipe.write(&websocket::text(&command)).await?;
        }
        return Ok(channel);
    }
    let beside = Beside { key: name, line };
    say(&beside, format!("[{}]", commands.join(",")), stage, browser).await?;
    own::may_say(beside, stage, browser);
    let answered = |browser: &mut Browser, recorder: &mut Recorder| {
        browser.answered(commands.len(), micros(), recorder);
    };
    reading(stage, browser, answered);
    Ok(channel)
}

/// A channel that may have said something already.
struct Opened {
    channel: Channel,
    /// The connection for other requests of the page, if it is one for all of them.
    line: Option<Rc<Line>>,
    rest: Vec<u8>,
}

async fn connect(
    transport: Transport,
    cookie: &str,
    way: &Way,
    source: Option<IpAddr>,
) -> Result<Opened, FailureKind> {
    let request = request(transport, cookie);
    let mut rest = Vec::new();
    if transport.is_http2() {
        let line = Rc::new(Line::open(way, source).await?);
        let (head, stream) = line.listen(request, way).await?;
        let channel = Channel { pipe: Pipe::Stream(stream), decoder: decoder(transport, &head)? };
        return Ok(Opened { channel, line: Some(line), rest });
    }
    let mut wire = way.dial(source).await?;
    wire.write(request.text(way).as_bytes()).await?;
    let head = http::read_head(&mut wire, &mut rest).await?;
    let channel = Channel { pipe: Pipe::Wire(wire), decoder: decoder(transport, &head)? };
    Ok(Opened { channel, line: None, rest })
}

fn decoder(transport: Transport, head: &Head) -> Result<Decoder, FailureKind> {
    match (transport, head.status) {
        (Transport::WebSocket, 101) => Ok(Decoder::WebSocket(websocket::Decoder::default())),
        (Transport::Sse | Transport::SseHttp2, 200) => Ok(Decoder::Sse(sse::Decoder::new(Body::of(head)))),
        _ => Err(http::failure_of(head.status)),
    }
}

fn request(transport: Transport, cookie: &str) -> Request {
    let request = Request::new("GET", EVENTS.to_owned()).with("Cookie", cookie);
    if transport != Transport::WebSocket {
        return request.with("Accept", "text/event-stream");
    }
    request
        .with("Connection", "Upgrade")
        .with("Upgrade", "websocket")
        .with("Sec-WebSocket-Version", "13")
        .with("Sec-WebSocket-Key", websocket::KEY)
}

/// The whole list, in pieces, and how many answers there will be.
fn watch_commands(browser: &RefCell<Browser>, cast: &Cast) -> Vec<String> {
    let mut browser = browser.borrow_mut();
    let commands: Vec<String> = browser
        .list
        .chunks(IDS)
        .zip(1..)
        .map(|(part, id)| {
            let ids: Vec<&str> = part.iter().map(|person| cast.id(*person)).collect();
            json!({ "op": "watch", "ids": ids, "since": browser.cursor.as_deref(), "id": id }).to_string()
        })
        .collect();
    browser.visit.unanswered = commands.len();
    commands
}

/// Commands beside a channel that has one direction, of its name: on the page's connection, if it is one for
/// everything.
pub(super) async fn say(
    beside: &Beside,
    commands: String,
    stage: &Stage,
    browser: &RefCell<Browser>,
) -> Result<(), FailureKind> {
    let number = browser.borrow().number;
    let (way, source) = (stage.way(browser), stage.cast.source(number));
    let request = Request::new("POST", format!("{EVENTS}/{}", beside.key))
        .with("Cookie", &stage.cast.cookie(number).unwrap_or_default())
        .with("Content-Type", "application/json")
        .saying(commands);
    match &beside.line {
        Some(line) => {
            let (head, answers) = line.ask(request, way).await?;
            accepted(head.status, &answers)
        }
        None => post(request, way, source).await,
    }
}

/// On a connection of its own.
async fn post(request: Request, way: &Way, source: Option<IpAddr>) -> Result<(), FailureKind> {
    let mut wire = way.dial(source).await?;
    wire.write(request.with("Connection", "close").text(way).as_bytes()).await?;
    let mut rest = Vec::new();
    let Head { status, .. } = http::read_head(&mut wire, &mut rest).await?;
    // What a refusal says does not matter.
    if status == 200 {
        http::read_to_end(&mut wire, &mut rest).await?;
    }
    accepted(status, &rest)
}

/// Whether all commands were carried out.
fn accepted(status: u16, answers: &[u8]) -> Result<(), FailureKind> {
    let says = |words: &[u8]| answers.windows(words.len()).any(|part| part == words);
    match status {
        200 if says(NOT_LOGGED_IN) => Err(FailureKind::NotLoggedIn),
        200 if says(ERROR) => Err(FailureKind::CommandRefused),
        200 => Ok(()),
        status => Err(http::failure_of(status)),
    }
}

/// In a list of answers.
const ERROR: &[u8] = br#""type":"error""#;
const NOT_LOGGED_IN: &[u8] = br#""code":"not_logged_in""#;
