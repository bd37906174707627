//! TLS towards upstreams: who is believed, what is asked for, and what is shown.

use std::sync::{Arc, Mutex};

use gateway::config::{Upstream, UpstreamRoute, tls};
use rcgen::{CertificateParams, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::edge::Setup;
use crate::edge::client::fetch;
use crate::edge::tls::Certificate;
use crate::support::{Backend, Browser, Peer, Setting};

struct Own {
    chain: Vec<rustls_pki_types::CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: RootCertStore,
}

fn own(name: &str) -> Own {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Own { chain: vec![certificate.der().clone()], key, roots }
}

async fn answering(server: ServerConfig) -> Backend {
    Backend::with(server, |mut peer: Peer| async move {
        while peer.head().await.is_some() {
            peer.answer("in").await;
        }
    })
    .await
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

async fn status(upstream: Upstream) -> u16 {
    let front = Setting::upstreams(vec![upstream]).start().await;
    Browser::at(&front).await.get("/").await.status
}

#[tokio::test]
async fn an_upstream_that_asks_for_a_certificate_is_shown_one() {
    let (server, user, other) = (own("st.example"), own("gateway"), own("other"));
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(user.roots.clone()), provider())
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(server.chain.clone(), server.key.clone_key())
        .unwrap();
    let backend = answering(config).await;
    for (shown, expected) in [(None, 502), (Some(&other), 502), (Some(&user), 200)] {
        let shown = shown.map(|own| tls::certified(own.chain.clone(), own.key.clone_key()).unwrap());
        let client = tls::client_as(server.roots.clone(), false, shown).unwrap();
        let mut upstream = Upstream::at(true, "127.0.0.1", backend.address.port(), client);
        upstream.server_name = Some("st.example".to_owned());
        assert_eq!(status(upstream).await, expected);
    }
}

#[tokio::test]
async fn the_configured_name_and_version_are_insisted_on() {
    let server = own("st.example");
    let config = |versions: &[&'static rustls::SupportedProtocolVersion]| {
        ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(server.chain.clone(), server.key.clone_key())
            .unwrap()
    };
    let old = answering(config(&[&rustls::version::TLS12])).await;
    let new = answering(config(&[&rustls::version::TLS13])).await;
    for (backend, name, newest, expected) in [
        (&old, Some("st.example"), false, 200),
        (&old, Some("st.example"), true, 502),
        (&new, Some("st.example"), true, 200),
        (&new, Some("other.example"), true, 502),
        (&new, None, true, 502),
    ] {
        let client = tls::client_as(server.roots.clone(), newest, None).unwrap();
        let mut upstream = Upstream::at(true, "127.0.0.1", backend.address.port(), client);
        upstream.server_name = name.map(str::to_owned);
        assert_eq!(status(upstream).await, expected, "{name:?} {newest}");
    }
}

/// Its certificate can be changed while it runs; every connection serves one request.
async fn changeable(own: &Certificate) -> (u16, Arc<Mutex<Certificate>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shown = Arc::new(Mutex::new(own.clone()));
    let now = Arc::clone(&shown);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = tokio_rustls::TlsAcceptor::from(now.lock().unwrap().server());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
                let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, shown)
}

#[tokio::test]
async fn a_reload_follows_an_upstream_to_its_new_certificate() {
    let (old, new) = (Certificate::new("old"), Certificate::new("new"));
    let (port, shown) = changeable(&old).await;
    let trusting = |own: &Certificate| {
        let server_name = Some("im.example".to_owned());
        let upstream = Upstream { server_name, ..Upstream::at(true, "127.0.0.1", port, own.client(&[])) };
        Setup::default().passing("/up", UpstreamRoute::to(vec![upstream]))
    };
    let gateway = trusting(&old).start().await;
    let status = async || fetch(gateway.http(), "/up").await.status;
    assert_eq!(status().await, 200);
    *shown.lock().unwrap() = new.clone();
    assert_eq!(status().await, 502, "nobody vouches for the new one yet");
    gateway.reads_next(Ok(trusting(&new)));
    gateway.running.reload().await.unwrap();
    assert_eq!(status().await, 200);
    *shown.lock().unwrap() = old;
    assert_eq!(status().await, 502, "the old one is not believed any more");
    gateway.running.stop().await;
}
