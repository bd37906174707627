//! An upstream of raw bytes: no HTTP library between the test and the wire.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gateway::config::Upstream;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::edge::ports;
use tokio_rustls::TlsAcceptor;

use super::{Io, within};

/// Listens, and runs a script per connection.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    tls: bool,
    client: Arc<ClientConfig>,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    pub(crate) async fn http<F, Fut>(script: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::start(None, trusting(RootCertStore::empty()), script).await
    }

    /// For `localhost`, with a certificate that the routes to it trust.
    pub(crate) async fn https<F, Fut>(script: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::secure(&[], script).await
    }

    /// The same, and the script speaks HTTP/2.
    pub(crate) async fn http2<F, Fut>(script: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::secure(&[b"h2"], script).await
    }

    async fn secure<F, Fut>(alpn: &[&[u8]], script: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        server.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        Self::start(Some(TlsAcceptor::from(Arc::new(server))), trusting(roots), script).await
    }

    /// With TLS settings of its own; nobody trusts it yet.
    pub(crate) async fn with<F, Fut>(server: ServerConfig, script: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let acceptor = TlsAcceptor::from(Arc::new(server));
        Self::start(Some(acceptor), trusting(RootCertStore::empty()), script).await
    }

    /// Answers each request with its own head as the body, for ever.
    pub(crate) async fn mirror() -> Self {
        Self::http(|mut peer| async move {
            while let Some(head) = peer.head().await {
                peer.answer(&head).await;
            }
        })
        .await
    }

    async fn start<F, Fut>(tls: Option<TlsAcceptor>, client: Arc<ClientConfig>, script: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = Self {
            address: listener.local_addr().unwrap(),
            tls: tls.is_some(),
            client,
            connections: Arc::default(),
            open: Arc::default(),
            heads: Arc::default(),
        };
        let (connections, open, heads) =
            (backend.connections.clone(), backend.open.clone(), backend.heads.clone());
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let nth = connections.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (tls, open, heads, script) = (tls.clone(), open.clone(), heads.clone(), script.clone());
                tokio::spawn(async move {
                    let io: Option<Box<dyn Io>> = match tls {
                        None => Some(Box::new(stream)),
                        Some(tls) => tls.accept(stream).await.ok().map(|io| Box::new(io) as Box<dyn Io>),
                    };
                    if let Some(io) = io {
                        script(Peer { nth, io, buffer: Vec::new(), heads }).await;
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        backend
    }

    pub(crate) fn upstream(&self) -> Upstream {
        let host = if self.tls { "localhost" } else { "127.0.0.1" };
        Upstream::at(self.tls, host, self.address.port(), self.client.clone())
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many scripts are running.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Every head that was received.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// An upstream where nobody listens.
pub(crate) fn nobody() -> Upstream {
    Upstream::at(false, "127.0.0.1", ports::CLOSED.port(), trusting(RootCertStore::empty()))
}

pub(crate) fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// One connection from the gateway.
pub(crate) struct Peer {
    /// Counts from 0.
    pub(crate) nth: usize,
    pub(crate) io: Box<dyn Io>,
    buffer: Vec<u8>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// `None` at the end of the connection.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let head = self.take_until(b"\r\n\r\n").await?;
        let head = String::from_utf8(head).unwrap();
        self.note(&head);
        Some(head)
    }

    /// A request has come.
    pub(crate) fn note(&self, head: &str) {
        self.heads.lock().unwrap().push(head.to_owned());
    }

    /// Every head that the backend has received.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Some(self.buffer.drain(..length).collect())
    }

    pub(crate) async fn take_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return Some(self.buffer.drain(..at + end.len()).collect());
            }
            self.fill().await?;
        }
    }

    /// What has come so far and was not taken, after the gateway has ended its side.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        within(async { while self.fill().await.is_some() {} }).await;
        std::mem::take(&mut self.buffer)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The gateway may have gone, by intention of the test.
        let _ = self.io.write_all(bytes.as_ref()).await;
        let _ = self.io.flush().await;
    }

    /// 200 with that body.
    pub(crate) async fn answer(&mut self, body: &str) {
        self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    }

    async fn fill(&mut self) -> Option<()> {
        let mut chunk = vec![0; 16 << 10];
        let read = self.io.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        self.buffer.extend_from_slice(&chunk[..read]);
        Some(())
    }
}
