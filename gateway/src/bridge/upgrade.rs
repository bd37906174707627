//! Connections that leave HTTP/1.1: WebSocket and any other `Upgrade` that the upstream agrees to.
//!
//! The upstream is asked, its 101 is passed on, then a tunnel copies what follows. HTTP/2 has no such
//! upgrade, and CONNECT would make an open proxy of the gateway: refused.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::{BridgeError, Fault, Phase};
use super::tunnel;
use crate::http::{Body, full};
use crate::telemetry::Metrics;

/// How long both connections may take to leave HTTP once the 101 is there.
const HANDOVER: Duration = Duration::from_secs(10);

/// The browser asks for another protocol.
pub(super) struct Asked {
    /// As it wrote it; may name several.
    pub(super) protocol: HeaderValue,
    downstream: OnUpgrade,
}

/// What the browser asks for, if anything. Must be called before the head is stripped.
pub(super) fn asked(request: &mut Request<Incoming>) -> Result<Option<Asked>, BridgeError> {
    if request.method() == Method::CONNECT {
        return Err(BridgeError::judged(Fault::Unsupported("CONNECT")));
    }
    let headers = request.headers();
    let named = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    let Some(protocol) = headers.get(UPGRADE).filter(|_| named && request.version() == Version::HTTP_11)
    else {
        return Ok(None);
    };
    if concerns_one_hop(protocol) {
        return Ok(None);
    }
    let protocol = protocol.clone();
    Ok(Some(Asked { protocol, downstream: hyper::upgrade::on(request) }))
}

/// `h2c`, `HTTP/…` and `TLS/…` are between neighbours. Passed on, they would give the browser a way to the
/// upstream on which no request is judged any more.
fn concerns_one_hop(protocol: &HeaderValue) -> bool {
    let Ok(protocols) = protocol.to_str() else { return true };
    protocols.split(',').map(|protocol| protocol.trim().to_ascii_lowercase()).any(|protocol| {
        protocol.starts_with("h2") || protocol.starts_with("http") || protocol.starts_with("tls")
    })
}

/// What a tunnel needs from the bridge.
pub(super) struct Tunnel {
    pub(super) metrics: Arc<Metrics>,
    /// Counts the connection as one to the upstream.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    pub(super) end: CancellationToken,
}

impl Asked {
    /// The upstream's 101 for the browser, and the task that copies once both have left HTTP.
    pub(super) fn accept(
        self,
        mut answer: Response<Incoming>,
        tunnel: Tunnel,
    ) -> Result<(Response<Body>, impl Future<Output = ()> + Send + use<>), BridgeError> {
        let protocol = answer.headers().get(UPGRADE).cloned().filter(|protocol| self.offered(protocol));
        let Some(protocol) = protocol else {
            return Err(BridgeError::upstream(Phase::Head, Fault::UnaskedUpgrade));
        };
        let upstream = hyper::upgrade::on(&mut answer);
        let mut switching = Response::new(full(""));
        *switching.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *switching.headers_mut() = std::mem::take(answer.headers_mut());
        super::headers::remove_hop_by_hop(switching.headers_mut());
        switching.headers_mut().remove(http::header::CONTENT_LENGTH);
        switching.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        switching.headers_mut().insert(UPGRADE, protocol);
        Ok((switching, tunnel.run(self.downstream, upstream)))
    }

    fn offered(&self, chosen: &HeaderValue) -> bool {
        let (Ok(offers), Ok(chosen)) = (self.protocol.to_str(), chosen.to_str()) else { return false };
        offers.split(',').any(|offer| offer.trim().eq_ignore_ascii_case(chosen.trim()))
    }
}

impl Tunnel {
    async fn run(self, downstream: OnUpgrade, upstream: OnUpgrade) {
        let Self { metrics, permit, end } = self;
        let handover = timeout(HANDOVER, async { tokio::try_join!(downstream, upstream) });
        let Some(Ok(Ok((downstream, upstream)))) = end.run_until_cancelled(handover).await else {
            tracing::debug!("upgrade came to nothing");
            return;
        };
        let counted = Counted::new(metrics);
        let copy = tunnel::copy(TokioIo::new(downstream), TokioIo::new(upstream));
        if let Some(Err(error)) = end.run_until_cancelled(copy).await {
            tracing::debug!(%error, "tunnel broke");
        }
        drop((counted, permit));
    }
}

/// A tunnel in the metrics, however it ends.
struct Counted(Arc<Metrics>);

impl Counted {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.tunnel_opened();
        Self(metrics)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.tunnel_closed();
    }
}
