//! Opens every outgoing connection: TCP with a time limit and an optional source address, TLS on top.
//!
//! Does not choose among upstreams and does not retry; `bridge` and `community` do.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::keepalive::watch_over;
use super::proxy_header;
use crate::config::ProxyVersion;

/// Where to, from where, and how long it may take in all (name look-up, every address, TLS).
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Host name or address, IPv6 without brackets.
    pub host: &'a str,
    pub port: u16,
    /// Local address to connect from; only remote addresses of its family are tried.
    pub source: Option<IpAddr>,
    pub limit: Duration,
}

/// Why there is no connection. Always the upstream's or the network's doing, except `Name` and `Exhausted`.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("the name cannot be resolved: {0}")]
    Resolve(io::Error),
    #[error("the name has no usable address")]
    NoAddress,
    #[error("connection failed: {0}")]
    Connect(io::Error),
    /// This machine has no descriptor, port, address or memory left for it: tells nothing of the upstream.
    #[error("nothing left here to connect with: {0}")]
    Exhausted(io::Error),
    #[error("no connection within the time limit")]
    TimedOut,
    #[error("not a valid server name for TLS")]
    Name,
    #[error("TLS failed: {0}")]
    Tls(io::Error),
}

impl DialError {
    /// Value of a metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Resolve(_) | Self::NoAddress => "resolve",
            Self::Connect(_) => "connect",
            Self::Exhausted(_) => "exhausted",
            Self::TimedOut => "timeout",
            Self::Name | Self::Tls(_) => "tls",
        }
    }
}

/// Opens a TCP connection; addresses of the name are tried in turn, none may use up the others' time.
pub async fn dial(target: Target<'_>) -> Result<TcpStream, DialError> {
    let deadline = Instant::now() + target.limit;
    let addresses = resolve(target, deadline).await?;
    let mut last = DialError::NoAddress;
    for (index, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let waiting = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let turn = now + deadline.saturating_duration_since(now) / waiting;
        match timeout_at(turn, connect(*address, target.source)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if is_exhaustion(&error) => last = DialError::Exhausted(error),
            Ok(Err(error)) => last = DialError::Connect(error),
            Err(_) => last = DialError::TimedOut,
        }
    }
    Err(last)
}

/// As [`dial`], then a TLS handshake within the same limit. `name` is verified and sent as SNI; the
/// default is the host.
pub async fn dial_tls(
    target: Target<'_>,
    name: Option<&str>,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, DialError> {
    let deadline = Instant::now() + target.limit;
    let stream = dial(target).await?;
    secure(stream, name.unwrap_or(target.host), config, deadline).await
}

/// As [`dial`], then says by the PROXY protocol for whom; `None`: for ourselves.
pub async fn dial_for(
    target: Target<'_>,
    client: Option<SocketAddr>,
    version: ProxyVersion,
) -> Result<TcpStream, DialError> {
    let deadline = Instant::now() + target.limit;
    let mut stream = dial(target).await?;
    let server = stream.peer_addr().map_err(DialError::Connect)?;
    let client = client.map_or_else(|| stream.local_addr(), Ok).map_err(DialError::Connect)?;
    let header = proxy_header(version, client, server);
    let written = timeout_at(deadline, stream.write_all(&header)).await;
    written.map_err(|_| DialError::TimedOut)?.map_err(DialError::Connect)?;
    Ok(stream)
}

/// A TLS handshake with a server of that name.
pub async fn secure(
    stream: TcpStream,
    name: &str,
    config: &Arc<ClientConfig>,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, DialError> {
    let name = ServerName::try_from(name.to_owned()).map_err(|_| DialError::Name)?;
    let handshake = TlsConnector::from(Arc::clone(config)).connect(name, stream);
    timeout_at(deadline, handshake).await.map_err(|_| DialError::TimedOut)?.map_err(DialError::Tls)
}

async fn resolve(target: Target<'_>, deadline: Instant) -> Result<Vec<SocketAddr>, DialError> {
    let found = match target.host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, target.port)],
        Err(_) => timeout_at(deadline, look_up(target.host, target.port))
            .await
            .map_err(|_| DialError::TimedOut)?
            .map_err(unresolved)?,
    };
    let fits = |address: &SocketAddr| target.source.is_none_or(|from| from.is_ipv4() == address.is_ipv4());
    let addresses: Vec<_> = found.into_iter().filter(fits).collect();
    if addresses.is_empty() { Err(DialError::NoAddress) } else { Ok(addresses) }
}

/// Asks the system each time: it knows how long a name's addresses hold.
async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    #[cfg(test)]
    if let Some(address) = fake_names::address(host) {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    Ok(lookup_host((host, port)).await?.collect())
}

/// The resolver needs descriptors as well, and does not say when it got none.
fn unresolved(error: io::Error) -> DialError {
    match TcpSocket::new_v4() {
        Err(own) if is_exhaustion(&own) => DialError::Exhausted(own),
        _ => DialError::Resolve(error),
    }
}

/// Of this machine, not of the one that is called.
fn is_exhaustion(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM))
}

async fn connect(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    watch_over(&stream)?;
    Ok(stream)
}

/// Names of a test, known to its thread only.
#[cfg(test)]
pub(crate) mod fake_names {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::net::IpAddr;

    thread_local! {
        static NAMES: RefCell<HashMap<String, IpAddr>> = RefCell::default();
    }

    pub(crate) fn set(name: &str, address: &str) {
        let address = address.parse().unwrap();
        NAMES.with_borrow_mut(|names| names.insert(name.to_owned(), address));
    }

    pub(super) fn address(name: &str) -> Option<IpAddr> {
        NAMES.with_borrow(|names| names.get(name).copied())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::keepalive::is_watched_over;

    fn target(host: &str, port: u16) -> Target<'_> {
        Target { host, port, source: None, limit: Duration::from_secs(5) }
    }

    #[tokio::test]
    async fn connects_from_the_source_address_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let source: IpAddr = "127.0.0.7".parse().unwrap();
        let stream = dial(Target { source: Some(source), ..target("127.0.0.1", port) }).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), source);
        assert!(stream.nodelay().unwrap());
        assert!(is_watched_over(&stream));
    }

    #[test]
    fn what_runs_out_here_is_told_from_what_fails_there() {
        for own in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM] {
            assert!(is_exhaustion(&own.into()), "{own}");
        }
        for other in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::HOSTUNREACH, Errno::TIMEDOUT] {
            assert!(!is_exhaustion(&other.into()), "{other}");
        }
    }

    #[tokio::test]
    async fn a_source_of_the_other_family_fits_no_address() {
        let source = Some("::1".parse().unwrap());
        let error = dial(Target { source, ..target("127.0.0.1", 1) }).await.unwrap_err();
        assert!(matches!(error, DialError::NoAddress), "{error}");
    }

    #[tokio::test]
    async fn a_refused_connection_says_so() {
        // The discard port: nobody listens there, and the system gives it to nobody.
        let error = dial(target("127.0.0.1", 9)).await.unwrap_err();
        assert_eq!(error.label(), "connect");
    }

    #[tokio::test]
    async fn a_silent_tls_server_is_given_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let limit = Duration::from_millis(50);
        let silent = Target { limit, ..target("127.0.0.1", port) };
        let error = dial_tls(silent, Some("st.example"), &Arc::new(config)).await.unwrap_err();
        assert!(matches!(error, DialError::TimedOut), "{error}");
    }
}
