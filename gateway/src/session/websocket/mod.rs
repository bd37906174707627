//! An event channel over a WebSocket (RFC 6455): one small task per connection, on the connection's worker.
//!
//! After the handshake the bare stream is taken back from the HTTP library: `decoder.rs` reads frames,
//! `socket.rs` moves bytes, and an idle socket holds no buffer. What is pending is joined into one write.
//! While a browser does not read, nothing is read from it either, its outbox keeps only newest states, and
//! in the end the connection is cut.

mod decoder;
mod socket;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::mem::{replace, take};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use gateway_core::shard::Batch;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use ring::digest::{Context as Digest, SHA1_FOR_LEGACY_USE_ONLY};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::Listed;
use super::SessionError;
use super::aside::Aside;
use super::channel::{Channel, Outgoing};
use super::life::Life;
use super::message::End;
use crate::http::{Body, full};
use decoder::{Breach, Decoder, Input};
use socket::Socket;

/// A browser that has sent nothing in this time is asked whether it is there. One that says nothing for as
/// long again, or has not taken what was written before, is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the close handshake may take.
const GOOD_BYE: Duration = Duration::from_secs(5);
/// Appended to the key of a handshake (RFC 6455 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Where a thread's sockets put together what they write; empty between two of them.
#[derive(Default)]
struct Scratch {
    batch: Batch,
    messages: Vec<Outgoing>,
    frames: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Whether the request asks for a WebSocket.
pub(super) fn is_wanted(request: &Request<Incoming>) -> bool {
    let has = |name, word: &str| {
        request
            .headers()
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part: &str| part.trim().eq_ignore_ascii_case(word)))
    };
    has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket")
}

/// The answer to the handshake, or why there is none.
pub(super) fn accept(request: &Request<Incoming>) -> Result<Response<Body>, SessionError> {
    let headers = request.headers();
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(SessionError::Handshake);
    }
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else {
        return Err(SessionError::Handshake);
    };
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept_key(key.as_bytes())) {
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

fn accept_key(key: &[u8]) -> String {
    let mut digest = Digest::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key);
    digest.update(GUID);
    BASE64_STANDARD.encode(digest.finish())
}

/// Serves the channel until either side ends it.
///
/// What is held here is held for each browser. So this is one block.
#[allow(
    clippy::manual_async_fn,
    reason = "an async function keeps its arguments beside what it makes of them"
)]
pub(super) fn serve(
    upgrade: OnUpgrade,
    listed: Listed,
    mut life: Life,
) -> impl Future<Output = ()> + Send + 'static {
    async move {
        // Otherwise the connection was lost before it became a socket.
        let Some((mut socket, first)) = upgraded(upgrade).await else { return };
        let message_bytes = listed.channel.message_bytes();
        let end = {
            let over = pin!(life.end(&listed.channel));
            let mut conversation = Conversation {
                socket: &mut socket,
                channel: &listed.channel,
                decoder: Decoder::with(first, message_bytes),
                life: Aside::new(over),
                unwritten: Vec::new(),
                alarm: pin!(sleep(PATIENCE)),
                mood: Mood::default(),
            };
            poll_fn(|cx| conversation.turn(cx).map_or_else(|Over(end)| Poll::Ready(end), |()| Poll::Pending))
                .await
        };
        listed.channel.ended(end.map_or("gone", |end| end.code));
        // A browser that does not take its good-bye holds nothing but its socket.
        drop((listed, life));
        if let Some(end) = end {
            let _ = timeout(GOOD_BYE, say_goodbye(&mut socket, end, message_bytes)).await;
        }
    }
}

/// The socket, and what came along with the handshake.
async fn upgraded(upgrade: OnUpgrade) -> Option<(Socket, Vec<u8>)> {
    upgrade.await.ok().and_then(Socket::new)
}

struct Conversation<'a, F> {
    socket: &'a mut Socket,
    channel: &'a Channel,
    decoder: Decoder,
    /// What else may end the channel.
    life: Aside<'a, F>,
    /// When the news were decoded that the browser has not taken yet. Empty unless it is slow.
    unwritten: Vec<Duration>,
    /// Rings at even distances, so that traffic costs no timer work.
    alarm: Pin<&'a mut Sleep>,
    mood: Mood,
}

/// How it goes; all but the first since the last alarm.
#[derive(Default)]
struct Mood {
    /// The browser has been greeted, and what came along with the handshake was heard.
    greeted: bool,
    /// The browser has sent something.
    heard: bool,
    /// It was asked whether it is there, and has said nothing.
    asked: bool,
    /// It has not taken what was written before.
    stuck: bool,
}

/// A conversation is over, for this reason; without one the browser is gone.
struct Over(Option<End>);

impl<F: Future<Output = End>> Conversation<'_, F> {
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        let mut frames = Vec::new();
        frame(&mut frames, TEXT, &self.channel.hello());
        self.socket.send(cx, &frames)?;
        if let Some(end) = self.channel.login_end() {
            return Err(Over(Some(end)));
        }
        let said = listen(&mut self.decoder, &mut [], self.channel);
        self.reply(cx, said)
    }

    /// Does whatever can be done now. The task is woken when there is more.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        if !replace(&mut self.mood.greeted, true) {
            self.begin(cx)?;
        }
        if let Poll::Ready(end) = self.life.poll(cx) {
            return Err(Over(Some(end)));
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            self.alarm.as_mut().reset(Instant::now() + PATIENCE);
            self.look_after(cx)?;
        }
        while self.write(cx)?.is_ready() {
            let Self { socket, decoder, channel, .. } = self;
            let Poll::Ready(said) = socket.poll_read(cx, |bytes| listen(decoder, bytes, channel)) else {
                break;
            };
            self.mood.heard = true;
            self.mood.asked = false;
            self.reply(cx, said.ok_or(Over(None))?)?;
        }
        Ok(())
    }

    /// Is the browser still there?
    fn look_after(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        let Mood { heard, asked, stuck, .. } = &mut self.mood;
        let silent = !replace(heard, false);
        if !self.socket.is_clear() {
            return if replace(stuck, true) { Err(Over(None)) } else { Ok(()) };
        }
        if silent && replace(asked, true) {
            return Err(Over(None));
        }
        if silent {
            self.socket.send(cx, &[0x80 | PING, 0])?;
        }
        Ok(())
    }

    /// Writes what the page has not seen; ready once the browser has taken all of it.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Over> {
        loop {
            if self.socket.poll_clear(cx)?.is_pending() {
                return Ok(Poll::Pending);
            }
            self.mood.stuck = false;
            self.channel.written(take(&mut self.unwritten).into_iter());
            let more = SCRATCH.with_borrow_mut(|scratch| self.write_pending(cx, scratch))?;
            if !more && self.socket.is_clear() {
                return Ok(Poll::Ready(()));
            }
        }
    }

    /// Whether there is more, for which nobody will wake the task.
    fn write_pending(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Result<bool, Over> {
        let Scratch { batch, messages, frames } = scratch;
        self.channel.poll_take(cx, batch, messages);
        if messages.is_empty() {
            return Ok(false);
        }
        frames.clear();
        let mut end = None;
        for message in messages.drain(..) {
            match message {
                Outgoing::Message(text) | Outgoing::Presence { frame: text, .. } => {
                    frame(frames, TEXT, &text);
                }
                Outgoing::End(reason) => end = Some(reason),
            }
        }
        self.socket.send(cx, frames)?;
        let news = self.channel.news_among(batch);
        if self.socket.poll_clear(cx)?.is_ready() {
            self.channel.written(news);
        } else {
            self.unwritten = news.collect();
        }
        if end.is_some() { Err(Over(end)) } else { Ok(batch.more) }
    }

    fn reply(&mut self, cx: &mut Context<'_>, said: Said) -> Result<(), Over> {
        self.socket.send(cx, &said.answer)?;
        match said.breach {
            _ if said.closed => Err(Over(None)),
            Some(Breach::Binary) => Err(Over(Some(End::NOT_TEXT))),
            Some(Breach::TooBig) => Err(Over(Some(End::TOO_BIG))),
            Some(Breach::NotUtf8 | Breach::Illegal) => Err(Over(Some(End::NOT_UTF8))),
            None => Ok(()),
        }
    }
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self(None)
    }
}

/// What follows from bytes of the browser, beside commands that were carried out.
#[derive(Default)]
struct Said {
    /// Frames to be written.
    answer: Vec<u8>,
    /// The browser says good-bye, and has its answer.
    closed: bool,
    breach: Option<Breach>,
}

fn listen(decoder: &mut Decoder, bytes: &mut [u8], channel: &Channel) -> Said {
    let mut said = Said::default();
    let taken = decoder.take(bytes, |input| match input {
        _ if said.closed => {}
        Input::Text(command) => channel.command(command.as_bytes()),
        Input::Ping(payload) => frame(&mut said.answer, PONG, payload),
        Input::Pong => {}
        Input::Close(payload) => {
            frame(&mut said.answer, CLOSE, payload.get(..2).unwrap_or_default());
            said.closed = true;
        }
    });
    said.breach = taken.err();
    said
}

/// Appends a frame of the server, which are not masked (RFC 6455 5.1).
fn frame(frames: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    frames.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..126), _) => frames.push(length),
        (_, Ok(length)) => {
            frames.push(126);
            frames.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            frames.push(127);
            frames.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frames.extend_from_slice(payload);
}

async fn say_goodbye(socket: &mut Socket, end: End, message_bytes: usize) -> io::Result<()> {
    let mut frames = Vec::new();
    frame(&mut frames, TEXT, &end.text());
    let close = [&end.close_code.to_be_bytes(), end.code.as_bytes()].concat();
    frame(&mut frames, CLOSE, &close);
    poll_fn(|cx| Poll::Ready(socket.send(cx, &frames))).await?;
    poll_fn(|cx| socket.poll_shutdown(cx)).await?;
    // Until the browser has said good-bye as well, what is on its way is thrown away: closing over it would
    // take ours with it.
    let mut decoder = Decoder::new(message_bytes);
    let mut answered = false;
    let mut read = |bytes: &mut [u8]| {
        let _ = decoder.take(bytes, |input| answered |= matches!(input, Input::Close(_)));
        answered
    };
    while let Some(false) = poll_fn(|cx| socket.poll_read(cx, &mut read)).await {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_is_that_of_the_standard() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn lengths_are_written_as_the_standard_says() {
        let head = |length: usize, bytes: usize| {
            let mut frames = Vec::new();
            frame(&mut frames, TEXT, &vec![b'x'; length]);
            assert_eq!(frames.len(), length + bytes);
            frames.truncate(bytes);
            frames
        };
        assert_eq!(head(125, 2), [0x81, 125]);
        assert_eq!(head(126, 4), [0x81, 126, 0, 126]);
        assert_eq!(head(65_535, 4), [0x81, 126, 255, 255]);
        assert_eq!(head(65_536, 10), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
