//! TLS towards upstreams: who is believed, what is asked for, and what is shown.

use std::sync::Arc;

use gateway::config::{Upstream, tls};
use rcgen::{CertificateParams, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;

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
