//! Certificates made for a test, and TLS clients that believe them.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use gateway::config::{Upstream, UpstreamRoute};
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::soon;

/// A self-signed certificate for `im.example`.
#[derive(Clone)]
pub struct Certificate {
    pub der: CertificateDer<'static>,
    key: Arc<KeyPair>,
}

impl Certificate {
    pub fn new(common_name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["im.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, key: Arc::new(key) }
    }

    pub fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], key)
            .unwrap();
        Arc::new(config)
    }

    /// Chain and key, as files have them.
    pub fn pem(&self) -> (String, String) {
        let chain = base64::engine::general_purpose::STANDARD.encode(&self.der);
        let chain = format!("-----BEGIN CERTIFICATE-----\n{chain}\n-----END CERTIFICATE-----\n");
        (chain, self.key.serialize_pem())
    }

    /// A client that believes nobody else.
    pub fn client(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// Connects as a browser that offers these protocols.
    pub async fn connect(&self, address: SocketAddr, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let config = self.client(alpn);
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("im.example").unwrap();
        soon("a TLS handshake", TlsConnector::from(config).connect(name, stream)).await
    }
}

/// A plain upstream.
pub fn upstream(address: SocketAddr) -> UpstreamRoute {
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let upstream = Upstream::at(false, &address.ip().to_string(), address.port(), Arc::new(client));
    UpstreamRoute { connect_timeout: super::PATIENCE, ..UpstreamRoute::to(vec![upstream]) }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
