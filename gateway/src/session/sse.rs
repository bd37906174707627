//! An event channel as server-sent events (WHATWG HTML 9.2): the response body reads the outbox when the
//! connection asks for more; there is no task and no queue of its own.

use std::convert::Infallible;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use gateway_core::Cursor;
use gateway_core::shard::Batch;
use http::{HeaderValue, Response, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::time::timeout;

use super::Listed;
use super::channel::Outgoing;
use super::life::{Life, Turn};
use super::message::End;
use crate::http::Body;

/// How often a comment keeps middle boxes from closing a silent stream.
const COMMENT: Duration = Duration::from_secs(20);

/// One stream, as its body holds it.
struct Stream {
    listed: Listed,
    life: Life,
    batch: Batch,
    /// When the news in the last piece were decoded.
    unwritten: Vec<Duration>,
    state: State,
}

enum State {
    New,
    Open,
    Ended,
}

/// The response of a new stream.
pub(super) fn response(listed: Listed, life: Life) -> Response<Body> {
    let stream = Stream { listed, life, batch: Batch::default(), unwritten: Vec::new(), state: State::New };
    let body = stream::unfold(stream, |mut stream| async {
        let chunk = stream.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(chunk)), stream))
    });
    let mut response = Response::new(StreamBody::new(body).map_err(|never| match never {}).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would collect the events otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl Stream {
    /// The next piece of the body; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        // Asked for more, the connection has taken the last piece.
        self.listed.channel.written(self.unwritten.drain(..));
        match self.state {
            State::New => {
                self.state = State::Open;
                let mut chunk = BytesMut::new();
                event(&mut chunk, &self.listed.channel.hello(), None);
                if let Some(end) = self.listed.channel.login_end() {
                    self.end(end, &mut chunk);
                }
                return Some(chunk.freeze());
            }
            State::Open => {}
            State::Ended => return None,
        }
        loop {
            let chunk = self.pending();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            match timeout(COMMENT, self.life.turn(&self.listed.channel)).await {
                Err(_) => return Some(Bytes::from_static(b":\n\n")),
                Ok(Turn::News) => {}
                Ok(Turn::End(end)) => {
                    let mut chunk = BytesMut::new();
                    self.end(end, &mut chunk);
                    return Some(chunk.freeze());
                }
            }
        }
    }

    fn pending(&mut self) -> Bytes {
        let mut messages = Vec::new();
        self.listed.channel.take(&mut self.batch, &mut messages);
        if !messages.is_empty() {
            self.unwritten.extend(self.listed.channel.news_among(&self.batch));
        }
        let mut chunk = BytesMut::new();
        for message in messages {
            match message {
                Outgoing::Message(data) => event(&mut chunk, &data, None),
                Outgoing::Presence { frame, cursor } => event(&mut chunk, &frame, cursor),
                Outgoing::End(end) => {
                    self.end(end, &mut chunk);
                    break;
                }
            }
        }
        chunk.freeze()
    }

    fn end(&mut self, end: End, chunk: &mut BytesMut) {
        event(chunk, &end.text(), None);
        self.listed.channel.ended(end.code);
        self.state = State::Ended;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !matches!(self.state, State::Ended) {
            self.listed.channel.ended("gone");
        }
    }
}

/// JSON texts have no line breaks, so one `data` line is enough.
fn event(chunk: &mut BytesMut, data: &[u8], cursor: Option<Cursor>) {
    if let Some(cursor) = cursor {
        chunk.put_slice(format!("id: {cursor}\n").as_bytes());
    }
    chunk.put_slice(b"data: ");
    chunk.put_slice(data);
    chunk.put_slice(b"\n\n");
}
