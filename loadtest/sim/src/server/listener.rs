//! A server's port: accepts, looks whether TLS is spoken, and gives every connection a task.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::vp::server::{Closed, Config};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::connection::{self, Ended};
use super::session::Place;
use super::switchboard::{LineEnd, Switchboard};
use super::token::TokenCheck;

/// The first byte of a TLS record; no frame of the community begins with it (vp-wire.md 1).
const TLS: u8 = 0x16;
/// For the first byte and the TLS handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all connections of a server are made of.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) board: Arc<Switchboard>,
    pub(super) server: String,
    pub(super) tokens: TokenCheck,
    pub(super) machine: Config,
    /// With TLS both forms are spoken on the port.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) write_limit: Duration,
    pub(super) max_connections: usize,
}

/// Accepts until the end.
pub(super) async fn accept(listener: TcpListener, port: Port, tasks: TaskTracker, end: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = end.cancelled() => return,
        };
        match accepted {
            Ok(_) if port.board.connection_count() >= port.max_connections => {
                warn!("a connection is turned away: as many as allowed are open");
            }
            Ok((stream, from)) => {
                let line = port.board.connect(&end);
                let port = port.clone();
                tasks.spawn(async move {
                    let (login, board) = (line.login, port.board.clone());
                    match Box::pin(serve(stream, from, line, port)).await {
                        Ok(ended) => {
                            match &ended {
                                Ended::NotReading | Ended::QueueFull => board.count_slow(),
                                Ended::Session(Closed::Protocol(_)) => board.count_broken(),
                                _ => {}
                            }
                            debug!(login = login.0, %ended, "connection ended");
                        }
                        Err(error) => debug!(login = login.0, %error, "connection ended"),
                    }
                    board.disconnect(login);
                });
            }
            Err(error) => {
                warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, from: SocketAddr, line: LineEnd, port: Port) -> io::Result<Ended> {
    stream.set_nodelay(true)?;
    let address = match from.ip() {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(0, |address| address.to_bits()),
    };
    let place = Place { server: port.server, address, tokens: port.tokens };
    let Some(tls) = port.tls else {
        return Ok(connection::serve(stream, line, port.board, place, port.machine, port.write_limit).await);
    };
    let cut = line.cut.clone();
    let mut first = [0];
    let peeked = tokio::select! {
        peeked = timeout(PATIENCE, stream.peek(&mut first)) => peeked,
        () = cut.cancelled() => return Ok(Ended::Cut),
    };
    peeked??;
    if first != [TLS] {
        return Ok(connection::serve(stream, line, port.board, place, port.machine, port.write_limit).await);
    }
    let handshake = timeout(PATIENCE, TlsAcceptor::from(tls).accept(stream));
    let stream = tokio::select! {
        stream = handshake => stream??,
        () = cut.cancelled() => return Ok(Ended::Cut),
    };
    Ok(connection::serve(stream, line, port.board, place, port.machine, port.write_limit).await)
}
