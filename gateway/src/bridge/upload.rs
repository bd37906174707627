//! The body of a request on its way up: streamed, with trailers, and with three things a proxy must know
//! of it: when it last moved (for the time limit of the answer's head), whether the upstream wants it
//! at all (`Expect: 100-continue`), and whether the browser sends it at all (`Budget`).

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::headers;

/// How long a body waits for `100 Continue`. RFC 9110 10.1.1: never for ever, the upstream may not know it.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Upload {
    body: Option<Incoming>,
    /// Until it is done the body is not read, so the browser is not told to send it.
    gate: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    progress: Option<Progress>,
    budget: Option<Budget>,
}

/// The browser's body broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokenUpload {
    #[error("request body: {0}")]
    Broken(hyper::Error),
    #[error("the request body makes no progress")]
    TooSlow,
}

/// When a body last moved.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Instant>>);

impl Upload {
    pub(super) fn empty() -> Self {
        Self { body: None, gate: None, progress: None, budget: None }
    }

    pub(super) fn stream(body: Incoming) -> Self {
        Self { body: Some(body), gate: None, progress: None, budget: None }
    }

    /// Holds the body back until `wanted` is cancelled, or the upstream has been silent for too long.
    pub(super) fn wait_for(&mut self, wanted: CancellationToken) {
        self.gate = Some(Box::pin(async move {
            // Both ways the body may go.
            let _ = timeout(CONTINUE_WAIT, wanted.cancelled_owned()).await;
        }));
    }

    /// Gives the body up when it makes no progress for that long.
    pub(super) fn limit(&mut self, silence: Duration) {
        self.budget = Some(Budget::new(silence));
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

/// The browser's time: waiting for it spends some, its bytes earn some back. While the upstream does not
/// read, nobody waits for the browser, and nothing is spent.
struct Budget {
    whole: Duration,
    left: Duration,
    /// When the present wait began.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Budget {
    /// Earned by one byte: 500 bytes a second are enough to go on for ever.
    const PER_BYTE: Duration = Duration::from_millis(2);

    fn new(whole: Duration) -> Self {
        Self { whole, left: whole, waiting: None, timer: None }
    }

    /// Waits for the browser until nothing is left.
    fn poll_spent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let since = *self.waiting.get_or_insert(now);
        let deadline = since + self.left;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }

    fn earn(&mut self, bytes: usize) {
        if let Some(since) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(Self::PER_BYTE.saturating_mul(bytes)).min(self.whole);
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
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            let Some(budget) = &mut self.budget else { return Poll::Pending };
            ready!(budget.poll_spent(cx));
            return Poll::Ready(Some(Err(BrokenUpload::TooSlow)));
        };
        if let Some(progress) = &self.progress {
            progress.moved();
        }
        if let (Some(budget), Some(Ok(frame))) = (&mut self.budget, &frame) {
            budget.earn(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame.map(|frame| frame.map(guarded).map_err(BrokenUpload::Broken)))
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
    use std::future::{pending, poll_fn};

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

    #[tokio::test(start_paused = true)]
    async fn bytes_earn_time_and_a_trickle_does_not_earn_enough() {
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT);
        poll_fn(|cx| budget.poll_spent(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 10);

        // A byte a second: 2 ms earned for each second spent.
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT);
        while timeout(Duration::from_secs(1), poll_fn(|cx| budget.poll_spent(cx))).await.is_err() {
            budget.earn(1);
        }
        assert_eq!(start.elapsed().as_secs(), 10);

        // A thousand a second are enough, and are not hoarded.
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT);
        for _ in 0..60 {
            assert!(timeout(Duration::from_secs(1), poll_fn(|cx| budget.poll_spent(cx))).await.is_err());
            budget.earn(1000);
        }
        poll_fn(|cx| budget.poll_spent(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 70);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_waits_for_the_browser_is_not_spent() {
        let mut budget = Budget::new(LIMIT);
        assert!(timeout(Duration::from_secs(8), poll_fn(|cx| budget.poll_spent(cx))).await.is_err());
        budget.earn(4000);
        // The upstream does not read.
        sleep(Duration::from_secs(3600)).await;
        let start = Instant::now();
        poll_fn(|cx| budget.poll_spent(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}
