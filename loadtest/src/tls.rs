//! TLS as a client: whom to trust, and what to speak behind it.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

/// Where Debian and its relatives keep the system's authorities.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why TLS cannot be spoken at all.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The authorities.
    #[error("{file}: {error}")]
    Authorities {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The TLS library does not take these settings.
    #[error("TLS: {0}")]
    Settings(#[from] rustls::Error),
}

/// `ca` are the authorities, by default the system's; `protocols` is what is offered for the time after the
/// handshake (ALPN).
pub(crate) fn client(ca: Option<&Path>, protocols: &[&[u8]]) -> Result<ClientConfig, TlsError> {
    let file = ca.unwrap_or(Path::new(SYSTEM_CA));
    let wrong = |error| TlsError::Authorities { file: file.display().to_string(), error };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(wrong)? {
        // One odd certificate does not spoil the others.
        let _ = roots.add(certificate.map_err(wrong)?);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
