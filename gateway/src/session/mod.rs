//! Presence for browsers: who is logged in, and their event channels (docs/events.md).
//!
//! Knows the hub and the shards, never an upstream connection: what a page can reach of its user's own
//! login is what [`OwnLogins`] gives back.

mod channel;
mod command;
mod message;
mod sse;
mod users;
mod websocket;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use gateway_core::ScopeId;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use protocol::presence::PersonId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{Identity, origin};
use crate::config::{Limits, OwnPresence, Privacy, Sso};
use crate::http::{Body, RequestContext, full};
use crate::hub::{Clock, OwnLogins};
use crate::scripts;
use crate::shard::Shard;
use crate::telemetry::Metrics;

use channel::{Channel, ChannelKey, Life};
use message::End;
use users::Users;

/// Where an event channel's path ends.
const EVENTS: &str = "/livename/v1/events";
/// A body that does not come in by then is not worth waiting for.
const BODY_LIMIT: Duration = Duration::from_secs(10);

type Channels = DashMap<ChannelKey, Arc<Channel>>;

/// What a community offers to sessions.
pub struct Access {
    /// What the observers see; `None` where every user's watches go through the user's own login.
    pub shared: Option<ScopeId>,
    /// `None` where the gateway logs no users in.
    pub logins: Option<Arc<dyn OwnLogins>>,
    pub own_presence: OwnPresence,
    pub privacy: Privacy,
}

/// What a request is served with on its worker.
#[derive(Clone, Debug)]
pub struct Desk {
    pub shard: Arc<Shard>,
    /// Upgraded connections go on here.
    pub connections: TaskTracker,
    pub draining: CancellationToken,
}

/// All sessions of a node.
pub struct Sessions {
    communities: HashMap<String, Community>,
    channels: Arc<Channels>,
    limits: Limits,
    metrics: Arc<Metrics>,
    clock: Clock,
}

struct Community {
    access: Access,
    users: Arc<Users>,
}

impl Sessions {
    /// To be made on the main runtime. `tasks` are those of the node, dropped at its end.
    pub fn new(
        communities: impl IntoIterator<Item = (String, Access)>,
        limits: Limits,
        tasks: &TaskTracker,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        let communities = communities.into_iter().map(|(name, access)| {
            let (grace, pages) = (limits.session_grace, limits.sessions_per_user);
            let users = Users::new(access.logins.clone(), grace, pages, tasks.clone(), Arc::clone(&metrics));
            (name, Community { access, users: Arc::new(users) })
        });
        Self { communities: communities.collect(), channels: Arc::default(), limits, metrics, clock }
    }

    /// Serves a request of an awareness route: route and authorisation are done.
    pub async fn serve(
        &self,
        request: Request<Incoming>,
        context: &RequestContext,
        community: &str,
        sso: &Sso,
        desk: &Desk,
    ) -> Response<Body> {
        let Some(community) = self.communities.get(community) else { return nothing(StatusCode::NOT_FOUND) };
        let page = request.headers().get(header::ORIGIN).cloned();
        let page_text = page.as_ref().map(|page| page.to_str().unwrap_or("null"));
        if let Err(error) = origin::check(page_text, &context.host, sso) {
            tracing::debug!(request = context.request_id, reason = error.reason(), "page turned away");
            return plain(StatusCode::FORBIDDEN, "This page may not open an event channel here.");
        }
        let mut response = self.answer(request, context, community, desk).await;
        if let Some(page) = page {
            share(&mut response, page);
        }
        response
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        context: &RequestContext,
        community: &Community,
        desk: &Desk,
    ) -> Response<Body> {
        let path = request.uri().path();
        let Some((_, rest)) = path.split_once(EVENTS) else { return nothing(StatusCode::NOT_FOUND) };
        match (request.method(), rest) {
            (&Method::GET | &Method::HEAD, ".js") => scripts::events(request.headers()),
            (&Method::OPTIONS, _) => preflight(),
            (&Method::GET, "") => self.open(request, context, community, desk).await,
            (&Method::POST, rest) => match rest.strip_prefix('/').and_then(ChannelKey::parse) {
                Some(key) => self.command(request, context, &key).await,
                None => nothing(StatusCode::NOT_FOUND),
            },
            (_, "") => nothing(StatusCode::METHOD_NOT_ALLOWED),
            _ => nothing(StatusCode::NOT_FOUND),
        }
    }

    /// A new channel: a page joins its user's session and subscribes.
    async fn open(
        &self,
        mut request: Request<Incoming>,
        context: &RequestContext,
        community: &Community,
        desk: &Desk,
    ) -> Response<Body> {
        let by_socket = websocket::is_wanted(&request);
        if !by_socket && !accepts_events(&request) {
            return plain(StatusCode::BAD_REQUEST, "An event channel is a WebSocket or text/event-stream.");
        }
        let identity = context.identity.as_deref();
        if identity.is_none() && community.access.privacy == Privacy::Own {
            return nothing(StatusCode::UNAUTHORIZED);
        }
        let page = match identity {
            None => None,
            Some(Identity { user, token, .. }) => {
                match community.users.join(PersonId::from(user.as_str()), token.clone()).await {
                    Ok(page) => Some(page),
                    Err(users::TooManyPages) => {
                        self.metrics.subscriber_ended(End::TOO_MANY_SESSIONS.code);
                        return plain(StatusCode::TOO_MANY_REQUESTS, End::TOO_MANY_SESSIONS.message);
                    }
                }
            }
        };
        let own = page.as_ref().and_then(|page| page.user.login()).map(|login| login.scope);
        let Some(scope) = (match community.access.privacy {
            Privacy::Own => own,
            Privacy::Trust => community.access.shared,
        }) else {
            return nothing(StatusCode::SERVICE_UNAVAILABLE);
        };
        let Ok(key) = ChannelKey::random() else { return nothing(StatusCode::SERVICE_UNAVAILABLE) };
        let channel = Channel::new(
            key,
            desk.shard.subscribe(scope),
            page,
            self.limits.clone(),
            Arc::clone(&self.metrics),
            self.clock,
            if by_socket { "websocket" } else { "sse" },
        );
        let life = Life::new(&channel, identity.map(time_left), desk.draining.clone());
        if !by_socket {
            return sse::response(Arc::new(channel), Arc::clone(&self.channels), life);
        }
        match websocket::accept(&request) {
            Err(reason) => plain(StatusCode::BAD_REQUEST, reason),
            Ok(response) => {
                let upgrade = hyper::upgrade::on(&mut request);
                let message_bytes = self.limits.message_bytes;
                desk.connections.spawn(async move {
                    // Otherwise the connection was lost before it became a socket.
                    if let Ok(upgraded) = upgrade.await {
                        websocket::serve(upgraded, channel, life, message_bytes).await;
                    }
                });
                response
            }
        }
    }

    /// Commands for a channel whose transport has only one direction.
    async fn command(
        &self,
        request: Request<Incoming>,
        context: &RequestContext,
        key: &ChannelKey,
    ) -> Response<Body> {
        let channel = self.channels.get(key).map(|entry| Arc::clone(entry.value()));
        let same_user = |channel: &Arc<Channel>| {
            let owner = channel.page.as_ref().map(|page| page.user.person().as_str());
            owner == context.identity.as_deref().map(|identity| identity.user.as_str())
        };
        let Some(channel) = channel.filter(same_user) else {
            return plain(StatusCode::NOT_FOUND, "There is no such event channel (any more).");
        };
        let body = Limited::new(request.into_body(), self.limits.message_bytes);
        match timeout(BODY_LIMIT, body.collect()).await {
            Err(_) => nothing(StatusCode::REQUEST_TIMEOUT),
            Ok(Err(_)) => plain(StatusCode::PAYLOAD_TOO_LARGE, End::TOO_BIG.message),
            Ok(Ok(body)) => match channel.commands(&body.to_bytes()) {
                Ok(answers) => json(StatusCode::OK, answers),
                Err(refusal) => {
                    let error = [b"[".as_slice(), &message::error(&refusal), b"]"].concat();
                    json(StatusCode::BAD_REQUEST, error.into())
                }
            },
        }
    }
}

fn time_left(identity: &Identity) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(identity.expires).saturating_sub(now)
}

fn accepts_events(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Lets an allowed page of another origin read the answer.
fn share(response: &mut Response<Body>, page: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

fn preflight() -> Response<Body> {
    let mut response = nothing(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn json(status: StatusCode, text: Bytes) -> Response<Body> {
    with_type(status, "application/json", text)
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    with_type(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn with_type(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn nothing(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = status;
    response
}
