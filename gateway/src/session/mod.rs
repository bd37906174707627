//! Presence for browsers: who is logged in, and their event channels (docs/events.md).
//!
//! Knows the hub and the shards, never an upstream connection: what a page can reach of its user's own
//! login is what [`OwnLogins`](crate::hub::OwnLogins) gives back.

mod aside;
mod by_name;
mod channel;
mod command;
mod expiry;
mod life;
mod message;
mod proofs;
mod rest;
mod sse;
mod users;
mod websocket;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use dashmap::DashMap;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::tries::Tries;
use crate::auth::{Identity, Rejection};
use crate::config::Privacy;
use crate::http::{Body, Failure, Live, RequestContext, full, read_body};
use crate::hub::Access;
use crate::shard::{self, Shard};
use crate::telemetry::Metrics;

pub use rest::is_foreign;

use by_name::ByName;
use channel::{Bounds, Channel, ChannelKey, Fresh, Terms};
use life::Life;
use users::Users;

/// Where an event channel's path ends.
const EVENTS: &str = "/livename/v1/events";
/// A body that does not come in by then is not worth waiting for.
const BODY_LIMIT: Duration = Duration::from_secs(10);

type Channels = DashMap<ChannelKey, Arc<Channel>>;

/// An open channel, to be found by its key as long as this exists.
struct Listed {
    channel: Arc<Channel>,
    channels: Arc<Channels>,
}

impl Listed {
    fn new(channel: Channel, channels: &Arc<Channels>) -> Self {
        let (channel, channels) = (Arc::new(channel), Arc::clone(channels));
        channels.insert(channel.key, Arc::clone(&channel));
        Self { channel, channels }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.channels.remove(&self.channel.key);
    }
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
    rest: Arc<rest::Registry>,
    tries: Tries,
    /// A channel keeps the limits that were in force when it was opened.
    live: Arc<ArcSwap<Live>>,
    metrics: Arc<Metrics>,
}

struct Community {
    access: Access,
    users: Arc<Users>,
    /// Apart from the users: nobody's name makes anybody a guest, or the reverse.
    guests: Arc<Users>,
}

impl Sessions {
    /// To be made on the main runtime. `tasks` are those of the node and end at `stopped`.
    pub fn new(
        communities: impl IntoIterator<Item = (String, Access)>,
        live: Arc<ArcSwap<Live>>,
        tasks: &TaskTracker,
        stopped: &CancellationToken,
        metrics: Arc<Metrics>,
    ) -> Self {
        let communities = communities.into_iter().map(|(name, access)| {
            let users = || {
                let (logins, metrics) = (access.logins.clone(), Arc::clone(&metrics));
                Arc::new(Users::new(logins, tasks.clone(), stopped.clone(), metrics))
            };
            let (users, guests) = (users(), users());
            (name, Community { access, users, guests })
        });
        let rest = Arc::<rest::Registry>::default();
        let sweep = rest::Registry::sweep(Arc::downgrade(&rest), Arc::clone(&live));
        let end = stopped.clone();
        tasks.spawn(async move { end.run_until_cancelled(sweep).await });
        let (channels, tries) = (Arc::default(), Tries::default());
        Self { communities: communities.collect(), channels, rest, tries, live, metrics }
    }

    /// Users that are logged in on this node.
    pub fn count(&self) -> usize {
        self.communities.values().map(|community| community.users.count()).sum()
    }

    /// Serves a request of an awareness route: route, page origin and authorisation are done.
    pub async fn serve(
        &self,
        request: Request<Incoming>,
        context: &RequestContext,
        community: &str,
        desk: &Desk,
    ) -> Result<Response<Body>, Failure> {
        let name = community;
        let community = self.communities.get(name).ok_or(SessionError::NotFound)?;
        if let Some(path) = rest::below(request.uri().path()).map(str::to_owned) {
            return self.serve_rest(request, &path, context, (name, community), desk).await;
        }
        let (_, rest) = request.uri().path().split_once(EVENTS).ok_or(SessionError::NotFound)?;
        match (request.method(), rest) {
            (&Method::GET, "") => self.open(request, context, community, desk).await,
            (&Method::POST, rest) => {
                let key = rest.strip_prefix('/').and_then(ChannelKey::parse).ok_or(SessionError::NotFound)?;
                self.command(request, context, &key).await
            }
            (_, "") => Err(SessionError::Method.into()),
            _ => Err(SessionError::NotFound.into()),
        }
    }

    /// A new channel: a page joins its user's session and subscribes.
    async fn open(
        &self,
        mut request: Request<Incoming>,
        context: &RequestContext,
        community: &Community,
        desk: &Desk,
    ) -> Result<Response<Body>, Failure> {
        let by_socket = websocket::is_wanted(&request);
        if !by_socket && !accepts_events(&request) {
            return Err(SessionError::NotAChannel.into());
        }
        let handshake = if by_socket { Some(websocket::accept(&request)?) } else { None };
        let identity = context.identity.as_deref();
        if identity.is_none() && community.access.privacy == Privacy::Own {
            return Err(Failure::Token(Rejection::Missing));
        }
        let limits = self.live.load().limits.clone();
        let page = match identity {
            None => None,
            Some(identity) => Some(community.users.join(identity, &limits).await?),
        };
        let own = page.as_ref().and_then(|page| page.user.login()).map(|login| login.scope);
        let scope = match community.access.privacy {
            Privacy::Own => own,
            Privacy::Trust => community.access.shared,
        };
        let names = Arc::clone(&community.access.names);
        let asker = names.asker(page.as_ref().and_then(|page| page.user.login()));
        let by_name = ByName::new(names, asker, desk.connections.clone(), desk.draining.clone());
        let scope = scope.ok_or(SessionError::NotReady)?;
        let subscription = desk.shard.subscribe(scope, shard::limits(&limits));
        let terms = Terms {
            bounds: Bounds { watches: limits.watches_per_session, message_bytes: limits.message_bytes },
            transport: if by_socket { "websocket" } else { "sse" },
            expires_in: identity.map(time_left),
            by_name,
        };
        let channel = Channel::new(
            ChannelKey::random().map_err(|_| SessionError::NotReady)?,
            subscription,
            page,
            terms,
            Arc::clone(&self.metrics),
        );
        let life = Life::new(&channel, desk.draining.clone());
        let listed = Listed::new(channel, &self.channels);
        let Some(response) = handshake else { return Ok(sse::response(listed, life)) };
        let upgrade = hyper::upgrade::on(&mut request);
        desk.connections.spawn(websocket::serve(upgrade, listed, life));
        Ok(response)
    }

    /// Commands for a channel that come beside it: its transport has only one direction, or they need the
    /// cookie of a request.
    async fn command(
        &self,
        request: Request<Incoming>,
        context: &RequestContext,
        key: &ChannelKey,
    ) -> Result<Response<Body>, Failure> {
        let channel = self.channels.get(key).map(|entry| Arc::clone(entry.value()));
        let identity = context.identity.as_deref();
        let user = identity.map(|identity| identity.user.as_str());
        let channel = channel.filter(|channel| channel.owner() == user).ok_or(SessionError::NoChannel)?;
        let body = read_body(request.into_body(), channel.message_bytes(), BODY_LIMIT).await?;
        let fresh = identity.map(|identity| Fresh { identity, left: time_left(identity) });
        Ok(match channel.commands(&body, fresh.as_ref()) {
            Ok(answers) => json(StatusCode::OK, answers),
            Err(refusal) => json(
                StatusCode::BAD_REQUEST,
                [b"[".as_slice(), &message::error(&refusal), b"]"].concat().into(),
            ),
        })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("communities", &self.communities.keys()).finish_non_exhaustive()
    }
}

/// Why there is no event channel, or no command for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    #[error("nothing of that name below an awareness route")]
    NotFound,
    #[error("method not allowed")]
    Method,
    #[error("neither a WebSocket nor text/event-stream")]
    NotAChannel,
    #[error("not a WebSocket handshake of version 13")]
    Handshake,
    #[error("no such event channel, or not this user's")]
    NoChannel,
    #[error("the user has too many pages open")]
    TooManyPages,
    #[error("the community is not ready")]
    NotReady,
    #[error("the community does not accept this name with this password or token")]
    NotAccepted,
}

fn time_left(identity: &Identity) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(identity.expires).saturating_sub(now)
}

/// When the token ends.
fn end_of(identity: &Identity) -> tokio::time::Instant {
    tokio::time::Instant::now() + time_left(identity)
}

fn accepts_events(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

fn json(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
