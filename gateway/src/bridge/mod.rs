//! The bridge: passes requests on to an upstream web server (Sametime HTTP, the Sametime Proxy, Domino)
//! whose scheme may differ from the page's, and streams the answers back (browser-side.md 1.4 and 4).
//!
//! `headers` makes the request's head, `upload` its body; `attempt` finds an upstream that takes it: `balance`
//! chooses, `health` knows who is well, `pool` has the connections; `answer` makes the answer's head,
//! `download` its body, in which `rewrite` turns addresses into the page's; `upgrade` and `tunnel` take over when both sides leave HTTP.

mod answer;
mod attempt;
mod balance;
mod download;
mod endless;
mod error;
mod headers;
mod health;
mod pause;
mod pool;
pub mod rewrite;
mod tunnel;
mod upgrade;
mod upload;

use std::sync::Arc;
use std::time::Instant;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::{BridgeError, Fault, Phase, Side};
pub use health::{UpstreamServer, Upstreams};

use answer::Reach;
use attempt::Answer;
use balance::{Group, Groups};
use download::Download;
use pool::{Lease, Pool};
use rewrite::Rewriting;

use crate::config::UpstreamRoute;
use crate::http::{Body, RequestContext, Scheme};
use crate::telemetry::Metrics;

/// Passes requests on. One per worker.
pub struct Bridge {
    metrics: Arc<Metrics>,
    upstreams: Arc<Upstreams>,
    groups: Groups,
    pool: Arc<Pool>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Bridge {
    /// Upstream connections and tunnels run as `tasks` and are cut when `end` is cancelled: after open
    /// requests had their time. Until then `tasks` does not run empty, since idle connections are among
    /// them. Must be called inside the worker's runtime.
    pub fn new(
        metrics: Arc<Metrics>,
        upstreams: Arc<Upstreams>,
        tasks: TaskTracker,
        end: CancellationToken,
    ) -> Self {
        let pool = Pool::new(tasks.clone(), end.clone());
        Self { metrics, upstreams, groups: Groups::default(), pool, tasks, end }
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
        let reach = Reach::of(request.headers(), context.scheme == Scheme::Https, &context.host);
        let rewriting = Rewriting::prepare(&mut request, context, route);
        let switch_to = asked.as_ref().map(|asked| &asked.protocol);
        let mut request = headers::to_upstream(request, context, route, switch_to)?;
        let signs_connection = is_connection_bound(request.headers(), &AUTHORIZATION);

        let cookie = route.sticky_cookie.as_deref();
        let preferred = cookie.and_then(|cookie| balance::named(request.headers_mut(), cookie));
        let group = self.groups.of(&context.route, || Group::new(route, &self.upstreams, &self.pool));
        let answer = self.send(request, route, &group, preferred.as_deref(), context).await?;
        let Answer { response, mut lease, member } = answer;

        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(response, lease, asked);
        }
        if signs_connection || is_connection_bound(response.headers(), &WWW_AUTHENTICATE) {
            lease.keep_to_one();
        }
        let (mut parts, body) = response.into_parts();
        let names = || answer::names(context, route, &member.upstream);
        answer::to_downstream(&mut parts, &body, &method, names, reach);
        if let Some(cookie) = cookie.filter(|_| preferred.as_ref() != Some(&member.alias)) {
            balance::remember(&mut parts.headers, cookie, &member.alias, context.scheme);
        }
        let download = Download::new(body, lease);
        let body = match rewriting {
            Some(rewriting) => rewriting.answer(&mut parts, download, context, route, names),
            None => download.boxed_unsync(),
        };
        Ok(Response::from_parts(parts, body))
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

/// NTLM and Negotiate may sign the whole connection in: what follows on it would be that user's.
fn is_connection_bound(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().any(|value| {
        let starts = |scheme: &[u8]| {
            value.as_bytes().get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        starts(b"ntlm") || starts(b"negotiate")
    })
}
