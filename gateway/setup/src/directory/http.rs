//! A small HTTP client for the REST paths: one connection, kept while it lasts, every wait limited.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::DirectoryError;
use crate::config::Url;

/// Where Debian and its relatives keep the authorities that the system trusts.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A page of documents is not longer.
const MOST_BYTES: usize = 64 << 20;
/// A search in a large directory may take its time.
const PATIENCE: Duration = Duration::from_secs(120);
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Why an authority file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", .0.display(), .1)]
pub struct BadAuthorities(PathBuf, String);

/// TLS settings that trust the authorities of a PEM file, or the system's.
pub fn tls(ca: Option<&Path>) -> Result<Arc<ClientConfig>, BadAuthorities> {
    let path = ca.unwrap_or(Path::new(SYSTEM_CA));
    let bad = |problem: String| BadAuthorities(path.to_owned(), problem);
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    if roots.is_empty() {
        return Err(bad("holds no certificate".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A client of one service.
pub struct Client {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    /// Where to connect, instead of where the name leads.
    at: Option<SocketAddr>,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Client {
    /// A client; nothing is connected yet. `tls` is needed for https.
    pub fn new(url: Url, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { url, tls, at: None, open: None }
    }

    /// Connects to this address instead of where the name leads.
    pub fn at(self, at: Option<SocketAddr>) -> Self {
        Self { at, ..self }
    }

    /// Sends a request and waits for the whole answer, whatever its status is.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, DirectoryError> {
        let harmless = method == Method::GET;
        self.exchange(&method, path, headers, body, harmless).await
    }

    /// As [`Self::send`], for a `POST` that changes nothing and may be sent again.
    pub(super) async fn query(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, DirectoryError> {
        self.exchange(&Method::POST, path, headers, body, true).await
    }

    /// The server may close an idle connection at any time. What has not left goes out again on a new connection;
    /// what may have been done does so only if that is harmless.
    async fn exchange(
        &mut self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        harmless: bool,
    ) -> Result<Answer, DirectoryError> {
        if self.open.is_some() {
            // The connection's own task gets a turn to hear that the server has closed it.
            tokio::task::yield_now().await;
        }
        let reused = self.open.as_ref().is_some_and(|open| !open.sender.is_closed());
        match self.try_send(method, path, headers, body).await {
            Err(DirectoryError::Unreachable(_)) if reused => self.try_send(method, path, headers, body).await,
            Err(DirectoryError::Lost(_)) if reused && harmless => {
                self.try_send(method, path, headers, body).await
            }
            other => other,
        }
    }

    async fn try_send(
        &mut self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, DirectoryError> {
        let mut open = match self.open.take().filter(|open| !open.sender.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        let host = if self.url.host.contains(':') {
            format!("[{}]:{}", self.url.host, self.url.port)
        } else {
            format!("{}:{}", self.url.host, self.url.port)
        };
        let mut request = Request::builder().method(method.clone()).uri(path).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body)))
            .map_err(|error| DirectoryError::BadAnswer(error.to_string()))?;
        let exchange = async {
            open.sender.ready().await.map_err(|error| DirectoryError::Unreachable(plain(&error)))?;
            let answer = open.sender.send_request(request).await.map_err(|error| {
                if error.is_canceled() {
                    DirectoryError::Unreachable(plain(&error))
                } else {
                    DirectoryError::Lost(plain(&error))
                }
            })?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MOST_BYTES).collect().await;
            let body = body.map_err(|error| DirectoryError::Lost(error.to_string()))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = timeout(PATIENCE, exchange)
            .await
            .map_err(|_| DirectoryError::Lost(format!("nothing came within {} s", PATIENCE.as_secs())))??;
        self.open = Some(open);
        Ok(answer)
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        match self.at {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((self.url.host.as_str(), self.url.port)).await,
        }
    }

    async fn connect(&self) -> Result<Open, DirectoryError> {
        let failed = |error: io::Error| DirectoryError::Unreachable(error.to_string());
        let late = || failed(io::ErrorKind::TimedOut.into());
        let stream = timeout(CONNECT_PATIENCE, self.dial()).await.map_err(|_| late())?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let Some(config) = self.tls.as_ref().filter(|_| self.url.tls) else { return started(stream).await };
        let name = ServerName::try_from(self.url.host.clone())
            .map_err(|error| DirectoryError::Unreachable(error.to_string()))?;
        let connect = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        let stream = timeout(CONNECT_PATIENCE, connect).await.map_err(|_| late())?.map_err(failed)?;
        started(stream).await
    }
}

async fn started<S>(stream: S) -> Result<Open, DirectoryError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| DirectoryError::Unreachable(plain(&error)))?;
    // How it ends is seen by whoever waits for an answer.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok(Open { sender, task })
}

fn plain(error: &hyper::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// Text as a part of a URL's query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    /// How the server ends the first connection, after it has answered one request.
    #[derive(Clone, Copy, Debug)]
    enum End {
        /// While nothing is asked; nobody has heard of it when the next request comes.
        Idle,
        /// When the second request has come.
        Asked,
    }

    /// A server that answers one request on the first connection and all on later ones, and counts what it was sent.
    fn server(end: End) -> (Client, Door, thread::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ((close, closing), (closed, when)) = (mpsc::sync_channel(1), mpsc::sync_channel(1));
        let task = thread::spawn(move || {
            let mut count = 0;
            let mut bytes = [0; 4096];
            let (mut first, _) = listener.accept().unwrap();
            assert!(first.read(&mut bytes).unwrap() > 0);
            first.write_all(ANSWER).unwrap();
            match end {
                End::Idle => closing.recv().unwrap(),
                End::Asked => {
                    assert!(first.read(&mut bytes).unwrap() > 0);
                    count += 1;
                }
            }
            drop(first);
            closed.send(()).unwrap_or_default();
            // The test's own last connection ends the server.
            loop {
                let (mut next, _) = listener.accept().unwrap();
                match next.read(&mut bytes) {
                    Ok(read) if read > 0 => {
                        count += 1;
                        next.write_all(ANSWER).unwrap();
                    }
                    _ => return count,
                }
            }
        });
        let url = Url { tls: false, host: "127.0.0.1".to_owned(), port };
        (Client::new(url, None), Door { close, when }, task)
    }

    /// Closes the server's first connection.
    struct Door {
        close: mpsc::SyncSender<()>,
        when: mpsc::Receiver<()>,
    }

    async fn second(end: End, method: Method) -> (Result<u16, DirectoryError>, usize) {
        let (mut client, door, task) = server(end);
        client.send(Method::GET, "/", &[], b"").await.unwrap();
        if matches!(end, End::Idle) {
            // Blocks this thread, and with it the task that would notice the end.
            door.close.send(()).unwrap();
            door.when.recv().unwrap();
        }
        let answer = match method {
            // Stands for a query.
            Method::OPTIONS => client.query("/", &[], b"x").await,
            method => client.send(method, "/", &[], b"x").await,
        };
        let port = client.url.port;
        drop(client);
        drop(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
        (answer.map(|answer| answer.status.as_u16()), task.join().unwrap())
    }

    #[tokio::test]
    async fn what_never_left_goes_out_again_whatever_it_is() {
        for method in [Method::GET, Method::OPTIONS, Method::POST, Method::PATCH, Method::DELETE] {
            assert_eq!(second(End::Idle, method.clone()).await, (Ok(200), 1), "{method}");
        }
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_sent_again_only_if_it_changes_nothing() {
        for method in [Method::GET, Method::OPTIONS] {
            assert_eq!(second(End::Asked, method.clone()).await, (Ok(200), 2), "{method}");
        }
        for method in [Method::POST, Method::PATCH, Method::DELETE] {
            let (answer, count) = second(End::Asked, method.clone()).await;
            assert!(matches!(answer, Err(DirectoryError::Lost(_))), "{method}: {answer:?}");
            assert_eq!(count, 1, "{method}");
        }
    }
}
