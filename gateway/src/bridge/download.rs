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
}

impl Download {
    pub(super) fn new(body: Incoming, lease: Lease) -> Self {
        let mut download = Self { body, lease: Some(lease) };
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
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) if frame.is_trailers() => self.finish(),
            Some(Ok(_)) => self.finish_at_end(),
            Some(Err(_)) => self.lease = None,
            None => self.finish(),
        }
        // The browser must see that the body is not whole.
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| BridgeError::upstream(Phase::Body, Fault::Http(error)).into())
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
