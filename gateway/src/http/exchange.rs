//! One request from its head to its log line.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;

use super::access_log::{LoggedBody, Record};
use super::authorise::{Asked, authorise, identify};
use super::serve::Edge;
use super::{
    AccessLog, Body, Failure, RequestContext, RouteError, Scheme, arrival, cors, head, headers, redirect,
};
use crate::auth::Delegated;
use crate::bridge::Upstreams;
use crate::config::{AuthPolicy, Cors, Serve, UpstreamRoute};
use crate::net::Progress;
use crate::pilot::{self, Bypass, Decision};
use crate::scripts;
use crate::session::{Desk, Sessions, is_foreign};

/// A page or service inside the program, found by name (`Serve::Builtin`).
pub trait Builtin: Send + Sync {
    fn serve<'a>(
        &'a self,
        request: Request<Incoming>,
        context: &'a RequestContext,
    ) -> BoxFuture<'a, Response<Body>>;
}

/// What requests are served by, on one worker.
#[derive(Clone)]
pub struct Services {
    pub builtins: Arc<HashMap<String, Arc<dyn Builtin>>>,
    pub sessions: Arc<Sessions>,
    /// Who proves tokens by a login, by the name of the community.
    pub delegates: Arc<HashMap<String, Arc<Delegated>>>,
    /// Web servers that requests are passed on to.
    pub upstreams: Arc<Upstreams>,
    pub desk: Desk,
    pub bypass: Arc<Bypass>,
    pub access_log: Arc<AccessLog>,
}

/// What holds for every request of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) edge: Arc<Edge>,
    pub(super) peer: IpAddr,
    pub(super) scheme: Scheme,
    pub(super) progress: Arc<Progress>,
}

/// What a response needs beyond what served it.
#[derive(Default)]
struct Manner {
    /// Errors as JSON.
    json: bool,
    /// The page on another host that may read the answer.
    page: Option<HeaderValue>,
}

/// Answers one request, whatever happens; the record that goes along with the body logs it.
pub(super) async fn exchange(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Response<LoggedBody> {
    let id = connection.edge.next_request_id();
    let mut record = Record::open(&request, id, Arc::clone(&connection));
    let mut manner = Manner::default();
    let version = request.version();
    let mut response = match phases(&connection, id, request, &mut record, &mut manner).await {
        Ok(response) => response,
        Err(failure) => {
            record.failed(&failure);
            let mut response = failure.response(id, manner.json);
            if failure.ends_connection() && version < Version::HTTP_2 {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    if let Some(page) = &manner.page {
        cors::allow(&mut response, page);
    }
    record.answer(response)
}

/// The phases of a request, in their order.
async fn phases(
    connection: &Connection,
    id: u64,
    mut request: Request<Incoming>,
    record: &mut Record,
    manner: &mut Manner,
) -> Result<Response<Body>, Failure> {
    let edge = &connection.edge;
    // The configuration of this request, to its end.
    let live = edge.live();

    // Read head: one host, and nothing in it that only we may say.
    let host = head::host(&request)?;
    let trusted = &live.admission.trusted_proxies;
    let client = headers::cleanse(request.headers_mut(), connection.peer, connection.scheme, trusted);
    let host = client.host.as_deref().map_or(Ok(host), head::valid_host)?;
    record.asked(client.address, client.scheme, &host);

    // The other scheme, for a host that is meant for one.
    let uri = request.uri();
    if let Some(response) = redirect::answer(&live.redirects, request.method(), uri, &host, client.scheme)? {
        return Ok(response);
    }

    // Route.
    let route = Arc::clone(live.router.route(&host, request.uri().path())?);
    record.routed(&route);

    let services = edge.services();
    let asked = Asked {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        host: &host,
        scheme: client.scheme,
        client: client.address,
    };

    // Who serves awareness: this gateway, or the Sametime Proxy that was there before.
    let mut checked = None;
    let mut passed_to = None;
    if let Some(proxy) = &route.pass_to {
        let bypassed = services.bypass.is_on();
        // A preflight has no cookies and decides nothing: pages of both kinds may ask.
        if bypassed || !cors::is_preflight(&request) {
            if !bypassed && !live.pilot.is_everybody() && route.auth != AuthPolicy::Off {
                checked = Some(identify(&live, &services.delegates, asked).await);
            }
            let identity = checked.as_ref().and_then(|checked| checked.as_ref().ok());
            let decision = pilot::decide(&services.bypass, &live.pilot, identity, edge.metrics());
            let path = request.uri().path();
            match (decision, is_own(path)) {
                // Meetings, calls and what nobody has told us of: the Sametime Proxy may know it.
                (Decision::Chosen, _) if is_foreign(path, route.chat) => passed_to = Some(proxy),
                (Decision::Chosen, _) | (Decision::Anonymous, true) => {}
                // The Sametime Proxy has never heard of these.
                (_, true) => return Err(RouteError::None.into()),
                (_, false) => passed_to = Some(proxy),
            }
        }
    }

    // Which page asks. Awareness is ours to protect from foreign pages; preflights carry no token.
    if matches!(route.serve, Serve::Awareness(_)) && passed_to.is_none() {
        manner.json = true;
        manner.page = cors::page(request.headers(), &host, &live.sso)?;
        if let Some(response) = cors::preflight(&request) {
            return Ok(response);
        }
        // Scripts are no secret: pages load them before anybody has logged in.
        if let Some(response) = scripts::answer(&request) {
            return Ok(response);
        }
        if let Some(response) = arrival::answer(&request, client.scheme, &live.sso) {
            return Ok(response);
        }
    }

    // A bridged route's pages, where they are ours to judge. Foreign ones may ask, and do not see the answer.
    let upstream = passed_to.or(match &route.serve {
        Serve::Upstream(upstream) => Some(upstream),
        _ => None,
    });
    let judges_pages = upstream.is_some_and(|upstream| upstream.pages.cors == Cors::Gateway);
    if judges_pages {
        match cors::page(request.headers(), &host, &live.sso) {
            Ok(page) => manner.page = page,
            Err(foreign) if cors::is_preflight(&request) => return Err(foreign),
            Err(_) => {}
        }
        if let Some(response) = cors::preflight(&request).filter(|_| manner.page.is_some()) {
            return Ok(response);
        }
    }

    // Authenticate and authorise. Whom the Sametime Proxy serves, it judges itself.
    let identity = match passed_to {
        Some(_) => checked.and_then(Result::ok),
        None => authorise(&live, &services.delegates, &route, asked, checked).await?,
    };
    if let Some(identity) = &identity {
        record.identified(identity);
    }

    // Serve presence, forward, or answer from within. The answer may take as long as the page stays
    // open: the configuration is let go.
    let for_https = !live.serves_http || redirect::is_for_https(&live.redirects, &host);
    drop(live);
    let is_passed = passed_to.is_some();
    let context = RequestContext {
        request_id: id,
        client: client.address,
        scheme: client.scheme,
        host,
        route: Arc::clone(&route),
        identity,
        page_allowed: judges_pages && manner.page.is_some(),
        worker: edge.worker(),
    };
    if let Some(proxy) = route.pass_to.as_ref().filter(|_| is_passed) {
        return pass_on(edge, request, &context, proxy, for_https).await;
    }
    match &context.route.serve {
        Serve::Builtin(name) => match services.builtins.get(name) {
            Some(builtin) => Ok(builtin.serve(request, &context).await),
            None => Err(Failure::NotServed),
        },
        Serve::Upstream(upstream) => pass_on(edge, request, &context, upstream, for_https).await,
        Serve::Awareness(community) => {
            if route.pass_to.is_none() {
                return services.sessions.serve(request, &context, &community.name, &services.desk).await;
            }
            // A bypass ends what is open, as a drain does.
            let desk = Desk { draining: services.bypass.channels(), ..services.desk.clone() };
            services.sessions.serve(request, &context, &community.name, &desk).await
        }
    }
}

async fn pass_on(
    edge: &Edge,
    request: Request<Incoming>,
    context: &RequestContext,
    upstream: &UpstreamRoute,
    for_https: bool,
) -> Result<Response<Body>, Failure> {
    let mut response = edge.bridge().forward(request, context, upstream).await?;
    if upstream.pages.cors == Cors::Gateway {
        cors::take_over(response.headers_mut());
    }
    if !for_https {
        // True of the upstream's name. Of this one it would end the http pages of a mixed estate, for a year.
        response.headers_mut().remove(header::STRICT_TRANSPORT_SECURITY);
    }
    Ok(response)
}

/// What only this gateway has for pages: event channels, and what its scripts ask and load (docs/events.md).
const OWN: [&str; 5] = ["events", "events.js", "rest.js", "names.css", "arrival"];

fn is_own(path: &str) -> bool {
    let below = path.split_once("/livename/v1/").and_then(|(_, rest)| rest.split('/').next());
    below.is_some_and(|name| OWN.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_what_this_gateway_serves_is_its_own() {
        for path in ["/livename/v1/events", "/livename/v1/events/x1", "/st01/livename/v1/events.js"] {
            assert!(is_own(path), "{path}");
        }
        for path in ["/stwebclient/livename/x.js", "/livename/", "/livename/v1/", "/livename/v1/eventsx", "/"]
        {
            assert!(!is_own(path), "{path}");
        }
    }
}
