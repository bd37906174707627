//! Connections to the target: from a chosen address, plain or over TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::AlertDescription;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::wire::Wire;
use crate::measure::FailureKind;
use crate::tls::{self, TlsError};

/// Until the other side accepts. The system would try for two minutes; a browser's user does not.
const CONNECT: Duration = Duration::from_secs(10);
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// The ways to the target: one, or one for each scheme.
pub struct Dialer {
    way: Way,
    /// Over the other scheme.
    other: Option<Way>,
}

/// The way to one address of the target.
pub(super) struct Way {
    /// Empty: the name has none.
    addrs: Vec<SocketAddr>,
    /// Why it has none.
    unknown: Option<String>,
    tls: Option<Secure>,
    /// As in the `Host` header.
    pub(super) host: String,
    /// As in the `Origin` header of a page of the same host.
    pub(super) origin: String,
    /// What comes before the paths of event channels.
    pub(super) prefix: String,
}

/// TLS, for each of the protocols that may be spoken behind it.
struct Secure {
    name: ServerName<'static>,
    http1: TlsConnector,
    http2: TlsConnector,
}

/// Why the target cannot be dialled at all.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// No URL of a web server.
    #[error("{0}: not an http or https URL")]
    Url(String),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Dialer {
    /// Resolves the URL's host; `ca` are the authorities for `https`. A name without an address is no error
    /// here: see [`Dialer::nowhere`].
    pub async fn new(url: &str, ca: Option<&Path>) -> Result<Self, DialError> {
        Ok(Self { way: Way::new(url, ca).await?, other: None })
    }

    /// The same target is at this address as well, over the other scheme.
    pub async fn or(self, url: &str, ca: Option<&Path>) -> Result<Self, DialError> {
        Ok(Self { other: Some(Way::new(url, ca).await?), ..self })
    }

    /// Why no connection can succeed, if the name of one of the target's addresses has no address.
    pub fn nowhere(&self) -> Option<&str> {
        [Some(&self.way), self.other.as_ref()].into_iter().flatten().find_map(|way| way.unknown.as_deref())
    }

    /// Where it leads, for messages.
    pub fn url(&self) -> String {
        format!("{}{}", self.way.origin, self.way.prefix)
    }

    /// The way of a browser that comes over `https`, or over `http`; with one address there is no choice.
    pub(super) fn way(&self, secure: bool) -> &Way {
        let other = self.other.as_ref().filter(|other| other.tls.is_some() == secure);
        other.unwrap_or(&self.way)
    }
}

impl Way {
    async fn new(url: &str, ca: Option<&Path>) -> Result<Self, DialError> {
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
            let connector = |protocol| Ok::<_, TlsError>(Arc::new(tls::client(ca, &[protocol])?).into());
            let name = ServerName::try_from(name).map_err(|_| wrong())?;
            Some(Secure { name, http1: connector(HTTP1)?, http2: connector(HTTP2)? })
        } else {
            None
        };
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { addrs, unknown, tls, host: host.to_owned(), origin: format!("{scheme}://{host}"), prefix })
    }

    /// One connection for HTTP/1.1.
    pub(super) async fn dial(&self, source: Option<IpAddr>) -> Result<Wire, FailureKind> {
        let stream = self.connect(source).await?;
        let Some(Secure { name, http1, .. }) = &self.tls else { return Ok(Wire::Plain(stream)) };
        match http1.connect(name.clone(), stream).await {
            Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
            Err(error) => Err(kind_of(&error)),
        }
    }

    /// One connection for HTTP/2, which is agreed on in the TLS handshake (RFC 9113 3.2).
    pub(super) async fn dial_http2(
        &self,
        source: Option<IpAddr>,
    ) -> Result<TlsStream<TcpStream>, FailureKind> {
        let Some(Secure { name, http2, .. }) = &self.tls else { return Err(FailureKind::NoHttp2) };
        let stream = self.connect(source).await?;
        let stream = http2.connect(name.clone(), stream).await.map_err(|error| kind_of(&error))?;
        let agreed = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        if agreed { Ok(stream) } else { Err(FailureKind::NoHttp2) }
    }

    async fn connect(&self, source: Option<IpAddr>) -> Result<TcpStream, FailureKind> {
        let fits = |addr: &&SocketAddr| source.is_none_or(|source| source.is_ipv4() == addr.is_ipv4());
        let addr = self.addrs.iter().find(fits).or(self.addrs.first()).ok_or(FailureKind::UnknownHost)?;
        let connected = timeout(CONNECT, connect(*addr, source)).await;
        let stream = connected.map_err(|_| FailureKind::ConnectTimeout)?.map_err(|error| kind_of(&error))?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
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

/// What an error of the system or of TLS means for a browser.
pub(super) fn kind_of(error: &io::Error) -> FailureKind {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match tls {
            rustls::Error::InvalidCertificate(_) => FailureKind::Certificate,
            rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => FailureKind::NoHttp2,
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
        let way = Way::new("http://127.0.0.1:8080/st", None).await.unwrap();
        assert_eq!((way.host.as_str(), way.prefix.as_str()), ("127.0.0.1:8080", "/st"));
        assert_eq!(way.origin, "http://127.0.0.1:8080");
        let way = Way::new("http://[::1]:81", None).await.unwrap();
        assert_eq!(way.addrs[0], "[::1]:81".parse().unwrap());
        assert!(matches!(Dialer::new("ftp://x", None).await, Err(DialError::Url(_))));
    }

    #[tokio::test]
    async fn a_browser_takes_the_address_of_its_scheme() {
        let url = |way: &Way| way.origin.clone();
        let one = Dialer::new("http://127.0.0.1:1", None).await.unwrap();
        assert_eq!((url(one.way(true)), url(one.way(false))), (url(&one.way), url(&one.way)));
        let both = one.or("https://127.0.0.1:2", None).await.unwrap();
        assert_eq!(url(both.way(true)), "https://127.0.0.1:2");
        assert_eq!(url(both.way(false)), "http://127.0.0.1:1");
        assert!(both.nowhere().is_none());
        let lost = both.or("http://nowhere.invalid", None).await.unwrap();
        assert!(lost.nowhere().unwrap().starts_with("nowhere.invalid has no address"));
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
            match dialer.way(false).dial(None).await {
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
        assert_eq!(dialer.way(false).dial(None).await.err(), Some(FailureKind::UnknownHost));
    }
}
