//! Pages that show what reached them, or behave as a test needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use gateway::http::{Body, Builtin, RequestContext, full};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::Semaphore;

/// Answers with what it was given, one fact a line.
pub struct Echo;

impl Builtin for Echo {
    fn serve<'a>(
        &'a self,
        request: Request<Incoming>,
        context: &'a RequestContext,
    ) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
            let mut text = format!(
                "client={}\nscheme={}\nhost={}\nroute={}\nidentity={}\nworker={}\nversion={:?}\nbody={length}\n",
                context.client,
                context.scheme.name(),
                context.host,
                context.route.path,
                context.identity.is_some(),
                context.worker,
                head.version,
            );
            for (name, value) in &head.headers {
                text += &format!("header {name}={}\n", value.to_str().unwrap_or("?"));
            }
            Response::new(full(text))
        })
    }
}

/// Answers when told to.
#[derive(Clone)]
pub struct Gate {
    waiting: Arc<AtomicUsize>,
    open: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { waiting: Arc::default(), open: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// Requests that have come and have no answer.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Lets so many requests through.
    pub fn open(&self, count: usize) {
        self.open.add_permits(count);
    }
}

impl Builtin for Gate {
    fn serve<'a>(&'a self, _: Request<Incoming>, _: &'a RequestContext) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async move {
            struct Leave<'a>(&'a AtomicUsize);
            impl Drop for Leave<'_> {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, Ordering::SeqCst);
                }
            }
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let _leave = Leave(&self.waiting);
            self.open.acquire().await.unwrap().forget();
            Response::new(full("through the gate"))
        })
    }
}

/// More bytes than any socket buffer takes.
pub struct Flood;

impl Builtin for Flood {
    fn serve<'a>(&'a self, _: Request<Incoming>, _: &'a RequestContext) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async { Response::new(full(vec![b'x'; 64 << 20])) })
    }
}

/// As much as the socket buffers of our side take, and more than those of a browser with little room.
pub struct Large;

impl Large {
    pub const BYTES: usize = 200_000;
}

impl Builtin for Large {
    fn serve<'a>(&'a self, _: Request<Incoming>, _: &'a RequestContext) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async { Response::new(full(vec![b'x'; Self::BYTES])) })
    }
}
