//! Binds and accepts. Hands on standard sockets, not yet known to any runtime.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::keepalive::watch_over;

/// Connections that the kernel keeps for us until they are accepted; it caps this at `somaxconn`.
const BACKLOG: i32 = 4096;
/// First and longest pause when descriptors or memory have run out.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// A configured address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", reason(error))]
pub struct BindError {
    pub address: SocketAddr,
    pub error: io::Error,
}

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    socket: tokio::net::TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds; port 0 takes any free port. Needs a runtime.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        open(address)
            .and_then(|socket| {
                let address = socket.local_addr()?;
                Ok(Self { socket: tokio::net::TcpListener::from_std(socket)?, address })
            })
            .map_err(|error| BindError { address, error })
    }

    /// The address with the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives every connection to `take` until `stop`, then also those that the kernel had accepted
    /// already, and closes the address.
    pub async fn run(self, stop: CancellationToken, mut take: impl FnMut(TcpStream, SocketAddr)) {
        let mut pause = PAUSE.0;
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            // Out of this runtime, so that a worker can take it into its own.
            let accepted = accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
            match accepted {
                Ok((stream, peer)) => {
                    pause = PAUSE.0;
                    take(stream, peer);
                }
                Err(error) if of_the_connection(&error) => {
                    debug!(%error, "a connection ended before it began")
                }
                Err(error) => {
                    warn!(%error, address = %self.address, "cannot accept, waiting");
                    tokio::select! { () = stop.cancelled() => break, () = tokio::time::sleep(pause) => {} }
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
        let Ok(socket) = self.socket.into_std() else { return };
        for _ in 0..BACKLOG {
            let Ok((stream, peer)) = accept(&socket) else { break };
            take(stream, peer);
        }
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the last run in TIME_WAIT.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]:80` and `0.0.0.0:80` are two addresses, on every system.
        socket.set_only_v6(true)?;
    }
    watch_over(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn accept(socket: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = socket.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, peer))
}

/// Errors of the one connection that was to be accepted (accept(2)); the next may work at once.
fn of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

/// The three usual causes, in the words of somebody who can do something about them.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there already".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "not permitted (ports below 1024 need CAP_NET_BIND_SERVICE)".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::keepalive::is_watched_over;

    #[tokio::test]
    async fn browsers_that_vanish_are_noticed_by_the_system() {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let browser = tokio::net::TcpStream::connect(listener.address()).await.unwrap();
        let stop = CancellationToken::new();
        let mut seen = None;
        listener
            .run(stop.clone(), |stream, peer| {
                seen = Some((is_watched_over(&stream), peer));
                stop.cancel();
            })
            .await;
        assert_eq!(seen, Some((true, browser.local_addr().unwrap())));
    }
}
