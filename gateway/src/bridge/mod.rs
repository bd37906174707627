//! The bridge: passes requests on to an upstream web server (Sametime HTTP, the Sametime Proxy, Domino)
//! whose scheme may differ from the page's, and streams the answers back (browser-side.md 1.4 and 4).
//!
//! It does not look into bodies, does not know whether an upstream is healthy, and does not keep a browser
//! on one of several upstreams.
//!
//! `headers` makes the request's head, `upload` its body; `pool` has the connections; `answer` makes the
//! answer's head, `download` its body; `upgrade` and `tunnel` take over when both sides leave HTTP.

mod answer;
mod download;
mod endless;
mod error;
mod headers;
mod pool;
mod tunnel;
mod upgrade;
mod upload;

use std::sync::Arc;
use std::time::Instant;

use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::{BridgeError, Fault, Phase, Side};
pub use pool::Bounds;

use answer::View;
use download::Download;
use pool::{Lease, Pool, Reuse};
use upload::{BrokenUpload, Upload};

use crate::config::{Upstream, UpstreamRoute};
use crate::http::{Body, RequestContext};
use crate::telemetry::Metrics;

/// Passes requests on. One per worker.
pub struct Bridge {
    metrics: Arc<Metrics>,
    pool: Arc<Pool>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Bridge {
    /// Upstream connections and tunnels run as `tasks` and are cut when `end` is cancelled: after open
    /// requests had their time. Until then `tasks` does not run empty, since idle connections are among
    /// them. Must be called inside the worker's runtime.
    pub fn new(metrics: Arc<Metrics>, tasks: TaskTracker, end: CancellationToken, bounds: Bounds) -> Self {
        let pool = Pool::new(bounds, tasks.clone(), end.clone());
        Self { metrics, pool, tasks, end }
    }

    /// Passes one request on and returns as soon as the head of the answer is there. The body follows as
    /// the browser reads it; if it breaks off upstream, it ends with an error.
    ///
    /// # Errors
    /// No upstream gave an answer, or the request is one that is never passed on. Dropping the future ends
    /// the exchange upstream as well.
    pub async fn forward(
        &self,
        request: Request<Incoming>,
        context: &RequestContext,
        route: &UpstreamRoute,
    ) -> Result<Response<Body>, BridgeError> {
        let started = Instant::now();
        let result = self.exchange(request, context, route).await;
        let outcome = result.as_ref().map_or_else(BridgeError::label, |_| "ok");
        self.metrics.bridge_request(started.elapsed().as_secs_f64(), outcome);
        result
    }

    /// The life of a forwarded request: judge, prepare, send, answer.
    async fn exchange(
        &self,
        mut request: Request<Incoming>,
        context: &RequestContext,
        route: &UpstreamRoute,
    ) -> Result<Response<Body>, BridgeError> {
        let asked = upgrade::asked(&mut request)?;

        let method = request.method().clone();
        let mut request =
            headers::to_upstream(request, context, asked.as_ref().map(|asked| &asked.protocol))?;
        let endless = endless::is_endless(request.uri().path());
        if !endless {
            request.body_mut().limit(route.body_timeout);
        }
        let signs_connection = is_connection_bound(request.headers(), &AUTHORIZATION);

        let Answer { response, mut lease, upstream } = self.send(request, route).await?;

        let view = View::new(context, route, upstream);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(response, lease, asked);
        }
        if signs_connection || is_connection_bound(response.headers(), &WWW_AUTHENTICATE) {
            lease.keep_to_one();
        }
        let (mut parts, body) = response.into_parts();
        answer::to_downstream(&mut parts, &body, &method, &view);
        Ok(Response::from_parts(parts, Download::new(body, lease).boxed_unsync()))
    }

    /// Tries the upstreams in turn until one takes the request. A connection that turns out to have been
    /// given up by the upstream is replaced by a new one, once.
    async fn send<'a>(
        &self,
        mut request: Request<Upload>,
        route: &'a UpstreamRoute,
    ) -> Result<Answer<'a>, BridgeError> {
        let mut last = None;
        for upstream in &route.upstreams {
            let mut reuse = Reuse::Allowed;
            loop {
                let failed = match self.attempt(request, upstream, route, reuse).await {
                    Ok(answer) => return Ok(answer),
                    Err(failed) => *failed,
                };
                let Some(returned) = failed.request else { return Err(failed.error) };
                tracing::debug!(error = %failed.error, upstream = %upstream.host, "trying again");
                request = returned;
                last = Some(failed.error);
                if !failed.stale {
                    break;
                }
                reuse = Reuse::Fresh;
            }
        }
        Err(last.unwrap_or_else(|| {
            BridgeError::internal(Phase::Judge, Fault::Invariant("a route without upstreams"))
        }))
    }

    /// One connection, one request, one head.
    async fn attempt<'a>(
        &self,
        mut request: Request<Upload>,
        upstream: &'a Upstream,
        route: &UpstreamRoute,
        reuse: Reuse,
    ) -> Result<Answer<'a>, Box<Failed>> {
        let mut lease = match self.pool.lease(upstream, route.connect_timeout, reuse).await {
            Ok(lease) => lease,
            Err(error) => return Err(Failed::unsent(error, request, false)),
        };
        request.headers_mut().insert(HOST, lease.authority().clone());
        let endless = endless::is_endless(request.uri().path());
        let head_timeout = route.head_timeout.filter(|_| !endless);
        let spare = (lease.reused && !endless && is_repeatable(&request)).then(|| copy_of(&request));
        let progress = head_timeout.and_then(|_| request.body_mut().watch());

        let Some(answer) = lease.send(request) else {
            return Err(Failed::for_good(BridgeError::internal(
                Phase::Write,
                Fault::Invariant("a spent lease"),
            )));
        };
        let Some(answer) = upload::patience(answer, head_timeout, progress).await else {
            return Err(Failed::for_good(BridgeError::upstream(Phase::Head, Fault::Timeout)));
        };
        match answer {
            Ok(response) => Ok(Answer { response, lease, upstream }),
            Err(mut unanswered) => {
                let unsent = unanswered.take_message();
                let error = unanswered.into_error();
                if let Some(request) = unsent {
                    let error = BridgeError::unsent(Phase::Write, Fault::Http(error));
                    return Err(Failed::unsent(error, request, lease.reused));
                }
                let spare = spare.filter(|_| !error.is_parse());
                let retry = spare.is_some();
                Err(Box::new(Failed {
                    error: unanswered_because(error, retry),
                    request: spare,
                    stale: retry,
                }))
            }
        }
    }

    /// Both sides leave HTTP.
    fn switch(
        &self,
        response: Response<Incoming>,
        lease: Lease,
        asked: Option<upgrade::Asked>,
    ) -> Result<Response<Body>, BridgeError> {
        let Some(asked) = asked else {
            return Err(BridgeError::upstream(Phase::Head, Fault::UnaskedUpgrade));
        };
        let tunnel = upgrade::Tunnel {
            metrics: self.metrics.clone(),
            permit: lease.into_permit(),
            end: self.end.clone(),
        };
        let (response, copying) = asked.accept(response, tunnel)?;
        self.tasks.spawn(copying);
        Ok(response)
    }
}

/// The head of an answer, and the connection from which its body will come.
struct Answer<'a> {
    response: Response<Incoming>,
    lease: Lease,
    upstream: &'a Upstream,
}

/// An attempt without an answer.
struct Failed {
    error: BridgeError,
    /// Present if the request may be sent again.
    request: Option<Request<Upload>>,
    /// The connection was an old one; a new one to the same upstream may do.
    stale: bool,
}

impl Failed {
    fn unsent(error: BridgeError, request: Request<Upload>, stale: bool) -> Box<Self> {
        Box::new(Self { error, request: Some(request), stale })
    }

    fn for_good(error: BridgeError) -> Box<Self> {
        Box::new(Self { error, request: None, stale: false })
    }
}

/// RFC 9110 9.2.2, and no body that is gone once it was read.
fn is_repeatable(request: &Request<Upload>) -> bool {
    request.method().is_idempotent() && request.body().is_empty()
}

fn copy_of(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn unanswered_because(error: hyper::Error, retry: bool) -> BridgeError {
    let broken = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    if let Some(BrokenUpload::TooSlow) = broken {
        return BridgeError {
            side: Side::Downstream,
            phase: Phase::Body,
            fault: Fault::SlowUpload,
            retry: false,
        };
    }
    let (side, phase) = if broken.is_some() {
        (Side::Downstream, Phase::Body)
    } else if error.is_user() {
        // The task that moves the connection was stopped.
        (Side::Internal, Phase::Head)
    } else if error.is_body_write_aborted() {
        (Side::Upstream, Phase::Write)
    } else {
        (Side::Upstream, Phase::Head)
    };
    BridgeError { side, phase, fault: Fault::Http(error), retry }
}

/// NTLM and Negotiate may sign the whole connection in: what follows on it would be that user's.
fn is_connection_bound(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().any(|value| {
        let starts = |scheme: &[u8]| {
            value.as_bytes().get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        starts(b"ntlm") || starts(b"negotiate")
    })
}
