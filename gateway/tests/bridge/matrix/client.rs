//! A browser of the matrix.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::edge::Gateway;
use crate::edge::tls::Certificate;
use crate::support::within;

/// How the browser comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Down {
    Plain,
    Tls,
    Http2,
}

pub(super) enum Client {
    One(http1::SendRequest<UnsyncBoxBody<Bytes, Never>>),
    Two(http2::SendRequest<UnsyncBoxBody<Bytes, Never>>),
}

type Never = std::convert::Infallible;

/// An answer, read whole.
pub(super) struct Whole {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

impl Whole {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

impl Client {
    pub(super) async fn to(gateway: &Gateway, certificate: &Certificate, down: Down) -> Self {
        match down {
            Down::Plain => Self::one(TcpStream::connect(gateway.http()).await.unwrap()).await,
            Down::Tls => Self::one(certificate.connect(gateway.https(), &["http/1.1"]).await.unwrap()).await,
            Down::Http2 => {
                let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                Self::Two(sender)
            }
        }
    }

    async fn one(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self::One(sender)
    }

    /// The head of the answer.
    pub(super) async fn start(
        &mut self,
        request: Request<UnsyncBoxBody<Bytes, Never>>,
    ) -> Response<Incoming> {
        let answer = within(async {
            match self {
                Self::One(sender) => {
                    sender.ready().await.unwrap();
                    sender.send_request(request).await
                }
                Self::Two(sender) => sender.send_request(request).await,
            }
        });
        answer.await.unwrap()
    }

    pub(super) async fn ask(&mut self, request: Request<UnsyncBoxBody<Bytes, Never>>) -> Whole {
        let (head, body) = self.start(request).await.into_parts();
        let body = within(body.collect()).await.unwrap();
        let trailers = body.trailers().cloned();
        Whole { status: head.status, headers: head.headers, body: body.to_bytes(), trailers }
    }
}

pub(super) fn empty() -> UnsyncBoxBody<Bytes, Never> {
    Empty::new().boxed_unsync()
}

/// A body that is fed from outside and ends when nobody feeds it any more.
pub(super) fn body() -> (mpsc::Sender<Frame<Bytes>>, UnsyncBoxBody<Bytes, Never>) {
    let (send, receive) = mpsc::channel(2);
    (send, fed(receive))
}

pub(super) fn fed<E: Send + 'static>(receive: mpsc::Receiver<Frame<Bytes>>) -> UnsyncBoxBody<Bytes, E> {
    let frames = futures_util::stream::unfold(receive, |mut receive| async move {
        let frame = receive.recv().await?;
        Some((Ok(frame), receive))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// `None` at the end.
pub(super) async fn next_data(body: &mut Incoming) -> Option<Bytes> {
    loop {
        let frame = within(body.frame()).await?.unwrap();
        // HTTP/2 may end a body with a frame of nothing.
        if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
            return Some(data);
        }
    }
}
