//! Asks an upstream again and again whether it is well, each time on a connection of its own: so a changed
//! address, a certificate that has run out and a server that takes no connections are noticed.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Standing, Witness};
use crate::bridge::pool::authority;
use crate::config::{Check, Upstream};
use crate::net::{DialError, Target, dial, dial_for, secure};
use crate::telemetry::Metrics;

/// Why an upstream is not well.
#[derive(Debug, thiserror::Error)]
enum Unwell {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("no answer to the check: {0}")]
    Http(#[from] hyper::Error),
    #[error("no answer to the check in time")]
    TimedOut,
    #[error("status {0} in answer to the check")]
    Status(StatusCode),
    #[error("the check cannot be written")]
    Request(#[from] http::Error),
}

/// Until `end`. The first question is asked at once.
pub(super) async fn keep_asking(
    upstream: Upstream,
    standing: Arc<Standing>,
    metrics: Arc<Metrics>,
    end: CancellationToken,
) {
    let Some(check) = upstream.health.check.clone() else { return };
    loop {
        let asked = timeout(check.timeout, Box::pin(ask(&upstream, &check)));
        let Some(asked) = end.run_until_cancelled(asked).await else { return };
        let result = asked.unwrap_or(Err(Unwell::TimedOut));
        metrics.upstream_checked(standing.name(), result.is_ok());
        match result {
            Ok(()) => standing.succeeded(Witness::Check),
            // Nobody was asked.
            Err(why @ Unwell::Dial(DialError::Exhausted(_))) => {
                tracing::warn!(upstream = standing.name(), %why)
            }
            Err(why) => standing.failed(&why),
        }
        if end.run_until_cancelled(sleep(spread(check.interval))).await.is_none() {
            return;
        }
    }
}

async fn ask(upstream: &Upstream, check: &Check) -> Result<(), Unwell> {
    let host = upstream.host.trim_matches(['[', ']']);
    let target = Target { host, port: upstream.port, source: None, limit: check.timeout };
    let request = Request::get(&check.path)
        .header(HOST, authority(upstream))
        .header(USER_AGENT, "livename-check")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let deadline = Instant::now() + check.timeout;
    let stream = match upstream.proxy {
        None => dial(target).await?,
        Some(version) => dial_for(target, None, version).await?,
    };
    if !upstream.tls {
        return exchange(stream, request).await;
    }
    let name = upstream.server_name.as_deref().unwrap_or(host);
    exchange(secure(stream, name, &upstream.client, deadline).await?, request).await
}

async fn exchange<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<(), Unwell>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut answer = pin!(sender.send_request(request));
    // The connection moves only while the answer is awaited. It may end as soon as it has delivered it.
    let early = tokio::select! {
        biased;
        answer = &mut answer => Some(answer),
        _ = connection => None,
    };
    let status = match early {
        Some(answer) => answer?.status(),
        None => answer.await?.status(),
    };
    if status.is_server_error() { Err(Unwell::Status(status)) } else { Ok(()) }
}

/// Up to a tenth more or less, so that the nodes of an estate do not ask in step.
fn spread(interval: Duration) -> Duration {
    let tenth = interval / 10;
    let random = getrandom::u32().unwrap_or_default() % 1000;
    interval - tenth + tenth * 2 * random / 1000
}
