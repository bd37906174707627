//! Finding an upstream that takes a request: attempts one after the other, and what each of them tells of
//! the upstream's health.

use std::time::Duration;

use http::header::{HOST, UPGRADE};
use http::{Request, Response};
use hyper::body::Incoming;

use super::Bridge;
use super::balance::{Group, Member, Tried};
use super::endless::is_endless;
use super::error::{BridgeError, Fault, Phase, Side};
use super::headers::OwnPage;
use super::health::Witness;
use super::pool::{Lease, Reuse, Wish};
use super::upload::{self, BrokenUpload, Upload};
use crate::config::{Retry, UpstreamRoute};
use crate::http::RequestContext;

/// The head of an answer, and the connection from which its body will come.
pub(super) struct Answer<'a> {
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
    pub(super) member: &'a Member,
}

/// What holds for every attempt of one request.
struct Terms {
    /// Of the first attempt with an upstream.
    wish: Wish,
    head_timeout: Option<Duration>,
    page: OwnPage,
    /// It may be sent again although an upstream has seen it.
    repeatable: bool,
}

/// An attempt without an answer.
struct Failed {
    error: BridgeError,
    /// Present if the request may be sent again.
    request: Option<Request<Upload>>,
    /// The connection was an old one: this tells nothing of the upstream, and a new connection may do.
    stale: bool,
}

impl Bridge {
    /// Asks the upstreams of a route, one after the other, until one answers. A connection that turns out to
    /// have been given up by the upstream is replaced by a new one, once.
    pub(super) async fn send<'a>(
        &self,
        mut request: Request<Upload>,
        route: &UpstreamRoute,
        group: &'a Group,
        preferred: Option<&str>,
        context: &RequestContext,
    ) -> Result<Answer<'a>, BridgeError> {
        let endless = is_endless(request.uri().path());
        let terms = Terms {
            wish: Wish {
                limit: route.connect_timeout,
                reuse: Reuse::Allowed,
                http1: request.headers().contains_key(UPGRADE),
                client: context.client,
            },
            page: OwnPage::of(request.headers(), context, route),
            head_timeout: route.head_timeout.filter(|_| !endless),
            repeatable: !endless && route.retry == Retry::Idempotent && is_repeatable(&request),
        };
        if !endless {
            request.body_mut().limit(route.body_timeout);
        }
        let mut tried = Tried::default();
        let mut last = None;
        while let Some(member) = group.choose(&mut tried, preferred) {
            let mut reuse = Reuse::Allowed;
            loop {
                let elsewhere = group.has_more(tried);
                let failed = match self.attempt(request, member, &terms, reuse, elsewhere).await {
                    Ok(answer) => {
                        member.standing.succeeded(Witness::Request);
                        return Ok(answer);
                    }
                    Err(failed) => *failed,
                };
                if !failed.stale && failed.error.blames_upstream() {
                    self.blame(group, member, &failed.error);
                }
                let Some(returned) = failed.request else { return Err(failed.error) };
                tracing::debug!(error = %failed.error, upstream = member.standing.name(), "trying again");
                request = returned;
                last = Some(failed.error);
                self.metrics.bridge_retry(if failed.stale { "stale" } else { "next" });
                if !failed.stale {
                    break;
                }
                reuse = Reuse::Fresh;
            }
        }
        Err(last.unwrap_or_else(|| BridgeError::unsent(Phase::Connect, Fault::Down)))
    }

    /// An upstream is taken out for the sake of the others. Of the last one that is left, an answer that does not come
    /// tells too little: one browser could choose what it asks for, and close the route to all.
    fn blame(&self, group: &Group, member: &Member, error: &BridgeError) {
        let is_sure = matches!(error.phase, Phase::Connect | Phase::Tls);
        if is_sure || !group.is_last(member) {
            member.standing.failed(error);
        } else {
            member.standing.disappointed(error);
        }
    }

    /// One connection, one request, one head. `elsewhere`: another upstream could be asked.
    async fn attempt<'a>(
        &self,
        mut request: Request<Upload>,
        member: &'a Member,
        terms: &Terms,
        reuse: Reuse,
        elsewhere: bool,
    ) -> Result<Answer<'a>, Box<Failed>> {
        let mut lease = match self.pool.lease(member, &Wish { reuse, ..terms.wish }).await {
            Ok(lease) => lease,
            Err(error) => return Err(Failed::unsent(error, request, false)),
        };
        request.headers_mut().insert(HOST, lease.authority().clone());
        terms.page.tell(request.headers_mut(), member.upstream.tls, lease.authority());
        let spare = (terms.repeatable && (lease.reused || elsewhere)).then(|| copy_of(&request));
        let progress = terms.head_timeout.and_then(|_| request.body_mut().watch());

        let Some(answer) = lease.send(request) else {
            let error = BridgeError::internal(Phase::Write, Fault::Invariant("a spent lease"));
            return Err(Failed::for_good(error));
        };
        let Some(answer) = upload::patience(answer, terms.head_timeout, progress).await else {
            return Err(Failed::for_good(BridgeError::upstream(Phase::Head, Fault::Timeout)));
        };
        match answer {
            Ok(response) => Ok(Answer { response, lease, member }),
            Err(mut unanswered) => {
                let unsent = unanswered.take_message();
                let error = unanswered.into_error();
                if let Some(request) = unsent {
                    let error = BridgeError::unsent(Phase::Write, Fault::Http(error));
                    return Err(Failed::unsent(error, request, lease.reused));
                }
                // What came instead of an answer was sent in answer to it.
                let spare = spare.filter(|_| !error.is_parse());
                let stale = lease.reused && spare.is_some();
                let error = unanswered_because(error, spare.is_some());
                Err(Box::new(Failed { error, request: spare, stale }))
            }
        }
    }
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
    let (side, phase) = match broken {
        Some(BrokenUpload::TooSlow) => {
            let (side, phase) = (Side::Downstream, Phase::Body);
            return BridgeError { side, phase, fault: Fault::SlowUpload, retry: false };
        }
        Some(BrokenUpload::Broken(_)) => (Side::Downstream, Phase::Body),
        // The task that moves the connection was stopped.
        None if error.is_user() => (Side::Internal, Phase::Head),
        None if error.is_body_write_aborted() => (Side::Upstream, Phase::Write),
        None => (Side::Upstream, Phase::Head),
    };
    BridgeError { side, phase, fault: Fault::Http(error), retry }
}
