//! An upstream of the matrix.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;

use super::client::fed;
use crate::edge::tls::Certificate;

/// How the upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Up {
    Http,
    Https,
    Http2,
}

impl Up {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Http2 => "http2",
        }
    }
}

pub(super) struct Origin {
    pub(super) up: Up,
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    asked: AtomicUsize,
    go: Notify,
}

impl Origin {
    pub(super) async fn start(up: Up, certificate: &Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let mut tls = certificate.server().as_ref().clone();
        if up == Up::Http2 {
            tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        let tls = (up != Up::Http).then(|| TlsAcceptor::from(Arc::new(tls)));
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, tls.clone(), Arc::clone(&serving)));
            }
        });
        Self { up, address, shared }
    }

    /// Requests that have come so far.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Lets whoever waits go on.
    pub(super) fn go(&self) {
        self.shared.go.notify_one();
    }
}

/// A page in two halves, the first of which ends within the second of its addresses.
pub(super) fn halves(origin: &str) -> [String; 2] {
    let (start, rest) = origin.split_at(origin.len() - 3);
    [
        format!("<script src=\"{origin}/a.js\"></script>{}<a href=\"{start}", "x".repeat(2000)),
        format!("{rest}/b\">b</a>{}", "y".repeat(2000)),
    ]
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let service = service_fn(move |request| answer(request, scheme, Arc::clone(&shared)));
    let Some(tls) = tls else {
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        return;
    };
    let Ok(stream) = tls.accept(stream).await else { return };
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    if two {
        let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
    } else {
        let _ = http1::Builder::new().serve_connection(io, service).with_upgrades().await;
    }
}

async fn answer(
    mut request: Request<Incoming>,
    scheme: &'static str,
    shared: Arc<Shared>,
) -> Result<Response<UnsyncBoxBody<Bytes, hyper::Error>>, http::Error> {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().splitn(3, '/').nth(2).unwrap_or_default().to_owned();
    match path.as_str() {
        "version" => Response::builder().body(text(&format!("{:?}", request.version()))),
        "echo" => Response::builder().header("trailer", "x-sum").body(request.into_body().boxed_unsync()),
        "stwebapi/RTCServlet/poll" => {
            shared.go.notified().await;
            Response::builder().body(text("news"))
        }
        "events" => {
            let (send, receive) = mpsc::channel(1);
            tokio::spawn(async move {
                for event in ["data: 1\n\n", "data: 2\n\n"] {
                    if send.send(Frame::data(Bytes::from(event))).await.is_err() {
                        return;
                    }
                    shared.go.notified().await;
                }
            });
            Response::builder().header("content-type", "text/event-stream").body(fed(receive))
        }
        "head" => Response::builder().header("content-length", "1234").body(text("")),
        "page" => {
            let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
            let host = host.or_else(|| request.uri().authority().map(ToString::to_string)).unwrap();
            let (send, receive) = mpsc::channel(1);
            tokio::spawn(async move {
                let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                for half in halves(&format!("{scheme}://{host}")) {
                    coder.write_all(half.as_bytes()).unwrap();
                    coder.flush().unwrap();
                    let coded = std::mem::take(coder.get_mut());
                    if send.send(Frame::data(Bytes::from(coded))).await.is_err() {
                        return;
                    }
                    shared.go.notified().await;
                }
                let _ = send.send(Frame::data(Bytes::from(coder.finish().unwrap()))).await;
            });
            let response = Response::builder().header("content-type", "text/html; charset=utf-8");
            response.header("content-encoding", "gzip").header("content-md5", "x").body(fed(receive))
        }
        "304" => Response::builder().status(304).header("etag", "\"e\"").body(text("")),
        "socket" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
            let switching = Response::builder().status(101);
            switching.header("connection", "upgrade").header("upgrade", "echo").body(text(""))
        }
        _ => Response::builder().body(text("hello")),
    }
}

fn text(text: &str) -> UnsyncBoxBody<Bytes, hyper::Error> {
    Full::from(text.to_owned()).map_err(|never| match never {}).boxed_unsync()
}
