//! An event channel over a WebSocket (RFC 6455): one task per connection, on the connection's worker.
//!
//! What is pending is joined into one write. While a browser does not read, its outbox keeps only newest
//! states, and after the write limit the connection is cut.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use gateway_core::shard::Batch;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::Listed;
use super::SessionError;
use super::channel::{Channel, Outgoing};
use super::life::{Life, Turn};
use super::message::End;
use crate::http::{Body, full};

/// A browser that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// What the close handshake may take.
const GOOD_BYE: Duration = Duration::from_secs(5);
/// How often an otherwise silent browser is asked whether it is still there; after twice that it is gone.
const PING: Duration = Duration::from_secs(30);
/// The library's default of 128 KiB per socket is paid by every idle page.
const READ_BUFFER: usize = 4 << 10;
/// Bytes that are joined before they are given to the system. What the browser does not take stays in its
/// outbox, where newer states replace older ones.
const WRITE_BUFFER: usize = 32 << 10;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

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
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

/// Serves the channel until either side ends it.
pub(super) async fn serve(upgraded: Upgraded, listed: Listed, mut life: Life, message_bytes: usize) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(message_bytes))
        .max_frame_size(Some(message_bytes));
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let end = converse(&mut socket, &listed.channel, &mut life).await;
    listed.channel.ended(end.map_or("gone", |end| end.code));
    // A browser that does not take its good-bye holds nothing but its socket.
    drop(listed);
    if let Some(end) = end {
        let _ = timeout(GOOD_BYE, say_goodbye(&mut socket, end)).await;
    }
}

/// `None`: the browser is gone.
async fn converse(socket: &mut Socket, channel: &Channel, life: &mut Life) -> Option<End> {
    let mut batch = Batch::default();
    let mut ping_at = Instant::now() + PING;
    let mut unanswered = false;
    write(socket, text(channel.hello())?).await?;
    if let Some(end) = channel.login_end() {
        return Some(end);
    }
    loop {
        if let Some(end) = write_pending(socket, channel, &mut batch).await? {
            return Some(end);
        }
        tokio::select! {
            incoming = socket.next() => {
                unanswered = false;
                ping_at = Instant::now() + PING;
                match incoming? {
                    Ok(Message::Text(command)) => channel.command(command.as_bytes()),
                    Ok(Message::Binary(_)) => return Some(End::NOT_TEXT),
                    Ok(Message::Close(_)) => return None,
                    Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                    Err(error) => return end_of(&error),
                }
            }
            turn = life.turn(channel) => if let Turn::End(end) = turn {
                return Some(end);
            },
            () = tokio::time::sleep_until(ping_at) => {
                if unanswered {
                    return None;
                }
                unanswered = true;
                ping_at = Instant::now() + PING;
                write(socket, Message::Ping(Bytes::new())).await?;
            }
        }
    }
}

/// Writes what the page has not seen. The outer `None`: the browser is gone; the inner `Some`: the channel
/// has ended.
async fn write_pending(socket: &mut Socket, channel: &Channel, batch: &mut Batch) -> Option<Option<End>> {
    let mut messages = Vec::new();
    loop {
        let more = channel.take(batch, &mut messages);
        if messages.is_empty() {
            return Some(None);
        }
        for message in messages.drain(..) {
            let frame = match message {
                Outgoing::Message(frame) | Outgoing::Presence { frame, .. } => frame,
                Outgoing::End(end) => return Some(Some(end)),
            };
            timeout(WRITE_LIMIT, socket.feed(text(frame)?)).await.ok()?.ok()?;
        }
        timeout(WRITE_LIMIT, socket.flush()).await.ok()?.ok()?;
        if !more {
            return Some(None);
        }
    }
}

async fn write(socket: &mut Socket, message: Message) -> Option<()> {
    timeout(WRITE_LIMIT, socket.send(message)).await.ok()?.ok()
}

async fn say_goodbye(socket: &mut Socket, end: End) -> Option<()> {
    socket.feed(text(end.text())?).await.ok()?;
    let close = CloseFrame { code: end.close_code.into(), reason: end.code.into() };
    socket.send(Message::Close(Some(close))).await.ok()?;
    loop {
        match socket.next().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => break,
            // The close handshake is complete.
            None => return Some(()),
        }
    }
    // What else is on its way is thrown away: closing over it would take the good-bye with it.
    let stream = socket.get_mut();
    stream.shutdown().await.ok()?;
    let mut waste = [0; 4 << 10];
    while stream.read(&mut waste).await.ok()? > 0 {}
    Some(())
}

fn text(bytes: Bytes) -> Option<Message> {
    // Everything that is sent was made by a JSON writer.
    bytes.try_into().ok().map(Message::Text)
}

fn end_of(error: &SocketError) -> Option<End> {
    match error {
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => Some(End::TOO_BIG),
        SocketError::Utf8(_) => Some(End::NOT_UTF8),
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        SocketError::Protocol(_) => Some(End::NOT_UTF8),
        _ => None,
    }
}
