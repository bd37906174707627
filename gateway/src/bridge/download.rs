//! The body of an answer on its way down: streamed as the browser reads it, and with it the connection,
//! which is handed back when the body has ended and cut when it has not.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::error::{BridgeError, Fault, Phase};
use super::pool::Lease;

pub(super) struct Download {
    body: Incoming,
    /// `None` once the connection was handed back.
    lease: Option<Lease>,
    /// It broke off, which the browser has yet to see.
    broken: Option<hyper::Error>,
}

impl Download {
    pub(super) fn new(body: Incoming, lease: Lease) -> Self {
        let mut download = Self { body, lease: Some(lease), broken: None };
        download.finish_at_end();
        download
    }

    /// Nobody asks a body of known length for more than that: its end shows in the last frame.
    fn finish_at_end(&mut self) {
        if self.body.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.finish();
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(error) = self.broken.take() {
            // The browser must see that the body is not whole.
            let error = BridgeError::upstream(Phase::Body, Fault::Http(error));
            return Poll::Ready(Some(Err(error.into())));
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.lease = None;
                self.broken = Some(error);
                // Not in the same breath: what came before it, the head at least, would be dropped with the connection.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {
                self.finish();
                return Poll::Ready(None);
            }
        };
        if frame.is_trailers() {
            self.finish();
        } else {
            self.finish_at_end();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
