//! The body of a request on its way up: streamed, with trailers, and with two things a proxy must know
//! of it: when it last moved (for the time limit of the answer's head) and whether the upstream wants it
//! at all (`Expect: 100-continue`).

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::headers;

/// How long a body waits for `100 Continue`. RFC 9110 10.1.1: never for ever, the upstream may not know it.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Upload {
    body: Option<Incoming>,
    /// Until it is done the body is not read, so the browser is not told to send it.
    gate: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    progress: Option<Progress>,
}

/// The browser's body broke off.
#[derive(Debug, thiserror::Error)]
#[error("request body: {0}")]
pub(super) struct BrokenUpload(hyper::Error);

/// When a body last moved.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Instant>>);

impl Upload {
    pub(super) fn empty() -> Self {
        Self { body: None, gate: None, progress: None }
    }

    pub(super) fn stream(body: Incoming) -> Self {
        Self { body: Some(body), gate: None, progress: None }
    }

    /// Holds the body back until `wanted` is cancelled, or the upstream has been silent for too long.
    pub(super) fn wait_for(&mut self, wanted: CancellationToken) {
        self.gate = Some(Box::pin(async move {
            // Both ways the body may go.
            let _ = timeout(CONTINUE_WAIT, wanted.cancelled_owned()).await;
        }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.body.is_none()
    }

    /// `None` for an empty body, which has nothing to move.
    pub(super) fn watch(&mut self) -> Option<Progress> {
        self.body.as_ref()?;
        let progress = Progress(Arc::new(Mutex::new(Instant::now())));
        self.progress = Some(progress.clone());
        Some(progress)
    }
}

impl Progress {
    fn moved(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for `answer` for `limit` after the request body last moved. `None` when the limit has passed.
pub(super) async fn patience<F: Future>(
    answer: F,
    limit: Option<Duration>,
    progress: Option<Progress>,
) -> Option<F::Output> {
    let Some(limit) = limit else { return Some(answer.await) };
    let mut answer = std::pin::pin!(answer);
    let mut deadline = Instant::now() + limit;
    loop {
        if let Ok(answer) = timeout_at(deadline, &mut answer).await {
            return Some(answer);
        }
        let moved = progress.as_ref()?.last() + limit;
        if moved <= deadline {
            return None;
        }
        deadline = moved;
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BrokenUpload;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenUpload>>> {
        if let Some(gate) = &mut self.gate {
            ready!(gate.as_mut().poll(cx));
            self.gate = None;
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if let Some(progress) = &self.progress {
            progress.moved();
        }
        Poll::Ready(frame.map(|frame| frame.map(guarded).map_err(BrokenUpload)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A header that must not come from outside must not come as a trailer either.
fn guarded(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        headers::remove_unbelieved(trailers);
    }
    frame
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_moves_is_given_time_and_one_that_stops_is_not() {
        let progress = Progress(Arc::new(Mutex::new(Instant::now())));
        let moving = progress.clone();
        let start = Instant::now();
        tokio::spawn(async move {
            for _ in 0..5 {
                sleep(Duration::from_secs(8)).await;
                moving.moved();
            }
        });
        assert_eq!(patience(pending::<()>(), Some(LIMIT), Some(progress)).await, None);
        assert_eq!(start.elapsed().as_secs(), 5 * 8 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_body_the_limit_holds_and_without_a_limit_nothing_ends_it() {
        let start = Instant::now();
        assert_eq!(patience(pending::<()>(), Some(LIMIT), None).await, None);
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(patience(sleep(Duration::from_secs(86_400)), None, None).await, Some(()));
    }
}
