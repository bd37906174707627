//! Opens connections to upstreams, plain or TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
pub(super) type BoxedIo = Box<dyn Io>;

/// Resolves, connects and shakes hands within `limit`.
pub(super) async fn dial(
    host: &str,
    port: u16,
    tls: Option<(Arc<ClientConfig>, &str)>,
    limit: Duration,
) -> io::Result<BoxedIo> {
    let connect = async {
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        stream.set_nodelay(true)?;
        let Some((client, name)) = tls else { return Ok(Box::new(stream) as BoxedIo) };
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(client).connect(name, stream).await?) as BoxedIo)
    };
    timeout(limit, Box::pin(connect)).await?
}
