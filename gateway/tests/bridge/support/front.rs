//! A server around `Bridge::forward`, as small as can be.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::bridge::{Bridge, BridgeError, Upstreams};
use gateway::config::{
    AuthPolicy, Health, Logins, PoolBounds, Retry, Route, SametimeProtocol, Serve, Upstream, UpstreamRoute,
};
use gateway::http::{Body, RequestContext, Scheme, full};
use gateway::telemetry::Metrics;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Backend;

/// What a test may want otherwise.
pub(crate) struct Setting {
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) page: Scheme,
    pub(crate) sametime_protocol: SametimeProtocol,
    pub(crate) head_timeout: Option<Duration>,
    pub(crate) connect_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) bounds: PoolBounds,
    pub(crate) health: Health,
    pub(crate) sticky_cookie: Option<String>,
    pub(crate) retry: Retry,
    pub(crate) http2: bool,
    /// Whether bodies are rewritten.
    pub(crate) rewrite: bool,
    /// Of the route: its first segment, if there is one, is an affinity id.
    pub(crate) path: &'static str,
}

impl Setting {
    pub(crate) fn to(backend: &Backend) -> Self {
        Self::upstreams(vec![backend.upstream()])
    }

    pub(crate) fn upstreams(upstreams: Vec<Upstream>) -> Self {
        Self {
            upstreams,
            page: Scheme::Https,
            sametime_protocol: SametimeProtocol::Page,
            head_timeout: None,
            connect_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            bounds: PoolBounds::default(),
            health: Health::default(),
            sticky_cookie: None,
            retry: Retry::Idempotent,
            http2: false,
            rewrite: true,
            path: "/",
        }
    }

    pub(crate) async fn start(self) -> Front {
        let metrics = Arc::new(Metrics::new());
        let tasks = TaskTracker::new();
        let end = CancellationToken::new();
        // Checks are no work of the bridge, whose tasks the tests count.
        let servers = Arc::new(Upstreams::new(metrics.clone(), TaskTracker::new(), end.clone()));
        let bridge = Arc::new(Bridge::new(metrics.clone(), servers.clone(), tasks.clone(), end.clone()));
        let treated = |upstream| Upstream { pool: self.bounds, health: self.health.clone(), ..upstream };
        let upstreams: Vec<_> = self.upstreams.into_iter().map(treated).collect();
        let mut rewrite = UpstreamRoute::to(upstreams.clone()).rewrite;
        rewrite.bodies = self.rewrite;
        if let Some(segment) = self.path.split('/').nth(1).filter(|segment| !segment.is_empty()) {
            rewrite.affinity = format!("/{segment}");
        }
        let route = Arc::new(Route {
            hosts: Vec::new(),
            path: self.path.to_owned(),
            auth: AuthPolicy::Off,
            login: None,
            serve: Serve::Upstream(UpstreamRoute {
                rewrite,
                sametime_protocol: self.sametime_protocol,
                connect_timeout: self.connect_timeout,
                head_timeout: self.head_timeout,
                body_timeout: self.body_timeout,
                sticky_cookie: self.sticky_cookie,
                retry: self.retry,
                ..UpstreamRoute::to(upstreams)
            }),
            logins: Logins::default(),
            chat: false,
            pass_to: None,
        });
        servers.adopt(std::slice::from_ref(&route));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (page, two) = (self.page, self.http2);
        let front = Front { address, metrics, servers, route: route.clone(), tasks, end };
        tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                let (bridge, route) = (bridge.clone(), route.clone());
                let service = service_fn(move |request| {
                    let (bridge, route) = (bridge.clone(), route.clone());
                    async move { Ok::<_, Infallible>(serve(request, &bridge, route, page, client).await) }
                });
                let io = TokioIo::new(stream);
                if two {
                    tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service));
                } else {
                    let connection = http1::Builder::new().serve_connection(io, service);
                    tokio::spawn(connection.with_upgrades());
                }
            }
        });
        front
    }
}

async fn serve(
    request: Request<Incoming>,
    bridge: &Bridge,
    route: Arc<Route>,
    scheme: Scheme,
    client: SocketAddr,
) -> Response<Body> {
    let host = request.headers().get("host").map_or_else(
        || request.uri().authority().map(ToString::to_string).unwrap_or_default(),
        |host| host.to_str().unwrap().to_lowercase(),
    );
    let context = RequestContext {
        request_id: 1,
        client: client.ip(),
        scheme,
        host,
        route: route.clone(),
        identity: None,
        page_allowed: false,
        worker: 0,
    };
    let Serve::Upstream(upstreams) = &route.serve else { unreachable!("an upstream route") };
    bridge.forward(request, &context, upstreams).await.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &BridgeError) -> Response<Body> {
    let mut response = Response::new(full(format!("{} retry={}", error.label(), error.retry)));
    *response.status_mut() = error.status();
    response
}

/// Running.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) servers: Arc<Upstreams>,
    pub(crate) route: Arc<Route>,
    /// Upstream connections and tunnels.
    pub(crate) tasks: TaskTracker,
    pub(crate) end: CancellationToken,
}

impl Front {
    pub(crate) async fn to(backend: &Backend) -> Self {
        Setting::to(backend).start().await
    }

    /// The value of a metric line, labels included in its name.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.servers.publish();
        let text = self.metrics.gather();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"));
        line.trim().parse().unwrap()
    }
}
