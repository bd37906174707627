//! Clients: raw bytes over a socket, and whole requests over HTTP/1.1 or HTTP/2.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A connection that stays open for more than one request.
pub enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub async fn plain(address: SocketAddr) -> Self {
        Self::http1(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn http1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self::Http1(sender)
    }

    pub async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self::Http2(sender)
    }

    /// The whole answer, or why there is none.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        let response = soon("an answer", async {
            match self {
                Self::Http1(sender) => sender.send_request(request).await,
                Self::Http2(sender) => sender.send_request(request).await,
            }
        })
        .await?;
        let (head, body) = response.into_parts();
        let body = soon("a body", body.collect()).await?.to_bytes();
        Ok(Answer {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    pub async fn get(&mut self, path: &str) -> Result<Answer, hyper::Error> {
        let request = match self {
            Self::Http1(_) => get(path),
            Self::Http2(_) => get(&format!("https://im.example{path}")),
        };
        self.send(request).await
    }

    /// Whether the other side has closed.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

/// A GET to `im.example`.
pub fn get(uri: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().uri(uri);
    let request = if uri.starts_with('/') { request.header("host", "im.example") } else { request };
    request.body(Full::default()).unwrap()
}

/// A GET to `im.example` with these headers.
pub fn get_with(path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let request = Request::builder().uri(path).header("host", "im.example");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Full::default()).unwrap()
}

/// As [`get_with`], but POST.
pub fn post_with(path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = get_with(path, headers);
    *request.method_mut() = http::Method::POST;
    request
}

/// One request on a connection of its own.
pub async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    Connection::plain(address).await.send(request).await.unwrap()
}

/// The same with a body.
pub async fn send_body(address: SocketAddr, request: Request<Full<Bytes>>, body: &str) -> Answer {
    send(address, request.map(|_| Full::from(body.to_owned()))).await
}

/// One GET on a connection of its own.
pub async fn fetch(address: SocketAddr, path: &str) -> Answer {
    send(address, get(path)).await
}

/// Writes bytes and reads until the other side closes.
pub async fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

/// Everything until the other side closes or resets.
pub async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let _ = soon("the end of a connection", stream.read_to_end(&mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}
