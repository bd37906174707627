//! Connections to the target: from a chosen address, plain or over TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::wire::Wire;
use crate::measure::FailureKind;

/// Where Debian and its relatives keep the system's authorities.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Until the other side accepts. The system would try for two minutes; a browser's user does not.
const CONNECT: Duration = Duration::from_secs(10);

/// The way to the target.
pub struct Dialer {
    /// Empty: the name has none.
    addrs: Vec<SocketAddr>,
    /// Why it has none.
    unknown: Option<String>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// As in the `Host` header.
    pub(super) host: String,
    /// As in the `Origin` header of a page of the same host.
    pub(super) origin: String,
    /// What comes before the paths of event channels.
    pub(super) prefix: String,
}

/// Why the target cannot be dialled at all.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// No URL of a web server.
    #[error("{0}: not an http or https URL")]
    Url(String),
    /// The authorities.
    #[error("{file}: {error}")]
    Authorities {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: rustls::pki_types::pem::Error,
    },
    /// The TLS library does not take these settings.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Dialer {
    /// Resolves the URL's host; `ca` are the authorities for `https`. A name without an address is no error
    /// here: see [`Dialer::nowhere`].
    pub async fn new(url: &str, ca: Option<&Path>) -> Result<Self, DialError> {
        let wrong = || DialError::Url(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let (port, secure) = match scheme {
            "http" => (80, false),
            "https" => (443, true),
            _ => return Err(wrong()),
        };
        let bare = name_of(host);
        let port = match host.get(bare.len()..).unwrap_or_default().strip_prefix(':') {
            None => port,
            Some(port) => port.parse().map_err(|_| wrong())?,
        };
        let name = bare.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (addrs, unknown) = match tokio::net::lookup_host((name.as_str(), port)).await {
            Ok(addrs) => (addrs.collect(), None),
            Err(error) => (Vec::new(), Some(format!("{name} has no address: {error}"))),
        };
        let tls = if secure {
            let config = Arc::new(client(ca)?);
            Some((TlsConnector::from(config), ServerName::try_from(name).map_err(|_| wrong())?))
        } else {
            None
        };
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { addrs, unknown, tls, host: host.to_owned(), origin: format!("{scheme}://{host}"), prefix })
    }

    /// Why no connection can succeed, if the target's name has no address.
    pub fn nowhere(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// One connection.
    pub(super) async fn dial(&self, source: Option<IpAddr>) -> Result<Wire, FailureKind> {
        let fits = |addr: &&SocketAddr| source.is_none_or(|source| source.is_ipv4() == addr.is_ipv4());
        let addr = self.addrs.iter().find(fits).or(self.addrs.first()).ok_or(FailureKind::UnknownHost)?;
        let connected = timeout(CONNECT, connect(*addr, source)).await;
        let stream = connected.map_err(|_| FailureKind::ConnectTimeout)?.map_err(|error| kind_of(&error))?;
        let _ = stream.set_nodelay(true);
        let Some((connector, name)) = &self.tls else { return Ok(Wire::Plain(stream)) };
        match connector.connect(name.clone(), stream).await {
            Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
            Err(error) => Err(kind_of(&error)),
        }
    }
}

/// The host without its port, brackets included.
fn name_of(host: &str) -> &str {
    if let Some(end) = host.find(']') {
        return host.get(..=end).unwrap_or(host);
    }
    host.split(':').next().unwrap_or(host)
}

async fn connect(addr: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source.filter(|source| source.is_ipv4() == addr.is_ipv4()) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(addr).await
}

fn client(ca: Option<&Path>) -> Result<ClientConfig, DialError> {
    let file = ca.unwrap_or(Path::new(SYSTEM_CA));
    let wrong = |error| DialError::Authorities { file: file.display().to_string(), error };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(wrong)? {
        // One odd certificate does not spoil the others.
        let _ = roots.add(certificate.map_err(wrong)?);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// What an error of the system or of TLS means for a browser.
pub(super) fn kind_of(error: &io::Error) -> FailureKind {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match tls {
            rustls::Error::InvalidCertificate(_) => FailureKind::Certificate,
            _ => FailureKind::Tls,
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => FailureKind::Unreachable,
        io::ErrorKind::TimedOut => FailureKind::ConnectTimeout,
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => FailureKind::NoPorts,
        // EMFILE and ENFILE have no kind of their own.
        _ => match error.raw_os_error() {
            Some(23 | 24) => FailureKind::NoDescriptors,
            _ => FailureKind::Lost,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_kinds() {
        let of = |number| kind_of(&io::Error::from_raw_os_error(number));
        assert_eq!(of(111), FailureKind::Unreachable);
        assert_eq!(of(24), FailureKind::NoDescriptors);
        assert_eq!(of(99), FailureKind::NoPorts);
        assert_eq!(of(104), FailureKind::Lost);
    }

    #[tokio::test]
    async fn urls_are_taken_apart() {
        let dialer = Dialer::new("http://127.0.0.1:8080/st", None).await.unwrap();
        assert_eq!((dialer.host.as_str(), dialer.prefix.as_str()), ("127.0.0.1:8080", "/st"));
        assert_eq!(dialer.origin, "http://127.0.0.1:8080");
        let dialer = Dialer::new("http://[::1]:81", None).await.unwrap();
        assert_eq!(dialer.addrs[0], "[::1]:81".parse().unwrap());
        assert!(dialer.nowhere().is_none());
        assert!(matches!(Dialer::new("ftp://x", None).await, Err(DialError::Url(_))));
    }
    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_accepts_is_given_up() {
        // The queue of a listener that nobody serves is soon full; then the system drops what else comes.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let full = socket.listen(1).unwrap();
        let url = format!("http://{}", full.local_addr().unwrap());
        let dialer = Dialer::new(&url, None).await.unwrap();
        let mut open = Vec::new();
        let refused = loop {
            match dialer.dial(None).await {
                Ok(wire) => open.push(wire),
                Err(kind) => break kind,
            }
            assert!(open.len() < 100, "a queue of one takes everybody");
        };
        assert_eq!(refused, FailureKind::ConnectTimeout);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_told_and_has_a_kind() {
        let dialer = Dialer::new("http://nowhere.invalid", None).await.unwrap();
        assert!(dialer.nowhere().unwrap().starts_with("nowhere.invalid has no address"));
        assert_eq!(dialer.dial(None).await.err(), Some(FailureKind::UnknownHost));
    }
}
