//! Connections of the simulated web server: accept, TLS, HTTP/1.1, upgrades and faults.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::{Fault, Shared, pages};

/// For the TLS handshake and for request heads.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    end: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = end.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let serving = serve(stream, shared.clone(), tasks.clone(), end.clone());
                let end = end.clone();
                tasks.spawn(async move {
                    let ended =
                        tokio::select! { ended = Box::pin(serving) => ended, () = end.cancelled() => Ok(()) };
                    ended.unwrap_or_else(|error| debug!(%error, "web connection ended"));
                });
            }
            Err(error) => {
                debug!(%error, "web server cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    end: CancellationToken,
) -> io::Result<()> {
    // A second handle on the socket: closing with linger 0 sends a reset whoever owns the stream then.
    let socket = SockRef::from(&stream).try_clone()?;
    let reset = Arc::new(Notify::new());
    let connection = async {
        match shared.tls.clone() {
            None => speak_http(stream, "http", shared, reset.clone(), tasks, end).await,
            Some(config) => {
                let handshake = TlsAcceptor::from(config).accept(stream);
                let stream = tokio::time::timeout(PATIENCE, handshake).await??;
                speak_http(stream, "https", shared, reset.clone(), tasks, end).await
            }
        }
    };
    tokio::select! {
        ended = Box::pin(connection) => ended,
        () = reset.notified() => socket.set_linger(Some(Duration::ZERO)),
    }
}

async fn speak_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    scheme: &'static str,
    shared: Arc<Shared>,
    reset: Arc<Notify>,
    tasks: TaskTracker,
    end: CancellationToken,
) -> io::Result<()> {
    let service = service_fn(move |request| {
        let (shared, reset, tasks, end) = (shared.clone(), reset.clone(), tasks.clone(), end.clone());
        async move {
            shared.remember(format!("{} {}", request.method(), request.uri()));
            match shared.fault() {
                Fault::StallBeforeHead => pending().await,
                Fault::Reset => {
                    reset.notify_one();
                    pending().await
                }
                Fault::HalfBody => Ok::<_, Infallible>(pages::half_a_body()),
                Fault::None => Ok(pages::answer(request, scheme, &shared, &tasks, &end).await),
            }
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
        .map_err(io::Error::other)
}
