//! A connection while it serves a request, and the task that moves its bytes.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use http::header::HeaderValue;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::origin::Origin;
use super::streams::Place;
use crate::bridge::upload::Upload;

/// How long a connection may take to come to rest after an answer has ended, for instance because the
/// request is still being written.
const REST: Duration = Duration::from_secs(1);

/// A connection for one request. Dropped before [`Lease::finish`], it cuts the connection; one that is
/// shared goes on without the request.
pub(in crate::bridge) struct Lease {
    carrier: Option<Carrier>,
    /// It has served another request before: the upstream may have given it up meanwhile.
    pub(in crate::bridge) reused: bool,
    single_use: bool,
    origin: Arc<Origin>,
    permit: Option<OwnedSemaphorePermit>,
    tasks: TaskTracker,
}

/// What carries a request.
pub(super) enum Carrier {
    /// HTTP/1.1.
    Whole(Connection),
    /// HTTP/2.
    Part(Place),
}

impl Lease {
    pub(super) fn new(
        carrier: Carrier,
        reused: bool,
        origin: Arc<Origin>,
        permit: OwnedSemaphorePermit,
        tasks: TaskTracker,
    ) -> Self {
        Self { carrier: Some(carrier), reused, single_use: false, origin, permit: Some(permit), tasks }
    }

    /// What the upstream is called in `Host`.
    pub(in crate::bridge) fn authority(&self) -> &HeaderValue {
        &self.origin.authority
    }

    /// The request comes back in the error if none of it was written.
    pub(in crate::bridge) fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Option<impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<>> {
        Some(match self.carrier.as_mut()? {
            Carrier::Whole(connection) => Either::Left(connection.sender.try_send_request(request)),
            Carrier::Part(place) => Either::Right(place.send(request)),
        })
    }

    /// The connection must not serve anybody else.
    pub(in crate::bridge) fn keep_to_one(&mut self) {
        self.single_use = true;
    }

    /// The answer was read to its end: hands the connection back as soon as it is at rest.
    pub(in crate::bridge) fn finish(mut self) {
        let Some(Carrier::Whole(mut connection)) = self.carrier.take() else { return };
        if self.single_use || connection.sender.is_closed() {
            return;
        }
        if connection.sender.is_ready() {
            // Before the permit is released: the next one finds it.
            self.origin.give_back(connection);
            return;
        }
        let tasks = self.tasks.clone();
        let lease = self;
        tasks.spawn(async move {
            let rest = timeout(REST, connection.sender.ready()).await;
            if matches!(rest, Ok(Ok(()))) {
                lease.origin.give_back(connection);
            } else {
                connection.cut();
            }
            // With it, its permit.
            drop(lease);
        });
    }

    /// The connection is leaving HTTP; the permit counts it until it ends.
    pub(in crate::bridge) fn into_permit(mut self) -> Option<OwnedSemaphorePermit> {
        self.carrier = None;
        self.permit.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(Carrier::Whole(connection)) = self.carrier.take() {
            connection.cut();
        }
    }
}

pub(super) struct Connection {
    pub(super) sender: http1::SendRequest<Upload>,
    /// Ends the connection at once. Dropping it does not: then the connection ends by itself when `sender`
    /// is gone and nothing is left to do.
    pub(super) cut: oneshot::Sender<()>,
    pub(super) born: Instant,
}

impl Connection {
    fn cut(self) {
        // The other end is gone when the connection has ended already.
        let _ = self.cut.send(());
    }
}

/// Moves one connection's bytes until it ends, is cut, or all must end.
pub(super) async fn drive<S>(
    connection: http1::Connection<TokioIo<S>, Upload>,
    was_cut: oneshot::Receiver<()>,
    end: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let cut = async {
        if was_cut.await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        ended = connection.with_upgrades() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "upstream connection failed");
            }
        }
        () = cut => {}
        () = end.cancelled() => {}
    }
}
