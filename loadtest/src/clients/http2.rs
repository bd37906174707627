//! A connection over which all requests of a page go at the same time (RFC 9113).

use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use tokio::task::AbortHandle;

use super::body::LONGEST;
use super::dial::Way;
use super::http::Head;
use super::request::Request;
use crate::measure::FailureKind;

/// What may be on its way to a page, of one answer; browsers allow some megabytes.
const WINDOW: u32 = 1 << 20;

/// The connection; cut when dropped.
pub(super) struct Line {
    requests: SendRequest<Bytes>,
    /// What moves its bytes.
    task: AbortHandle,
}

/// An answer whose body comes bit by bit.
pub(super) struct Stream {
    body: RecvStream,
    /// Nothing comes without it.
    _line: Rc<Line>,
}

impl Line {
    pub(super) async fn open(way: &Way, source: Option<IpAddr>) -> Result<Self, FailureKind> {
        let stream = way.dial_http2(source).await?;
        let opening = Builder::new().enable_push(false).initial_window_size(WINDOW).handshake(stream);
        let (requests, connection) = opening.await.map_err(|_| FailureKind::Lost)?;
        let task = tokio::task::spawn_local(async move {
            // Whoever waits for an answer hears of its end.
            let _ = connection.await;
        });
        Ok(Self { requests, task: task.abort_handle() })
    }

    /// Asks, and takes the head of the answer.
    async fn begin(&self, request: Request, way: &Way) -> Result<(Head, RecvStream), FailureKind> {
        let (head, content) = request.http2(way)?;
        let lost = |_| FailureKind::Lost;
        let mut requests = self.requests.clone().ready().await.map_err(lost)?;
        let (answer, mut sending) = requests.send_request(head, content.is_empty()).map_err(lost)?;
        if !content.is_empty() {
            sending.send_data(content, true).map_err(lost)?;
        }
        let (head, body) = answer.await.map_err(lost)?.into_parts();
        Ok((Head::http2(&head), body))
    }

    /// Asks, and takes the whole answer.
    pub(super) async fn ask(&self, request: Request, way: &Way) -> Result<(Head, Vec<u8>), FailureKind> {
        let (head, mut body) = self.begin(request, way).await?;
        let mut content = Vec::new();
        while !body.is_end_stream() {
            let part = std::future::poll_fn(|context| poll_part(&mut body, context)).await;
            match part {
                Some(part) => content.extend(part.map_err(|_| FailureKind::Lost)?),
                None => break,
            }
            if content.len() > LONGEST {
                return Err(FailureKind::BadAnswer);
            }
        }
        Ok((head, content))
    }

    /// Asks, and keeps the answer to be read as it comes, which does not end the connection for others.
    pub(super) async fn listen(
        self: &Rc<Self>,
        request: Request,
        way: &Way,
    ) -> Result<(Head, Stream), FailureKind> {
        let (head, body) = self.begin(request, way).await?;
        Ok((head, Stream { body, _line: Rc::clone(self) }))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream {
    /// Hands what has come to `take`; `None` is the end.
    pub(super) fn poll_take<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Poll<Option<T>> {
        let part = ready!(poll_part(&mut self.body, context));
        Poll::Ready(part.and_then(Result::ok).map(|part| take(&part)))
    }
}

/// The next part of a body; the server may send as much again.
fn poll_part(body: &mut RecvStream, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let part = ready!(body.poll_data(context));
    if let Some(Ok(part)) = &part {
        // Of a connection that is gone, nobody wants more.
        let _ = body.flow_control().release_capacity(part.len());
    }
    Poll::Ready(part)
}

#[cfg(test)]
mod tests;
