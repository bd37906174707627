//! TLS towards browsers. Certificates come in the configuration and change with it; the protocol of a
//! connection is decided by ALPN, never by looking at its first bytes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// Why there is no TLS connection; always the browser's or the network's doing.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    #[error("no TLS handshake within the time limit")]
    TimedOut,
    #[error("TLS handshake failed: {0}")]
    Failed(io::Error),
}

/// The same certificates with the protocols that we speak, best first.
pub fn for_browsers(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Completes the handshake, or gives the connection up.
pub async fn handshake(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    limit: Duration,
) -> Result<(TlsStream<TcpStream>, Protocol), HandshakeError> {
    let stream = tokio::time::timeout(limit, TlsAcceptor::from(config).accept(stream))
        .await
        .map_err(|_| HandshakeError::TimedOut)?
        .map_err(HandshakeError::Failed)?;
    // A browser that offers no ALPN speaks HTTP/1.1.
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok((stream, protocol))
}
